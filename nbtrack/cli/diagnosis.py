"""What `nbtrack doctor` looks at: the store, the settings, the versions. Jupyter is in ``diagnosis_jupyter``."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from time import time_ns

from nbtrack import config
from nbtrack._version import __version__
from nbtrack.entities import RunInfo, RunStatus
from nbtrack.errors import InvalidInput, NbtrackError, did_you_mean
from nbtrack.formatting import format_duration, format_size, plural
from nbtrack.query import parse_filter
from nbtrack.store.base import RunQuery, Store
from nbtrack.store.open import Place, open_store
from nbtrack.tracking.liveness import mark_lost

_LARGE_WAL_BYTES = 100_000_000
_LITTLE_ROOM_BYTES = 500_000_000
_NAMES_LISTED = 5
_PACKAGES = "ipython ipykernel jupyterlab notebook nbclient nbconvert papermill pandas numpy matplotlib scikit-learn click rich".split()


class Level(str, Enum):
    """How bad it is. A problem makes the exit code 1."""

    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # something will surprise somebody
    PROBLEM = "problem"  # something is broken

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was found, and what to do about it."""

    area: str
    level: Level
    found: str
    fix: str = ""


def check_store(place: Place) -> Iterator[Check]:
    """The store at ``place``: whether it opens, is whole, and says the truth about its runs."""
    if not place.exists:
        yield Check("store", Level.NOTE, f"there is none at {place.uri}", "The first run makes it. Is it elsewhere? Name it: nbtrack --store FOLDER doctor")
        return
    try:
        store = open_store(place, durability=config.read_settings().durability)
    except NbtrackError as error:
        yield Check("store", Level.PROBLEM, str(error))
        return
    try:
        yield from _check_place(place)
        yield from _check_content(store)
        yield from _check_runs(store)
    except NbtrackError as error:
        yield Check("store", Level.PROBLEM, str(error), "Keep a copy of the file before anything else is tried")
    finally:
        store.close()


def check_settings() -> Iterator[Check]:
    """The ``NBTRACK_*`` variables: what is set, and what nbtrack does not know."""
    variables = config.set_variables()
    if not variables:
        yield Check("settings", Level.OK, "no NBTRACK_* variable is set")
    for name, value in variables.items():
        if name in config.KNOWN_VARIABLES:
            yield Check("settings", Level.OK, f"{name}={value}")
        else:
            hint = did_you_mean(name, config.KNOWN_VARIABLES).strip() or f"Known are {', '.join(config.KNOWN_VARIABLES)}"
            yield Check("settings", Level.WARNING, f"{name} is set, and means nothing to nbtrack", hint)
    try:
        config.read_settings()
    except InvalidInput as error:
        yield Check("settings", Level.PROBLEM, str(error))


def check_versions() -> Iterator[Check]:
    """What is installed beside this nbtrack; nothing is imported for it."""
    yield Check("versions", Level.OK, f"nbtrack {__version__}")
    yield Check("versions", Level.OK, f"Python {platform.python_version()} ({sys.executable})")
    yield Check("versions", Level.OK, f"SQLite {sqlite3.sqlite_version}")
    found = [f"{name} {version}" for name in _PACKAGES if (version := installed(name)) is not None]
    missing = [name for name in _PACKAGES if installed(name) is None]
    yield Check("versions", Level.OK, ", ".join(found))
    if missing:
        yield Check("versions", Level.OK, f"not installed: {', '.join(missing)}")


def installed(package: str) -> str | None:
    """The version of a package of this Python; None if it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _check_place(place: Place) -> Iterator[Check]:
    from nbtrack.store.sqlite import is_network_file_system

    file = place.database
    yield Check("store", Level.OK, f"{place.uri} ({format_size(file.stat().st_size)})")
    wal = file.with_name(f"{file.name}-wal")
    if wal.exists() and wal.stat().st_size > _LARGE_WAL_BYTES:
        fix = "It shrinks when the last process that has the store open closes it. Shut down kernels that you don't need"
        yield Check("store", Level.WARNING, f"the write-ahead log has grown to {format_size(wal.stat().st_size)}", fix)
    if is_network_file_system(file):
        fix = "Every call is safe, logging is slower. Where several machines write, keep a store on each"
        yield Check("store", Level.WARNING, "the store is on a network file system, where SQLite's write-ahead log does not work", fix)
    if not os.access(file, os.W_OK) or not os.access(file.parent, os.W_OK):
        yield Check("store", Level.PROBLEM, f"{file} can't be written by this user", "Change its permissions, or those of its folder")
    free = shutil.disk_usage(file.parent).free
    if free < _LITTLE_ROOM_BYTES:
        yield Check("store", Level.WARNING, f"the disk has {format_size(free)} left", "Free some space; `nbtrack gc` shows what the store could give up")


def _check_runs(store: Store) -> Iterator[Check]:
    """Runs that say RUNNING: those whose process is gone are marked here, as by any use of the store."""
    lost = mark_lost(store)
    if lost:
        yield Check(
            "runs", Level.WARNING, f"{plural(len(lost), 'run')} had lost {'its' if len(lost) == 1 else 'their'} process, now marked KILLED: {_names(lost)}"
        )
    claims = store.runs.claims()
    now = time_ns() // 1_000_000
    for info, process, heartbeat in claims:
        silent = format_duration(max(0, now - heartbeat) / 1000)
        yield Check("runs", Level.OK, f"{info.run_name!r} ({info.run_id[:8]}) is running: process {process.pid} on {process.host}, last seen {silent} ago")
    claimed = {info.run_id for info, _, _ in claims}
    running = [run.info for run in store.runs.search(RunQuery(filter=parse_filter(f"status = '{RunStatus.RUNNING}'"))) if run.info.run_id not in claimed]
    if running:
        fix = "They were made by create_run, or came from elsewhere. End them: Client().set_terminated(run_id)"
        yield Check("runs", Level.NOTE, f"{plural(len(running), 'run')} RUNNING without a process that could be asked: {_names(running)}", fix)
    if not lost and not claims and not running:
        yield Check("runs", Level.OK, f"none is running; {plural(store.runs.count(RunQuery()), 'run')} in all")


def _check_content(store: Store) -> Iterator[Check]:
    from nbtrack.store.maintenance import check

    problems = check(store)
    for problem in problems:
        yield Check("store", Level.PROBLEM, problem.message, problem.fix)
    if not problems:
        yield Check("store", Level.OK, "the database is whole, every artifact is there, the log of events is unbroken")


def _names(infos: list[RunInfo]) -> str:
    listed = ", ".join(f"{info.run_name} ({info.run_id[:8]})" for info in infos[:_NAMES_LISTED])
    return listed if len(infos) <= _NAMES_LISTED else f"{listed} and {len(infos) - _NAMES_LISTED:,} more"
