"""Tables for terminals: which columns fit, and how they are printed.

Columns are chosen by rank rather than squeezed: a number that is cut says nothing, and a column
that is left out can be named below the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbtrack.cli import terminal
from nbtrack.cli.terminal import one_line

if TYPE_CHECKING:
    from rich.console import Console

_Span = tuple[str, str]  # text with its style

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
    """Print the columns side by side, under their titles if there are any.

    The lines are built here, since rich's own table takes a millisecond for each row.
    """
    colours = console.color_system is not None and not console.no_color
    widths = _widths(columns, console.width - indent)
    if any(item.title for item in columns):
        titles = [_padded([one_line(item.title)], item, width, "dim") for item, width in zip(columns, widths, strict=True)]
        _print_row(console, titles, widths, indent=indent, colours=colours)
    marked = [any(cell.best for cell in item.cells) for item in columns]
    for row in zip(*(item.cells for item in columns), strict=True):
        cells = [_drawn(*parts, colours=colours) for parts in zip(row, columns, widths, marked, strict=True)]
        _print_row(console, cells, widths, indent=indent, colours=colours)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """Of each column; those that wrap get what they need, or share what the others leave."""
    from rich.cells import cell_len

    fixed = sum(item.width for item in columns if not item.wrap) + GAP * (len(columns) - 1)
    share = max(_WRAPPED_WIDTH // 2, (width - fixed) // max(1, sum(item.wrap for item in columns)))
    needed = [max((cell_len(one_line(text)) for text in (item.title, *(cell.text for cell in item.cells))), default=0) for item in columns]
    return [min(share, need) if item.wrap else item.width for item, need in zip(columns, needed, strict=True)]


def _drawn(cell: Cell, item: Column, width: int, marked: bool, *, colours: bool) -> list[_Span]:
    """A cell as lines of exactly ``width``, each with its style."""
    text = one_line(cell.text)
    if marked:  # as wide with the star as without it, so that numbers stay aligned
        text += BEST if cell.best and not colours else " "
    return _padded(_wrapped(text, width) if item.wrap else [text], item, width, "bold green" if cell.best and colours else cell.style)


def _padded(texts: Sequence[str], item: Column, width: int, style: str) -> list[_Span]:
    from rich.cells import cell_len, set_cell_size

    cut = [text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…" for text in texts]
    spaces = [" " * (width - cell_len(text)) for text in cut]
    return [(f"{space}{text}" if item.right else f"{text}{space}", style) for text, space in zip(cut, spaces, strict=True)]


def _print_row(console: Console, cells: Sequence[list[_Span]], widths: Sequence[int], *, indent: int, colours: bool) -> None:
    """Print the cells of a row, of which some have several lines."""
    for number in range(max(map(len, cells))):
        spans = [lines[number] if number < len(lines) else (" " * width, "") for lines, width in zip(cells, widths, strict=True)]
        if colours:
            _print_styled(console, spans, indent)
        else:
            terminal.say(f"{' ' * indent}{(' ' * GAP).join(text for text, _ in spans)}".rstrip())


def _print_styled(console: Console, spans: Sequence[_Span], indent: int) -> None:
    from rich.text import Text

    line = Text(" " * indent)
    for place, (text, style) in enumerate(spans):
        line.append(" " * GAP if place else "")
        line.append(text, style)
    line.rstrip()
    console.print(line, soft_wrap=True)


def _wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width``, broken at spaces where there are any."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for word in text.split(" "):
        glued = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(glued) <= width:
            lines[-1] = glued
        else:
            lines += chop_cells(word, width)
    return lines if lines[0] or len(lines) == 1 else lines[1:]
