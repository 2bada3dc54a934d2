"""``mlflow.register_model`` and its siblings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.mlflow.entities.model_registry import ModelVersion, RegisteredModel
from nbtrack.tracking.client import Client


@speaks_mlflow
def register_model(model_uri: str, name: str, await_registration_for: int | None = 300, *, tags: Mapping[str, Any] | None = None) -> ModelVersion:
    """Make a version of the registered model ``name``; a failed call leaves nothing, and nothing is to be awaited."""
    return ModelVersion.of(Client().register_model(model_uri, name, tags=tags))


@speaks_mlflow
def search_model_versions(max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None) -> list[ModelVersion]:
    """Versions by a filter; latest changed first."""
    return [ModelVersion.of(found) for found in Client().search_model_versions(filter_string, max_results or 10_000, order_by)]


@speaks_mlflow
def search_registered_models(max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None) -> list[RegisteredModel]:
    """Registered models by a filter."""
    return [RegisteredModel.of(found) for found in Client().search_registered_models(filter_string, max_results or 10_000, order_by)]


@speaks_mlflow
def set_model_version_tag(name: str, version: int | str | None = None, key: str | None = None, value: Any = None) -> None:
    """Set a tag of a version."""
    Client().set_model_version_tag(name, version, key, value)
