"""Tables for terminals: which columns fit, and how they are printed.

Columns are chosen by rank rather than squeezed: a number that is cut says nothing, and a column
that is left out can be named below the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbtrack.cli.terminal import one_line

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.text import Text

GAP = 2  # spaces between columns
_WRAPPED_WIDTH = 24
BEST = "*"  # behind the best value, where there are no colours


@dataclass(frozen=True)
class Cell:
    """What one place of a table shows; ``best`` is marked by colour, or by a star."""

    text: str
    style: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column with its cells. The lowest ``rank`` stays longest; rank 0 always stays."""

    title: str
    cells: Sequence[Cell]
    rank: int = 0
    right: bool = False
    max_width: int = 32
    wrap: bool = False  # break long cells into lines, instead of cutting them at ``max_width``

    @property
    def width(self) -> int:
        """The columns of the terminal that it takes; that it needs at least, if it wraps."""
        from rich.cells import cell_len

        marks = 1 if any(cell.best for cell in self.cells) else 0
        widest = max((cell_len(one_line(cell.text)) for cell in self.cells), default=0)
        return min(max(cell_len(one_line(self.title)), widest + marks), _WRAPPED_WIDTH if self.wrap else self.max_width)


def column(title: str, texts: Sequence[str], *, rank: int = 0, right: bool = False, style: str = "", max_width: int = 32, wrap: bool = False) -> Column:
    """A column of plain texts."""
    return Column(title, [Cell(text, style) for text in texts], rank, right, max_width, wrap)


def fit(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns that fit into ``width``, in their order, and those that are left out."""
    kept: set[int] = set()
    used = -GAP
    for place in sorted(range(len(columns)), key=lambda index: (columns[index].rank, index)):
        needed = columns[place].width + GAP
        if columns[place].rank == 0 or used + needed <= width:
            kept.add(place)
            used += needed
    shown = [item for place, item in enumerate(columns) if place in kept]
    return shown, [item for place, item in enumerate(columns) if place not in kept]


def blocks(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """All columns in as many tables below one another as it takes; the first column leads each."""
    found: list[list[Column]] = []
    used = width + 1
    for item in columns[1:]:
        if used + GAP + item.width > width:
            found.append([columns[0]])
            used = columns[0].width
        found[-1].append(item)
        used += GAP + item.width
    return found or [list(columns)]


def print_table(console: Console, columns: Sequence[Column], *, indent: int = 0) -> None:
    """Print the columns side by side, under their titles."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", show_header=any(item.title for item in columns))
    if indent:
        table.add_column(width=indent - GAP)
    for item in columns:
        side: JustifyMethod = "right" if item.right else "left"
        if item.wrap:
            table.add_column(_heading(item), justify=side, overflow="fold")
        else:
            table.add_column(_heading(item), justify=side, no_wrap=True, overflow="ellipsis", width=item.width)
    marked = [any(cell.best for cell in item.cells) for item in columns]
    colours = console.color_system is not None and not console.no_color
    for row in zip(*(item.cells for item in columns), strict=True):
        texts = [_text(cell, marked=mark, colours=colours) for cell, mark in zip(row, marked, strict=True)]
        table.add_row(*([""] if indent else []), *texts)
    console.print(table, crop=False)


def _heading(item: Column) -> Text:
    from rich.text import Text

    return Text(one_line(item.title))


def _text(cell: Cell, *, marked: bool, colours: bool) -> Text:
    from rich.text import Text

    text = Text(one_line(cell.text), style="bold green" if cell.best and colours else cell.style)
    if marked:  # as wide with the star as without it, so that numbers stay aligned
        text.append(BEST if cell.best and not colours else " ")
    return text
