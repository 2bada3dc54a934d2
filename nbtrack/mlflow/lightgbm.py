"""``mlflow.lightgbm``: LightGBM models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.autologging.api import autolog_flavor
from nbtrack.mlflow import _models
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.tracking.models import ModelInfo

__all__ = ["autolog", "load_model", "log_model", "save_model"]

_FLAVOR = "lightgbm"


def log_model(
    lgb_model: Any, artifact_path: str | None = None, conda_env: Any = None, code_paths: Any = None, *, name: str | None = None, **options: Any
) -> ModelInfo:
    """Save a fitted model with the active run, under ``name`` (or ``artifact_path``, which is the same).

    The options are MLflow's: ``signature``, ``input_example``, ``registered_model_name``,
    ``pip_requirements``, ``extra_pip_requirements``, ``metadata``, ``serialization_format``.
    """
    return _models.log_model(_FLAVOR, lgb_model, artifact_path, name, {"conda_env": conda_env, "code_paths": code_paths, **options})


def save_model(lgb_model: Any, path: str | Path, conda_env: Any = None, code_paths: Any = None, **options: Any) -> None:
    """Save a fitted model as a folder; the options are those of ``log_model`` without the registration."""
    _models.save_model(_FLAVOR, lgb_model, path, {"conda_env": conda_env, "code_paths": code_paths, **options})


def load_model(model_uri: str, dst_path: str | Path | None = None, *, trusted: bool = False) -> Any:
    """The model as its library made it, by ``runs:/``, ``models:/`` or from a folder.

    ``trusted`` vouches for a folder that neither a run nor this process wrote.
    """
    return _models.load_model(model_uri, wanted=_FLAVOR, dst_path=dst_path, trusted=trusted)


@speaks_mlflow
def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    registered_model_name: str | None = None,
    extra_tags: Mapping[str, str] | None = None,
) -> None:
    """Log every fit of LightGBM."""
    autolog_flavor(
        "lightgbm",
        log_input_examples=log_input_examples,
        log_model_signatures=log_model_signatures,
        log_models=log_models,
        log_datasets=log_datasets,
        disable=disable,
        exclusive=exclusive,
        disable_for_unsupported_versions=disable_for_unsupported_versions,
        silent=silent,
        registered_model_name=registered_model_name,
        extra_tags=extra_tags or {},
    )
