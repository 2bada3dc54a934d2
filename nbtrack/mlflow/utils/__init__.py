"""``mlflow.utils``: the constants that programs import."""

from __future__ import annotations

from nbtrack.mlflow.utils import mlflow_tags, validation

__all__ = ["mlflow_tags", "validation"]
