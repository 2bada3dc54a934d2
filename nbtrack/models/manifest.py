"""The `MLmodel` file: which flavors a folder has, its signature and where it came from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from nbtrack.errors import ModelError, NotFound
from nbtrack.models.param_schema import ParamSchema
from nbtrack.models.schema import Schema
from nbtrack.models.signature import ModelSignature

FILE_NAME = "MLmodel"
PYFUNC = "python_function"
_MAX_BYTES = 16 << 20  # a manifest has a few kilobytes; a foreign one must not fill the memory

# The C versions are ten times quicker and part of every wheel of PyYAML.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the ``MLmodel`` file says. ``extra`` holds the keys of other versions of the format, which are kept."""

    flavors: Mapping[str, Mapping[str, Any]]
    signature: ModelSignature | None = None
    model_id: str | None = None  # "m-" and 32 hex digits, given by a store
    model_uuid: str | None = field(default_factory=lambda: uuid.uuid4().hex)
    run_id: str | None = None
    artifact_path: str | None = None
    utc_time_created: str | None = field(default_factory=lambda: str(datetime.now(timezone.utc).replace(tzinfo=None)))
    model_size_bytes: int | None = None
    saved_input_example_info: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    mlflow_version: str | None = None  # None in folders that MLflow did not write
    nbtrack_version: str | None = None  # None in folders that nbtrack did not write
    extra: Mapping[str, Any] = field(default_factory=dict)

    def get_input_schema(self) -> Schema | None:
        """The schema of the input, if there is a signature with one."""
        return self.signature.inputs if self.signature else None

    def get_output_schema(self) -> Schema | None:
        """The schema of the output, if there is a signature with one."""
        return self.signature.outputs if self.signature else None

    def get_params_schema(self) -> ParamSchema | None:
        """The params, if there is a signature with some."""
        return self.signature.params if self.signature else None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the file; those that are None are left out, but for ``model_id``."""
        found = {name: getattr(self, name) for name in _KEYS if getattr(self, name) is not None or name == "model_id"}
        if self.signature is not None:
            found["signature"] = self.signature.to_dict()
        return {**self.extra, **found}

    def to_yaml(self) -> str:
        """The text of the file."""
        return dump_yaml(self.to_dict())

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Manifest:
        """Read the keys of the file; those that are not known are kept.

        Raises
        ------
        ModelError
            There are no flavors, or the signature is none.
        """
        flavors = found.get("flavors")
        if not isinstance(flavors, dict) or not all(isinstance(block, dict) for block in flavors.values()):
            raise ModelError(f"an MLmodel file maps flavors to their settings under the key 'flavors'; found {flavors!r:.80}")
        signature = found.get("signature")
        if signature is not None and not isinstance(signature, dict):
            raise ModelError(f"the signature of an MLmodel file holds inputs, outputs and params; found {signature!r:.80}")
        known: dict[str, Any] = {name: found.get(name) for name in _KEYS}
        # An empty signature is written where there is none by some versions.
        known["signature"] = ModelSignature.from_dict(signature) if signature and any(signature.values()) else None
        return cls(**known, extra={key: value for key, value in found.items() if key not in _KEYS})


_KEYS = tuple(item.name for item in fields(Manifest) if item.name != "extra")


def dump_yaml(content: Any, *, sort_keys: bool = True) -> str:
    """YAML in the block style that MLflow writes."""
    return str(yaml.dump(content, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=sort_keys))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the ``MLmodel`` file.

    Raises
    ------
    ModelError
        The metadata has a value that YAML does not know.
    """
    try:
        text = manifest.to_yaml()
    except yaml.YAMLError:
        raise ModelError(f"the metadata of a model is plain (texts, numbers, lists, dicts); {_not_plain(manifest.metadata, 'metadata')}") from None
    (folder / FILE_NAME).write_text(text, encoding="utf-8")


def read_manifest(folder: Path | str) -> Manifest:
    """Read the ``MLmodel`` file of a folder.

    Raises
    ------
    NotFound
        The folder does not exist.
    ModelError
        It is no model folder, or the file is no manifest.
    """
    path = Path(folder)
    if not path.is_dir():
        raise NotFound(f"there is no model folder {path}" + (": it is a file; give the folder that it is in" if path.exists() else ""))
    file = path / FILE_NAME
    if file.is_symlink() or not file.is_file():
        entries = sorted(entry.name for entry in path.iterdir())
        raise ModelError(f"{path} is no model folder: it has no file {FILE_NAME}. It has {', '.join(entries[:10]) or 'no files'}")
    if file.stat().st_size > _MAX_BYTES:
        raise ModelError(f"{file} has {file.stat().st_size:,} bytes; a manifest has at most {_MAX_BYTES:,}")
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{file} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} is no manifest: it holds {type(found).__name__} where keys are wanted")
    try:
        return Manifest.from_dict(found)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None


def _not_plain(value: Any, path: str) -> str:
    """Where in nested metadata the value is that cannot be written."""
    if isinstance(value, Mapping):
        children = [(f"{path}[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        children = [(f"{path}[{position}]", item) for position, item in enumerate(value)]
    else:
        return "" if isinstance(value, (str, int, float, bool, type(None))) else f"{path} holds a value of the type {type(value).__name__}: {value!r:.80}"
    return next((found for name, item in children if (found := _not_plain(item, name))), "")
