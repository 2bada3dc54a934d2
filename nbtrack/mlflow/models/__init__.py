"""``mlflow.models``."""

from __future__ import annotations

from typing import Any, NoReturn

from nbtrack.mlflow._errors import not_part_of_nbtrack
from nbtrack.mlflow.models.model import Model, ModelInfo, get_model_info
from nbtrack.mlflow.models.signature import ModelSignature, infer_signature

__all__ = ["Model", "ModelInfo", "ModelSignature", "evaluate", "get_model_info", "infer_signature"]


def evaluate(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused. Raises ``MlflowException`` with the code ``NOT_IMPLEMENTED``."""
    raise not_part_of_nbtrack("mlflow.models.evaluate", "Compute the metrics with your library (sklearn.metrics) and log them with log_metrics")
