"""What a store holds, as frozen dataclasses.

The names and shapes are MLflow's where MLflow has them (``run.info.run_id``, ``run.data.params``,
``run.inputs.dataset_inputs``), so that code written for it reads the same here. Times are
milliseconds since the epoch (UTC), durations are seconds, sizes are bytes, digests are
``sha256`` in lower-case hex unless a field says otherwise.
"""

from __future__ import annotations

from nbtrack.entities.cells import (
    Cell,
    CellOutput,
    CellRole,
    Finding,
    OutputKind,
    RunCell,
    RunCode,
    Severity,
)
from nbtrack.entities.records import (
    Artifact,
    Event,
    FileInfo,
    MetricColumns,
    PagedList,
    Process,
)
from nbtrack.entities.registry import (
    Approval,
    LoggedModel,
    ModelStage,
    ModelVersion,
    PolicyCondition,
    PromotionRequest,
    RegisteredModel,
    RequestState,
    StageView,
    Verdict,
)
from nbtrack.entities.runs import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LifecycleStage,
    Metric,
    MetricSummary,
    Origin,
    Param,
    ParamChange,
    ParamValue,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunStatus,
    ViewType,
)

__all__ = [
    "Approval",
    "Artifact",
    "Cell",
    "CellOutput",
    "CellRole",
    "Dataset",
    "DatasetInput",
    "Event",
    "Experiment",
    "FileInfo",
    "Finding",
    "InputTag",
    "LifecycleStage",
    "LoggedModel",
    "Metric",
    "MetricColumns",
    "MetricSummary",
    "ModelStage",
    "ModelVersion",
    "Origin",
    "OutputKind",
    "PagedList",
    "Param",
    "ParamChange",
    "ParamValue",
    "PolicyCondition",
    "Process",
    "PromotionRequest",
    "RegisteredModel",
    "RequestState",
    "Run",
    "RunCell",
    "RunCode",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunStatus",
    "Severity",
    "StageView",
    "Verdict",
    "ViewType",
]
