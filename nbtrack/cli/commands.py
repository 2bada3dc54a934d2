"""Commands whose help ends with examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import click

from nbtrack.cli import terminal


class Refusal(click.ClickException):
    """What nbtrack refuses or fails to do, as one message on stderr; the exit code is 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        terminal.say(f"Error: {terminal.plain_text(self.message)}", err=True)


class Command(click.Command):
    """A command with ``examples``: whole lines as they would be typed."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(formatter, self.examples)


class Noun(click.Group):
    """A group of commands on one kind of thing, with ``examples`` too."""

    command_class = Command

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # by use, as they are written, rather than by the alphabet

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(formatter, self.examples)


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """As they are: wrapped, they could not be pasted."""
    with formatter.section("Examples" if len(examples) > 1 else "Example"):
        for example in examples:
            formatter.write(f"{'':{formatter.current_indent}}{example}\n")
