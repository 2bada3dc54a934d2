"""``mlflow.client``."""

from __future__ import annotations

from nbtrack.mlflow.tracking.client import MlflowClient

__all__ = ["MlflowClient"]
