"""Experiments as a table, and one of them as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.lookup import Found
from nbtrack.cli.options import Output
from nbtrack.cli.run_list import Look, print_runs
from nbtrack.cli.run_table import STATUS_STYLES, csv_bytes, utc_time
from nbtrack.cli.tables import column, fit, print_table
from nbtrack.entities import Experiment, LifecycleStage, RunStatus, ViewType
from nbtrack.formatting import format_time, plural
from nbtrack.query import parse_filter
from nbtrack.store.base import RunQuery, Store
from nbtrack.tracking.client import Client
from nbtrack.tracking.comparison import user_tags
from nbtrack.tracking.export import json_bytes

_RUNS_SHOWN = 10


def write_experiments(store: Store, experiments: Sequence[Experiment], output: Output, *, place: str) -> None:
    """Write the experiments as ``output`` says; ``place`` is the store, for the line below the table."""
    counts = [_count(store, experiment) for experiment in experiments]
    if output is Output.JSON:
        click.echo(json_bytes([{**asdict(item), "runs": count} for item, count in zip(experiments, counts, strict=True)]), nl=False)
        return
    if output is Output.CSV:
        head = ["experiment_id", "name", "runs", "lifecycle_stage", "creation_time", "last_update_time"]
        click.echo(csv_bytes([head, *(_csv_row(item, count) for item, count in zip(experiments, counts, strict=True))]), nl=False)
        return
    out = terminal.console()
    if experiments:
        tags = [", ".join(f"{key}={value}" for key, value in user_tags(item.tags).items()) for item in experiments]
        columns = [
            column("experiment", [item.name for item in experiments], max_width=48),
            column("runs", [f"{count:,}" for count in counts], right=True),
            column("changed", [format_time(item.last_update_time) for item in experiments], right=True),
            column("created", [format_time(item.creation_time) for item in experiments], rank=2, right=True),
            column("id", [item.experiment_id for item in experiments], rank=1, style="dim"),
        ]
        columns += [column("tags", tags, rank=3, style="dim", max_width=60)] if any(tags) else []
        print_table(out, fit(columns, out.width)[0])
        out.print()
    out.print(f"{plural(len(experiments), 'experiment')} · {terminal.one_line(place)}", style="dim")


def write_experiment(client: Client, experiment: Experiment, *, as_json: bool) -> None:
    """Write one experiment: what it is, how its runs ended, the latest of them."""
    store = client.store
    view = ViewType.ALL if experiment.lifecycle_stage is LifecycleStage.DELETED else ViewType.ACTIVE_ONLY
    ended = {status: store.runs.count(RunQuery([experiment.experiment_id], parse_filter(f"status = '{status}'"), view=view)) for status in RunStatus}
    if as_json:
        click.echo(json_bytes({**asdict(experiment), "runs": ended}), nl=False)
        return
    from rich.text import Text

    out = terminal.console()
    title = Text.assemble((terminal.one_line(experiment.name), "bold"), "  ", (experiment.experiment_id, "dim"))
    if experiment.lifecycle_stage is LifecycleStage.DELETED:
        title.append("  deleted", "red")
    out.print(title)
    out.print(f"created {format_time(experiment.creation_time)} · changed {format_time(experiment.last_update_time)}", style="dim")
    if tags := user_tags(experiment.tags):
        out.print()
        print_table(out, [column("", list(tags), max_width=40), column("", list(tags.values()), wrap=True)], indent=2)
    runs = store.runs.search(RunQuery([experiment.experiment_id], view=view, limit=_RUNS_SHOWN))
    counts = [(f"{count:,} {status.value.lower()}", STATUS_STYLES[status]) for status, count in ended.items() if count]
    out.print()
    out.print(Text("  ").join(Text(*part) for part in counts) if counts else "no run yet")
    if runs:
        out.print()
        print_runs(Found(runs, sum(ended.values()), {experiment.experiment_id: experiment.name}), Look(hint="nbtrack runs list --all"))
        if len(runs) < sum(ended.values()):
            out.print(f"the latest {len(runs)}; all: nbtrack runs list -e {terminal.one_line(experiment.name)!r}", style="dim")


def _count(store: Store, experiment: Experiment) -> int:
    view = ViewType.ALL if experiment.lifecycle_stage is LifecycleStage.DELETED else ViewType.ACTIVE_ONLY
    return store.runs.count(RunQuery([experiment.experiment_id], view=view))


def _csv_row(item: Experiment, count: int) -> list[Any]:
    return [item.experiment_id, item.name, count, item.lifecycle_stage.value, utc_time(item.creation_time), utc_time(item.last_update_time)]
