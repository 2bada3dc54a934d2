"""``nbtrack db``: info, backup, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrack.cli.commands import Noun
from nbtrack.cli.options import json_option, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


@click.group(name="db", cls=Noun, examples=("nbtrack db info", "nbtrack db backup copies/monday.db"))
def command() -> None:
    """Look at the store's file, copy it, check it."""


@command.command(examples=("nbtrack db info", "nbtrack db info --json"))
@json_option
@uses_store
def info(client: Client, as_json: bool) -> None:
    """Show where the store is, what is in it, and how much room it takes."""
    from nbtrack.cli.db_pages import write_info
    from nbtrack.store.maintenance import info as read_info

    write_info(read_info(client.store), as_json=as_json)


@command.command(examples=("nbtrack db backup copies/monday.db", "nbtrack db backup ~/nbtrack-copy.db"))
@click.argument("target", type=click.Path(path_type=Path))
@uses_store
def backup(client: Client, target: Path) -> None:
    """Copy the database to TARGET while runs go on logging.

    The copy is one consistent picture. Artifacts lie beside the database as files that never change; copy their folder too.
    """
    from nbtrack.store.maintenance import backup as copy_store

    copy_store(client.store, target)
    click.echo(f"wrote {target}", err=True)


@command.command(examples=("nbtrack db check", "nbtrack db check --json"))
@json_option
@uses_store
def check(client: Client, as_json: bool) -> None:
    """Check the database, the artifacts and the log of events; the exit code is 1 if something is wrong."""
    from nbtrack.cli.db_pages import write_problems
    from nbtrack.store.maintenance import check as check_store

    problems = check_store(client.store)
    write_problems(problems, as_json=as_json)
    if problems:
        raise click.exceptions.Exit(1)
