"""Hearing what a cell displays: every object that IPython formats, and every raw bundle that is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

_NOTHING = object()


class DisplayListener(Protocol):
    """Who wants to hear of displays; it must not raise."""

    def displayed(self, obj: Any, bundle: Mapping[str, Any]) -> None:
        """An object was formatted; ``bundle`` is empty for one that displays itself, as plotly figures do."""
        ...

    def published(self, bundle: Mapping[str, Any]) -> None:
        """A new bundle was published without an object that `displayed` hears of."""
        ...


class DisplayTap:
    """Wraps the shell's formatter and publisher on their instances while somebody listens."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._listeners: list[DisplayListener] = []
        self._wrapped: list[tuple[Any, str, Any]] = []  # object, name, what its own dictionary had there
        self._formatting = 0
        self._printing = 0
        self._last_bundle: Any = None

    @property
    def is_printing(self) -> bool:
        """Whether the shell itself prints now: a terminal shows results, displays and tracebacks on stdout."""
        return self._printing > 0 or bool(getattr(self._shell, "showing_traceback", False))

    def listen(self, listener: DisplayListener) -> Callable[[], None]:
        """Tell ``listener`` of displays from now on; returns what ends it."""
        if not self._listeners:
            self._install()
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._remove()

        return stop

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """What is published inside is ours, and no display of the cell."""
        self._formatting += 1
        try:
            yield
        finally:
            self._formatting -= 1

    def _install(self) -> None:
        # The objects are remembered, since %%capture puts another publisher in place while a cell runs.
        formatter, publisher, hook = self._shell.display_formatter, self._shell.display_pub, self._shell.displayhook
        format_object, publish = formatter.format, publisher.publish
        start, finish = hook.start_displayhook, hook.finish_displayhook

        def format(obj: Any, *args: Any, **kwargs: Any) -> Any:
            self._formatting += 1  # an object that displays itself publishes within
            try:
                result = format_object(obj, *args, **kwargs)
            finally:
                self._formatting -= 1
            bundle = result[0] if isinstance(result, tuple) and result and isinstance(result[0], dict) else {}
            self._last_bundle = bundle
            for listener in tuple(self._listeners):
                listener.displayed(obj, bundle)
            return result

        def publish_bundle(data: Any = None, *args: Any, **kwargs: Any) -> Any:
            known = self._formatting > 0 or data is self._last_bundle or kwargs.get("update")
            if isinstance(data, Mapping) and not known:
                for listener in tuple(self._listeners):
                    listener.published(data)
            with self._shown():
                return publish(data, *args, **kwargs)

        def start_displayhook() -> Any:
            self._printing += 1
            return start()

        def finish_displayhook() -> Any:
            self._printing = 0
            return finish()

        self._wrap(formatter, "format", format)
        self._wrap(publisher, "publish", publish_bundle)
        self._wrap(hook, "start_displayhook", start_displayhook)
        self._wrap(hook, "finish_displayhook", finish_displayhook)

    @contextmanager
    def _shown(self) -> Iterator[None]:
        self._printing += 1
        try:
            yield
        finally:
            self._printing = max(0, self._printing - 1)

    def _wrap(self, owner: Any, name: str, wrapper: Any) -> None:
        self._wrapped.append((owner, name, owner.__dict__.get(name, _NOTHING)))
        owner.__dict__[name] = wrapper

    def _remove(self) -> None:
        for owner, name, before in self._wrapped:
            if before is _NOTHING:
                owner.__dict__.pop(name, None)
            else:
                owner.__dict__[name] = before
        self._wrapped = []
        self._last_bundle = None
        self._printing = 0
