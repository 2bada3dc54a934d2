"""``nbtrack experiments``: list, show, create, rename, delete, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbtrack.cli import terminal
from nbtrack.cli.commands import Noun
from nbtrack.cli.options import Output, json_option, makes_store, output_options, uses_store, yes_option

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


@click.group(name="experiments", cls=Noun, examples=("nbtrack experiments list", "nbtrack experiments show churn"))
def command() -> None:
    """List, show, create, rename, delete and restore experiments.

    An experiment is a group of runs that are compared with each other. EXPERIMENT is a name or an id.
    """


@command.command("list", examples=("nbtrack experiments list", "nbtrack experiments list --filter \"name LIKE 'churn%'\"", "nbtrack experiments list --json"))
@click.option("-f", "--filter", "filter_text", default="", metavar="TEXT", help="Which: \"name LIKE 'churn%' AND tags.team = 'sales'\".")
@click.option("-o", "--order-by", multiple=True, metavar="KEY", help="'name', 'creation_time DESC'; may be repeated.  [default: latest change first]")
@click.option("--deleted", is_flag=True, help="Deleted experiments instead.")
@output_options
@uses_store
def list_experiments(client: Client, filter_text: str, order_by: tuple[str, ...], deleted: bool, output: Output) -> None:
    """List experiments with the number of their runs."""
    from nbtrack.cli.experiment_pages import write_experiments
    from nbtrack.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    found = client.search_experiments(view, None, filter_text, order_by)
    write_experiments(client.store, found, output, place=client.tracking_uri)


@command.command(examples=("nbtrack experiments show churn", "nbtrack experiments show churn --json"))
@click.argument("experiment")
@json_option
@uses_store
def show(client: Client, experiment: str, as_json: bool) -> None:
    """Show one experiment.

    Its tags, how its runs ended, and the latest of them.
    """
    from nbtrack.cli.experiment_pages import write_experiment
    from nbtrack.cli.lookup import find_experiment

    write_experiment(client, find_experiment(client, experiment), as_json=as_json)


@command.command(examples=("nbtrack experiments create churn", "nbtrack experiments create churn -t team=sales"))
@click.argument("name")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", callback=lambda *given: _tags(given[2]), help="A tag; may be repeated.")
@makes_store
def create(client: Client, name: str, tags: dict[str, str]) -> None:
    """Make an experiment, and print its id.

    A store is made too if there is none; runs in notebooks make both by themselves.
    """
    terminal.say(client.create_experiment(name, tags=tags))


@command.command(examples=("nbtrack experiments rename churn churn-2026",))
@click.argument("experiment")
@click.argument("name")
@uses_store
def rename(client: Client, experiment: str, name: str) -> None:
    """Give an experiment another name; its runs stay in it."""
    from nbtrack.cli.changes import record
    from nbtrack.cli.lookup import find_experiment

    found = find_experiment(client, experiment)
    with client.store.transaction():
        client.rename_experiment(found.experiment_id, name)
        record(client.store, "experiment.rename", found.experiment_id, {"from": found.name, "to": name})
    terminal.say(f"renamed {found.name!r} to {name!r}")


@command.command(examples=("nbtrack experiments delete churn", "nbtrack experiments delete churn --yes"))
@click.argument("experiment")
@yes_option
@uses_store
def delete(client: Client, experiment: str, yes: bool) -> None:
    """Mark an experiment and its runs as deleted.

    `nbtrack experiments restore` undoes it.
    """
    from nbtrack.cli.changes import confirm, record
    from nbtrack.cli.lookup import find_experiment
    from nbtrack.formatting import plural
    from nbtrack.store.base import RunQuery

    found = find_experiment(client, experiment)
    count = client.store.runs.count(RunQuery([found.experiment_id]))
    confirm(f"Delete the experiment {found.name!r} with {plural(count, 'run')}?", yes=yes)
    with client.store.transaction():
        client.delete_experiment(found.experiment_id)
        record(client.store, "experiment.delete", found.experiment_id, {"name": found.name, "runs": count})
    terminal.say(f"deleted {found.name!r} with {plural(count, 'run')}")


@command.command(examples=("nbtrack experiments restore churn",))
@click.argument("experiment")
@uses_store
def restore(client: Client, experiment: str) -> None:
    """Take a deleted experiment back.

    With it come the runs that were deleted with it, and not those that were deleted before.
    """
    from nbtrack.cli.changes import record
    from nbtrack.cli.lookup import find_experiment

    found = find_experiment(client, experiment)
    with client.store.transaction():
        client.restore_experiment(found.experiment_id)
        record(client.store, "experiment.restore", found.experiment_id, {"name": found.name})
    terminal.say(f"restored {found.name!r}")


def _tags(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for text, (key, sign, _) in zip(texts, pairs, strict=True):
        if not key or not sign:
            raise click.BadParameter(f"{text!r} has no '='; write KEY=VALUE, for example team=sales.")
    return {key: value for key, _, value in pairs}
