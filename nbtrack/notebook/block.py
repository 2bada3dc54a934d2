"""``with nbtrack.track_run(...)``: captures a block as ``%%track_run`` captures a cell, in notebooks and in scripts."""

from __future__ import annotations

import linecache
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

from nbtrack.capture.code import analyse_block
from nbtrack.entities import Cell
from nbtrack.errors import InvalidInput
from nbtrack.ids import check_key
from nbtrack.notebook.card import read_card
from nbtrack.notebook.card_text import card_text
from nbtrack.notebook.failures import lines_above
from nbtrack.notebook.options import TrackOptions, Wanted, refuse_unavailable
from nbtrack.notebook.recording import Recording, Subject
from nbtrack.notebook.tracker import CellTracker
from nbtrack.notebook.writing import write
from nbtrack.tracking.events import Notice, announce
from nbtrack.tracking.exits import describe_error, ending_of
from nbtrack.tracking.handle import check_tags
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import current_session

MAX_SOURCE_CHARS = 1_000_000


class track_run:  # noqa: N801  (used as a function)
    """Track the block as a run; ``as run`` gives the active run.

    What is typed in the block is a param, what is computed is a metric; figures, printed text, data
    and code are kept too. The run ends as the block does: FINISHED, FAILED for an exception (which
    goes on), KILLED for an interrupt. It works in functions, in async code, and in loops.

    Parameters
    ----------
    name
        The run's name; a random one by default.
    params, metrics
        Names to keep in addition: a list of names, or a mapping from names to expressions that are
        worked out after the block.
    nested
        Make it a part of the run that is active. Inside a tracked cell or block it is so anyway.
    infer, figures, outputs
        False to leave out what is read from the code, figures, or text and tables.
    quiet
        No card after the block.

    Examples
    --------
    ::

        for depth in (2, 4, 8):
            with nbtrack.track_run(f"depth {depth}", experiment="trees") as run:
                model = DecisionTreeClassifier(max_depth=depth).fit(X_train, y_train)
                accuracy = model.score(X_test, y_test)
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        experiment: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Sequence[str] | Mapping[str, str] = (),
        metrics: Sequence[str] | Mapping[str, str] = (),
        infer: bool = True,
        figures: bool = True,
        outputs: bool = True,
        nested: bool = False,
        notes: str | None = None,
        models: bool = True,
        register: str | None = None,
        live: bool = False,
        quiet: bool = False,
        log_system_metrics: bool | None = None,
    ) -> None:
        refuse_unavailable(live=live)
        self._options = TrackOptions(
            name=name,
            experiment=experiment,
            tags=check_tags(tags or {}),
            params=_wanted(params, "param"),
            metrics=_wanted(metrics, "metric"),
            infer=infer,
            figures=figures,
            outputs=outputs,
            nested=nested,
            notes=notes,
            quiet=quiet,
            models=models,
            register=register,
        )
        self._log_system_metrics = log_system_metrics
        self._recording: Recording | None = None

    def __enter__(self) -> ActiveRun:
        session = current_session()
        tracker = _tracker()
        self._recording = Recording(session, _subject(_caller(), tracker), self._options)
        run = self._recording.begin(None if tracker is None else tracker.tap, log_system_metrics=self._log_system_metrics)
        self._recording.forget_values()  # what is kept here could not be freed by the block
        return run

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        recording, self._recording = self._recording, None
        if recording is None or recording.run is None:
            return
        run, ending = recording.run, ending_of(error)
        tracker = _tracker()
        try:
            recording.subject = replace(recording.subject, values=_values(_caller()))
            captured = recording.finish(error)
            if tracker is not None:
                tracker.finished(recording, captured, ending)
            elif (loss := write(run, captured, ending)) is not None:
                announce(Notice(f"of run {run.name!r} could not be stored: {loss}"))
            elif not self._options.quiet:
                _print_card(run)
        except Exception as problem:  # a process edge: a fault of ours must not replace the user's result
            announce(Notice(f"after the block of run {run.name!r}: {describe_error(problem)}"))
        finally:
            run.end(*ending)


def _wanted(names: Sequence[str] | Mapping[str, str], kind: str) -> tuple[Wanted, ...]:
    if isinstance(names, str):
        raise InvalidInput(f"{kind}s takes a list of names, or a mapping from names to expressions; found the text {names!r}")
    pairs = names.items() if isinstance(names, Mapping) else ((name, name) for name in names)
    return tuple(Wanted(check_key(key, kind), expression) for key, expression in pairs)


def _caller() -> FrameType:
    """The frame of the ``with`` statement; those of ``ExitStack`` and the like are no one's code."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") == "contextlib" and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _tracker() -> CellTracker | None:
    """The tracker of the running shell, loaded now if it is not; None in a script."""
    module = sys.modules.get("IPython.core.interactiveshell")
    if module is None or not module.InteractiveShell.initialized():
        return None
    from nbtrack.notebook import extension

    return extension.load(module.InteractiveShell.instance())


def _values(frame: FrameType) -> Callable[[], Mapping[str, Any]]:
    """The names that code in ``frame`` sees now."""
    local = {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
    names: Mapping[str, Any] = ChainMap(local, frame.f_globals) if local else frame.f_globals
    return lambda: names


def _subject(frame: FrameType, tracker: CellTracker | None) -> Subject:
    execution = None if tracker is None else tracker.current()
    if tracker is None or execution is None:
        source, line = _source(frame), frame.f_lineno
        before, code = analyse_block(source, line)
        subject = Subject(Cell(position=1, source=source), code, _values(frame), frame.f_globals, in_file=True)
    else:
        in_cell = frame.f_globals is tracker.shell.user_global_ns and frame.f_code.co_name.startswith("<")
        cell = execution.cell
        source = cell.source if in_cell else _source(frame)
        line = frame.f_lineno + (lines_above(source, frame.f_code.co_filename) if in_cell else 0)
        before, code = analyse_block(source, line)
        subject = replace(tracker.subject(execution), code=code, values=_values(frame), namespace=frame.f_globals)
    names = subject.earlier_names
    names.observe(before)
    place = {"file": frame.f_code.co_filename, "line": line, "function": frame.f_code.co_name}
    return replace(subject, facts={**subject.facts, "block": place}, block_source=source)


def _source(frame: FrameType) -> str:
    """The source that ``frame`` runs, "" where there is none (as in ``python -c``)."""
    return "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))[:MAX_SOURCE_CHARS]


def _print_card(run: ActiveRun) -> None:
    """On a terminal, the card as text; a script whose output goes elsewhere is left alone."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(card_text(read_card(run.store, run.run_id)), file=sys.stderr)  # noqa: T201
