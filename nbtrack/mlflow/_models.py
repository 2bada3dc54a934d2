"""What ``log_model``, ``save_model`` and ``load_model`` of all flavors share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from nbtrack.config import read_mlflow_options
from nbtrack.errors import InvalidInput, NotFound, did_you_mean
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.models import folder
from nbtrack.models.files import folder_digest
from nbtrack.models.manifest import Manifest, read_manifest
from nbtrack.registry.service import Registry
from nbtrack.registry.uris import ResolvedModel
from nbtrack.tracking import models
from nbtrack.tracking.models import ModelInfo
from nbtrack.tracking.session import current_session

_SAVE_OPTIONS = frozenset(
    "signature input_example pip_requirements extra_pip_requirements conda_env code_paths metadata serialization_format "
    "artifacts model_config pyfunc_predict_fn".split()
)
_LOG_OPTIONS = _SAVE_OPTIONS | {"registered_model_name"}
# Arguments of MLflow's that are about its own way of doing things, and change nothing about the model here.
_WITHOUT_EFFECT = frozenset({"await_registration_for", "step", "skops_trusted_types", "infer_code_paths", "streamable"})
_UNSUPPORTED = frozenset(
    "extra_files params tags model_type model_id mlflow_model loader_module data_path pickle_module requirements_file export_model "
    "resources auth_policy prompts".split()
)

# Digests of the folders that this process saved, whose bytes need nobody else to vouch for them.
_saved: set[str] = set()


@speaks_mlflow
def log_model(flavor: str, model: Any, artifact_path: str | None, name: str | None, options: Mapping[str, Any]) -> ModelInfo:
    """Save a model with the active run, under ``name`` or, which is the same, ``artifact_path``."""
    if name is not None and artifact_path is not None:
        raise InvalidInput("Both `artifact_path` (deprecated) and `name` parameters were specified. Please only specify `name`.")
    known = _known(options, _LOG_OPTIONS, "log_model")
    return current_session().current().log_model(model, name or artifact_path or "model", flavor=flavor, **_with_local_artifacts(known))


@speaks_mlflow
def save_model(flavor: str, model: Any, path: str | Path, options: Mapping[str, Any]) -> None:
    """Save a model as a folder."""
    folder.save_model(model, path, flavor=flavor, **_with_local_artifacts(_known(options, _SAVE_OPTIONS, "save_model")))
    _saved.add(folder_digest(Path(path)))


@speaks_mlflow
def load_model(
    model_uri: str,
    *,
    flavor: Literal["native", "pyfunc"] = "native",
    wanted: str | None = None,
    dst_path: str | Path | None = None,
    model_config: Mapping[str, Any] | None = None,
    trusted: bool = False,
) -> Any:
    """Load a model; ``wanted`` is the flavor that its manifest must have."""
    store, uri = current_session().reader(), str(model_uri)
    manifest, found = manifest_at(uri)
    if wanted is not None and wanted not in manifest.flavors:
        raise NotFound(f'Model does not have the "{wanted}" flavor; it has {", ".join(manifest.flavors)}')
    if found.run_id is None:
        trusted = trusted or read_mlflow_options().allow_pickle or (bool(_saved) and folder_digest(models.model_folder(store, found)) in _saved)
    return models.load_model(store, uri, flavor=flavor, trusted=trusted, dst_path=dst_path, model_config=model_config)


def manifest_at(uri: str) -> tuple[Manifest, ResolvedModel]:
    """The manifest of the model at a URI or in a folder, and where that is.

    Raises
    ------
    NotFound, InvalidPath, ModelError
    """
    store = current_session().reader()
    found = Registry(store, "").resolve(uri)
    return read_manifest(models.model_folder(store, found)), found


def _known(options: Mapping[str, Any], known: frozenset[str], function: str) -> dict[str, Any]:
    """The options that nbtrack has; others only where they change nothing.

    Raises
    ------
    InvalidInput
        An option has a value and nbtrack can't heed it.
    TypeError
        Neither MLflow nor nbtrack knows the option.
    """
    for name, value in options.items():
        if name in known or name in _WITHOUT_EFFECT or (name in _UNSUPPORTED and value in (None, False)):
            continue
        if name in _UNSUPPORTED:
            raise InvalidInput(
                f"{function}({name}=...) is not part of nbtrack's MLflow names. Leave it out; metadata={{...}} keeps what you want to note on a model"
            )
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}.{did_you_mean(name, known)}")
    return {name: value for name, value in options.items() if name in known and value is not None}


def _with_local_artifacts(options: dict[str, Any]) -> dict[str, Any]:
    """The artifacts of a Python model may be URIs of runs or models; they are copied here first."""
    from nbtrack.mlflow.artifacts import local_path

    if options.get("artifacts"):
        options["artifacts"] = {name: local_path(str(uri)) for name, uri in options["artifacts"].items()}
    return options


@speaks_mlflow
def requirements_path(uri: str, format: str) -> str:
    """Where the requirements of a model are."""
    files = {"pip": "requirements.txt", "conda": "conda.yaml"}
    if format not in files:
        raise InvalidInput(f"Illegal format option '{format}'; there are {', '.join(map(repr, files))}")
    store = current_session().reader()
    return str(models.model_folder(store, Registry(store, "").resolve(uri)) / files[format])
