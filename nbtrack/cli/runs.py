"""``nbtrack runs``: list, show, best, compare, export, delete, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbtrack.cli.commands import Noun
from nbtrack.cli.options import DEFAULT_LIMIT, Output, Selection, output_options, selection_options, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


@click.group(name="runs", cls=Noun, examples=("nbtrack runs list", "nbtrack runs show forest", "nbtrack runs compare forest boosting"))
def command() -> None:
    """List, show, compare, export, delete and restore runs.

    RUN is a run's id, the beginning of it (4 characters at least), or a name; of several runs with this name the latest.
    """


@command.command(
    "list",
    examples=(
        "nbtrack runs list",
        "nbtrack runs list -e churn --filter 'metrics.auc > 0.9' --order-by 'metrics.auc DESC'",
        "nbtrack runs list --filter \"status = 'FAILED' AND start_time > '2 days ago'\"",
        "nbtrack runs list --csv > runs.csv",
    ),
)
@selection_options
@click.option("--all", "everything", is_flag=True, help="Every run and every column, however many.")
@output_options
@uses_store
def list_runs(client: Client, selection: Selection, everything: bool, output: Output) -> None:
    """List runs, the latest first.

    The table has the metrics, the best value of each marked, and those params that differ. JSON and CSV have all runs and all there is of
    each.
    """
    from nbtrack.cli.lookup import search
    from nbtrack.cli.run_list import write_runs

    limit = selection.limit or (None if everything or output is not Output.TABLE else DEFAULT_LIMIT)
    write_runs(search(client, selection, limit=limit), selection, output, everything=everything, place=client.tracking_uri)
