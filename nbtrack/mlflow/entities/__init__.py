"""``mlflow.entities``: runs and experiments as MLflow shows them, with params and statuses as plain strings."""

from __future__ import annotations

from nbtrack.entities import DatasetInput, FileInfo, InputTag, LifecycleStage, Metric, Param, RunInputs
from nbtrack.mlflow.entities.constants import RunStatus, SourceType, ViewType
from nbtrack.mlflow.entities.runs import Dataset, Experiment, ExperimentTag, Run, RunData, RunInfo, RunOutputs, RunTag

__all__ = [
    "Dataset",
    "DatasetInput",
    "Experiment",
    "ExperimentTag",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "Metric",
    "Param",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "RunTag",
    "SourceType",
    "ViewType",
]
