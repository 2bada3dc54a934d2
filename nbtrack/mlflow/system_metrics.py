"""``mlflow.system_metrics``."""

from __future__ import annotations

from nbtrack.mlflow.config import disable_system_metrics_logging, enable_system_metrics_logging

__all__ = ["disable_system_metrics_logging", "enable_system_metrics_logging"]
