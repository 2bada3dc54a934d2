"""``nbtrack doctor``: is something wrong, and what to do about it."""

from __future__ import annotations

import click

from nbtrack.cli.commands import Command
from nbtrack.cli.options import chosen_place, json_option, store_option


@click.command("doctor", cls=Command, examples=("nbtrack doctor", "nbtrack doctor --json", "nbtrack doctor --store ~/project"))
@json_option
@store_option
def command(as_json: bool) -> None:
    """Check the store, the runs in it, the settings, the versions, and what Jupyter sees.

    Runs whose process is gone are marked KILLED, as any use of the store does; nothing else is changed. The exit code is 1 if there is a
    problem.
    """
    from nbtrack.cli.diagnosis import Level
    from nbtrack.cli.doctor_report import every_check, print_checks
    from nbtrack.tracking.export import json_bytes

    checks = list(every_check(chosen_place))
    if as_json:
        click.echo(json_bytes([vars(check) for check in checks]), nl=False)
    else:
        print_checks(checks)
    if any(check.level is Level.PROBLEM for check in checks):
        raise click.exceptions.Exit(1)
