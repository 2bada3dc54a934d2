"""An exclusive lock between processes, by a file that stays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbtrack.errors import StoreBusy, StoreNotWritable

_RETRY_S = 0.02


@contextmanager
def file_lock(path: Path, *, purpose: str, timeout_s: float = 120.0) -> Iterator[None]:
    """Hold the lock of ``path``; the system drops it with the process, whatever ends that.

    Raises
    ------
    StoreBusy
        Another process held it for ``timeout_s`` seconds.
    StoreNotWritable
        The lock file can't be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreNotWritable(f"can't {purpose}: {error}") from error
    try:
        deadline = time.monotonic() + timeout_s
        while not _try_lock(handle):
            if time.monotonic() > deadline:
                raise StoreBusy(f"can't {purpose}: another process has held {path} for {timeout_s:.0f} s. Nothing was changed; try again")
            time.sleep(_RETRY_S)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
