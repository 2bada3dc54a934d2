"""Runs cells in a real IPython shell in this process, as a front end does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import Run, RunStatus
from nbtrack.store.base import RunQuery, Store
from nbtrack.tracking.session import Session


@dataclass
class Notebook:
    """Runs cells one after the other, as a front end does, and keeps what they displayed."""

    shell: Any
    session: Session
    displayed: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def run(self, source: str, *, cell_id: str | None = None, fails: bool = False) -> Any:
        """Execute a cell; it must succeed unless it is said to fail."""
        self.count += 1
        result = self.shell.run_cell(source, store_history=True, cell_id=cell_id or f"cell-{self.count}")
        error = result.error_before_exec or result.error_in_exec
        assert (error is not None) == fails, error
        return result

    @property
    def store(self) -> Store:
        return self.session.store()

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order in which they were started."""
        return list(reversed(self.session.reader().runs.search(RunQuery())))

    @property
    def last(self) -> Run:
        return self.runs[-1]

    @property
    def statuses(self) -> list[RunStatus]:
        return [run.info.status for run in self.runs]

    @property
    def cards(self) -> list[str]:
        """The cards' texts."""
        return [bundle["text/plain"] for bundle in self.displayed if "nbtrack-card" in bundle.get("text/html", "")]
