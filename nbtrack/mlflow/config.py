"""``mlflow.config``."""

from __future__ import annotations

from nbtrack.mlflow.tracking._writing import switches
from nbtrack.mlflow.tracking.fluent import get_registry_uri, get_tracking_uri, is_tracking_uri_set, set_registry_uri, set_tracking_uri

__all__ = [
    "disable_system_metrics_logging",
    "enable_async_logging",
    "enable_system_metrics_logging",
    "get_registry_uri",
    "get_tracking_uri",
    "is_tracking_uri_set",
    "set_registry_uri",
    "set_tracking_uri",
]


def enable_async_logging(enable: bool = True) -> None:
    """Let log calls return an object to wait with, as MLflow's do then; each is committed all the same when it returns."""
    switches.async_logging = enable


def enable_system_metrics_logging() -> None:
    """Sample CPU, memory, disk and GPU during the runs that are started from now on."""
    switches.system_metrics = True


def disable_system_metrics_logging() -> None:
    """Undo ``enable_system_metrics_logging``."""
    switches.system_metrics = False
