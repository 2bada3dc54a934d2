"""SQLite as the store: a file is created, migrated, recognised, or refused."""

from __future__ import annotations

import random
import sqlite3
import time
import warnings
from pathlib import Path

from nbtrack.config import Durability
from nbtrack.errors import StoreBusy, StoreCorrupt, StoreError, StoreNotWritable
from nbtrack.formatting import plural
from nbtrack.store.artifacts.local import LocalBlobs
from nbtrack.store.filelock import file_lock
from nbtrack.store.sql import migrations
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sqlite_connections import BUSY_TIMEOUT_S, SqliteDatabase
from nbtrack.store.sqlite_errors import RESTORE_HINT

MINIMUM_SQLITE = (3, 35, 0)  # RETURNING
# Where mmap-ed shared memory, which WAL needs, does not work between machines.
_NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs lustre gpfs beegfs ceph davfs 9p fuse.sshfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.gcsfuse fuse.drive fuse.davfs2".split()
)
# A commit writes whole pages, three for a point: small ones make logging a fifth faster, and reading no slower.
_PAGE_BYTES = 2048
_RETRY_S = 0.01


def open_sqlite(path: Path, *, artifacts: Path, uri: str, durability: Durability = Durability.NORMAL, busy_timeout_s: float = BUSY_TIMEOUT_S) -> SqlStore:
    """Open the store in the file ``path``, made or brought to the current schema where needed.

    A complete store on a file system that is mounted for reading alone opens too, for reading.

    Raises
    ------
    StoreNotWritable
        The folder can't be made, or the file can't be written.
    StoreCorrupt
        The file is not a SQLite database, or is truncated or damaged. It stays as it is.
    StoreTooNew
        A later nbtrack wrote it.
    StoreError
        It is the database of another program. It stays as it is.
    """
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        needed = ".".join(map(str, MINIMUM_SQLITE))
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; nbtrack needs {needed}. A newer Python brings a newer SQLite")
    make_folder(path.parent)
    _check_sizes(path, artifacts)
    database = SqliteDatabase(path, durability=durability, busy_timeout_s=busy_timeout_s)
    try:
        if not _is_ready(database):
            _prepare(database)
        _check_length(database)
        database.identify()
    except BaseException as error:
        database.close()
        if isinstance(error, StoreCorrupt):
            raise StoreCorrupt(f"the store {path} is damaged: {error.__cause__ or error}{_found(path)}. {RESTORE_HINT}") from error
        raise
    return SqlStore(uri, database, LocalBlobs(artifacts))


def is_network_file_system(path: Path) -> bool:
    """Whether the file lies on a network mount, as far as the system tells (Linux)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return False
    return file_system_of(path.absolute(), mounts) in _NETWORK_FILE_SYSTEMS


def file_system_of(path: Path, mounts: str) -> str:
    """The kind of file system that a path is on, by the text of ``/proc/self/mounts``."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, mount, file_system, *_ = line.split(" ")
        for code, character in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
            mount = mount.replace(code, character)
        if len(mount) >= len(best) and path.is_relative_to(mount):
            best, kind = mount, file_system
    return kind


def make_folder(folder: Path) -> None:
    """Make the folder of a store. Raises ``StoreNotWritable``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreNotWritable(f"can't make the store's folder {folder}: {error}. Choose another place: nbtrack.set_tracking_uri(folder)") from error


def _check_sizes(path: Path, artifacts: Path) -> None:
    """Refuse what SQLite would take for a new file: one byte, or nothing beside the log of the last writes or beside artifacts.

    The file is not opened here: closing it would drop the locks of any connection that this process has to it.
    """
    has_artifacts = artifacts.is_dir() and next(artifacts.iterdir(), None) is not None
    log_bytes = _log_bytes(path)  # both asked first: a new file has its first page before it has a log, or a run with artifacts
    size = path.stat().st_size if path.is_file() else None
    if size == 0 and log_bytes:
        raise StoreCorrupt(f"{path} is empty, but {path.name}-wal beside it holds {log_bytes:,} bytes of its last writes. {RESTORE_HINT}")
    if size == 0 and has_artifacts:
        raise StoreCorrupt(f"{path} is empty, but {artifacts} beside it holds artifacts of runs. {RESTORE_HINT}")
    if size == 1:
        raise StoreCorrupt(f"{path} is not a SQLite database{_found(path)}. {RESTORE_HINT}")


def _check_length(database: SqliteDatabase) -> None:
    """Refuse a file whose last page is cut off; SQLite notices only whole pages."""
    path = database.path
    expected = int(database.row("PRAGMA page_count")[0]) * int(database.row("PRAGMA page_size")[0])
    if path.stat().st_size < expected and not _log_bytes(path):  # with a log, the file may lag behind
        raise StoreCorrupt(f"the end of {path} is cut off")


def _log_bytes(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _found(path: Path) -> str:
    """What a damaged file looks like. Nothing has it open any more."""
    try:
        with path.open("rb") as stream:
            header = stream.read(100)
        size = path.stat().st_size
    except OSError as error:
        return f" ({error})"
    if size < 100 or not header.startswith(b"SQLite format 3\x00"):
        return f" (it has {plural(size, 'byte')} and begins with {header[:16]!r})"
    page_bytes = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page_bytes == 1 else page_bytes)
    return f" (it has {size:,} bytes, and should have {expected:,})" if size < expected else ""


def _is_ready(database: SqliteDatabase) -> bool:
    """Whether the schema is complete and the journal mode set, so that no lock is needed to open."""
    if migrations.pending(database, place=str(database.path)):
        return False
    mode = database.row("PRAGMA journal_mode")[0]
    return bool(mode == "wal" or database.read_only or is_network_file_system(database.path))


def _prepare(database: SqliteDatabase) -> None:
    """Create or migrate, one process at a time."""
    place = str(database.path)
    with file_lock(database.path.with_name(f"{database.path.name}.lock"), purpose=f"create or migrate the store {place}"):
        database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of a file that is still empty; no other changes
        mode = _set_journal(database)
        if mode != "wal":
            warnings.warn(
                f"the store {place} is on a file system where SQLite's write-ahead log does not work; using a rollback journal ({mode}): "
                "every call is safe, logging is slower, and readers wait for writers",
                stacklevel=2,
            )
        if not database.row("PRAGMA user_version")[0]:
            database.execute(f"PRAGMA user_version = {random.SystemRandom().randrange(1, 2**31)}")
        migrations.migrate(database, place=place)


def _set_journal(database: SqliteDatabase) -> str:
    wanted = "TRUNCATE" if is_network_file_system(database.path) else "WAL"
    deadline = time.monotonic() + database.busy_timeout_s
    while True:
        try:
            return database.set_journal(wanted)
        except StoreBusy:
            # The switch ignores SQLite's own busy timeout, and another process may be reading the new file just now.
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
