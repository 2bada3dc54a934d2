"""``nbtrack runs``: list, show, best, compare, export, delete, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbtrack.cli import terminal
from nbtrack.cli.commands import Noun
from nbtrack.cli.options import DEFAULT_LIMIT, Output, Selection, json_option, output_options, selection_options, uses_store, yes_option

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


@command.command(examples=("nbtrack runs show forest", "nbtrack runs show 3f2a --code", "nbtrack runs show forest --json"))
@click.argument("run")
@click.option("--code", is_flag=True, help="With the source of its cell, and of the earlier cells that it needs.")
@click.option("--outputs", is_flag=True, help="With all that the cell wrote, not its last lines alone.")
@json_option
@uses_store
def show(client: Client, run: str, code: bool, outputs: bool, as_json: bool) -> None:
    """Show all about one run.

    Metrics and params with where each came from, findings, data, code, artifacts, outputs, nested runs, and the traceback of one that failed.
    """
    run_id = client.store.runs.resolve(run)
    if as_json:
        from nbtrack.tracking.export import json_bytes, run_document

        click.echo(json_bytes(run_document(client.store, run_id)), nl=False)
        return
    from nbtrack.cli.run_page import print_page

    print_page(client.store, run_id, code=code, outputs=outputs)


@command.command(examples=("nbtrack runs best auc", "nbtrack runs best loss -e churn", "nbtrack runs best depth --mode min"))
@click.argument("metric")
@click.option("--mode", type=click.Choice(["max", "min"]), help="Which values are better.  [default: as the metric's name says]")
@click.option("-f", "--filter", "filter_text", default="", metavar="TEXT", help="Only among these runs.")
@click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only this experiment, by name or id; may be repeated.")
@json_option
@uses_store
def best(client: Client, metric: str, mode: str | None, filter_text: str, experiments: tuple[str, ...], as_json: bool) -> None:
    """Show the card of the best run by METRIC.

    The last value of the metric counts. The card sets it against the other runs of the experiment.
    """
    from nbtrack.cli.best import find_best, print_best
    from nbtrack.tracking.export import json_bytes, run_document

    found = find_best(client, metric, mode, filter_text, experiments)
    if as_json:
        click.echo(json_bytes(run_document(client.store, found.run.info.run_id)), nl=False)
    else:
        print_best(client.store, found, metric)


@command.command(examples=("nbtrack runs compare forest boosting", "nbtrack runs compare 3f2a 91cc 07de --all", "nbtrack runs compare forest boosting --json"))
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="What is the same in all runs too.")
@output_options
@uses_store
def compare(client: Client, runs: tuple[str, ...], everything: bool, output: Output) -> None:
    """Show what differs between runs.

    That is: metrics, params, data, code, packages and tags. The best value of each metric is marked. Of two runs the change from the first to the
    second is shown, and the difference of their cells.
    """
    from nbtrack.cli.compare_page import write_comparison
    from nbtrack.tracking.comparison import compare as compare_runs

    run_ids = list(dict.fromkeys(client.store.runs.resolve(run) for run in runs))
    if len(run_ids) < 2:
        raise click.UsageError("a comparison takes two runs at least; these are one run." if len(runs) > 1 else "a comparison takes two runs at least.")
    write_comparison(compare_runs(client.store, run_ids), output, everything=everything)


@command.command(
    examples=(
        "nbtrack runs export forest > forest.json",
        "nbtrack runs export forest boosting --format folder -o for-the-paper",
        "nbtrack runs export 3f2a 91cc --format csv -o runs.csv",
    )
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["json", "csv", "folder"]), default="json", show_default=True, help="What to write.")
@click.option("-o", "--output", "target", metavar="PATH", help="The file, or the new folder.  [default: stdout]")
@uses_store
def export(client: Client, runs: tuple[str, ...], form: str, target: str | None) -> None:
    """Write runs out of the store.

    JSON has all there is of a run: every metric point, param corrections, code, outputs, findings, and names and digests of its artifacts. A
    folder has that as run.json, and the artifacts beside it. CSV has a row for each run.
    """
    from nbtrack.cli.export_files import export_runs

    if form == "folder" and target is None:
        raise click.UsageError("a folder needs a place: add -o FOLDER.")
    export_runs(client.store, [client.store.runs.resolve(run) for run in runs], form, target)


@command.command(examples=("nbtrack runs delete 3f2a 91cc", "nbtrack runs delete forest --yes"))
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@yes_option
@uses_store
def delete(client: Client, runs: tuple[str, ...], yes: bool) -> None:
    """Mark runs as deleted.

    `nbtrack runs restore` undoes it, until `nbtrack gc --deleted-runs --apply` removes them for good.
    """
    from nbtrack.cli.changes import change_runs, confirm, list_runs
    from nbtrack.cli.lookup import find_all_exactly
    from nbtrack.formatting import plural

    found = find_all_exactly(client.store, runs)
    if not yes:
        list_runs(found)
    confirm(f"Delete {plural(len(found), 'run')}?", yes=yes)
    change_runs(client.store, found, "run.delete", client.delete_run)
    terminal.say(f"deleted {plural(len(found), 'run')}")


@command.command(examples=("nbtrack runs restore 3f2a", "nbtrack runs restore 3f2a 91cc --yes"))
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@yes_option
@uses_store
def restore(client: Client, runs: tuple[str, ...], yes: bool) -> None:
    """Take deleted runs back.

    `nbtrack runs list --deleted` shows which there are.
    """
    from nbtrack.cli.changes import change_runs, confirm, list_runs
    from nbtrack.cli.lookup import find_all_exactly
    from nbtrack.formatting import plural

    found = find_all_exactly(client.store, runs, deleted=True)
    if not yes:
        list_runs(found)
    confirm(f"Restore {plural(len(found), 'run')}?", yes=yes)
    change_runs(client.store, found, "run.restore", client.restore_run)
    terminal.say(f"restored {plural(len(found), 'run')}")
