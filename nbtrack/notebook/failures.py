"""Where an exception of a cell came from, told in the user's own lines."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

MAX_TRACEBACK_CHARS = 20_000

# What %%time compiles its body under; its lines count from below the magic.
_TIMED = "<timed exec>"


@dataclass(frozen=True)
class Place:
    """The line of a cell that raised, and its text; ``own_line`` is that of the cell's own statement which led there."""

    line: int
    source: str
    own_line: int


def cell_traceback(error: BaseException, namespace: Mapping[str, Any]) -> TracebackType | None:
    """The traceback from the cell's own frame on, without IPython's above it."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals is namespace:
            return trace
        trace = trace.tb_next
    return error.__traceback__


def came_through_time(error: BaseException) -> bool:
    """Whether the body of ``%%time`` raised ``error``."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _TIMED:
            return True
        trace = trace.tb_next
    return False


def failure_place(error: BaseException, source: str, namespace: Mapping[str, Any], *, in_file: bool = False) -> Place | None:
    """The line of the cell ``source`` in which ``error`` was raised; None where it can't be told.

    With ``in_file`` the source is a file's, whose lines are Python's.
    """
    own: list[int] = []
    name = None
    trace = cell_traceback(error, namespace)
    while trace is not None:
        code = trace.tb_frame.f_code
        if trace.tb_frame.f_globals is namespace and (name in (None, code.co_filename) or code.co_filename == _TIMED):
            if code.co_filename == _TIMED and name != _TIMED:
                own = []  # the frame above called the magic
            name = code.co_filename
            own.append(trace.tb_lineno)
        trace = trace.tb_next
    if not own:
        return None
    lines = source.splitlines()
    offset = 0 if in_file else lines_above(source, name)
    line = own[-1] + offset
    return Place(line, lines[line - 1].strip(), own[0] + offset) if 0 < line <= len(lines) else None


def traceback_text(error: BaseException, trace: TracebackType | None, *, names: Mapping[str, str] | None = None) -> tuple[str, int]:
    """The traceback as text, its end if it is very long, and how many characters were cut; never raises.

    ``names`` are better names for files: ``In [3]`` for a kernel's temporary file.
    """
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception as problem:  # a foreign __str__, or source that can't be read
        text = f"{type(error).__name__} (its traceback can't be shown: {type(problem).__name__})"
    for name, better in (names or {}).items():
        text = text.replace(f'File "{name}"', f"{better}")
    cut = max(0, len(text) - MAX_TRACEBACK_CHARS)
    return text[cut:], cut


def lines_above(source: str, file_name: str | None) -> int:
    """How many lines of a cell stand above the first one that Python counts: IPython drops blank ones at the top."""
    lines = source.splitlines()
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if file_name != _TIMED:
        return first
    magic = next((number for number, line in enumerate(lines) if line.startswith("%%time")), first)
    return magic + 1
