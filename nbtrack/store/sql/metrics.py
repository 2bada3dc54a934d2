"""Metric series: narrow points, and a summary row for each series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import TypeAlias

from nbtrack.entities import Metric, MetricColumns, MetricSummary, Origin
from nbtrack.errors import InvalidInput, StoreError
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import metric_value, run_key, run_not_found

# The view's trigger keeps the summary; it refuses a series that is closed or gone.
_APPEND = "INSERT INTO metric_append VALUES (?, ?, ?, ?)"

_MERGE = """INSERT INTO metric_series (run, key, count, last, last_step, last_time, min, max) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, key) DO UPDATE SET
        count = metric_series.count + excluded.count,
        last = CASE WHEN (excluded.last_step, excluded.last_time) >= (metric_series.last_step, metric_series.last_time)
            THEN excluded.last ELSE metric_series.last END,
        last_time = CASE WHEN (excluded.last_step, excluded.last_time) >= (metric_series.last_step, metric_series.last_time)
            THEN excluded.last_time ELSE metric_series.last_time END,
        last_step = CASE WHEN excluded.last_step > metric_series.last_step THEN excluded.last_step ELSE metric_series.last_step END,
        min = CASE WHEN metric_series.min IS NULL OR excluded.min < metric_series.min THEN excluded.min ELSE metric_series.min END,
        max = CASE WHEN metric_series.max IS NULL OR excluded.max > metric_series.max THEN excluded.max ELSE metric_series.max END
    RETURNING id, count"""

# The bare columns of an aggregate with one min() or max() are those of the row that has it (SQLite).
_THIN = """SELECT step, timestamp, value FROM (
        SELECT seq, step, timestamp, min(value) AS value FROM metric_points WHERE series = ?1 GROUP BY (seq - 1) * ?2 / ?3
        UNION SELECT seq, step, timestamp, max(value) AS value FROM metric_points WHERE series = ?1 GROUP BY (seq - 1) * ?2 / ?3
        UNION SELECT seq, step, timestamp, value FROM metric_points WHERE series = ?1 AND seq IN (1, ?3)
    ) ORDER BY seq"""


MIN_THINNED_POINTS = 4
_FEW = 50  # so many points are appended one by one; more are merged into their summaries at once
_MOST_KNOWN = 10_000

_Points: TypeAlias = tuple[Sequence[int], Sequence[int], Sequence[float]]


@dataclass(frozen=True)
class _Series:
    """A stored series, as reading its points needs it."""

    id: int
    run_id: str
    key: str
    count: int


class SqlMetrics:
    """``MetricStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Ids of committed series by run and key. An id is never used again, and a series of a deleted
        # run refuses points, so an entry that has become wrong shows itself.
        self._known: dict[tuple[str, str], int] = {}

    def log(self, run_id: str, key: str, value: float, step: int, timestamp: int) -> None:
        series = self._known.get((run_id, key))
        if series is not None:
            try:
                self._database.execute(_APPEND, (series, step, timestamp, value))
                return
            except StoreError as error:
                if not _is_closed(error):
                    raise
                self._known.pop((run_id, key), None)
        self._log_rows(run_id, [(key, step, timestamp, value)])

    def log_batch(self, run_id: str, metrics: Iterable[Metric]) -> None:
        rows = [(metric.key, metric.step, metric.timestamp, metric.value) for metric in metrics]
        if len(rows) <= _FEW:
            self._log_rows(run_id, rows)
            return
        grouped: dict[str, list[tuple[str, int, int, float]]] = {}
        for row in rows:
            grouped.setdefault(row[0], []).append(row)
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            for key, group in grouped.items():
                _, steps, timestamps, values = zip(*group, strict=True)
                self._append(run, key, steps, timestamps, values)

    def log_arrays(self, run_id: str, series: Mapping[str, Sequence[float]], steps: Sequence[int], timestamps: Sequence[int]) -> None:
        uneven = {key: len(values) for key, values in series.items() if len(values) != len(steps)}
        if uneven or len(timestamps) != len(steps):
            raise InvalidInput(
                f"the arrays of one call have one length; found {len(steps)} steps, {len(timestamps)} timestamps, and {uneven or 'as many values'}"
            )
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            for key, values in series.items() if len(steps) else ():
                self._append(run, key, steps, timestamps, values)

    def annotate(self, run_id: str, key: str, *, origin: Origin, line: int | None, definition: str | None) -> None:
        self._database.execute(
            "UPDATE metric_series SET origin = ?, line = ?, definition = ? WHERE run = ? AND key = ?",
            (origin.value, line, definition, run_key(self._database, run_id), key),
        )

    def summaries(self, run_id: str) -> list[MetricSummary]:
        rows = self._database.rows(
            "SELECT key, last, last_step, last_time, min, max, count, origin, line, definition FROM metric_series WHERE run = ? ORDER BY key",
            (run_key(self._database, run_id),),
        )
        return [
            MetricSummary(key, metric_value(last), step, time, metric_value(low), metric_value(high), count, Origin(origin), line, definition)
            for key, last, step, time, low, high, count, origin, line, definition in rows
        ]

    def history(self, run_id: str, key: str) -> list[Metric]:
        rows = self._database.rows(
            "SELECT DISTINCT p.timestamp, p.step, p.value FROM metric_points p JOIN metric_series s ON s.id = p.series "
            "WHERE s.run = ? AND s.key = ? ORDER BY p.timestamp, p.step, p.value",
            (run_key(self._database, run_id), key),
        )
        return [Metric(key, metric_value(value), timestamp, step) for timestamp, step, value in rows]

    def columns(self, run_ids: Sequence[str], keys: Sequence[str] | None = None, *, max_points: int | None = None) -> MetricColumns:
        if max_points is not None and max_points < MIN_THINNED_POINTS:
            raise InvalidInput(
                f"max_points is {max_points}; a thinned series needs {MIN_THINNED_POINTS} points at least (its ends, its minimum and its maximum)"
            )
        numbers: list[int] = []
        steps: list[int] = []
        timestamps: list[int] = []
        values: list[float] = []
        with self._database.read():
            found = self._find(run_ids, keys)
            for number, series in enumerate(found):
                some_steps, some_timestamps, some_values = self._points(series, max_points)
                numbers.extend(repeat(number, len(some_steps)))
                steps.extend(some_steps)
                timestamps.extend(some_timestamps)
                values.extend(some_values)
        return MetricColumns([series.run_id for series in found], [series.key for series in found], numbers, steps, timestamps, values)

    def _log_rows(self, run_id: str, rows: Sequence[tuple[str, int, int, float]]) -> None:
        """Append points one by one, in one transaction; remember their series once they are committed."""
        nested = self._database.in_transaction  # what it holds may be rolled back yet, and then an id is used again
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            series = {key: self._series(run, key) for key in {row[0] for row in rows}}
            self._database.executemany(_APPEND, [(series[key], *point) for key, *point in rows])
        if not nested:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known.update({(run_id, key): number for key, number in series.items()})

    def _series(self, run: int, key: str) -> int:
        """The id of a series, made if it is not there; inside a transaction that adds a point to it."""
        sql = "SELECT id FROM metric_series WHERE run = ? AND key = ?"
        row = self._database.row(sql, (run, key)) or self._database.row("INSERT INTO metric_series (run, key) VALUES (?, ?) RETURNING id", (run, key))
        return int(row[0])

    def _append(self, run: int, key: str, steps: Sequence[int], timestamps: Sequence[int], values: Sequence[float]) -> None:
        """Merge the summary of many points into their series, then append them; inside a transaction."""
        last_step, last_time, last = max(zip(steps, timestamps, range(len(steps)), strict=True))
        numbers = [value for value in values if value == value]  # NaN is no minimum and no maximum
        low, high = (min(numbers), max(numbers)) if numbers else (None, None)
        series, count = self._database.row(_MERGE, (run, key, len(steps), values[last], last_step, last_time, low, high))
        seqs = range(count - len(steps) + 1, count + 1)
        self._database.executemany("INSERT INTO metric_points VALUES (?, ?, ?, ?, ?)", zip(repeat(series), seqs, steps, timestamps, values))

    def _find(self, run_ids: Sequence[str], keys: Sequence[str] | None) -> list[_Series]:
        """The series of the runs, in the order of the runs given, then by key."""
        wanted = None if keys is None else set(keys)
        found: dict[str, list[_Series]] = {}
        for part in chunks(list(dict.fromkeys(run_ids))):
            among = placeholders(len(part))
            found.update((row[0], []) for row in self._database.rows(f"SELECT run_id FROM runs WHERE run_id IN ({among})", part))
            sql = f"SELECT s.id, r.run_id, s.key, s.count FROM metric_series s JOIN runs r ON r.id = s.run WHERE r.run_id IN ({among}) ORDER BY s.key"
            for row in self._database.rows(sql, part):
                if wanted is None or row[2] in wanted:
                    found[row[1]].append(_Series(*row))
        missing = next((run_id for run_id in run_ids if run_id not in found), None)
        if missing is not None:
            raise run_not_found(self._database, missing)
        return [series for run_id in dict.fromkeys(run_ids) for series in found[run_id]]

    def _points(self, series: _Series, max_points: int | None) -> _Points:
        """Steps, timestamps and values of a series by step, then time; thinned if there are more than ``max_points``."""
        if max_points is not None and series.count > max_points:
            rows = self._database.rows(_THIN, (series.id, (max_points - 2) // 2, series.count))
        else:
            rows = self._database.rows("SELECT step, timestamp, value FROM metric_points WHERE series = ? ORDER BY seq", (series.id,))
        steps, timestamps, values = zip(*rows, strict=True)
        if not (_is_sorted(steps) and _is_sorted(timestamps)):  # points may come late, or again
            steps, timestamps, values = zip(*sorted(rows, key=itemgetter(0, 1)), strict=True)
        if None in values:
            values = tuple(math.nan if value is None else value for value in values)
        return steps, timestamps, values


def _is_sorted(numbers: Sequence[int]) -> bool:
    return list(numbers) == sorted(numbers)  # both run in C


def _is_closed(error: StoreError) -> bool:
    """Whether a point was refused because its series is closed or gone."""
    return "metric_points.seq" in str(error)
