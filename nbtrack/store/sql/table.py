"""Many runs as columns, read with one statement for each kind of value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from nbtrack.store.base import RunTable
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import decode_param, run_info

_NAN = math.nan


def read_table(database: Database, infos: Sequence[Any]) -> RunTable:
    """The table of the runs of these info rows, in their order; inside a read transaction."""
    count = len(infos)
    place = {row[0]: number for number, row in enumerate(infos)}
    params: dict[str, list[Any]] = {}
    for run, key, kind, text, encoded in _of_runs(database, "params", "run, key, type, text, json", list(place)):
        if key not in params:
            params[key] = [None] * count
        params[key][place[run]] = decode_param(kind, text, encoded)
    metrics: dict[str, list[float]] = {}
    for run, key, last in _of_runs(database, "metric_series", "run, key, last", list(place)):
        if key not in metrics:
            metrics[key] = [_NAN] * count
        if last is not None:
            metrics[key][place[run]] = last
    tags: dict[str, list[str | None]] = {}
    for run, key, value in _of_runs(database, "tags", "run, key, value", list(place)):
        if key not in tags:
            tags[key] = [None] * count
        tags[key][place[run]] = value
    return RunTable([run_info(row) for row in infos], params, metrics, tags)


def _of_runs(database: Database, table: str, columns: str, keys: Sequence[int]) -> Iterator[Any]:
    for part in chunks(keys, 5000):
        yield from database.rows(f"SELECT {columns} FROM {table} WHERE run IN ({placeholders(len(part))}) ORDER BY run, key", part)
