"""Commands that change what is stored: asked for once more, and written into the log of events."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.commands import Refusal
from nbtrack.config import read_settings
from nbtrack.entities import Run, RunStatus
from nbtrack.formatting import format_time, plural
from nbtrack.store.base import Store
from nbtrack.tracking.context import user_name

_LISTED = 20


def confirm(question: str, *, yes: bool) -> None:
    """Go on if the answer is yes; where there is no answer, ``--yes`` must have said so."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:  # the end of the input, or ^C
        if sys.stdin.isatty():
            raise
        terminal.say(err=True)
        raise Refusal("there was no answer, so nothing was done. Add --yes to go on without being asked") from None
    if not agreed:
        raise Refusal("nothing was done")


def record(store: Store, action: str, subject: str, details: Mapping[str, Any]) -> None:
    """Write who did what into the store's log of events."""
    store.events.append(actor=user_name(read_settings().user), action=action, subject=subject, details=details)


def change_runs(store: Store, runs: Sequence[Run], action: str, change: Callable[[str], None]) -> None:
    """Apply ``change`` to all of the runs or to none, with an event for each."""
    with store.transaction():
        for run in runs:
            change(run.info.run_id)
            record(store, action, run.info.run_id, {"run_name": run.info.run_name, "experiment_id": run.info.experiment_id})


def list_runs(runs: Sequence[Run]) -> None:
    """Say on stderr which runs are meant."""
    for run in runs[:_LISTED]:
        going = "  still running" if run.info.status is RunStatus.RUNNING else ""
        terminal.say(f"  {run.info.run_id[:8]}  {terminal.one_line(run.info.run_name)}  {format_time(run.info.start_time)}{going}", err=True)
    if len(runs) > _LISTED:
        terminal.say(f"  and {plural(len(runs) - _LISTED, 'more run')}", err=True)
