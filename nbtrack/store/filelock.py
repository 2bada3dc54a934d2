"""An exclusive lock between processes, by a file that stays."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbtrack.errors import StoreBusy, StoreNotWritable

_RETRY_S = 0.02
_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


@contextmanager
def file_lock(path: Path, *, purpose: str, timeout_s: float = 120.0) -> Iterator[None]:
    """Hold the lock of ``path``; the system drops it with the process, whatever ends that.

    Raises
    ------
    StoreBusy
        Another process held it for ``timeout_s`` seconds.
    StoreNotWritable
        The lock file can't be made, or the file system has no locks.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreNotWritable(f"can't {purpose}: {error}") from error
    try:
        deadline = time.monotonic() + timeout_s
        while not _is_taken(handle, path, purpose):
            if time.monotonic() > deadline:
                raise StoreBusy(f"can't {purpose}: another process has held {path} for {timeout_s:g} s. Nothing was changed; try again")
            time.sleep(_RETRY_S)
        try:
            yield
        finally:
            _unlock(handle)  # closing would not do: a child that was forked meanwhile has the file open too
    finally:
        os.close(handle)


def _is_taken(handle: int, path: Path, purpose: str) -> bool:
    """Whether this process has the lock now."""
    try:
        _lock(handle)
    except OSError as error:
        if error.errno not in _HELD:
            raise StoreNotWritable(f"can't {purpose}: the file system of {path} can't lock files ({error}). Choose a local disk") from error
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
