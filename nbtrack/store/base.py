"""The seam behind which a store lives: one small Protocol per aggregate, bundled as ``Store``.

SQLite stands behind it today; PostgreSQL and a REST server fit the same Protocols. Unless a
method says otherwise, writes are durable when the call returns, ids that do not exist raise
``NotFound``, and the text of names has been checked by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from nbtrack.entities import (
    Artifact,
    Cell,
    CellOutput,
    DatasetInput,
    Event,
    Experiment,
    FileInfo,
    Finding,
    Metric,
    MetricColumns,
    MetricSummary,
    Origin,
    PagedList,
    Param,
    ParamChange,
    ParamValue,
    Process,
    Run,
    RunCode,
    RunInfo,
    RunStatus,
    ViewType,
)
from nbtrack.store.registry_base import RegistryStore

if TYPE_CHECKING:
    from nbtrack.query import Expression, OrderBy


@dataclass(frozen=True)
class NewRun:
    """What a run starts with. ``process`` is None for a run that no process of this host works on."""

    run_id: str
    experiment_id: str
    run_name: str
    user_id: str
    start_time: int
    status: RunStatus = RunStatus.RUNNING
    parent_run_id: str | None = None
    notebook: str | None = None
    tags: Mapping[str, str] | None = None
    process: Process | None = None


@dataclass(frozen=True)
class RunQuery:
    """A search for runs, with its texts already parsed. ``experiment_ids`` None means all."""

    experiment_ids: Sequence[str] | None = None
    filter: Expression | None = None
    order_by: Sequence[OrderBy] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class RunTable:
    """Many runs as columns: what a DataFrame or a grid of runs is made from.

    ``params`` and ``tags`` hold a list for each key, ``metrics`` the last values with NaN where a
    run has none; all lists are as long as ``infos`` and in its order. A missing param or tag is None.
    """

    infos: Sequence[RunInfo]
    params: Mapping[str, list[ParamValue]]
    metrics: Mapping[str, list[float]]
    tags: Mapping[str, list[str | None]]


class ExperimentStore(Protocol):
    """Experiments and their tags."""

    def create(self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None) -> Experiment:
        """Make an experiment. Raises ``AlreadyExists`` if the name is taken, by a deleted one too."""
        ...

    def get(self, experiment_id: str) -> Experiment: ...

    def get_by_name(self, name: str) -> Experiment | None: ...

    def ensure(self, name: str) -> Experiment:
        """The experiment of this name, made if there is none; safe against another process doing the same."""
        ...

    def search(
        self,
        *,
        filter: Expression | None = None,
        order_by: Sequence[OrderBy] = (),
        view: ViewType = ViewType.ACTIVE_ONLY,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Experiment]: ...

    def rename(self, experiment_id: str, name: str) -> None: ...

    def set_tag(self, experiment_id: str, key: str, value: str) -> None: ...

    def delete_tag(self, experiment_id: str, key: str) -> None: ...

    def delete(self, experiment_id: str) -> None:
        """Mark the experiment and its runs as deleted."""
        ...

    def restore(self, experiment_id: str) -> None:
        """Undo ``delete``, for the runs that were deleted with it."""
        ...

    def purge(self, experiment_ids: Sequence[str]) -> None:
        """Remove deleted experiments that have no runs any more, for good; their names are free again."""
        ...


class RunStore(Protocol):
    """Runs, their tags, and the processes that work on them."""

    def create(self, run: NewRun) -> Run:
        """Make a run. Its name and parent are the tags ``mlflow.runName`` and ``mlflow.parentRunId`` too, now and later."""
        ...

    def get(self, run_id: str) -> Run: ...

    def get_many(self, run_ids: Sequence[str]) -> list[Run]:
        """The runs in the order given; an unknown id raises ``RunNotFound``."""
        ...

    def resolve(self, text: str) -> str:
        """The run id that ``text`` means: an id, its unambiguous beginning (4 characters at least), or a run's name (the latest)."""
        ...

    def update(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
        status_message: str | None = None,
    ) -> RunInfo:
        """Change what is given. Ending a run forgets its process; setting RUNNING clears the end time and the message.

        A deleted run can still be ended, by the process that works on it, and takes no other change.
        """
        ...

    def search(self, query: RunQuery) -> PagedList[Run]:
        """One page of runs; the token is the next offset as text, None on the last page."""
        ...

    def table(self, query: RunQuery) -> RunTable: ...

    def count(self, query: RunQuery) -> int: ...

    def children(self, run_id: str) -> list[RunInfo]: ...

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None: ...

    def delete_tag(self, run_id: str, key: str) -> None: ...

    def delete(self, run_id: str) -> None: ...

    def restore(self, run_id: str) -> None: ...

    def purge(self, run_ids: Sequence[str]) -> None:
        """Remove deleted runs with all that belongs to them, for good; all or none.

        Raises ``Conflict`` for a run that is not deleted, or that a registered model version was made by.
        """
        ...

    def claim(self, run_id: str, process: Process) -> None:
        """Say that ``process`` works on the run from now on."""
        ...

    def beat(self, run_ids: Sequence[str], timestamp: int) -> None:
        """Note that the runs' process was alive at ``timestamp``."""
        ...

    def claims(self) -> list[tuple[RunInfo, Process, int]]:
        """The RUNNING runs with their process and last heartbeat."""
        ...


class ParamStore(Protocol):
    """Typed params and their corrections."""

    def log(self, run_id: str, params: Sequence[Param], *, write_once: bool = False) -> None:
        """Store the params, all or none.

        An equal value is no change. A different one replaces the old while the run is RUNNING, and
        the history keeps both; after the run ended it raises ``ParamFrozen``. With ``write_once``
        (MLflow's rule) a different value always does. An inferred param never replaces a logged one.
        """
        ...

    def all(self, run_id: str) -> list[Param]: ...

    def history(self, run_id: str) -> list[ParamChange]: ...


class MetricStore(Protocol):
    """Metric series: points and their summaries."""

    def log(self, run_id: str, key: str, value: float, step: int, timestamp: int) -> None:
        """Append one point. This is the hot path: one statement, one commit."""
        ...

    def log_batch(self, run_id: str, metrics: Iterable[Metric]) -> None:
        """Append points of any series, all or none."""
        ...

    def log_arrays(self, run_id: str, series: Mapping[str, Sequence[float]], steps: Sequence[int], timestamps: Sequence[int]) -> None:
        """Append parallel series in bulk, all or none; all sequences have one length."""
        ...

    def annotate(self, run_id: str, key: str, *, origin: Origin, line: int | None, definition: str | None) -> None:
        """Say where a series came from."""
        ...

    def summaries(self, run_id: str) -> list[MetricSummary]: ...

    def history(self, run_id: str, key: str) -> list[Metric]:
        """The points of a series ordered by timestamp, step and value; exact duplicates once."""
        ...

    def columns(self, run_ids: Sequence[str], keys: Sequence[str] | None = None, *, max_points: int | None = None) -> MetricColumns:
        """Points of many series at once.

        With ``max_points`` each longer series is thinned to at most that many: it is cut into equal
        buckets by order, of which the lowest and the highest point stay, so that peaks are kept.
        """
        ...


class InputStore(Protocol):
    """Data that runs read, by fingerprint."""

    def log(self, run_id: str, inputs: Sequence[DatasetInput]) -> None: ...

    def all(self, run_id: str) -> list[DatasetInput]: ...


class CellStore(Protocol):
    """Executed cells, the code of runs, and what the cells showed."""

    def set_code(self, run_id: str, code: RunCode) -> None:
        """Store the run's own cell and closure; replaces what was there."""
        ...

    def code(self, run_id: str) -> RunCode: ...

    def record(self, session_id: str, cells: Sequence[Cell], *, facts: Mapping[str, Any] | None = None) -> None:
        """Add executed cells to a kernel session's history; a position that is there keeps its source, and takes how the cell ended."""
        ...

    def history(self, session_id: str) -> list[Cell]: ...

    def add_outputs(self, run_id: str, outputs: Sequence[CellOutput]) -> None: ...

    def outputs(self, run_id: str) -> list[CellOutput]: ...


class FactStore(Protocol):
    """What is known about a run beside its numbers: git, environment, kernel, seeds; and findings."""

    def set(self, run_id: str, facts: Mapping[str, Any]) -> None:
        """Store JSON values by name, replacing those of the same name."""
        ...

    def all(self, run_id: str) -> dict[str, Any]: ...

    def add_findings(self, run_id: str, findings: Sequence[Finding]) -> None: ...

    def findings(self, run_id: str) -> list[Finding]: ...


class ArtifactStore(Protocol):
    """Files of runs; bytes are kept once per content."""

    def put_file(self, run_id: str, path: str, source: Path, *, media_type: str | None = None) -> Artifact:
        """Copy a file in, streaming."""
        ...

    def put_bytes(self, run_id: str, path: str, data: bytes, *, media_type: str | None = None) -> Artifact: ...

    def get(self, run_id: str, path: str) -> Artifact: ...

    def all(self, run_id: str) -> list[Artifact]: ...

    def list(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and folders directly in ``path``; for a file, itself."""
        ...

    def open(self, run_id: str, path: str) -> BinaryIO: ...

    def read(self, run_id: str, path: str) -> bytes: ...

    def download(self, run_id: str, path: str | None, folder: Path) -> Path:
        """Copy a file, or all files in a folder, under ``folder`` by their paths; return where ``path`` now is."""
        ...

    def delete(self, run_id: str, path: str) -> None: ...


class EventStore(Protocol):
    """The append-only, hash-chained log."""

    def append(self, *, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> Event: ...

    def verify(self) -> list[str]:
        """Problems found in the chain, each a sentence naming the row; empty when it holds."""
        ...

    def list(self, *, subject: str | None = None, limit: int | None = None) -> list[Event]:
        """Events, oldest first; with ``limit`` the latest that many."""
        ...


class Store(Protocol):
    """All aggregates of one place, and the place itself."""

    @property
    def uri(self) -> str: ...
    @property
    def experiments(self) -> ExperimentStore: ...
    @property
    def runs(self) -> RunStore: ...
    @property
    def params(self) -> ParamStore: ...
    @property
    def metrics(self) -> MetricStore: ...
    @property
    def inputs(self) -> InputStore: ...
    @property
    def cells(self) -> CellStore: ...
    @property
    def facts(self) -> FactStore: ...
    @property
    def artifacts(self) -> ArtifactStore: ...
    @property
    def events(self) -> EventStore: ...
    @property
    def registry(self) -> RegistryStore: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes inside a with statement one: all or none, one commit.

        Nests: an inner block that raises takes back what it did, and only that. A block is left by
        the function that entered it; one that is not (an interrupt may do that) is rolled back.
        """
        ...

    def close(self) -> None: ...
