"""What the demonstration shows when its notebook was executed."""

from __future__ import annotations

import shlex
from pathlib import Path

from nbtrack.cli import terminal
from nbtrack.cli.best import find_best, print_best
from nbtrack.cli.demo_notebook import METRIC
from nbtrack.cli.lookup import search
from nbtrack.cli.options import Selection
from nbtrack.cli.run_list import Look, print_runs
from nbtrack.tracking.client import Client


def print_report(folder: Path, notebook: Path) -> None:
    """Print the runs, the card of the best one, and where to look next."""
    client = Client(folder)
    try:
        terminal.say()
        print_runs(search(client, Selection("", (f"metrics.{METRIC} DESC",), (), None, deleted=False), limit=None), Look())
        terminal.say()
        print_best(client.store, find_best(client, METRIC, None, "", ()), METRIC)
    finally:
        client.store.close()
    place = shlex.quote(str(folder))
    terminal.say(
        f"\nThe executed notebook, with the cards under its cells:  jupyter lab {shlex.quote(str(notebook))}\n"
        f"The same runs again:  cd {place} && nbtrack runs list\n"
        f"All about one:        cd {place} && nbtrack runs show boosting --code"
    )
