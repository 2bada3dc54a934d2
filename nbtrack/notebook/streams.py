"""Hearing what is written to stdout and stderr, while it goes where it always went.

The stream's ``write`` is replaced on the object itself, not the object in ``sys``: kernels and
libraries ask what kind of stream they have, and ``%%capture`` compares it. Several listeners
share one replacement, so they may come and go in any order, from any thread.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

Listener = Callable[[str], None]

_lock = threading.Lock()
_taps: dict[int, _Tap] = {}


class _Tap:
    """The replaced ``write`` of one stream."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.listeners: list[Listener] = []
        self._had_own = "write" in vars(stream)
        self._write = stream.write
        stream.write = self.write

    def write(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        result = self._write(text, *args, **kwargs)
        if isinstance(text, str):
            for listener in tuple(self.listeners):
                listener(text)
        return result

    def remove(self) -> None:
        """Put the stream back, unless someone replaced ``write`` after us: then this stays a pass-through."""
        if vars(self.stream).get("write") != self.write:
            return
        if self._had_own:
            self.stream.write = self._write
        else:
            del self.stream.write


def listen(name: str, listener: Listener) -> Callable[[], None]:
    """Call ``listener`` with each text written to ``sys.stdout`` or ``sys.stderr`` as they are now; returns what ends it.

    Text from threads, ``print`` and IPython's ``!command`` is heard; what C code and other
    processes write to the file descriptor is not. A stream that lets nobody replace its ``write``
    is not heard either.
    """
    stream = getattr(sys, name)
    with _lock:
        tap = _taps.get(id(stream))
        if tap is None:
            try:
                tap = _taps[id(stream)] = _Tap(stream)
            except (AttributeError, TypeError):  # None under pythonw, or an object with slots
                return lambda: None
        tap.listeners.append(listener)

    def stop() -> None:
        with _lock:
            if listener in tap.listeners:
                tap.listeners.remove(listener)
            if not tap.listeners and _taps.get(id(stream)) is tap:
                del _taps[id(stream)]
                tap.remove()

    return stop
