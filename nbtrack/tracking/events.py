"""What tracking announces and upper layers may hear: it never imports a panel or a notebook.

A listener that raises is reported as a warning and taken off, so that it can't break a run.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class RunStarting:
    """A run is about to begin in this process."""


@dataclass(frozen=True)
class RunStarted:
    """A run began in this process, or was resumed."""

    run_id: str


@dataclass(frozen=True)
class RunEnded:
    """A run of this process ended."""

    run_id: str
    status: str


@dataclass(frozen=True)
class Notice:
    """One line that the user should read."""

    text: str


Announcement = RunStarting | RunStarted | RunEnded | Notice
A = TypeVar("A", RunStarting, RunStarted, RunEnded, Notice)

_listeners: dict[type, list[Callable[..., None]]] = {}


def subscribe(kind: type[A], listener: Callable[[A], None]) -> Callable[[], None]:
    """Call ``listener`` with each announcement of ``kind``; returns what ends that."""
    _listeners.setdefault(kind, []).append(listener)

    def unsubscribe() -> None:
        if listener in _listeners.get(kind, []):
            _listeners[kind].remove(listener)

    return unsubscribe


def announce(announcement: Announcement) -> None:
    """Tell the listeners; a notice that nobody listens to goes to stderr."""
    listeners = list(_listeners.get(type(announcement), []))
    if not listeners and isinstance(announcement, Notice):
        print(f"nbtrack: {announcement.text}", file=sys.stderr)  # noqa: T201  (the user is to read it)
    for listener in listeners:
        try:
            listener(announcement)
        except Exception as error:  # a process edge: foreign code must not break the run
            _listeners[type(announcement)].remove(listener)
            warnings.warn(f"a listener to {type(announcement).__name__} failed and was taken off: {error!r}", stacklevel=2)
