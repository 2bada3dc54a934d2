"""What gc would remove, and what it removed."""

from __future__ import annotations

from typing import Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.changes import record
from nbtrack.cli.tables import column, print_table
from nbtrack.entities import ViewType
from nbtrack.formatting import format_size, plural
from nbtrack.store.base import RunQuery, Store
from nbtrack.store.gc import GcPlan, collect, compact, held_by_versions
from nbtrack.tracking.export import json_bytes

_LISTED = 20
_DELETED = RunQuery(view=ViewType.DELETED_ONLY)


def write_plan(store: Store, plan: GcPlan, *, as_json: bool) -> None:
    """Say what could go."""
    if as_json:
        click.echo(json_bytes(_record(plan, applied=False)), nl=False)
        return
    if plan.is_empty:
        terminal.say("nothing to remove")
    else:
        _print(plan)
        terminal.say("\nnothing was removed; add --apply to do it")
    _note_kept(store, going=len(plan.runs))


def collect_and_write(store: Store, plan: GcPlan, *, compacting: bool, as_json: bool) -> None:
    """Remove what the plan lists, write runs and experiments that went into the log of events, and say what it was."""
    removed = collect(store, plan)
    for info in removed.runs:
        record(store, "run.purge", info.run_id, {"run_name": info.run_name, "experiment_id": info.experiment_id})
    for experiment in removed.experiments:
        record(store, "experiment.purge", experiment.experiment_id, {"name": experiment.name})
    compacted = compact(store) if compacting else 0
    if as_json:
        click.echo(json_bytes({**_record(removed, applied=True), "compacted_bytes": compacted}), nl=False)
        return
    if removed.is_empty:
        terminal.say("nothing to remove")
    else:
        _print(removed)
        terminal.say(f"\nremoved; {format_size(removed.file_bytes)} of files freed")
    _note_kept(store)
    if compacting:
        terminal.say(f"the database file is {format_size(compacted)} smaller")


def _note_kept(store: Store, *, going: int = 0) -> None:
    held, models = held_by_versions(store)
    runs = store.runs.count(_DELETED) - going - held
    if runs:
        terminal.say(f"{plural(runs, 'deleted run')} can still be restored; --deleted-runs removes {'it' if runs == 1 else 'them'} for good")
    if held:
        names = ", ".join(repr(terminal.one_line(name)) for name in models)
        stays, them = ("stays", "it") if held == 1 else ("stay", "them")
        terminal.say(f"{plural(held, 'deleted run')} {stays}, since versions of {names} were made from {them}")


def _print(plan: GcPlan) -> None:
    for title, names in (
        ("runs", [f"{info.run_id[:8]}  {info.run_name}" for info in plan.runs]),
        ("experiments", [f"{experiment.experiment_id}  {experiment.name}" for experiment in plan.experiments]),
    ):
        for name in names[:_LISTED]:
            terminal.say(f"{title[:-1]}  {terminal.one_line(name)}")
        if len(names) > _LISTED:
            terminal.say(f"and {len(names) - _LISTED:,} more {title}")
    rows = [
        ("deleted runs", len(plan.runs), None),
        ("deleted experiments", len(plan.experiments), None),
        ("artifacts that no run has", len(plan.blobs), sum(size for _, size in plan.blobs)),
        ("files of writes that were cut off", len(plan.leftovers), sum(size for _, size in plan.leftovers)),
        ("sources and texts", plan.texts, plan.text_bytes),
        ("data fingerprints", plan.datasets, None),
        ("kernel sessions", plan.sessions, None),
    ]
    there = [row for row in rows if row[1]]
    if plan.runs or plan.experiments:
        terminal.say()
    print_table(
        terminal.console(),
        [
            column("", [what for what, _, _ in there], max_width=40),
            column("", [f"{count:,}" for _, count, _ in there], right=True),
            column("", ["" if size is None else format_size(size) for _, _, size in there], right=True),
        ],
    )


def _record(plan: GcPlan, *, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied,
        "runs": [{"run_id": info.run_id, "run_name": info.run_name} for info in plan.runs],
        "experiments": [{"experiment_id": item.experiment_id, "name": item.name} for item in plan.experiments],
        "blobs": [{"digest": digest, "size": size} for digest, size in plan.blobs],
        "leftovers": [{"name": name, "size": size} for name, size in plan.leftovers],
        "file_bytes": plan.file_bytes,
        "texts": plan.texts,
        "text_bytes": plan.text_bytes,
        "datasets": plan.datasets,
        "sessions": plan.sessions,
    }
