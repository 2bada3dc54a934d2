"""scikit-learn: estimators, pipelines, searches, and the user's own estimators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbtrack.models.files import inside
from nbtrack.models.flavors.base import Blocks, LoadOptions, MethodPredictor, SavedModel, SaveOptions, choose_format, library_version, setting
from nbtrack.models.flavors.estimators import FILES, FORMATS, SKOPS, dump_estimator, load_estimator
from nbtrack.models.manifest import PYFUNC
from nbtrack.models.pickling import PICKLE, has_base

NAME = "sklearn"
ACCEPTS = "a scikit-learn estimator, pipeline or search"
LOADER_MODULE = "mlflow.sklearn"
_PACKAGES = ("scikit-learn", "numpy", "scipy")


def matches(model: Any) -> bool:
    """True for an instance of a class that derives from ``BaseEstimator``."""
    return not isinstance(model, type) and has_base(model, "sklearn", "BaseEstimator")


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write ``model.pkl`` or ``model.skops``."""
    chosen = choose_format(options.serialization_format, FORMATS, NAME)
    settings, modules = dump_estimator(model, folder, chosen)
    native = {"code": None, "pickled_model": FILES[chosen], "sklearn_version": library_version("sklearn"), **settings}
    pyfunc = {"loader_module": LOADER_MODULE, "model_path": FILES[chosen], "predict_fn": options.predict_fn}
    needed = () if chosen == PICKLE else (chosen,)
    return SavedModel(native=native, pyfunc=pyfunc if hasattr(model, options.predict_fn) else None, packages=(*_PACKAGES, *needed), modules=modules)


def runs_code(blocks: Blocks) -> bool:
    """True but for the skops format."""
    return _format(blocks) != SKOPS


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The estimator."""
    return load_estimator(inside(folder, setting(blocks, NAME, "pickled_model"), "the model"), _format(blocks), options)


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> MethodPredictor:
    """The estimator behind the method that it was saved with."""
    return predictor(load(folder, blocks, options), str(blocks[PYFUNC].get("predict_fn", "predict")))


def predictor(model: Any, predict_fn: str) -> MethodPredictor:
    """An estimator behind one of its methods."""
    return MethodPredictor(model, predict_fn)


def _format(blocks: Blocks) -> object:
    """Early versions of the format pickled, and did not say so."""
    return blocks.get(NAME, {}).get("serialization_format", PICKLE)
