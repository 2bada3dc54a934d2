"""``mlflow.pytorch``: PyTorch models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.autologging.api import autolog_flavor
from nbtrack.mlflow import _models
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.tracking.models import ModelInfo

__all__ = ["autolog", "load_model", "log_model", "save_model"]

_FLAVOR = "pytorch"


def log_model(
    pytorch_model: Any, artifact_path: str | None = None, conda_env: Any = None, code_paths: Any = None, *, name: str | None = None, **options: Any
) -> ModelInfo:
    """Save a fitted model with the active run, under ``name`` (or ``artifact_path``, which is the same).

    The options are MLflow's: ``signature``, ``input_example``, ``registered_model_name``,
    ``pip_requirements``, ``extra_pip_requirements``, ``metadata``, ``serialization_format``.
    """
    return _models.log_model(_FLAVOR, pytorch_model, artifact_path, name, {"conda_env": conda_env, "code_paths": code_paths, **options})


def save_model(pytorch_model: Any, path: str | Path, conda_env: Any = None, code_paths: Any = None, **options: Any) -> None:
    """Save a fitted model as a folder; the options are those of ``log_model`` without the registration."""
    _models.save_model(_FLAVOR, pytorch_model, path, {"conda_env": conda_env, "code_paths": code_paths, **options})


def load_model(model_uri: str, dst_path: str | Path | None = None, *, map_location: Any = None, trusted: bool = False) -> Any:
    """The model as its library made it, on the device ``map_location``, by ``runs:/``, ``models:/`` or from a folder.

    ``trusted`` vouches for a folder that neither a run nor this process wrote.
    """
    return _models.load_model(
        model_uri, wanted=_FLAVOR, dst_path=dst_path, trusted=trusted, model_config=None if map_location is None else {"device": str(map_location)}
    )


@speaks_mlflow
def autolog(
    log_every_n_epoch: int = 1,
    log_every_n_step: int | None = None,
    log_models: bool = True,
    log_datasets: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    registered_model_name: str | None = None,
    extra_tags: Mapping[str, str] | None = None,
) -> None:
    """Log every fit of PyTorch Lightning. Metrics are logged by epoch; ``log_every_n_step`` changes nothing."""
    autolog_flavor(
        "lightning",
        log_every_n_epoch=log_every_n_epoch,
        log_models=log_models,
        log_datasets=log_datasets,
        disable=disable,
        exclusive=exclusive,
        disable_for_unsupported_versions=disable_for_unsupported_versions,
        silent=silent,
        registered_model_name=registered_model_name,
        extra_tags=extra_tags or {},
    )
