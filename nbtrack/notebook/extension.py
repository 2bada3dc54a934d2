"""``%load_ext nbtrack``: puts the magics, the transformer and the hooks into a shell, and takes them out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbtrack.notebook import transformer
from nbtrack.notebook.magics import TrackMagics
from nbtrack.notebook.tracker import CellTracker
from nbtrack.tracking.session import current_session

_MAGICS = {"cell": ("track_run",), "line": ("track_run", "track")}

_trackers: dict[int, CellTracker] = {}
_stops: dict[int, Callable[[], None]] = {}


def load(shell: Any) -> CellTracker:
    """Add nbtrack to ``shell``; a second call changes nothing."""
    if id(shell) in _trackers:
        return _trackers[id(shell)]
    tracker = CellTracker(shell, current_session())
    _trackers[id(shell)] = tracker
    shell.input_transformers_cleanup.append(transformer.transform)
    shell.register_magics(TrackMagics(shell, tracker))
    shell.events.register("pre_run_cell", tracker.pre_run_cell)
    shell.events.register("post_run_cell", tracker.post_run_cell)
    _stops[id(shell)] = tracker.watch_swallowed_errors()
    with tracker.never_raising("the cells before %load_ext nbtrack"):
        tracker.adopt_running_cell()
    return tracker


def unload(shell: Any) -> None:
    """Take nbtrack out of ``shell``; a run that goes on in the cell that does so ends with it."""
    tracker = _trackers.pop(id(shell), None)
    if tracker is None:
        return
    _stops.pop(id(shell))()
    shell.input_transformers_cleanup.remove(transformer.transform)
    for kind, names in _MAGICS.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.events.unregister("pre_run_cell", tracker.pre_run_cell)
    tracker.leave(lambda: shell.events.unregister("post_run_cell", tracker.post_run_cell))
