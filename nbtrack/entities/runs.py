"""Experiments and runs, in MLflow's shape."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A param's value as it was typed; lists, tuples and dicts hold the same kinds.
ParamValue = Any


class RunStatus(str, enum.Enum):
    """Where a run stands."""

    RUNNING = "RUNNING"  # a process is (or was last seen) working on it
    SCHEDULED = "SCHEDULED"  # made by a job, not started yet
    FINISHED = "FINISHED"  # ended without an error
    FAILED = "FAILED"  # ended by an exception
    KILLED = "KILLED"  # interrupted, terminated, or its process is gone

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """True once the run will not log by itself any more."""
        return self in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)


class LifecycleStage(str, enum.Enum):
    """Deleted things keep their rows until ``nbtrack gc`` removes them."""

    ACTIVE = "active"
    DELETED = "deleted"

    def __str__(self) -> str:
        return self.value


class ViewType(str, enum.Enum):
    """Which lifecycle stages a search returns."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"

    def __str__(self) -> str:
        return self.value


class Origin(str, enum.Enum):
    """How a param or metric came into a run."""

    LOGGED = "logged"  # by an explicit log_* call; always wins
    INFERRED = "inferred"  # from the cell's code and the values after it ran
    AUTOLOG = "autolog"  # by a framework's autologging

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Experiment:
    """A named group of runs."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: LifecycleStage
    creation_time: int
    last_update_time: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """The facts of a run that never need its params, metrics or tags."""

    run_id: str
    experiment_id: str
    run_name: str
    user_id: str
    status: RunStatus
    start_time: int
    end_time: int | None
    lifecycle_stage: LifecycleStage
    artifact_uri: str
    parent_run_id: str | None = None
    status_message: str | None = None  # why it FAILED or was KILLED, one line

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while the run is going."""
        return None if self.end_time is None else (self.end_time - self.start_time) / 1000


@dataclass(frozen=True)
class Param:
    """One typed param, with where it came from."""

    key: str
    value: ParamValue
    origin: Origin = Origin.LOGGED
    line: int | None = None  # 1-based line of the cell that it was read from


@dataclass(frozen=True)
class ParamChange:
    """A correction of a param while its run was RUNNING; both values are kept."""

    key: str
    old_value: ParamValue
    new_value: ParamValue
    timestamp: int


@dataclass(frozen=True)
class Metric:
    """One point of a metric's series."""

    key: str
    value: float  # NaN and the infinities are kept as what they are
    timestamp: int
    step: int = 0


@dataclass(frozen=True)
class MetricSummary:
    """What a table of runs shows of a series, kept up to date with every point.

    ``last`` is the value at the highest ``(step, timestamp)``. ``min`` and ``max`` leave NaN out
    and are NaN when there is nothing else. ``definition`` says how the value was computed where
    that is known, as in ``f1_score(average='macro')``.
    """

    key: str
    last: float
    last_step: int
    last_timestamp: int
    min: float
    max: float
    count: int
    origin: Origin = Origin.LOGGED
    line: int | None = None
    definition: str | None = None


@dataclass(frozen=True)
class RunData:
    """Params (typed), last metric values and tags of a run, as plain mappings."""

    params: Mapping[str, ParamValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A fingerprint of data that a run used; the data itself is not stored.

    ``digest`` covers every row, dtype, the column order and the index. ``schema`` is a list of
    ``{"name", "type"}``; ``profile`` holds shape, null counts and class counts.
    """

    name: str
    digest: str
    source_type: str = "memory"
    source: str = ""
    schema: Sequence[Mapping[str, Any]] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InputTag:
    """A key and value on the link between a run and a dataset, as MLflow has it."""

    key: str
    value: str


@dataclass(frozen=True)
class DatasetInput:
    """A dataset as an input of a run; the tag ``mlflow.data.context`` says in which role."""

    dataset: Dataset
    tags: Sequence[InputTag] = ()

    @property
    def context(self) -> str | None:
        """The role (``train``, ``test``, ...), where it is known."""
        return next((tag.value for tag in self.tags if tag.key == "mlflow.data.context"), None)


@dataclass(frozen=True)
class RunInputs:
    """What a run read."""

    dataset_inputs: Sequence[DatasetInput] = ()


@dataclass(frozen=True)
class Run:
    """A run as one consistent picture of the store."""

    info: RunInfo
    data: RunData = field(default_factory=RunData)
    inputs: RunInputs = field(default_factory=RunInputs)
