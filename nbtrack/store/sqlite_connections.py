"""Connections to a SQLite file: one for each thread, none across a fork, errors in the store's words."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbtrack.config import Durability
from nbtrack.errors import InvalidInput, NbtrackError, StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreNotWritable
from nbtrack.store.sql.database import Dialect
from nbtrack.store.sql.search import prepare_sqlite

BUSY_TIMEOUT_S = 60.0
RESTORE_HINT = (
    "nbtrack never overwrites it. If you have a copy made by `nbtrack db backup`, move this file (and those named like it with -wal and -shm) "
    "away and put the copy in its place"
)
# A number that each store draws when it is made; a file that replaces another may well have its inode.
_NUMBER = "PRAGMA user_version"
# A fork waits this long for a thread that is in the middle of a transaction.
_FORK_PATIENCE_S = 2.0
# The log shrinks back to this after a large transaction.
_WAL_BYTES = 16 << 20
_NEARLY_FULL_BYTES = 1 << 20
# SQLite calls a disk full; a quota or a limit of the file's size it calls a failed write.
_UNWRITTEN = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}


class _Session:
    """One thread's connection, made at its first use. Whoever holds the lock may use or close it."""

    __slots__ = ("__weakref__", "connection", "lock")

    def __init__(self) -> None:
        self.connection: sqlite3.Connection | None = None
        self.lock = threading.RLock()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class SqliteDatabase:
    """``Database`` over a SQLite file, with one connection for each thread and process.

    SQLite keeps its file locks in memory that a fork copies but the system's locks do not follow: a
    child that opened the same file again would believe in locks that it does not hold, and a write-ahead
    log could be deleted under it. So all connections are closed before a fork, and opened again when
    either side needs one.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, durability: Durability = Durability.NORMAL, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self.durability = durability
        self.busy_timeout_s = busy_timeout_s
        self._number = 0
        self._start()
        _databases.add(self)

    @property
    def in_transaction(self) -> bool:
        connection = self._session().connection
        return connection is not None and connection.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        session = self._session()
        with session.lock:
            try:
                return (session.connection or self._connect(session)).execute(sql, parameters).rowcount
            except _DRIVER_ERRORS as error:
                raise self._translated(error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        session = self._session()
        with session.lock:
            try:
                (session.connection or self._connect(session)).executemany(sql, rows)
            except _DRIVER_ERRORS as error:
                raise self._translated(error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        session = self._session()
        with session.lock:
            try:
                return (session.connection or self._connect(session)).execute(sql, parameters).fetchone()
            except _DRIVER_ERRORS as error:
                raise self._translated(error) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        session = self._session()
        with session.lock:
            try:
                return (session.connection or self._connect(session)).execute(sql, parameters).fetchall()
            except _DRIVER_ERRORS as error:
                raise self._translated(error) from error

    @contextmanager
    def write(self) -> Iterator[None]:
        with self._session().lock:
            nested = self.in_transaction
            if nested:
                self.execute("SAVEPOINT nbtrack")
            try:
                # Inside the try: an interrupt right after BEGIN must not leave the transaction open.
                if not nested:
                    self.execute("BEGIN IMMEDIATE")
                yield
                self.execute("RELEASE nbtrack" if nested else "COMMIT")
            except BaseException:
                if self.in_transaction:  # a full disk rolls back by itself
                    for statement in ("ROLLBACK TO nbtrack", "RELEASE nbtrack") if nested else ("ROLLBACK",):
                        self.execute(statement)
                raise

    @contextmanager
    def read(self) -> Iterator[None]:
        with self._session().lock:
            nested = self.in_transaction
            try:
                if not nested:
                    self.execute("BEGIN")
                yield
            finally:
                if not nested and self.in_transaction:
                    self.execute("ROLLBACK")

    def set_journal(self, mode: str) -> str:
        """Ask for a journal mode; return the one that the file has now."""
        session = self._session()
        with session.lock:
            found = str(self.row(f"PRAGMA journal_mode = {mode}")[0])
            if session.connection is not None:
                self._synchronize(session.connection)
        return found

    def identify(self) -> None:
        """From now on, connect to no other file than this one: keys that were remembered mean nothing in another."""
        self._number = int(self.row(_NUMBER)[0])

    def backup(self, target: Path) -> None:
        """Copy the database, as it is at one moment, into a new file."""
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            session = self._session()
            with session.lock:
                (session.connection or self._connect(session)).backup(copy)
        except _DRIVER_ERRORS as error:
            raise _translate(error, target, self.busy_timeout_s) from error
        finally:
            copy.close()

    def close(self) -> None:
        for session in self._all_sessions():
            with session.lock:
                session.close()

    # --- forks ---------------------------------------------------------------------------------

    def pause(self) -> None:
        """Close all connections and let no thread open one until ``resume`` or ``restart``."""
        self._opening.acquire()
        for session in self._sessions:
            if session.lock.acquire(timeout=_FORK_PATIENCE_S):
                self._held.append(session)
                # Only the forking thread's own transaction can be open here: others hold their lock.
                if session.connection is not None and not session.connection.in_transaction:
                    session.close()

    def resume(self) -> None:
        """Go on after a fork, in the parent."""
        while self._held:
            self._held.pop().lock.release()
        self._opening.release()

    def restart(self) -> None:
        """Go on after a fork, in the child: forget the parent's threads."""
        for session in self._sessions:
            _inherited.append(session.connection)  # never closed here: it is the parent's
            session.connection = None
        self._start()

    # --- inside --------------------------------------------------------------------------------

    def _start(self) -> None:
        self._local = threading.local()
        self._opening = threading.RLock()
        self._sessions: weakref.WeakSet[_Session] = weakref.WeakSet()
        self._held: list[_Session] = []

    def _session(self) -> _Session:
        try:
            return self._local.session  # type: ignore[no-any-return]
        except AttributeError:
            session = _Session()
            with self._opening:
                self._sessions.add(session)
            self._local.session = session
            return session

    def _all_sessions(self) -> list[_Session]:
        with self._opening:
            return list(self._sessions)

    def _connect(self, session: _Session) -> sqlite3.Connection:
        # isolation_level None: Python starts no transactions of its own. The thread check is off
        # because close() and a fork close connections of other threads, under their lock.
        if self._number and not self.path.exists():  # SQLite would make a new one
            raise self._lost()
        target, uri = (f"{self.path.absolute().as_uri()}?immutable=1", True) if self.read_only else (str(self.path), False)
        connection = sqlite3.connect(target, timeout=self.busy_timeout_s, isolation_level=None, check_same_thread=False, cached_statements=256, uri=uri)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            self._synchronize(connection)
            prepare_sqlite(connection)
            if self._number and connection.execute(_NUMBER).fetchone()[0] != self._number:
                raise self._lost()
        except BaseException:
            connection.close()
            raise
        session.connection = connection
        return connection

    def _lost(self) -> StoreError:
        return StoreError(f"the store {self.path} was deleted or replaced while it was in use. What was logged to it went with it; start a new run")

    def _synchronize(self, connection: sqlite3.Connection) -> None:
        # A rollback journal without the sync of every commit may corrupt the file at a power cut.
        normal = self.durability is Durability.NORMAL and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if normal else 'FULL'}")

    @property
    def read_only(self) -> bool:
        """Whether the file lies on a file system that is mounted for reading alone."""
        if not hasattr(os, "statvfs"):
            return False
        try:
            return bool(os.statvfs(self.path.parent).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    def _translated(self, error: Exception) -> NbtrackError:
        return _translate(error, self.path, self.busy_timeout_s)


_DRIVER_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)

_databases: weakref.WeakSet[SqliteDatabase] = weakref.WeakSet()
_paused: list[SqliteDatabase] = []
_inherited: list[object] = []


def _before_fork() -> None:
    for database in list(_databases):
        database.pause()
        _paused.append(database)


def _after_fork_in_parent() -> None:
    while _paused:
        _paused.pop().resume()


def _after_fork_in_child() -> None:
    while _paused:
        _paused.pop().restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def _translate(error: Exception, path: Path, busy_timeout_s: float) -> NbtrackError:
    """Say what a driver's error means for the user of the store."""
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
