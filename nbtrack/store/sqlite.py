"""SQLite as the store: connections, locks, durability, and what can be wrong with a file."""

from __future__ import annotations

import os
import sqlite3
import threading
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from nbtrack.config import Durability
from nbtrack.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreNotWritable
from nbtrack.store.artifacts.local import LocalBlobs
from nbtrack.store.filelock import file_lock
from nbtrack.store.sql import migrations
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sql.database import Cursor, Dialect
from nbtrack.store.sql.search import prepare_sqlite

BUSY_TIMEOUT_S = 60.0
MINIMUM_SQLITE = (3, 35, 0)  # RETURNING
_HEADER = b"SQLite format 3\x00"
# Where mmap-ed shared memory, which WAL needs, does not work between machines.
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs", "9p"}

_RESTORE_HINT = (
    "nbtrack never overwrites it. If you have a copy made by `nbtrack db backup`, move this file (and those named like it with -wal and -shm) "
    "away and put the copy in its place"
)


class SqliteDatabase:
    """``Database`` over a SQLite file, with one connection for each thread and process.

    A connection does not survive ``fork``: the child forgets its parent's without closing them,
    since closing would drop the parent's file locks.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, durability: Durability = Durability.NORMAL) -> None:
        self.path = path
        self.durability = durability
        self._local = threading.local()
        self._connections: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()
        self._inherited: list[object] = []
        _open_databases.add(self)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        try:
            return self._local.connection.execute(sql, parameters)  # type: ignore[no-any-return]
        except AttributeError:
            return self._first(sql, parameters)
        except sqlite3.Error as error:
            self._raise(error)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self.connection().executemany(sql, rows)
        except sqlite3.Error as error:
            self._raise(error)

    @contextmanager
    def write(self) -> Iterator[None]:
        connection = self.connection()
        if connection.in_transaction:
            yield
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk rolls back by itself
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._raise(error)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            self._connections.add(connection)
        return connection  # type: ignore[no-any-return]

    def close(self) -> None:
        for connection in list(self._connections):
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    def forget_inherited(self) -> None:
        """In the child of a fork: leave the parent's connections open and unused."""
        self._inherited.extend(self._connections)
        self._connections = weakref.WeakSet()
        self._local = threading.local()

    def _first(self, sql: str, parameters: Sequence[Any]) -> Cursor:
        connection = self.connection()
        try:
            return connection.execute(sql, parameters)
        except sqlite3.Error as error:
            self._raise(error)

    def _connect(self) -> sqlite3.Connection:
        try:
            # isolation_level None: Python starts no transactions of its own. Connections are used by
            # their own thread alone; the check is off so that close() may come from another.
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256, factory=_Connection
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self.durability is Durability.FULL else 'NORMAL'}")
            prepare_sqlite(connection)
        except sqlite3.Error as error:
            self._raise(error)
        return connection

    def _raise(self, error: sqlite3.Error) -> NoReturn:
        raise _translate(error, self.path) from error


class _Connection(sqlite3.Connection):
    """A connection that can be held weakly."""


_open_databases: weakref.WeakSet[SqliteDatabase] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for database in list(_open_databases):
        database.forget_inherited()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def open_sqlite(path: Path, *, artifacts: Path, uri: str, durability: Durability = Durability.NORMAL) -> SqlStore:
    """Open the store in the file ``path``, made or brought to the current schema where needed.

    Raises
    ------
    StoreNotWritable
        The folder can't be made, or the file can't be written and is not complete.
    StoreCorrupt
        The file is not a SQLite database, or is truncated or damaged. It stays as it is.
    StoreTooNew
        A later nbtrack wrote it.
    """
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; nbtrack needs {'.'.join(map(str, MINIMUM_SQLITE))}. A newer Python brings a newer SQLite")
    _make_folder(path.parent)
    check_file(path)
    database = SqliteDatabase(path, durability=durability)
    try:
        if not _is_ready(database):
            _prepare(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(uri, database, LocalBlobs(artifacts))


def check_file(path: Path) -> None:
    """Refuse a file that is no SQLite database, or shorter than its header says."""
    try:
        with path.open("rb") as stream:
            header = stream.read(100)
            size = os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreNotWritable(f"can't read the store {path}: {error}") from error
    if not header:
        return  # made by another process this very moment, or empty: there is nothing to lose
    if not header.startswith(_HEADER):
        raise StoreCorrupt(f"{path} is not a SQLite database: it begins with {header[:16]!r}. {_RESTORE_HINT}")
    page_bytes = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page_bytes == 1 else page_bytes)
    # With a write-ahead log beside it the file may lag behind its own header.
    if size < expected and not _has_wal(path):
        raise StoreCorrupt(f"{path} is truncated: its header says {expected:,} bytes, found {size:,}. {_RESTORE_HINT}")


def _is_ready(database: SqliteDatabase) -> bool:
    """Whether the schema is complete and the journal mode set, so that no lock is needed to open."""
    if migrations.pending(database, place=str(database.path)):
        return False
    mode = database.execute("PRAGMA journal_mode").fetchone()[0]
    return bool(mode == "wal" or is_network_file_system(database.path))


def _prepare(database: SqliteDatabase) -> None:
    """Create or migrate, one process at a time: the switch to WAL ignores the busy timeout."""
    with file_lock(database.path.with_name(database.path.name + ".lock"), purpose=f"create or migrate the store {database.path}"):
        wanted = "TRUNCATE" if is_network_file_system(database.path) else "WAL"
        mode = database.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        if mode != "wal":
            warnings.warn(
                f"the store {database.path} is on a file system where SQLite's write-ahead log does not work; using a rollback journal ({mode}): "
                "every call is safe, logging is slower, and readers wait for writers",
                stacklevel=2,
            )
        migrations.migrate(database, place=str(database.path))


def is_network_file_system(path: Path) -> bool:
    """Whether the file lies on a network mount, as far as the system tells (Linux)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return False
    target, best, kind = str(path.absolute()), "", ""
    for line in mounts.splitlines():
        _, mount, file_system, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        if len(mount) >= len(best) and (target == mount or target.startswith(mount.rstrip("/") + "/")):
            best, kind = mount, file_system
    return kind in _NETWORK_FILE_SYSTEMS


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreNotWritable(f"can't make the store's folder {folder}: {error}. Choose another place: nbtrack.set_tracking_uri(folder)") from error


def _has_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Say what a driver's error means for the user of the store."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreBusy(f"another process has been writing to {path} for more than {BUSY_TIMEOUT_S:.0f} s. Nothing was written by this call; try it again")
    if "full" in text:
        return StoreFull(f"no room to write to {path}: {text}. What was logged before is safe; free some space and try again")
    if "readonly" in text or "unable to open" in text:
        return StoreNotWritable(f"can't write to the store {path}: {text}. Check its permissions, or choose another place: nbtrack.set_tracking_uri(folder)")
    if "not a database" in text or "malformed" in text:
        return StoreCorrupt(f"the store {path} is damaged: {text}. {_RESTORE_HINT}")
    return StoreError(f"the store {path} refused a statement: {text}")
