"""What a cell showed, made fit for keeping: bounded, without terminal codes, and never raising.

Text is kept from both ends, since the first lines say what ran and the last ones how it went.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_TEXT_CHARS = 100_000
MAX_TABLE_ROWS = 50
MAX_TABLE_COLUMNS = 50
MAX_CELL_CHARS = 200

# Colours and cursor moves (CSI), titles and links (OSC, ended by BEL or ST), and other two-character codes.
_TERMINAL_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class BoundedText:
    """Text that grows without growing: keeps the head and the tail of what is written.

    Progress bars rewrite their line with carriage returns; of such a line the last state is kept,
    so that an hour of them does not push out what else was printed.

    Parameters
    ----------
    limit
        Most characters that are kept, head and tail together.
    """

    def __init__(self, limit: int = MAX_TEXT_CHARS) -> None:
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = ""
        self._tail = ""
        self._line = ""  # the last line, which a carriage return may still rewrite
        self._cut = 0

    def write(self, text: str) -> None:
        """Take in more text; it may end anywhere, inside a line or a terminal code."""
        lines = (self._line + text).split("\n")
        self._line = lines.pop()
        if lines:
            self._keep("".join(f"{clean_line(line)}\n" for line in lines))
        if len(self._line) > 4 * (self._head_limit + self._tail_limit) or self._line.count("\r") > 100:
            # A line that does not end: what was overwritten goes, and then the limit holds for it as well.
            ending = "\r" if self._line.endswith("\r") else ""
            self._line = clean_line(self._line) + ending
            if len(self._line) > self._tail_limit + self._head_limit:
                self._keep(self._line)
                self._line = ""

    @property
    def truncated_chars(self) -> int:
        """How many characters were cut out of the middle."""
        return self._assembled()[1]

    def text(self) -> str:
        """What is kept, with a note where something was cut."""
        return self._assembled()[0]

    def _keep(self, text: str) -> None:
        self._head, self._tail, cut = self._join(text)
        self._cut += cut

    def _join(self, text: str) -> tuple[str, str, int]:
        room = self._head_limit - len(self._head) if not self._tail else 0
        head, rest = self._head + text[:room], self._tail + text[room:]
        return head, rest[-self._tail_limit :] if self._tail_limit else "", max(0, len(rest) - self._tail_limit)

    def _assembled(self) -> tuple[str, int]:
        head, tail, cut = self._join(clean_line(self._line))
        cut += self._cut
        return (f"{head}\n[... {cut:,} characters cut ...]\n{tail}" if cut else head + tail), cut


def clean_line(line: str) -> str:
    """One line as a terminal would show it: without terminal codes, the last state of what ``\\r`` rewrote."""
    line = _TERMINAL_CODE.sub("", line)
    if "\r" not in line:
        return line
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]  # a shorter text overwrites only the start
    return shown


def clean_text(text: str) -> str:
    """Text of any number of lines as a terminal would show it."""
    return "\n".join(clean_line(line) for line in text.split("\n"))


def describe(value: object, *, limit: int = 2000) -> str:
    """``repr(value)`` cut to ``limit`` characters; where it raises, a text that says so."""
    try:
        text = repr(value)
    except Exception as error:
        # The class of the user runs here: what it raises is told in place of the text.
        return f"<{type(value).__name__}: __repr__ raised {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def without_address(text: str) -> str:
    """``<Foo at 0x7f...>`` as ``<Foo>``: the same in every process."""
    return _ADDRESS.sub("", text)


@dataclass(frozen=True)
class TablePayload:
    """The head of a table as text cells, for a card or a stored output.

    ``rows`` and ``columns`` are the sizes of the whole table.
    """

    header: Sequence[str]
    cells: Sequence[Sequence[str]]
    rows: int
    columns: int

    @property
    def is_cut(self) -> bool:
        """True if the table has more rows or columns than are here."""
        return self.rows > len(self.cells) or self.columns > max(0, len(self.header) - 1)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"header": list(self.header), "cells": [list(row) for row in self.cells], "rows": self.rows, "columns": self.columns}


def table_payload(frame: Any, *, max_rows: int = MAX_TABLE_ROWS, max_columns: int = MAX_TABLE_COLUMNS) -> TablePayload:
    """The first rows and columns of a pandas or polars DataFrame; the first header cell is the index's."""
    part = frame[:max_rows] if hasattr(frame, "get_columns") else frame.iloc[:max_rows, :max_columns]
    if hasattr(part, "get_columns"):
        names: list[object] = list(part.columns)[:max_columns]
        lists = [[str(position) for position in range(part.height)], *(column.to_list() for column in part.get_columns()[:max_columns])]
        index_name = ""
    else:
        names = part.columns.tolist()
        lists = [part.index.tolist(), *(part.iloc[:, position].tolist() for position in range(part.shape[1]))]
        index_name = ", ".join(str(name) for name in part.index.names if name is not None)
    rows = zip(*([_cell(value) for value in column] for column in lists), strict=True)
    return TablePayload([index_name, *(_cell(name) for name in names)], [list(row) for row in rows], int(frame.shape[0]), int(frame.shape[1]))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return (value if isinstance(value, str) else describe(value, limit=MAX_CELL_CHARS))[:MAX_CELL_CHARS]
