"""The cells that a kernel session executed, in order, with their sources: what closures are cut from."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from nbtrack.entities import Cell

MAX_CELLS = 5_000
MAX_CHARS = 20_000_000


@dataclass
class Execution:
    """One execution of a cell that is going on, or has ended.

    ``info`` is IPython's own note of it, by which its end is recognised; None for the cell that
    was running when the extension was loaded.
    """

    cell: Cell
    info: Any = None
    thread: int = 0
    swallowed: BaseException | None = None  # an error that was shown, and that IPython does not report as the cell's
    began: float = field(default_factory=time.perf_counter)

    @property
    def key(self) -> str:
        """``id#execution`` for the session: the same cell, executed again, has the same id.

        Without an id from the front end, a cell is told by its text.
        """
        identity = self.cell.cell_id or f"text-{uuid.uuid5(uuid.NAMESPACE_OID, self.cell.source.strip())}"
        return f"{identity}#{self.cell.position}"


class SessionHistory:
    """Executed cells by position, from 1; bounded: the oldest go when there are too many."""

    def __init__(self, session_id: str | None = None) -> None:
        self.session_id = session_id or uuid.uuid4().hex
        self._cells: dict[int, Cell] = {}
        self._unsaved: set[int] = set()
        self._next = 1
        self._chars = 0

    @property
    def cells(self) -> list[Cell]:
        """The cells in the order of their execution."""
        return list(self._cells.values())

    def adopt(self, sources: Iterable[str]) -> None:
        """Take in cells that ran before this history began, by their sources; blank ones keep their place."""
        for source in sources:
            if source.strip():
                self._put(Cell(position=self._next, source=source, execution_count=self._next))
            self._next += 1

    def begin(self, source: str, *, cell_id: str | None, execution_count: int | None) -> Cell:
        """Note that a cell begins; it counts as not succeeded until it has."""
        cell = Cell(
            position=self._next,
            source=source,
            cell_id=cell_id,
            execution_count=execution_count,
            started=time.time_ns() // 1_000_000,
            succeeded=False,
        )
        self._next += 1
        self._put(cell)
        return cell

    def end(self, cell: Cell, *, duration: float, succeeded: bool, execution_count: int | None = None) -> Cell:
        """Note how a cell ended."""
        ended = replace(cell, duration=duration, succeeded=succeeded, execution_count=execution_count or cell.execution_count)
        if cell.position in self._cells:
            self._cells[cell.position] = ended
            self._unsaved.add(cell.position)
        return ended

    def unsaved(self) -> list[Cell]:
        """The cells that are not in the store yet, or have ended since they were put there."""
        return [self._cells[position] for position in sorted(self._unsaved)]

    def saved(self, cells: Iterable[Cell]) -> None:
        """Note that these are in the store as they are here."""
        for cell in cells:
            if self._cells.get(cell.position) == cell:
                self._unsaved.discard(cell.position)

    def _put(self, cell: Cell) -> None:
        self._cells[cell.position] = cell
        self._unsaved.add(cell.position)
        self._chars += len(cell.source)
        while len(self._cells) > MAX_CELLS or (self._chars > MAX_CHARS and len(self._cells) > 1):
            oldest = next(iter(self._cells))
            self._chars -= len(self._cells.pop(oldest).source)
            self._unsaved.discard(oldest)
