"""``nbtrack gc``: remove what no run needs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from nbtrack.cli.commands import Command
from nbtrack.cli.options import json_option, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Age(click.ParamType):
    """A span of time as ``30d``, ``12h``, ``2w``."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = _AGE.fullmatch(str(value).strip().lower())
        if match is None:
            self.fail(f"{value!r} is no span of time; write a number and s, m, h, d or w, for example 30d.", param, ctx)
        return timedelta(**{_UNITS[match[2]]: float(match[1])})


@click.command("gc", cls=Command, examples=("nbtrack gc", "nbtrack gc --apply", "nbtrack gc --deleted-runs --older-than 30d --apply"))
@click.option("--apply", "apply_", is_flag=True, help="Remove it. Without this, say what would be removed.")
@click.option("--deleted-runs", is_flag=True, help="Deleted runs too, for good: they can't be restored any more.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Only those deleted so long ago: 30d, 12h, 2w. Goes with --deleted-runs.")
@json_option
@uses_store
def command(client: Client, apply_: bool, deleted_runs: bool, older_than: timedelta | None, as_json: bool) -> None:
    """Say which bytes no run needs any more, and with --apply remove them.

    These are artifacts that were replaced, or whose run is gone, and what writes that were cut off have left.
    """
    from nbtrack.cli.gc_page import write_collected, write_plan
    from nbtrack.store.gc import collect, plan

    if older_than is not None and not deleted_runs:
        raise click.UsageError("--older-than says which deleted runs are removed, so it goes with --deleted-runs.")
