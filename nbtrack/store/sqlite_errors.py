"""What SQLite's errors mean for the user of a store."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from nbtrack.errors import InvalidInput, NbtrackError, StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreNotWritable

RESTORE_HINT = (
    "nbtrack never overwrites it. If you have a copy made by `nbtrack db backup`, move this file (and those named like it with -wal and -shm) "
    "away and put the copy in its place"
)
# What the driver raises for a statement: its own errors, and those of values that it can't bind.
DRIVER_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)

_NEARLY_FULL_BYTES = 1 << 20
# SQLite calls a disk full; a quota or a limit of the file's size it calls a failed write.
_UNWRITTEN = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}


def translated(error: Exception, path: Path, busy_timeout_s: float) -> NbtrackError:
    """The error of the store at ``path`` that says what one of ``DRIVER_ERRORS`` means."""
    text = str(error)
    if isinstance(error, OverflowError):
        return InvalidInput("a number is too large for the store: whole numbers such as steps and timestamps lie between -2**63 and 2**63 - 1")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput(f"a text is no valid Unicode, so it can't be stored: {text}")
    if "locked" in text or "busy" in text:
        return StoreBusy(f"another process has been writing to {path} for more than {busy_timeout_s:g} s. Nothing was written by this call; try it again")
    if "is full" in text or ("disk I/O error" in text and (getattr(error, "sqlite_errorname", "") in _UNWRITTEN or _nearly_full(path))):
        return StoreFull(f"no room to write to {path}: {text} (or a quota is reached). What was logged before is safe; free some space and try again")
    if "readonly" in text or "unable to open" in text:
        return StoreNotWritable(f"can't write to the store {path}: {text}. Check its permissions, or choose another place: nbtrack.set_tracking_uri(folder)")
    if "not a database" in text or "malformed" in text:
        return StoreCorrupt(f"the store {path} is damaged: {text}. {RESTORE_HINT}")
    if "disk I/O error" in text:
        return StoreError(f"can't read or write the store {path}: {text}. Look after the disk; `nbtrack db check` tells whether the store is whole")
    return StoreError(f"the store {path} refused a statement: {text}")


def _nearly_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NEARLY_FULL_BYTES
    except OSError:
        return False
