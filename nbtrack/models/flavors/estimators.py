"""Estimators with scikit-learn's interface as one file: pickled, or in the skops format, which holds no code."""

from __future__ import annotations

import inspect
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import ModelError, UntrustedModel
from nbtrack.models.flavors.base import LoadOptions
from nbtrack.models.pickling import CLOUDPICKLE, PICKLE, dump_pickle, load_pickle

SKOPS = "skops"
FORMATS = (CLOUDPICKLE, PICKLE, SKOPS)
FILES = {CLOUDPICKLE: "model.pkl", PICKLE: "model.pkl", SKOPS: "model.skops"}

# Classes of these packages restore their own numbers and parts when they are loaded, and run nothing else.
# Functions of them are another matter: a model could be made to call one on its input.
_KNOWN_PACKAGES = ("sklearn", "lightgbm", "xgboost")
_KNOWN_TYPES = ("collections.OrderedDict", "collections.defaultdict")
_MODULE = re.compile(r'"__module__": *"([\w.]+)"')


def dump_estimator(model: Any, folder: Path, serialization_format: str) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Write the estimator; returns the settings for the manifest, and the modules that it needs."""
    file = folder / FILES[serialization_format]
    if serialization_format != SKOPS:
        modules = dump_pickle(model, file, serialization_format=serialization_format)
        return {"serialization_format": serialization_format, "skops_trusted_types": None}, modules
    skops = require("skops.io", extra="skops", purpose="saving in the skops format")
    try:
        skops.dump(model, file)
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise ModelError(f"{type(model).__name__} cannot be saved in the skops format: {error}. Leave serialization_format out to pickle it") from error
    types = skops.get_untrusted_types(file=file)
    if unknown := _unknown(types):
        warnings.warn(f"the model has types that the skops format does not load without trusted=True elsewhere: {', '.join(unknown)}", stacklevel=5)
    return {"serialization_format": SKOPS, "skops_trusted_types": sorted(types) or None}, _modules_in(file)


def load_estimator(file: Path, serialization_format: object, options: LoadOptions) -> Any:
    """Load an estimator.

    The list of trusted types in a manifest counts for nothing: whoever made the folder wrote it.

    Raises
    ------
    UntrustedModel
        Nobody vouches for the file, and it is pickled, or has types of unknown packages.
    """
    if serialization_format in (CLOUDPICKLE, PICKLE):
        return load_pickle(file)
    if serialization_format != SKOPS:
        raise ModelError(f"{file} is in the format {serialization_format!r}, which is none of {', '.join(map(repr, FORMATS))}")
    skops = require("skops.io", extra="skops", purpose=f"loading {file.name}")
    try:
        types = skops.get_untrusted_types(file=file)
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ModelError(f"{file} is no complete skops file: {error}") from error
    if not options.trusted and (unknown := _unknown(types)):
        raise UntrustedModel(
            f"{file} has types that are not known to run no code: {', '.join(unknown)}. If you trust whoever made it, load it with trusted=True"
        )
    return skops.load(file, trusted=types)


def _unknown(types: Iterable[str]) -> list[str]:
    return sorted(name for name in types if name not in _KNOWN_TYPES and not _is_known_class(name))


def _is_known_class(name: str) -> bool:
    """True for a class that one of the known packages defines; its module is imported to see that it is one."""
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] not in _KNOWN_PACKAGES:
        return False
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return False
    return inspect.isclass(found) and found.__module__.partition(".")[0] in _KNOWN_PACKAGES


def _modules_in(file: Path) -> frozenset[str]:
    with zipfile.ZipFile(file) as archive:
        return frozenset(_MODULE.findall(archive.read("schema.json").decode("utf-8")))
