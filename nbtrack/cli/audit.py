"""``nbtrack audit``: log, verify, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nbtrack.cli.commands import Noun
from nbtrack.cli.options import json_option, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


@click.group(name="audit", cls=Noun, examples=("nbtrack audit log churn", "nbtrack audit verify"))
def command() -> None:
    """The log of events: who changed what, when and why, each chained to the one before.

    MODEL is a registered model's NAME, or NAME/VERSION.
    """


@command.command(examples=("nbtrack audit log", "nbtrack audit log churn/3 --json", "nbtrack audit log -n 20"))
@click.argument("model", required=False)
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Only the latest so many.")
@json_option
@uses_store
def log(client: Client, model: str | None, limit: int | None, as_json: bool) -> None:
    """Show events, oldest first: all, or those of a model."""
    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.cli.registry_pages import write_events

    name, version = _named(model)
    write_events(open_registry(client).audit_log(name, version, limit=limit), as_json=as_json)


@command.command(examples=("nbtrack audit verify", "nbtrack audit verify --head 9f86d081884c7d65"))
@click.option("--head", metavar="HASH", help="The hash of an event that was noted elsewhere; it must still be in the log.")
@json_option
@uses_store
def verify(client: Client, head: str | None, as_json: bool) -> None:
    """Check that no event was changed, removed or moved.

    And that the registry is what the events say. The exit code is 1 if not.
    """
    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.formatting import plural
    from nbtrack.tracking.export import json_bytes

    registry = open_registry(client)
    problems = registry.audit_verify(head=head)
    last = registry.audit_log(limit=1)
    if as_json:
        click.echo(json_bytes({"holds": not problems, "problems": problems, "head": last[0].hash if last else None}), nl=False)
    elif problems:
        for problem in problems:
            click.echo(problem)
    else:
        count = last[0].sequence if last else 0
        click.echo(f"the log holds: {plural(count, 'event')}{f', the last with the hash {last[0].hash}' if last else ''}")
    if problems:
        raise click.exceptions.Exit(1)


@command.command(examples=("nbtrack audit export > events.json", "nbtrack audit export churn --format csv > churn.csv"))
@click.argument("model", required=False)
@click.option("--format", "form", type=click.Choice(("json", "jsonl", "csv")), default="json", show_default=True, help="How to write them.")
@uses_store
def export(client: Client, model: str | None, form: str) -> None:
    """Write events with all their details and hashes."""
    from nbtrack.cli.registry_lookup import open_registry

    name, version = _named(model)
    click.echo(open_registry(client).audit_export(form, name=name, version=version), nl=False)


def _named(model: str | None) -> tuple[str | None, str | None]:
    """Name and version of ``churn`` or ``churn/3``; the model may be gone, so it is not looked up."""
    name, slash, version = (model or "").removeprefix("models:/").partition("/")
    return name or None, version if slash else None
