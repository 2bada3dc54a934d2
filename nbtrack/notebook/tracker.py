"""The cells of one shell: their history, the recordings in them, and what happens around each.

IPython calls `pre_run_cell` and `post_run_cell`; the magic calls `begin`. Cells may nest
(``get_ipython().run_cell``) and run in several threads (kernel subshells), so executions are
told apart by IPython's note of them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nbtrack.capture.code import SessionNames, analyse_cell
from nbtrack.capture.inference import NOTHING
from nbtrack.entities import Cell
from nbtrack.errors import Conflict, InvalidInput, NbtrackError, StoreError
from nbtrack.notebook import automatic
from nbtrack.notebook.card import read_card
from nbtrack.notebook.card_html import card_html
from nbtrack.notebook.card_text import card_text
from nbtrack.notebook.displays import DisplayTap
from nbtrack.notebook.failures import came_through_time
from nbtrack.notebook.history import Execution, SessionHistory
from nbtrack.notebook.options import TrackOptions
from nbtrack.notebook.recording import Recording, Subject
from nbtrack.notebook.surroundings import Surroundings
from nbtrack.notebook.writing import Captured, write, write_again
from nbtrack.store.base import Store
from nbtrack.tracking.events import Notice, announce
from nbtrack.tracking.exits import Ending, describe_error, ending_of
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import Session

MAX_OWED = 20  # runs whose capture is kept in memory for a store that may recover


class CellTracker:
    """What nbtrack knows and does in one IPython shell."""

    def __init__(self, shell: Any, session: Session) -> None:
        self.shell = shell
        self.session = session
        self.surroundings = Surroundings(shell)
        self.history = SessionHistory()
        self.tap = DisplayTap(shell)
        self.automatic: TrackOptions | None = None  # with `%track on`
        self._executions: list[Execution] = []
        self._recordings: dict[int, Recording] = {}  # by position of their cell
        self._names = SessionNames()
        self._named_up_to = 0
        self._history_store: Store | None = None  # where a run of the running cell went
        self._unregister: Callable[[], None] | None = None  # set when the extension is unloaded
        self._owed: list[tuple[ActiveRun, Captured, Ending]] = []  # what the store did not take

    # --- events of IPython ---------------------------------------------------------------------

    def pre_run_cell(self, info: Any) -> None:
        """A cell begins."""
        with self.never_raising("before a cell"):
            cell = self.history.begin(info.raw_cell, cell_id=_cell_id(info), execution_count=self._count_to_come(info))
            execution = Execution(cell, info, threading.get_ident())
            self._executions.append(execution)
            self.session.notebook = self.surroundings.place().path
            self.session.enter_cell(execution.key)
            if self.automatic is not None and automatic.worth_watching(analyse_cell(cell.source), self._names_before(cell), self.session):
                self._begin(execution, self.automatic, on_trial=True)

    def post_run_cell(self, result: Any) -> None:
        """A cell ended, in whatever way."""
        with self.never_raising("after a cell"):
            execution = self._ended(result)
            if execution is None:
                return
            error = _error_of(result)
            error = execution.swallowed if error is None else error
            count = getattr(result, "execution_count", None)
            cell = self.history.end(execution.cell, duration=time.perf_counter() - execution.began, succeeded=error is None, execution_count=count)
            try:
                self._finish(execution, cell, error, result)
                self._save_history()
            finally:
                self.session.leave_cell(execution.key, error)
                if self._executions:  # the cell that this one ran inside goes on
                    self.session.enter_cell(self._executions[-1].key)
                elif self._unregister is not None:
                    self._unregister()

    # --- recordings ----------------------------------------------------------------------------

    def begin(self, options: TrackOptions) -> None:
        """Track the cell that is running, as ``options`` say.

        Raises
        ------
        InvalidInput, Conflict
            The run can't start as it was asked for. A store that can't be used is no reason to
            raise: the cell runs, and one line says that it is not tracked.
        """
        execution = self.current()
        if execution is None:
            raise InvalidInput("%%track_run tracks a cell, and none is running")
        known = self._recordings.get(execution.cell.position)
        if known is not None:
            if known.options == options:  # %%timeit runs its body, this line included, many times
                return
            raise InvalidInput("this cell is tracked already; for several runs in one cell use: with nbtrack.track_run(NAME): ...")
        self._begin(execution, options)

    @property
    def on_trial(self) -> ActiveRun | None:
        """The run of the running cell, if it is one only should the cell turn out to be worth it."""
        execution = self.current()
        recording = None if execution is None else self._recordings.get(execution.cell.position)
        return recording.run if recording is not None and recording.on_trial else None

    def current(self) -> Execution | None:
        """The innermost execution of this thread."""
        own = threading.get_ident()
        return next((execution for execution in reversed(self._executions) if execution.thread == own), None)

    def watch_swallowed_errors(self) -> Callable[[], None]:
        """Notice the errors that ``%%time`` shows and keeps to itself, as IPython 8 does; returns what ends that."""
        show = self.shell.showtraceback

        def showtraceback(exc_tuple: Any = None, *args: Any, **kwargs: Any) -> Any:
            error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
            execution = self.current()
            if execution is not None and error is not None and came_through_time(error):
                execution.swallowed = error
            return show(exc_tuple, *args, **kwargs)

        def stop() -> None:
            if self.shell.__dict__.get("showtraceback") is showtraceback:
                del self.shell.__dict__["showtraceback"]

        self.shell.__dict__["showtraceback"] = showtraceback
        return stop

    def adopt_running_cell(self) -> None:
        """Take in the cells that ran before the extension was loaded, the one that loads it included."""
        manager = self.shell.history_manager
        sources = list(manager.input_hist_raw[1:]) if manager is not None else []
        running = sources.pop() if sources and _runs_code_of(self.shell) else None
        self.history.adopt(sources)
        if running is not None:
            cell = self.history.begin(running, cell_id=None, execution_count=len(sources) + 1)
            self._executions.append(Execution(cell, None, threading.get_ident()))
            self.session.enter_cell(self._executions[-1].key)

    def leave(self, unregister: Callable[[], None]) -> None:
        """The extension is unloaded: ``unregister`` the last hook once the running cell has ended."""
        self._unregister = unregister
        if not self._executions:
            unregister()

    def subject(self, execution: Execution) -> Subject:
        """The cell of an execution as the subject of a recording."""
        cell = execution.cell
        transformed = getattr(execution.info, "transformed_cell", None)
        place = self.surroundings.place()
        return Subject(
            cell=cell,
            code=analyse_cell(cell.source, transformed=transformed),
            values=lambda: dict(self.shell.user_ns),
            namespace=self.shell.user_global_ns,
            earlier_cells=self.earlier(cell),
            earlier_names=self._names_before(cell),
            session_id=self.history.session_id,
            facts={"kernel": self.surroundings.facts(place)},
            saved_cells=self.surroundings.saved_cells(place),
        )

    def earlier(self, cell: Cell) -> list[Cell]:
        """The cells of the session before ``cell``."""
        return [other for other in self.history.cells if other.position < cell.position]

    def finished(self, recording: Recording, captured: Captured, ending: Ending) -> None:
        """Put what a recording captured into the store, and show the card; or say what was lost."""
        run = recording.run
        if run is None:
            return
        self._history_store = run.store
        loss, quiet = write(run, captured, ending), recording.options.quiet
        if loss is not None and (quiet or not loss.on_record):  # else the card says it
            announce(Notice(f"of run {run.name!r} could not be stored: {loss}"))
        if loss is not None and loss.of_store:
            self._owed = [*self._owed, (run, captured, ending)][-MAX_OWED:]
        elif not quiet:
            self.show_card(run)

    def show_card(self, run: ActiveRun) -> None:
        """Show the card of a run under the cell."""
        with self.never_raising("the card"):
            card = read_card(run.store, run.run_id)
            with self.tap.silenced():
                self.shell.display_pub.publish({"text/plain": card_text(card), "text/html": card_html(card)}, {})

    @contextmanager
    def never_raising(self, where: str) -> Any:
        """A process edge: what goes wrong in a hook of ours is one line, and never the user's cell."""
        try:
            yield
        except Exception as error:
            announce(Notice(f"{where}: {describe_error(error)}"))

    # --- inside --------------------------------------------------------------------------------

    def _begin(self, execution: Execution, options: TrackOptions, *, on_trial: bool = False) -> None:
        recording = Recording(self.session, self.subject(execution), options, on_trial=on_trial)
        try:
            recording.begin(self.tap)
        except (InvalidInput, Conflict):
            raise
        except Exception as error:  # the store, or a fault of ours: either way the user's cell runs
            announce(Notice(f"this cell runs untracked: {error if isinstance(error, NbtrackError) else describe_error(error)}"))
            return
        self._recordings[execution.cell.position] = recording

    def _finish(self, execution: Execution, cell: Cell, error: BaseException | None, result: Any) -> None:
        recording = self._recordings.pop(execution.cell.position, None)
        self._owed = [owed for owed in self._owed if not write_again(*owed)]
        if recording is None or recording.run is None:
            return
        self._end_runs_inside(recording.run, error)
        shown = getattr(result, "result", None)
        captured = recording.finish(error, cell=cell, result=NOTHING if shown is None else shown)
        if recording.on_trial and not automatic.worth_keeping(recording.run, captured, recording.subject.code):
            self.session.discard(recording.run)
            return
        self.finished(recording, captured, ending_of(error))

    def _end_runs_inside(self, run: ActiveRun, error: BaseException | None) -> None:
        """End what the cell started and left open: it is over."""
        while not run.ended and (inner := self.session.active) is not None and inner is not run and inner.cell == run.cell:
            if error is None:
                inner.end()
            else:
                inner.fail(error)

    def _save_history(self) -> None:
        """Put the cells of the session where the runs of this cell are: the next closure may reach for any of them."""
        store, self._history_store = self._history_store, None
        if store is None:
            return
        cells = self.history.unsaved()
        try:
            store.cells.record(self.history.session_id, cells, facts=self.surroundings.facts(self.surroundings.place()))
        except StoreError:  # they stay unsaved, and come with the next run
            return
        self.history.saved(cells)

    def _ended(self, result: Any) -> Execution | None:
        """The execution that ``result`` ends; None for a blank cell, which never began."""
        info = getattr(result, "info", None)
        found = next((execution for execution in self._executions if execution.info is info and info is not None), None)
        if found is None and (info is None or (info.raw_cell or "").strip()):
            found = self.current()  # an exception from IPython's own machinery, or a cell that began before we listened
        if found is not None:
            self._executions.remove(found)
        return found

    def _names_before(self, cell: Cell) -> SessionNames:
        for other in self.earlier(cell):
            if other.position > self._named_up_to:
                self._names.observe(other.source)
        self._named_up_to = max(self._named_up_to, cell.position - 1)
        return self._names.copy()

    def _count_to_come(self, info: Any) -> int | None:
        """The number in ``In [n]``; the shell's own counter differs between versions at this moment."""
        manager = self.shell.history_manager
        return len(manager.input_hist_raw) if manager is not None and info.store_history else None


def _cell_id(info: Any) -> str | None:
    cell_id = getattr(info, "cell_id", None)
    return cell_id if isinstance(cell_id, str) else None


def _error_of(result: Any) -> BaseException | None:
    if result is None:  # an interrupted await ends without a result, while its exception is on its way
        return sys.exc_info()[1] or KeyboardInterrupt()
    error: BaseException | None = result.error_before_exec if result.error_before_exec is not None else result.error_in_exec
    return error


def _runs_code_of(shell: Any) -> bool:
    """Whether this call comes from a cell of ``shell``."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_locals.get("self") is shell:
            return True
        frame = frame.f_back
    return False
