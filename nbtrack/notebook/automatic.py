"""``%track on``: which cells become runs without a word on top of them.

A cell is watched if it computes anything, and kept as a run if it gave a metric, logged something
by itself, or trained (called ``fit``, ``train`` and the like), failed or not. Cells that import,
load, define, look or draw leave no run; nor do cells that start runs themselves, or that work in
a run left open by an earlier cell.
"""

from __future__ import annotations

import re

from nbtrack.capture.code import CellCode, SessionNames, outcomes
from nbtrack.notebook.writing import Captured
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import Session

_TRACKED = re.compile(r"^\s*%%?track_run\b", re.MULTILINE)
_STARTS_RUNS = frozenset({"start_run", "track_run"})
_TRAINS = frozenset({"fit", "partial_fit", "fit_predict", "fit_generator", "train", "train_on_batch", "train_model", "cross_validate", "cross_val_score"})


def worth_watching(code: CellCode, earlier: SessionNames, session: Session) -> bool:
    """Whether the cell may become a run; decided before it runs, from its text."""
    if session.active is not None or _TRACKED.search(code.source) or _calls(code, _STARTS_RUNS):
        return False
    return bool(code.calls) or any(outcome.computed for outcome in outcomes(code, earlier).values())


def worth_keeping(run: ActiveRun, captured: Captured, code: CellCode) -> bool:
    """Whether the cell, now that it ran, is a run."""
    if captured.metrics or _calls(code, _TRAINS):
        return True
    store = run.store
    return bool(store.metrics.summaries(run.run_id) or store.params.all(run.run_id) or store.artifacts.all(run.run_id) or store.runs.children(run.run_id))


def _calls(code: CellCode, names: frozenset[str]) -> bool:
    return any(site.callee.text.rpartition(".")[2] in names for site in code.calls)
