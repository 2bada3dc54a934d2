"""The store in numbers, its copies, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from nbtrack.cli import terminal
from nbtrack.cli.tables import column, print_table
from nbtrack.formatting import format_size, plural
from nbtrack.store.maintenance import Backup, Problem, StoreInfo
from nbtrack.tracking.export import json_bytes


def write_info(info: StoreInfo, *, as_json: bool) -> None:
    """Write what is in a store, and how much room it takes."""
    if as_json:
        click.echo(json_bytes(asdict(info)), nl=False)
        return
    beside = [f"{info.running_runs:,} running" if info.running_runs else "", f"{info.deleted_runs:,} of them deleted" if info.deleted_runs else ""]
    free = f"{format_size(info.free_bytes)} free inside: nbtrack gc --apply --compact" if info.free_bytes else ""
    rows = [
        ("experiments", f"{info.experiments:,}", ""),
        ("runs", f"{info.runs:,}", ", ".join(text for text in beside if text)),
        ("params", f"{info.params:,}", ""),
        ("metrics", f"{info.series:,}", plural(info.points, "point")),
        ("data inputs", f"{info.datasets:,}", ""),
        ("cells", f"{info.cells:,}", ""),
        ("artifacts", f"{info.artifacts:,}", f"{plural(info.blobs, 'file')} of different content"),
        ("events", f"{info.events:,}", ""),
        ("", "", ""),
        ("database", format_size(info.database_bytes), free),
        ("write-ahead log", format_size(info.log_bytes), ""),
        ("artifacts", format_size(info.blob_bytes), ""),
    ]
    out = terminal.console()
    out.print(terminal.one_line(info.uri), style="bold")
    out.print(f"schema {info.schema} · journal {info.journal_mode} · durability {info.durability} · SQLite {info.sqlite_version}\n", style="dim")
    columns = [column("", [row[place] for row in rows], right=place == 1, style="dim" if place == 2 else "", max_width=60) for place in range(3)]
    print_table(out, columns)


def write_backup(backup: Backup, *, as_json: bool) -> None:
    """Say what was copied, and which artifacts were not."""
    if as_json:
        sizes = {"database_bytes": backup.database_bytes, "blobs": backup.blobs, "blob_bytes": backup.blob_bytes}
        click.echo(json_bytes({"uri": backup.place.uri, **sizes, "damaged": list(backup.damaged)}), nl=False)
        return
    files = f" and {plural(backup.blobs, 'artifact file')} of {format_size(backup.blob_bytes)}" if backup.blobs else ""
    terminal.say(f"wrote {backup.place.uri}: the database of {format_size(backup.database_bytes)}{files}")
    for digest in backup.damaged:
        terminal.say(f"not copied, since it is missing or damaged: blob {digest}", err=True)
    if backup.damaged:
        terminal.say("`nbtrack db check --deep` says which runs they belong to", err=True)


def write_problems(problems: Sequence[Problem], *, deep: bool, as_json: bool) -> None:
    """Write the problems, each with what to do about it."""
    if as_json:
        click.echo(json_bytes([asdict(problem) for problem in problems]), nl=False)
        return
    for problem in problems:
        terminal.say(f"{problem.kind}: {terminal.plain_text(problem.message)}\n  {problem.fix}")
    if problems:
        terminal.say(f"\n{plural(len(problems), 'problem')}")
    else:
        what = "every artifact has its bytes" if deep else "every artifact is there"
        terminal.say(f"the database is whole, {what}, the log of events is unbroken")
