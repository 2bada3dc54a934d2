"""The root command: which nouns there are, and how an error becomes an exit code.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. An error that nbtrack raises on purpose is one
message on stderr; any other exception is a bug, and keeps its traceback.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import Any

import click

from nbtrack._version import __version__
from nbtrack.cli import terminal
from nbtrack.cli.commands import Noun, Refusal
from nbtrack.cli.options import store_option
from nbtrack.errors import NbtrackError

# Each noun is the module of its name in this package, which is imported when it is used; the text is
# its line in `nbtrack --help`.
NOUNS = {
    "demo": "Track a short example and show what was captured.",
    "runs": "List, show, compare, export, delete and restore runs.",
    "experiments": "List, show, create, rename, delete and restore experiments.",
    "registry": "Registered models: versions, promotions, approvals, cards, lineage.",
    "audit": "Who changed what, when and why: show it, check it, export it.",
    "db": "Look at the store's file, copy it, check it.",
    "gc": "Remove what no run needs.",
    "doctor": "Find out what is wrong, and what to do about it.",
}


class Root(Noun):
    """The command ``nbtrack``; its nouns are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        command: click.Command = importlib.import_module(f"nbtrack.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in NOUNS and not name.startswith("-"):
            close = difflib.get_close_matches(name, NOUNS, n=1)
            hint = f"Did you mean 'nbtrack {close[0]}'?" if close else f"There are: {', '.join(NOUNS)}."
            ctx.fail(f"No such command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NbtrackError as error:
            raise Refusal(str(error)) from error
        finally:
            sys.stdout.flush()  # here, where click knows that a reader who left early is no error


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "nbtrack demo",
        "nbtrack runs list --filter 'metrics.auc > 0.9' --order-by 'metrics.auc DESC'",
        "nbtrack --store ~/project runs show forest",
    ),
)
@click.version_option(__version__, "-V", "--version", prog_name="nbtrack")
@store_option
def cli() -> None:
    """Runs tracked in notebooks: look at them, compare them, look after their store.

    The store is the nearest folder .nbtrack in the working directory or above it.
    """


def main() -> None:
    """Run the command line of this process."""
    terminal.degrade_typography()
    terminal.show_warnings_plainly()
    cli(prog_name="nbtrack")
