"""``mlflow.models.signature``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.models import signature
from nbtrack.models.signature import ModelSignature

__all__ = ["ModelSignature", "infer_signature"]


def infer_signature(model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None) -> ModelSignature:
    """Infer a signature from the data that a model was fitted on, its predictions, and the defaults of its params.

    Raises
    ------
    ValueError
        Nothing was given, which MLflow does not raise as an error of its own either.
    """
    if model_input is None and model_output is None and params is None:
        raise ValueError("At least one of inputs, outputs or params must be provided")
    return _infer(model_input, model_output, params)


_infer = speaks_mlflow(signature.infer_signature)
