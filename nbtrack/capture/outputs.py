"""What a cell showed, made fit for keeping: bounded, without terminal codes, and never raising.

Text is kept from both ends, since the first lines say what ran and the last ones how it went.
"""

from __future__ import annotations

import html
import re
import reprlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import CaptureFailed
from nbtrack.formatting import plural

MAX_TEXT_CHARS = 100_000
MAX_TABLE_ROWS = 50
MAX_TABLE_COLUMNS = 50
MAX_CELL_CHARS = 200

_MAX_REWRITES = 100  # of a line, before what was overwritten is dropped

# Colours and cursor moves (CSI), titles and links (OSC, ended by BEL or ST), character sets, and other short codes.
_TERMINAL_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-Z\\-~])")
_LARGE_CONTAINER = 1000  # items
_short = reprlib.Repr()
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 100
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class BoundedText:
    """Text that is written without end and kept in bounds: its head and its tail.

    Progress bars rewrite their line with carriage returns; of such a line the last state is kept,
    so that an hour of them does not push out what else was printed. Several threads may write.

    Parameters
    ----------
    limit
        Most characters that are kept, head and tail together.
    """

    def __init__(self, limit: int = MAX_TEXT_CHARS) -> None:
        self._limit = limit
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = ""
        self._tail: list[str] = []
        self._tail_chars = 0
        self._line = ""  # the last line, which a carriage return may still rewrite
        self._cut = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Take in more text; it may end anywhere, inside a line or a terminal code."""
        with self._lock:
            lines = (self._line + text).split("\n")
            self._line = lines.pop()
            if lines:
                self._keep("".join(f"{clean_line(line)}\n" for line in lines))
            if len(self._line) > 4 * self._limit or self._line.count("\r") > _MAX_REWRITES:
                self._shorten_line()

    @property
    def truncated_chars(self) -> int:
        """How many characters were cut out of the middle."""
        return self._assembled()[2]

    def text(self) -> str:
        """What is kept, with a note where something was cut."""
        head, tail, cut = self._assembled()
        return f"{head}\n[... {cut:,} characters cut ...]\n{tail}" if cut else head + tail

    def _keep(self, text: str) -> None:
        room = self._head_limit - len(self._head) if not self._tail else 0
        self._head, rest = self._head + text[:room], text[room:]
        if not rest:
            return
        self._tail.append(rest)
        self._tail_chars += len(rest)
        if self._tail_chars > 2 * self._tail_limit:  # not at each write: cutting copies the whole tail
            tail, self._cut = self._cut_tail()
            self._tail, self._tail_chars = [tail], len(tail)

    def _cut_tail(self) -> tuple[str, int]:
        """The tail in its bounds, and how much was cut so far."""
        tail = "".join(self._tail)
        over = max(0, len(tail) - self._tail_limit)
        return tail[over:], self._cut + over

    def _shorten_line(self) -> None:
        """A line that does not end: drop what was overwritten, and then let the bounds hold for it too."""
        ending = "\r" if self._line.endswith("\r") else ""
        self._line = clean_line(self._line) + ending
        if len(self._line) > self._limit:
            self._keep(self._line)
            self._line = ""

    def _assembled(self) -> tuple[str, str, int]:
        with self._lock:
            whole = BoundedText(self._limit)
            whole._head, whole._tail, whole._tail_chars, whole._cut = self._head, list(self._tail), self._tail_chars, self._cut
            whole._keep(clean_line(self._line))
            tail, cut = whole._cut_tail()
            return whole._head, tail, cut


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
    """``repr(value)`` cut to ``limit`` characters; where it raises, a text that says so.

    Of long text and large containers only the start is read, so that this is quick for any size.
    """
    try:
        if type(value) in (str, bytes):
            text = repr(value[: limit + 1])  # type: ignore[index]
        elif isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > _LARGE_CONTAINER:
            text = _short.repr(value)
        else:
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

    def to_html(self) -> str:
        """A plain HTML table, with a line that gives the whole size where it is cut."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.header)
        body = "".join(f"<tr><th>{html.escape(row[0])}</th>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row[1:])}</tr>" for row in self.cells if row)
        note = f"<p>{plural(self.rows, 'row')}, {plural(self.columns, 'column')}</p>" if self.is_cut else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def table_payload(frame: Any, *, max_rows: int = MAX_TABLE_ROWS, max_columns: int = MAX_TABLE_COLUMNS) -> TablePayload:
    """The first rows and columns of a DataFrame or Series of pandas or polars; the first header cell is the index's.

    Raises
    ------
    CaptureFailed
        It is no such thing, or its class fails when it is read.
    """
    try:
        frame = frame.to_frame() if not hasattr(frame, "columns") else frame
        part = frame[:max_rows] if hasattr(frame, "get_columns") else frame.iloc[:max_rows, :max_columns]
        header, columns = _polars_columns(part, max_columns) if hasattr(frame, "get_columns") else _pandas_columns(part)
        rows = [[_cell(value) for value in row] for row in zip(*columns, strict=True)]
        return TablePayload(header, rows, int(frame.shape[0]), int(frame.shape[1]))
    except Exception as error:
        # Derived classes and extension types run code of their own; what they raise is reported.
        raise CaptureFailed(f"no table of an object of type {type(frame).__name__}: {type(error).__name__}: {error}") from error


def _pandas_columns(part: Any) -> tuple[list[str], list[list[object]]]:
    index_name = ", ".join(_cell(name) for name in part.index.names if name is not None)
    names = [_cell(name) for name in part.columns.tolist()]
    return [index_name, *names], [part.index.tolist(), *(part.iloc[:, position].tolist() for position in range(part.shape[1]))]


def _polars_columns(part: Any, max_columns: int) -> tuple[list[str], list[list[object]]]:
    columns = part.get_columns()[:max_columns]
    return ["", *(column.name for column in columns)], [list(range(part.height)), *(column.to_list() for column in columns)]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value[:MAX_CELL_CHARS] if type(value) is str else describe(value, limit=MAX_CELL_CHARS)
