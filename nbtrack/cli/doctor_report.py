"""All checks of the doctor, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nbtrack.cli import terminal
from nbtrack.cli.diagnosis import Check, Level, check_settings, check_store, check_versions
from nbtrack.cli.diagnosis_jupyter import check_jupyter
from nbtrack.errors import NbtrackError
from nbtrack.formatting import plural
from nbtrack.store.open import Place

_STYLES = {Level.OK: "dim", Level.NOTE: "blue", Level.WARNING: "yellow", Level.PROBLEM: "red"}


def every_check(find_place: Callable[[], Place]) -> Iterator[Check]:
    """The checks in the order in which they are read; ``find_place`` may find that the store's name makes no sense."""
    try:
        place = find_place()
    except NbtrackError as error:
        yield Check("store", Level.PROBLEM, str(error))
    else:
        yield from check_store(place)
    yield from check_settings()
    yield from check_jupyter()
    yield from check_versions()


def print_checks(checks: Sequence[Check]) -> None:
    """A line for each check; what to do stands below it."""
    from rich.table import Table
    from rich.text import Text

    out = terminal.console()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for before, check in zip([None, *checks], checks, strict=False):
        first = before is None or before.area != check.area
        if first and before is not None:
            table.add_row()
        words = Text(terminal.plain_text(check.found))
        if check.fix:
            words.append(f"\n{terminal.plain_text(check.fix)}", "italic")
        table.add_row(Text(check.area if first else "", "bold"), Text(str(check.level), _STYLES[check.level]), words)
    out.print(table)
    out.print()
    counts = [(sum(check.level is level for check in checks), level.value) for level in (Level.PROBLEM, Level.WARNING)]
    summary = ", ".join(plural(count, noun) for count, noun in counts if count)
    out.print(summary or "all is well", style="bold" if summary else "bold green")
