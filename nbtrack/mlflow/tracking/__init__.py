"""``mlflow.tracking``."""

from __future__ import annotations

from nbtrack.mlflow.tracking.client import MlflowClient
from nbtrack.mlflow.tracking.fluent import get_registry_uri, get_tracking_uri, is_tracking_uri_set, set_registry_uri, set_tracking_uri

__all__ = ["MlflowClient", "get_registry_uri", "get_tracking_uri", "is_tracking_uri_set", "set_registry_uri", "set_tracking_uri"]
