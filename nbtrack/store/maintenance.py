"""Looking after a store: what is in it, whether it is sound, and copies of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import AlreadyExists, StoreCorrupt, StoreNotWritable
from nbtrack.store.artifacts.local import LocalBlobs
from nbtrack.store.base import Store
from nbtrack.store.gc import sql_store
from nbtrack.store.open import Place, locate
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sql.migrations import applied
from nbtrack.store.sqlite_connections import SqliteDatabase

_CHUNK_BYTES = 1 << 20
_RESTORE = "restore a copy made by `nbtrack db backup`"


@dataclass(frozen=True)
class StoreInfo:
    """A store in numbers; sizes in bytes."""

    uri: str
    schema: str  # the name of the last migration
    journal_mode: str
    durability: str
    sqlite_version: str
    database_bytes: int
    log_bytes: int  # of the write-ahead log
    free_bytes: int  # what compacting would give back
    experiments: int
    runs: int
    running_runs: int
    deleted_runs: int
    params: int
    series: int
    points: int
    datasets: int
    cells: int
    artifacts: int
    blobs: int
    blob_bytes: int
    events: int


@dataclass(frozen=True)
class Problem:
    """Something wrong with a store, and what to do about it."""

    kind: str  # "database", "reference", "blob", "metric" or "event"
    message: str
    fix: str


@dataclass(frozen=True)
class Backup:
    """A copy of a store: where it lies, and the digests of artifacts that could not be copied whole."""

    place: Place
    database_bytes: int
    blobs: int
    blob_bytes: int
    damaged: Sequence[str] = ()


def info(store: Store) -> StoreInfo:
    """Count what is in a store."""
    sql = sql_store(store)
    database = _file_database(sql)
    with database.read():
        counts = {
            name: int(database.row(f"SELECT {what}")[0])
            for name, what in {
                "experiments": "count(*) FROM experiments",
                "runs": "count(*) FROM runs",
                "running_runs": "count(*) FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active'",
                "deleted_runs": "count(*) FROM runs WHERE lifecycle_stage = 'deleted'",
                "params": "count(*) FROM params",
                "series": "count(*) FROM metric_series",
                "points": "coalesce(sum(count), 0) FROM metric_series",
                "datasets": "count(*) FROM datasets",
                "cells": "count(*) FROM cells",
                "artifacts": "count(*) FROM artifacts",
                "events": "count(*) FROM events",
            }.items()
        }
        schema = applied(database)[-1]
    sizes = [size for _, size, _ in sql.blobs.all()]
    return StoreInfo(
        uri=sql.uri,
        schema=schema,
        journal_mode=str(database.row("PRAGMA journal_mode")[0]),
        durability=database.durability.value,
        sqlite_version=sqlite3.sqlite_version,
        database_bytes=_size(database.path),
        log_bytes=_size(database.path.with_name(f"{database.path.name}-wal")),
        free_bytes=int(database.row("PRAGMA freelist_count")[0]) * int(database.row("PRAGMA page_size")[0]),
        blobs=len(sizes),
        blob_bytes=sum(sizes),
        **counts,
    )


def check(store: Store, *, deep: bool = False) -> list[Problem]:
    """Look for damage; ``deep`` reads every byte of every artifact and every metric point."""
    sql = sql_store(store)
    try:
        problems = [*_database_problems(sql)]
        if not problems:
            problems += [*_reference_problems(sql), *_blob_problems(sql, deep=deep), *_event_problems(sql)]
            problems += _metric_problems(sql) if deep else ()
    except StoreCorrupt as error:
        problems = [Problem("database", str(error), _RESTORE)]
    return problems


def backup(store: Store, target: str | os.PathLike[str], *, artifacts: bool = True) -> Backup:
    """Copy a store, as it is at one moment, to ``target``: a new folder, or a ``.db`` file.

    Runs may log meanwhile. The copy can be opened as a store as soon as this returns, and not before.

    Raises
    ------
    AlreadyExists
        There is a store at ``target``; it is never overwritten.
    """
    sql = sql_store(store)
    place = locate(Path(target))
    if place.exists or place.artifacts.exists():
        raise AlreadyExists(f"there is something at {place.uri} already, and a backup overwrites nothing; name another place")
    partial = place.database.with_name(f"{place.database.name}.partial")
    try:
        place.database.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreNotWritable(f"can't write a backup to {place.uri}: {error}") from error
    try:
        _file_database(sql).backup(partial)
        copied, damaged = _copied_blobs(sql, partial, place) if artifacts else ([], [])
        os.replace(partial, place.database)
    except BaseException:
        partial.unlink(missing_ok=True)
        shutil.rmtree(place.artifacts, ignore_errors=True)  # it was not there before
        raise
    return Backup(place, _size(place.database), len(copied), sum(copied), damaged)


def _copied_blobs(store: SqlStore, database: Path, place: Place) -> tuple[list[int], list[str]]:
    """Copy the blobs that a database names; their sizes, and the digests of those that are missing or damaged."""
    target = LocalBlobs(place.artifacts)
    sizes, damaged = [], []
    connection = sqlite3.connect(database)
    digests = [row[0] for row in connection.execute("SELECT DISTINCT digest FROM artifacts ORDER BY digest")]
    connection.close()
    for digest in digests:
        try:
            with store.blobs.open(digest) as stream:
                found, size = target.put_stream(stream)
        except FileNotFoundError:
            damaged.append(digest)
            continue
        if found != digest:
            if found not in digests:
                target.remove(found)
            damaged.append(digest)
        else:
            sizes.append(size)
    return sizes, damaged


def _database_problems(store: SqlStore) -> Iterator[Problem]:
    for (line,) in store.database.rows("PRAGMA integrity_check"):
        if line != "ok":
            yield Problem("database", f"the database {store.uri} is damaged: {line}", _RESTORE)


def _reference_problems(store: SqlStore) -> Iterator[Problem]:
    lost: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in store.database.rows("PRAGMA foreign_key_check"):
        lost[table, parent] = lost.get((table, parent), 0) + 1
    for (table, parent), count in lost.items():
        yield Problem("reference", f"{count:,} rows of {table} refer to rows of {parent} that do not exist", _RESTORE)


def _blob_problems(store: SqlStore, *, deep: bool) -> Iterator[Problem]:
    found = {digest: size for digest, size, _ in store.blobs.all()}
    damaged = {digest for digest in found if deep and _digest_of(store, digest) != digest}
    named = store.database.rows("SELECT r.run_id, a.path, a.digest, a.size FROM artifacts a JOIN runs r ON r.id = a.run ORDER BY r.id, a.path")
    for run_id, path, digest, size in named:
        what = f"the artifact {path!r} of run {run_id}"
        if digest not in found:
            yield Problem("blob", f"{what} is missing: there is no blob {digest}", f"{_RESTORE}, or log the file again")
        elif found[digest] != size:
            yield Problem("blob", f"{what} has {found[digest]:,} bytes instead of {size:,} (blob {digest})", f"{_RESTORE}, or log the file again")
        elif digest in damaged:
            yield Problem("blob", f"{what} was changed on the disk: its content is not that of blob {digest}", f"{_RESTORE}, or log the file again")


def _event_problems(store: SqlStore) -> Iterator[Problem]:
    for problem in store.events.verify():
        yield Problem("event", problem, "compare with a copy made by `nbtrack db backup`, and find out who changed the file")


def _metric_problems(store: SqlStore) -> Iterator[Problem]:
    sql = (
        "SELECT r.run_id, s.key, s.count, (SELECT count(*) FROM metric_points p WHERE p.series = s.id) AS found "
        "FROM metric_series s JOIN runs r ON r.id = s.run ORDER BY s.id"
    )
    for run_id, key, count, found in store.database.rows(sql):
        if count != found:
            yield Problem("metric", f"the metric {key!r} of run {run_id} has {found:,} points instead of {count:,}", _RESTORE)


def _digest_of(store: SqlStore, digest: str) -> str:
    hasher = hashlib.sha256()
    try:
        with store.blobs.open(digest) as stream:
            for part in iter(lambda: stream.read(_CHUNK_BYTES), b""):
                hasher.update(part)
    except OSError as error:
        return f"unreadable: {error}"
    return hasher.hexdigest()


def _file_database(store: SqlStore) -> SqliteDatabase:
    if not isinstance(store.database, SqliteDatabase):
        raise TypeError(f"{store.uri} is no SQLite file")
    return store.database


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
