"""``nbtrack gc``: remove what no run needs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from nbtrack.cli.commands import Command
from nbtrack.cli.options import json_option, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _age(context: click.Context, parameter: click.Parameter, text: str | None) -> timedelta | None:
    """A span of time as ``30d``, ``12h``, ``2w``."""
    if text is None:
        return None
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise click.BadParameter(f"{text!r} is no span of time; write a number and s, m, h, d or w, for example 30d.", context, parameter)
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        raise click.BadParameter(f"{text!r} is longer than time can be counted.", context, parameter) from None


@click.command("gc", cls=Command, examples=("nbtrack gc", "nbtrack gc --apply", "nbtrack gc --deleted-runs --older-than 30d --apply"))
@click.option("--apply", "apply_", is_flag=True, help="Remove it. Without this, only say what would be removed.")
@click.option("--deleted-runs", is_flag=True, help="Deleted runs and experiments too, for good: they can't be restored any more.")
@click.option("--older-than", callback=_age, metavar="AGE", help="Only those deleted so long ago: 30d, 12h, 2w. Goes with --deleted-runs.")
@click.option("--compact", is_flag=True, help="Give the free room in the database file back to the disk. Goes with --apply; writers wait meanwhile.")
@json_option
@uses_store
def command(client: Client, apply_: bool, deleted_runs: bool, older_than: timedelta | None, compact: bool, as_json: bool) -> None:
    """Say what no run needs any more, and with --apply remove it.

    That is: artifacts that were replaced or whose run is gone, code and data fingerprints that no run refers to, and what writes that were cut
    off have left. Files of the last hour are left alone. Runs may log meanwhile.
    """
    from nbtrack.cli.gc_page import collect_and_write, write_plan
    from nbtrack.store.gc import plan

    if older_than is not None and not deleted_runs:
        raise click.UsageError("--older-than says which deleted runs go, so it needs --deleted-runs.")
    if compact and not apply_:
        raise click.UsageError("--compact changes the file, so it needs --apply.")
    age_days = (older_than or timedelta()).total_seconds() / timedelta(days=1).total_seconds()
    found = plan(client.store, deleted_days=age_days if deleted_runs else None)
    if apply_:
        collect_and_write(client.store, found, compacting=compact, as_json=as_json)
    else:
        write_plan(client.store, found, as_json=as_json)
