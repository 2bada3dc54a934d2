"""``nbtrack demo``: a notebook that is tracked while you look on."""

from __future__ import annotations

from pathlib import Path

import click

from nbtrack.cli import terminal
from nbtrack.cli.commands import Command

FOLDER = "nbtrack-demo"


@click.command("demo", cls=Command, examples=("nbtrack demo", "nbtrack demo --folder /tmp/try"))
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(FOLDER), show_default=True, help="A new folder to make it in.")
def command(folder: Path) -> None:
    """Execute a small tracked notebook in a new folder, and show the runs that it made.

    Three classifiers learn to tell tumours apart, on data that scikit-learn carries. Nothing is downloaded.
    """
    from nbtrack.cli.demo_notebook import NOTEBOOK, execute, write_notebook
    from nbtrack.cli.demo_report import print_report

    notebook = write_notebook(folder)
    terminal.say(f"executing {folder / NOTEBOOK} ...", err=True)
    execute(notebook)
    print_report(folder, notebook)
