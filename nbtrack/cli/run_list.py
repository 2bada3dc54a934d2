"""A list of runs: on a terminal a table for each experiment and what did not fit, else JSON or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.lookup import Found
from nbtrack.cli.options import Output, Selection
from nbtrack.cli.run_table import metrics_of_order, run_table, runs_csv, table_text
from nbtrack.cli.tables import Column, blocks, fit, print_table
from nbtrack.entities import Run
from nbtrack.formatting import plural
from nbtrack.tracking.export import json_bytes, run_record

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_ALL = 100_000  # columns; a file has no edge
_MIN_NAME_WIDTH = 18


@dataclass(frozen=True)
class Look:
    """How runs are shown. ``hint`` is what to type to see the columns that did not fit."""

    order_by: Sequence[str] = ()
    everything: bool = False
    hint: str = "--all"


def write_runs(found: Found, selection: Selection, output: Output, *, everything: bool, place: str) -> None:
    """Write the runs as ``output`` says; ``place`` is the store, for the line below the table."""
    if output is Output.JSON:
        click.echo(json_bytes([run_record(run, found.experiments[run.info.experiment_id]) for run in found.runs]), nl=False)
    elif output is Output.CSV:
        click.echo(runs_csv(found.runs, found.experiments), nl=False)
    elif found.runs:
        print_runs(found, Look(selection.order_by, everything))
        shown = plural(len(found.runs), "run") if len(found.runs) == found.total else f"{len(found.runs):,} of {plural(found.total, 'run')}"
        terminal.say()
        _note(terminal.console(), f"{shown} · {terminal.one_line(place)}")
    else:
        asked = bool(selection.filter or selection.experiments)
        which = f"{'deleted ' if selection.deleted else ''}run is as asked for" if asked else "run is deleted" if selection.deleted else "run yet"
        terminal.say(f"no {which} · {terminal.one_line(place)}")


def print_runs(found: Found, look: Look) -> None:
    """Print the runs: in an order that was asked for as one table, else a table for each experiment."""
    out = terminal.console()
    if look.order_by or not found.mixed:
        _print_table(out, found.runs, look, experiments=found.experiments if found.mixed else None)
        return
    for place, (name, runs) in enumerate(_by_experiment(found)):
        if place:
            out.print()
        out.print(terminal.one_line(name), style="bold", end="  ")
        out.print(plural(len(runs), "run"), style="dim")
        _print_table(out, runs, look)


def _by_experiment(found: Found) -> list[tuple[str, list[Run]]]:
    grouped: dict[str, list[Run]] = {}
    for run in found.runs:
        grouped.setdefault(run.info.experiment_id, []).append(run)
    return [(found.experiments.get(key, key), runs) for key, runs in grouped.items()]


def _print_table(out: Console, runs: Sequence[Run], look: Look, *, experiments: Mapping[str, str] | None = None) -> None:
    table = run_table(
        runs,
        experiments=experiments,
        first=metrics_of_order(look.order_by),
        nested=not look.order_by,
        name_width=max(_MIN_NAME_WIDTH, out.width // 4),
    )
    if look.everything:
        _print_everything(out, table.columns)
    else:
        shown, left_out = fit(table.columns, out.width)
        print_table(out, shown)
        _note(out, _names(left_out, look.hint, out.width))
    _note(out, _common(table.common, out.width))


def _print_everything(out: Console, columns: Sequence[Column]) -> None:
    """On a terminal in blocks below one another; into a file or a pager in lines as long as it takes."""
    if not out.is_terminal:
        print_table(terminal.console(columns=_PIPED_ALL), columns)
        return
    for place, block in enumerate(blocks(columns, out.width)):
        if place:
            out.print()
        print_table(out, block)


def _names(left_out: Sequence[Column], hint: str, width: int) -> str:
    names = [item.title for item in left_out if item.title != "id"]
    return _listed(f"{plural(len(names), 'more column')} ({hint}): ", names, width) if names else ""


def _common(common: Mapping[str, Any], width: int) -> str:
    return _listed("the same in all: ", [f"{key} {table_text(value)}" for key, value in common.items()], width) if common else ""


def _listed(start: str, items: Sequence[str], width: int) -> str:
    """``start`` and as many items as fit on the line."""
    text = start
    for place, item in enumerate(items):
        piece = terminal.one_line(item) if place == 0 else f", {terminal.one_line(item)}"
        if len(text) + len(piece) + 3 > width:
            return f"{text} …"
        text += piece
    return text


def _note(out: Console, text: str) -> None:
    if text:
        out.print(text, style="dim", no_wrap=True, overflow="ellipsis")
