"""What autologging says: one line for a fit, or one for all fits of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nbtrack.tracking.events import Notice, announce


@dataclass(frozen=True)
class FitSummary:
    """One fit, told."""

    title: str
    run_name: str
    counts: str  # "18 params, 8 metrics, model"


_collecting: list[list[FitSummary]] = []
_said: set[str] = set()


@contextmanager
def collected_summaries() -> Iterator[None]:
    """All fits inside are told in one line at the end: what a notebook wants of a cell."""
    summaries: list[FitSummary] = []
    _collecting.append(summaries)
    try:
        yield
    finally:
        _collecting.remove(summaries)
        if summaries:
            announce(Notice(summary_line(summaries)))


def tell(summary: FitSummary) -> None:
    """Say a fit's line, now or with the others of its cell."""
    if _collecting:
        _collecting[-1].append(summary)
    else:
        announce(Notice(summary_line([summary])))


def summary_line(summaries: list[FitSummary]) -> str:
    """The line for one fit or several."""
    if len(summaries) == 1:
        only = summaries[0]
        return f"autolog: {only.title} in run {only.run_name!r}: {only.counts}"
    names = list(dict.fromkeys(item.title for item in summaries))
    runs = list(dict.fromkeys(item.run_name for item in summaries))
    return f"autolog: {len(summaries)} fits ({_listed(names)}) in {len(runs)} runs: {_listed(runs)}"


def warn(text: str) -> None:
    """One line of warning."""
    announce(Notice(f"autolog: {text}"))


def say_once(key: str, text: str) -> None:
    """A line that a process reads once."""
    if key not in _said:
        _said.add(key)
        warn(text)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
