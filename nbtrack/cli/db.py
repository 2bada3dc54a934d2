"""``nbtrack db``: info, backup, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrack.cli.commands import Noun
from nbtrack.cli.options import json_option, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


@click.group(name="db", cls=Noun, examples=("nbtrack db info", "nbtrack db backup copies/monday"))
def command() -> None:
    """Look at the store's file, copy it, check it."""


@command.command(examples=("nbtrack db info", "nbtrack db info --json"))
@json_option
@uses_store
def info(client: Client, as_json: bool) -> None:
    """Show what is in the store, and how much room it takes."""
    from nbtrack.cli.db_pages import write_info
    from nbtrack.store.maintenance import info as read_info

    write_info(read_info(client.store), as_json=as_json)


@command.command(examples=("nbtrack db backup copies/monday", "nbtrack db backup runs.db --no-artifacts"))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--no-artifacts", is_flag=True, help="The database alone.")
@json_option
@uses_store
def backup(client: Client, target: Path, no_artifacts: bool, as_json: bool) -> None:
    """Copy the store to TARGET, a new folder or .db file.

    The copy is the store as it is at one moment; runs may log meanwhile. It can be used as one: nbtrack --store TARGET runs list. The exit code is 1
    if an artifact could not be copied whole.
    """
    from nbtrack.cli.db_pages import write_backup
    from nbtrack.store.maintenance import backup as copy_store

    made = copy_store(client.store, target, artifacts=not no_artifacts)
    write_backup(made, as_json=as_json)
    if made.damaged:
        raise click.exceptions.Exit(1)


@command.command(examples=("nbtrack db check", "nbtrack db check --deep", "nbtrack db check --json"))
@click.option("--deep", is_flag=True, help="Read every byte of every artifact, and every metric point.")
@json_option
@uses_store
def check(client: Client, deep: bool, as_json: bool) -> None:
    """Check the database, the artifacts and the log of events.

    The exit code is 1 if something is wrong.
    """
    from nbtrack.cli.db_pages import write_problems
    from nbtrack.store.maintenance import check as check_store

    problems = check_store(client.store, deep=deep)
    write_problems(problems, deep=deep, as_json=as_json)
    if problems:
        raise click.exceptions.Exit(1)
