"""Cells, what they showed, and what was found about them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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
