"""Many runs as columns, read with few statements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbtrack.store.base import RunTable
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import decode_param, metric_value, run_info

# For more than one run in so many, whole indexes are read; for fewer, the runs are looked up.
_MANY = 4

# The keys of an index, each found by one step down it.
_KEYS = """WITH RECURSIVE found(key) AS (
        SELECT min(key) FROM {table} UNION ALL SELECT (SELECT min(key) FROM {table} t WHERE t.key > found.key) FROM found WHERE found.key IS NOT NULL
    ) SELECT key FROM found WHERE key IS NOT NULL"""


def read_table(database: Database, infos: Sequence[Any]) -> RunTable:
    """The table of the runs of these info rows, in their order; inside a read transaction."""
    places = {row[0]: number for number, row in enumerate(infos)}
    many = len(infos) * _MANY > database.row("SELECT count(*) FROM runs")[0]
    params: dict[str, list[Any]] = {}
    for run, key, kind, text, encoded in _params(database, places, many=many):
        if key not in params:
            params[key] = [None] * len(infos)
        params[key][places[run]] = text if kind == "str" else decode_param(kind, text, encoded)
    metrics: dict[str, list[float]] = {}
    for key, rows in _by_key(database, "metric_series", "last", places, many=many):
        metrics[key] = [math.nan] * len(infos)
        for run, last in rows:
            metrics[key][places[run]] = metric_value(last)
    tags: dict[str, list[str | None]] = {}
    for key, rows in _by_key(database, "tags", "value", places, many=many):
        tags[key] = [None] * len(infos)
        for run, value in rows:
            tags[key][places[run]] = value
    return RunTable([run_info(row) for row in infos], dict(sorted(params.items())), metrics, tags)


def _params(database: Database, places: Mapping[int, int], *, many: bool) -> Iterator[Any]:
    columns = "SELECT run, key, type, text, json FROM params"
    if many:
        yield from (row for row in database.rows(columns) if row[0] in places)
        return
    for part in chunks(list(places), 5000):
        yield from database.rows(f"{columns} WHERE run IN ({placeholders(len(part))})", part)


def _by_key(database: Database, table: str, column: str, places: Mapping[int, int], *, many: bool) -> Iterator[tuple[str, list[Any]]]:
    """``(run, value)`` pairs for each key that one of the runs has."""
    if many:
        for (key,) in database.rows(_KEYS.format(table=table)):
            rows = database.rows(f"SELECT run, {column} FROM {table} WHERE key = ?", (key,))
            if found := [row for row in rows if row[0] in places]:
                yield key, found
        return
    grouped: dict[str, list[Any]] = {}
    for part in chunks(list(places), 5000):
        for run, key, value in database.rows(f"SELECT run, key, {column} FROM {table} WHERE run IN ({placeholders(len(part))})", part):
            grouped.setdefault(key, []).append((run, value))
    yield from sorted(grouped.items())
