"""Runs side by side: a column for each run, a row for each key, what differs first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.options import Output
from nbtrack.cli.run_table import ABSENT, STATUS_STYLES, csv_bytes, csv_value, table_text
from nbtrack.cli.tables import Cell, Column, blocks, print_table
from nbtrack.entities import Run
from nbtrack.formatting import format_duration, format_number, format_time, plural
from nbtrack.tracking.comparison import MISSING, Comparison, Row
from nbtrack.tracking.export import json_bytes
from nbtrack.tracking.goals import best_of

if TYPE_CHECKING:
    from rich.console import Console

_VALUE_WIDTH = 30
_NAME_WIDTH = 24
_KEY_WIDTH = 40


def write_comparison(comparison: Comparison, output: Output, *, everything: bool) -> None:
    """Write the comparison as ``output`` says; ``everything`` with the rows that don't differ."""
    rows = comparison.rows if everything else comparison.differing()
    if output is Output.JSON:
        click.echo(json_bytes(_record(comparison, rows)), nl=False)
    elif output is Output.CSV:
        head = ["section", "key", *(run.info.run_id for run in comparison.runs)]
        click.echo(csv_bytes([head, *([row.section, row.key, *map(csv_value, row.values)] for row in rows)]), nl=False)
    else:
        _print(terminal.console(), comparison, rows)


def _record(comparison: Comparison, rows: Sequence[Row]) -> dict[str, Any]:
    """A value that a run lacks is absent from ``values``, since null is a value too."""
    return {
        "runs": [{"run_id": run.info.run_id, "run_name": run.info.run_name, "status": run.info.status} for run in comparison.runs],
        "rows": [
            {
                "section": row.section,
                "key": row.key,
                "differs": row.differs,
                "values": {run.info.run_id: value for run, value in zip(comparison.runs, row.values, strict=True) if value is not MISSING},
            }
            for row in rows
        ],
        "code_diff": list(comparison.code_diff),
    }


def _print(out: Console, comparison: Comparison, rows: Sequence[Row]) -> None:
    for place, block in enumerate(blocks(_columns(comparison.runs, rows), out.width)):
        if place:
            out.print()
        print_table(out, block)
    _diff(out, comparison.code_diff)
    same = len(comparison.rows) - len(rows)
    if same:
        out.print(f"\n{plural(same, 'row')} where the runs are the same (--all)", style="dim")


def _columns(runs: Sequence[Run], rows: Sequence[Row]) -> list[Column]:
    """The keys, a column for each run, and of two runs the change from one to the other."""
    keys = [Cell(""), Cell("started", "dim"), Cell("took", "dim")]
    values = [[Cell(run.info.status.value.lower(), STATUS_STYLES[run.info.status]), *_times(run)] for run in runs]
    changes = [Cell("")] * len(keys)
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            keys += [Cell(""), Cell(section, "bold")]
            for column in (*values, changes):
                column += [Cell(""), Cell("")]
        keys.append(Cell(f"  {row.key}"))
        for column, cell in zip(values, _cells(row), strict=True):
            column.append(cell)
        changes.append(_change(row) if len(runs) == 2 else Cell(""))
    titled = [Column(title, cells, right=True, max_width=_VALUE_WIDTH) for title, cells in zip(_titles(runs), values, strict=True)]
    change = [Column("change", changes, right=True)] if any(cell.text for cell in changes) else []
    return [Column("", keys, max_width=_KEY_WIDTH), *titled, *change]


def _titles(runs: Sequence[Run]) -> list[str]:
    """Names, with the beginning of the id where two runs have one name."""
    names = [run.info.run_name for run in runs]
    return [f"{name[:_NAME_WIDTH]} {run.info.run_id[:6]}" if names.count(name) > 1 else name for name, run in zip(names, runs, strict=True)]


def _times(run: Run) -> list[Cell]:
    return [Cell(format_time(run.info.start_time)), Cell(format_duration(run.info.duration))]


def _cells(row: Row) -> list[Cell]:
    if row.section != "metrics":
        return [ABSENT if value is MISSING else Cell(table_text(value)) for value in row.values]
    best = best_of([None if value is MISSING else value for value in row.values], row.goal)
    return [ABSENT if value is MISSING else Cell(format_number(value), best=best is not None and value == best) for value in row.values]


def _change(row: Row) -> Cell:
    """From the first run to the second, of numbers."""
    first, second = row.values
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in row.values)
    if not numbers or first == second:
        return Cell("")
    delta = second - first
    return Cell(f"{'+' if delta > 0 else ''}{format_number(delta)}", "dim")


def _diff(out: Console, lines: Sequence[str]) -> None:
    from rich.text import Text

    if not lines:
        return
    out.print("\nown cells", style="bold")
    for line in lines:
        style = {"+": "green", "-": "red", "@": "dim"}.get(line[:1], "")
        out.print(Text(f"  {terminal.one_line(line)}", style="dim" if line.startswith(("---", "+++")) else style), soft_wrap=True)
