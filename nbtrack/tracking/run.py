"""A run that this process works on."""

from __future__ import annotations

import traceback
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING

from nbtrack.entities import CellOutput, OutputKind, RunInfo, RunStatus
from nbtrack.store.base import Store
from nbtrack.tracking.exits import ending_of
from nbtrack.tracking.handle import RunHandle

if TYPE_CHECKING:
    from nbtrack.tracking.session import Session
    from nbtrack.tracking.system_metrics import SystemMetrics

_MAX_TRACEBACK_CHARS = 20_000


class ActiveRun(RunHandle):
    """A started run: its verbs, and a context manager that ends it truthfully.

    Leaving the ``with`` block ends it FINISHED, FAILED for an exception (with its traceback), or
    KILLED for an interrupt. The exception goes on.
    """

    def __init__(self, store: Store, info: RunInfo, session: Session, *, cell: str | None = None, implicit: bool = False) -> None:
        super().__init__(store, info.run_id)
        self._session = session
        self._started = info
        self.cell = cell  # the key of the cell execution that started it, in a notebook
        self.implicit = implicit  # opened by a log call, so nobody will end it by hand
        self.encloses = False  # a tracked cell or block: runs that its code starts are nested in this one
        self.ended = False
        self.system_metrics: SystemMetrics | None = None

    @property
    def name(self) -> str:
        """The run's name when it was started."""
        return self._started.run_name

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment."""
        return self._started.experiment_id

    @property
    def notebook(self) -> str | None:
        """The notebook that the run belongs to, as far as it was known at its start."""
        return self._session.notebook

    def end(self, status: RunStatus | str = RunStatus.FINISHED, message: str | None = None) -> None:
        """End the run; a second call changes nothing."""
        self._session.finish(self, RunStatus(status), message)

    def fail(self, error: BaseException) -> None:
        """End the run as ``error`` says: FAILED with its traceback, or KILLED for an interrupt."""
        status, message = ending_of(error)
        if status is RunStatus.FAILED and not isinstance(error, SystemExit):
            self.log_traceback("".join(traceback.format_exception(type(error), error, error.__traceback__)))
        self.end(status, message)

    def log_traceback(self, text: str) -> None:
        """Keep the traceback of a failure, its end if it is very long, with the run's outputs."""
        cut = max(0, len(text) - _MAX_TRACEBACK_CHARS)
        self.store.cells.add_outputs(self.run_id, [CellOutput(OutputKind.ERROR, text[cut:], truncated_chars=cut)])

    @property
    def elapsed(self) -> float:
        """Seconds since the run started."""
        return (time_ns() // 1_000_000 - self._started.start_time) / 1000

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.ended:
            return
        if error is None:
            self.end()
        else:
            self.fail(error)


class BorrowedRun(RunHandle):
    """The run of a process above this one, to which a worker logs; ending it is not the worker's to do."""
