"""How a process ends, so that its open runs end truthfully."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

from nbtrack.entities import RunStatus

Ending = tuple[RunStatus, str | None]


class Terminated(SystemExit):
    """SIGTERM, raised in the main thread so that ``with`` and ``finally`` blocks unwind."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


def ending_of(error: BaseException | None) -> Ending:
    """The status and one-line message that an outcome gives a run."""
    if error is None:
        return RunStatus.FINISHED, None
    if isinstance(error, Terminated):
        return RunStatus.KILLED, "terminated (SIGTERM)"
    if isinstance(error, KeyboardInterrupt) or _is_cancelled(error):
        return RunStatus.KILLED, "interrupted"
    if isinstance(error, SystemExit):
        return (RunStatus.FINISHED, None) if error.code in (None, 0) else (RunStatus.FAILED, f"exited with {error.code!r:.200}")
    return RunStatus.FAILED, describe_error(error)


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is asyncio's way of an interrupt; asyncio is not imported for the question (13 ms)."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def describe_error(error: BaseException) -> str:
    """``ValueError: message``, on one line, whatever the error's ``__str__`` does."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # foreign __str__
        text = "(its message can't be read)"
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


class ExitWatch:
    """Notes uncaught exceptions, ``sys.exit`` codes and SIGTERM, and calls ``on_exit`` at the end.

    It is installed with the first run of a process, chains to the hooks that were there, and never
    acts in a child of a fork.
    """

    def __init__(self, on_exit: Callable[[Ending], None]) -> None:
        self._on_exit = on_exit
        self._ending: Ending = (RunStatus.FINISHED, None)
        self._pid: int | None = None

    def install(self) -> None:
        """Install the hooks, once for each process."""
        if self._pid is not None:
            return
        self._pid = os.getpid()
        atexit.register(self._exit)
        self._chain_excepthook()
        self._chain_sys_exit()
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminate)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._give_back_sigterm)

    def _chain_excepthook(self) -> None:
        previous = sys.excepthook

        def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
            self._ending = ending_of(error)
            previous(kind, error, traceback)

        sys.excepthook = excepthook

    def _chain_sys_exit(self) -> None:
        """Python tells no one the code that it exits with; noting it where it is given is the way to know."""
        previous = sys.exit

        def exit(status: Any = None, /) -> NoReturn:
            if threading.current_thread() is threading.main_thread():
                self._ending = ending_of(SystemExit(status))
            previous(status)

        exit.__doc__ = previous.__doc__
        sys.exit = exit

    def _give_back_sigterm(self) -> None:
        """In a fork's child: a worker of a pool is ended by SIGTERM, also while it waits for a lock in C code."""
        if signal.getsignal(signal.SIGTERM) == self._terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        terminated = Terminated()
        self._ending = ending_of(terminated)
        raise terminated

    def _exit(self) -> None:
        if os.getpid() == self._pid:
            self._on_exit(self._ending)
