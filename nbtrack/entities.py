"""What a store holds, as frozen dataclasses.

The names and shapes are MLflow's where MLflow has them (``run.info.run_id``, ``run.data.params``,
``run.inputs.dataset_inputs``), so that code written for it reads the same here. Times are
milliseconds since the epoch (UTC), durations are seconds, sizes are bytes, digests are
``sha256`` in lower-case hex unless a field says otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

# A param's value as it was typed; lists, tuples and dicts hold the same kinds.
ParamValue = Any
T = TypeVar("T")


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


@dataclass(frozen=True)
class FileInfo:
    """An artifact or a folder of artifacts; ``path`` is relative to the run, with ``/``."""

    path: str
    is_dir: bool
    file_size: int | None


@dataclass(frozen=True)
class Artifact:
    """A file of a run and the blob that holds its bytes."""

    path: str
    digest: str
    size: int
    media_type: str | None = None
    created_time: int = 0


class OutputKind(str, enum.Enum):
    """What a cell showed."""

    STDOUT = "stdout"
    STDERR = "stderr"
    RESULT = "result"  # the last expression
    DISPLAY = "display"  # display(...), plt.show(), ...
    ERROR = "error"  # the traceback

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class CellOutput:
    """One output of a tracked cell, cut to a bounded size.

    Text is kept in ``text``; a figure or table is an artifact, whose path is in ``artifact``.
    """

    kind: OutputKind
    text: str = ""
    media_type: str = "text/plain"
    artifact: str | None = None
    truncated_chars: int = 0  # how much was cut


class CellRole(str, enum.Enum):
    """Why a cell belongs to a run."""

    OWN = "own"  # the tracked cell itself
    CLOSURE = "closure"  # an earlier executed cell that it needs

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Cell:
    """A cell as it was executed in one kernel session.

    ``position`` counts executions in the session from 1 and orders them; ``execution_count`` is
    what the notebook shows in ``In [n]``. ``cell_id`` is the notebook's id of the cell where the
    front end tells it.
    """

    position: int
    source: str
    cell_id: str | None = None
    execution_count: int | None = None
    started: int | None = None
    duration: float | None = None
    succeeded: bool = True


@dataclass(frozen=True)
class RunCell:
    """A cell in its role for one run; ``names`` are the names that the run needs from it."""

    cell: Cell
    role: CellRole
    names: Sequence[str] = ()


@dataclass(frozen=True)
class RunCode:
    """The code of a run: the own cell, its closure in executed order, and what is missing.

    ``unresolved`` names what the closure analysis could not place (``exec``, star imports, names
    without a source cell); an empty tuple means that the closure is complete.
    """

    session_id: str | None = None
    cells: Sequence[RunCell] = ()
    unresolved: Sequence[str] = ()

    @property
    def own(self) -> Cell | None:
        """The tracked cell."""
        return next((item.cell for item in self.cells if item.role is CellRole.OWN), None)

    @property
    def closure(self) -> list[Cell]:
        """The earlier cells that the tracked cell needs, in executed order."""
        return [item.cell for item in self.cells if item.role is CellRole.CLOSURE]


class Severity(str, enum.Enum):
    """How much a finding should worry its reader."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """Something about a run that its reader should know, with evidence and a way out."""

    kind: str  # "hidden-state", "seed", "capture", "leakage", ...
    severity: Severity
    message: str
    cell: str | None = None
    line: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: str = ""


@dataclass(frozen=True)
class Process:
    """The process that works on a run: enough to tell later whether it is still alive.

    ``start_ticks`` is the process's start time as the operating system counts it, since process
    ids are used again; ``boot_id`` tells reboots apart.
    """

    pid: int
    host: str
    boot_id: str
    start_ticks: int = 0


@dataclass(frozen=True)
class Event:
    """One row of the append-only log; ``hash`` covers the row and the hash before it."""

    sequence: int
    timestamp: int
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class MetricColumns:
    """Many metric points as parallel columns, ordered by run, key, step, then time.

    ``run_ids`` and ``keys`` name the series; ``series`` holds for each point the index into both.
    Values are floats (NaN included), timestamps milliseconds.
    """

    run_ids: Sequence[str]
    keys: Sequence[str]
    series: Sequence[int]
    steps: Sequence[int]
    timestamps: Sequence[int]
    values: Sequence[float]


class PagedList(list[T], Generic[T]):
    """A page of results; ``token`` fetches the next one and is None on the last."""

    def __init__(self, items: Sequence[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token
