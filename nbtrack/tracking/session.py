"""The session of a process: its store, its experiment, and the stack of active runs.

Runs started in the home thread (the main one) are on a stack that all threads see, so that a worker
thread logs to the run that is going on. A run that a worker thread starts is on a stack of its own,
as in MLflow. A process that has no run, but whose parent has (a fork, a joblib worker), logs to
the parent's. ``ContextVar`` would lose the run between the cells of a notebook.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, time_ns

from nbtrack import config
from nbtrack.capture.process import ancestor_pids, process_identity
from nbtrack.entities import Experiment, LifecycleStage, RunInfo, RunStatus
from nbtrack.errors import Conflict, InvalidInput, RunAlreadyActive, RunNotActive
from nbtrack.ids import DEFAULT_EXPERIMENT_ID, check_title, new_run_id, random_run_name
from nbtrack.store.base import NewRun, Store
from nbtrack.store.open import Place, empty_store, locate, open_store
from nbtrack.tracking import context
from nbtrack.tracking.events import Notice, RunEnded, RunStarted, RunStarting, announce
from nbtrack.tracking.exits import Ending, ExitWatch, ending_of
from nbtrack.tracking.handle import NOTE_TAG, RUN_NAME_TAG, RunHandle, check_tags
from nbtrack.tracking.liveness import Heartbeat, mark_lost
from nbtrack.tracking.run import ActiveRun, BorrowedRun
from nbtrack.tracking.system_metrics import SystemMetrics

_BORROW_CHECK_S = 0.5  # how long a worker trusts that its parent's run is still the one


@dataclass
class _OpenStore:
    """A store with the identity of its file, to notice when that was deleted or replaced."""

    store: Store
    file: tuple[int, int]


class Session:
    """What the module functions work on; there is one for each process."""

    def __init__(self) -> None:
        self.notebook: str | None = None  # set by the notebook layer
        self._uri: str | None = None
        self._experiment_name: str | None = None
        self._experiment_id: str | None = None
        self._stores: dict[str, _OpenStore] = {}
        self._empty: Store | None = None
        self._exits = ExitWatch(self._end_all)
        self._reset_process_state()

    def _reset_process_state(self) -> None:
        """What a fork's child starts anew: its parent's runs and threads are not its own."""
        self._lock = threading.RLock()
        self._home: list[ActiveRun] = []
        self._stacks: dict[int, list[ActiveRun]] = {}
        self._last: ActiveRun | None = None
        self._cell: str | None = None
        self._heartbeat = Heartbeat()
        self._borrowed: tuple[float, BorrowedRun | None] = (0.0, None)

    # --- store ---------------------------------------------------------------------------------

    def set_tracking_uri(self, uri: str | os.PathLike[str] | None) -> None:
        """Keep runs at ``uri`` from now on; None goes back to the environment or the nearest ``.nbtrack``."""
        if uri is None:
            self._uri = None
            return
        self._uri = locate(os.fspath(uri)).uri

    def place(self) -> Place:
        """Where the store is or would be made."""
        return locate(self.chosen_uri)

    @property
    def chosen_uri(self) -> str | None:
        """The URI that was set, else that of the environment; None where the place is found from the working directory."""
        return self._uri or config.read_settings().tracking_uri

    def store(self) -> Store:
        """The store, made if it is not there; runs that were lost are marked when it is opened."""
        place = self.place()
        with self._lock:
            known = self._stores.get(place.uri)
            if known is not None and _file_identity(place) == known.file:
                return known.store
            store = open_store(place, durability=config.read_settings().durability)
            self._stores[place.uri] = _OpenStore(store, _file_identity(place))
            mark_lost(store)
        return store

    def reader(self) -> Store:
        """The store for a question: an empty one, nothing is made, if there is none yet."""
        if self.place().exists:
            return self.store()
        if self._empty is None:
            self._empty = empty_store()
        return self._empty

    # --- experiment ----------------------------------------------------------------------------

    def set_experiment(self, name: str | None = None, *, experiment_id: str | None = None) -> Experiment:
        """Choose the experiment of the next runs, made if there is none of this name."""
        if (name is None) == (experiment_id is None):
            raise InvalidInput("Must specify exactly one of: `experiment_id` or `experiment_name`.")
        store = self.store()
        experiment = store.experiments.ensure(check_title(name, "experiment")) if name is not None else store.experiments.get(str(experiment_id))
        if experiment.lifecycle_stage is LifecycleStage.DELETED:
            raise Conflict(
                f"the experiment {experiment.name!r} is deleted, so no run can start in it. Restore it: nbtrack experiments restore {experiment.experiment_id}"
            )
        self._experiment_name, self._experiment_id = experiment.name, experiment.experiment_id
        return experiment

    def experiment_id(self, store: Store) -> str:
        """The id of the active experiment: the one set, else that of the environment, else the default one.

        An experiment set by name is made in a store that lacks it, as after a change of the tracking URI.
        """
        if self._experiment_name is not None:
            if store is self._empty:
                return str(self._experiment_id)
            return store.experiments.ensure(self._experiment_name).experiment_id
        settings = config.read_settings()
        if settings.experiment_name is not None:
            named = store.experiments.ensure(check_title(settings.experiment_name, "experiment"))
            if settings.experiment_id not in (None, named.experiment_id):
                raise InvalidInput(
                    f"{config.EXPERIMENT_NAME} names the experiment {named.experiment_id}, but {config.EXPERIMENT_ID} is {settings.experiment_id}; unset one"
                )
            return named.experiment_id
        if settings.experiment_id is not None:
            return store.experiments.get(settings.experiment_id).experiment_id
        return DEFAULT_EXPERIMENT_ID

    # --- runs ----------------------------------------------------------------------------------

    @property
    def active(self) -> ActiveRun | None:
        """The run that log calls of this thread go to; None if there is none of this process."""
        own = self._stacks.get(threading.get_ident())
        stack = own or self._home
        return stack[-1] if stack else None

    @property
    def last(self) -> ActiveRun | None:
        """The active run, else the one that ended last."""
        return self.active or self._last

    @property
    def last_ended(self) -> ActiveRun | None:
        """The run that ended last."""
        return self._last

    def current(self) -> RunHandle:
        """The run to log to: the active one, a parent process's, or a new implicit one."""
        return self.joined() or self.start_run(implicit=True)

    def joined(self) -> RunHandle | None:
        """The run that a log call would join now: the active one, or a parent process's; None if it would start one."""
        return self.active or self._borrow()

    def start_run(
        self,
        *,
        run_id: str | None = None,
        experiment_id: str | None = None,
        run_name: str | None = None,
        nested: bool = False,
        parent_run_id: str | None = None,
        tags: Mapping[str, object] | None = None,
        description: str | None = None,
        log_system_metrics: bool | None = None,
        implicit: bool = False,
    ) -> ActiveRun:
        """Start a run, or resume the one of ``run_id`` (or ``NBTRACK_RUN_ID``), and make it the active one.

        Raises
        ------
        RunAlreadyActive
            Another run is active, and ``nested`` is not set. In a tracked cell or block the new
            run is nested in its run without being asked to.
        RunNotFound, RunNotActive
            The run to resume does not exist, or is deleted.
        """
        announce(RunStarting())
        clean_tags = check_tags(tags or {})
        if description is not None:
            if NOTE_TAG in clean_tags:
                raise InvalidInput(f"the description is given twice: as description= and as the tag {NOTE_TAG!r}; leave one out")
            clean_tags[NOTE_TAG] = description
        with self._lock:
            stack = self._own_stack()
            self._close_leftovers(stack)
            enclosed = bool(stack) and stack[-1].encloses
            if stack and not nested and not enclosed:
                raise RunAlreadyActive(
                    f"Run with UUID {stack[0].run_id} is already active. To start a new run, first end the current run with nbtrack.end_run(). "
                    "To start a nested run, call start_run with nested=True"
                )
            store = self.store()
            resumed = run_id or config.read_settings().run_id
            if resumed is not None:
                info = self._resume(store, resumed, experiment_id, run_name, clean_tags)
            else:
                info = self._create(
                    store, experiment_id, run_name, self._parent(parent_run_id, nested=nested or (enclosed and parent_run_id is None)), clean_tags
                )
            run = ActiveRun(store, info, self, cell=self._cell, implicit=implicit)
            stack.append(run)
        self._exits.install()
        self._heartbeat.watch(run.run_id, store)
        if log_system_metrics:
            run.system_metrics = SystemMetrics(store, run.run_id)
            run.system_metrics.start()
        announce(RunStarted(run.run_id))
        return run

    def end_run(self, status: RunStatus | str = RunStatus.FINISHED) -> None:
        """End the active run of this thread; nothing if there is none."""
        wanted = _status(status)
        run = self.active
        if run is not None:
            run.end(wanted)
        config.clear_run_id()

    def finish(self, run: ActiveRun, status: RunStatus, message: str | None) -> None:
        """Take ``run`` off its stack and end it in the store; a run that has ended stays as it is."""
        with self._lock:
            if run.ended:
                return
            run.ended = True
            for stack in (self._home, *self._stacks.values()):
                if run in stack:
                    stack.remove(run)
            self._last = run
        self._heartbeat.forget(run.run_id)
        if run.system_metrics is not None:
            run.system_metrics.stop()
        with run.store.transaction():
            run.store.facts.set(run.run_id, context.closing_facts(self.notebook))
            run.store.runs.update(run.run_id, status=status, end_time=time_ns() // 1_000_000, status_message=message)
        announce(RunEnded(run.run_id, status.value))

    def discard(self, run: ActiveRun) -> None:
        """Remove a run for good, as if it had not been started; the last run is again the one before it."""
        before = self._last
        run.end()
        with run.store.transaction():
            run.store.runs.delete(run.run_id)
            run.store.runs.purge([run.run_id])
        self._last = before

    # --- cells of a notebook -------------------------------------------------------------------

    def enter_cell(self, key: str) -> None:
        """Say that a cell is being executed; ``key`` is ``id#execution``, the id naming the same cell each time."""
        with self._lock:
            self._cell = key

    def leave_cell(self, key: str, error: BaseException | None) -> None:
        """Say how the cell ended: its implicit runs end with it, and all its open runs if it failed."""
        with self._lock:
            opened = [run for run in reversed(self._home) if run.cell == key]
            self._cell = None
        for run in opened:
            if error is not None:
                run.fail(error)
                announce(Notice(f"run {run.name!r} was still active when its cell failed; it ended as {ending_of(error)[0]}"))
            elif run.implicit:
                run.end()

    def _close_leftovers(self, stack: list[ActiveRun]) -> None:
        """End what an earlier execution of this very cell left open, so that re-running it just works."""
        if self._cell is None:
            return
        for run in [run for run in reversed(stack) if run.cell is not None and run.cell != self._cell and _same_cell(run.cell, self._cell)]:
            run.end(RunStatus.FAILED, "left open by an earlier execution of its cell")
            announce(Notice(f"run {run.name!r} ({run.run_id[:8]}) was left open by an earlier execution of this cell; it ended as FAILED"))

    def close(self) -> None:
        """End the runs, close the stores, and forget what was set, as a new process would begin."""
        self._end_all((RunStatus.FINISHED, None))
        for known in self._stores.values():
            known.store.close()
        self._stores.clear()
        self._uri = self._experiment_name = self._experiment_id = self.notebook = None
        self._reset_process_state()

    # --- inside --------------------------------------------------------------------------------

    def _own_stack(self) -> list[ActiveRun]:
        if threading.current_thread() is threading.main_thread():
            return self._home
        return self._stacks.setdefault(threading.get_ident(), [])

    def _parent(self, parent_run_id: str | None, *, nested: bool) -> str | None:
        active = self.active
        if active is None or not nested:
            return parent_run_id
        if parent_run_id is not None and parent_run_id != active.run_id:
            raise InvalidInput(f"the active run is {active.run_id}, so a nested run can't have the parent {parent_run_id}; leave parent_run_id out")
        return active.run_id

    def _create(self, store: Store, experiment_id: str | None, run_name: str | None, parent: str | None, tags: dict[str, str]) -> RunInfo:
        settings = config.read_settings()
        user = context.user_name(settings.user)
        name = check_title(run_name if run_name is not None else tags.get(RUN_NAME_TAG, random_run_name()), "run")
        notebook = self.notebook or settings.notebook
        all_tags = {context.USER_TAG: user, **context.source_tags(notebook), **tags, RUN_NAME_TAG: name}
        if parent is not None:
            store.runs.get(parent)
            all_tags[context.PARENT_TAG] = parent
        new = NewRun(
            run_id=new_run_id(),
            experiment_id=experiment_id or self.experiment_id(store),
            run_name=name,
            user_id=user,
            start_time=time_ns() // 1_000_000,
            parent_run_id=parent,
            notebook=notebook,
            tags=all_tags,
            process=process_identity(),
        )
        return store.runs.create(new).info

    def _resume(self, store: Store, run_id: str, experiment_id: str | None, run_name: str | None, tags: dict[str, str]) -> RunInfo:
        info = store.runs.get(run_id).info
        if info.lifecycle_stage is LifecycleStage.DELETED:
            raise RunNotActive(f"Cannot start run with ID {run_id} because it is in the deleted state. Restore it: nbtrack runs restore {run_id}")
        wanted = experiment_id or self._experiment_id
        if wanted is not None and wanted != info.experiment_id:
            raise InvalidInput(f"can't resume run {run_id}: it belongs to experiment {info.experiment_id}, and the active experiment is {wanted}")
        if run_name is not None:
            check_title(run_name, "run")
        with store.transaction():
            resumed = store.runs.update(run_id, status=RunStatus.RUNNING, run_name=run_name)
            store.runs.claim(run_id, process_identity())
            if tags:
                store.runs.set_tags(run_id, tags)
        config.clear_run_id()
        return resumed

    def _borrow(self) -> BorrowedRun | None:
        """The latest RUNNING run of a process above this one; looked up again every ``_BORROW_CHECK_S`` seconds."""
        checked, run = self._borrowed
        if monotonic() - checked < _BORROW_CHECK_S:
            return run
        run = None
        if self.place().exists:
            store, own = self.store(), process_identity()
            above = set(ancestor_pids())
            for info, process, _ in store.runs.claims():
                if process.pid in above and (process.host, process.boot_id) == (own.host, own.boot_id):
                    run = BorrowedRun(store, info.run_id)
        self._borrowed = (monotonic(), run)
        return run

    def _end_all(self, ending: Ending) -> None:
        status, message = ending
        for stack in (*self._stacks.values(), self._home):
            for run in list(reversed(stack)):
                run.end(status, message)


def _same_cell(started: str, now: str) -> bool:
    """Whether two cell keys (``id#execution``) are executions of one cell."""
    return started.rpartition("#")[0] == now.rpartition("#")[0]


def _status(status: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(str(status).upper())
    except ValueError:
        known = ", ".join(item.value for item in RunStatus)
        raise InvalidInput(f"{status!r} is no status of a run; the statuses are {known}") from None


def _file_identity(place: Place) -> tuple[int, int]:
    try:
        found = os.stat(place.database)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


_session = Session()


def current_session() -> Session:
    """The session of this process."""
    return _session


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_session._reset_process_state)
