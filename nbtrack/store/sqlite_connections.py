"""Connections to a SQLite file: one for each thread, and none across a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nbtrack.config import Durability
from nbtrack.errors import NbtrackError, StoreError
from nbtrack.store.sql.database import Dialect
from nbtrack.store.sql.search import prepare_sqlite
from nbtrack.store.sqlite_errors import DRIVER_ERRORS, translated
from nbtrack.store.sqlite_transactions import Session, Transaction

BUSY_TIMEOUT_S = 60.0
# A number that each store draws when it is made; a file that replaces another may well have its inode.
_NUMBER = "PRAGMA user_version"
# A fork, or a close, waits this long for a thread that is in the middle of a transaction.
_PATIENCE_S = 2.0
_POLL_S = 0.0005
# The log shrinks back to this after a large transaction.
_WAL_BYTES = 16 << 20
# A checkpoint syncs the disk, which a loop of log calls waits for: one for each 8 MB of the log rather than 2.
_CHECKPOINT_PAGES = 4000


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
        self._held: list[Session] = []
        self._start()
        _databases.add(self)

    @property
    def in_transaction(self) -> bool:
        session = self.session()
        with session.lock:
            return session.connection is not None and self.usable(session).in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        session = self.session()
        with session.lock:
            try:
                return self.usable(session).execute(sql, parameters).rowcount
            except DRIVER_ERRORS as error:
                raise self.translated(error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        session = self.session()
        with session.lock:
            try:
                self.usable(session).executemany(sql, rows)
            except DRIVER_ERRORS as error:
                raise self.translated(error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        session = self.session()
        with session.lock:
            try:
                return self.usable(session).execute(sql, parameters).fetchone()
            except DRIVER_ERRORS as error:
                raise self.translated(error) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        session = self.session()
        with session.lock:
            try:
                return self.usable(session).execute(sql, parameters).fetchall()
            except DRIVER_ERRORS as error:
                raise self.translated(error) from error

    def write(self) -> AbstractContextManager[None]:
        return Transaction(self, begin="BEGIN IMMEDIATE")

    def read(self) -> AbstractContextManager[None]:
        return Transaction(self, begin="BEGIN")

    def set_journal(self, mode: str) -> str:
        """Ask for a journal mode; return the one that the file has now."""
        session = self.session()
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
            session = self.session()
            with session.lock:
                self.usable(session).backup(copy)
        except DRIVER_ERRORS as error:
            raise translated(error, target, self.busy_timeout_s) from error
        finally:
            copy.close()

    def close(self) -> None:
        with self._opening:
            for session in self._close_idle():
                session.lock.release()

    # --- forks ---------------------------------------------------------------------------------

    def pause(self) -> None:
        """Close all connections and let no thread open one until ``resume`` or ``restart``."""
        self._opening.acquire()
        self._held += self._close_idle()

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

    def make_way(self) -> None:
        """Before a transaction: wait for a fork that is under way, and end what other threads abandoned.

        An abandoned transaction of an idle thread would hold the write lock until that thread logs again.
        """
        with self._opening:
            others = list(self._sessions) if len(self._sessions) > 1 else ()
        for session in others:
            if session.owner is not None and session.lock.acquire(blocking=False):
                try:
                    session.drop_abandoned()
                finally:
                    session.lock.release()

    # --- inside --------------------------------------------------------------------------------

    def session(self) -> Session:
        """This thread's session."""
        try:
            return self._local.session  # type: ignore[no-any-return]
        except AttributeError:
            session = Session()
            with self._opening:
                self._sessions.add(session)
            self._local.session = session
            return session

    def usable(self, session: Session) -> sqlite3.Connection:
        """The session's connection, opened where needed, without an abandoned transaction; its lock is held."""
        connection = session.connection
        if connection is None:
            return self._connect(session)
        if connection.in_transaction:
            session.drop_abandoned()
        return connection

    def translated(self, error: Exception) -> NbtrackError:
        """The store's error for one of the driver's."""
        return translated(error, self.path, self.busy_timeout_s)

    def _start(self) -> None:
        self._local = threading.local()
        self._opening = threading.RLock()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._held.clear()

    def _close_idle(self) -> list[Session]:
        """Close the connections that are in no transaction, or soon; return their sessions, locked."""
        deadline = time.monotonic() + _PATIENCE_S
        locked = []
        for session in list(self._sessions):
            while session.lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
                session.drop_abandoned()
                if session.connection is None or not session.connection.in_transaction:
                    session.close()
                    locked.append(session)
                    break
                session.lock.release()
                if session is self.session() or time.monotonic() > deadline:
                    break
                time.sleep(_POLL_S)
        return locked

    def _connect(self, session: Session) -> sqlite3.Connection:
        # isolation_level None: Python starts no transactions of its own. The thread check is off
        # because close() and a fork close connections of other threads, under their lock.
        if self._number and not self.path.exists():  # SQLite would make a new one
            raise self._lost()
        target, uri = (f"{self.path.absolute().as_uri()}?immutable=1", True) if self.read_only else (str(self.path), False)
        connection = sqlite3.connect(target, timeout=self.busy_timeout_s, isolation_level=None, check_same_thread=False, cached_statements=256, uri=uri)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
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
