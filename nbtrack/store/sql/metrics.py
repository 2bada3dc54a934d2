"""Metric series: narrow points, and a summary row for each series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from nbtrack.entities import Metric, MetricColumns, MetricSummary, Origin
from nbtrack.errors import InvalidInput, StoreError
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import metric_value, run_key

_LOG = "INSERT INTO metric_log VALUES (?, ?, ?, ?, ?)"

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
_THIN = """SELECT seq, step, timestamp, value FROM (
        SELECT seq, step, timestamp, min(value) AS value FROM metric_points WHERE series = ?1 GROUP BY (seq - 1) * ?2 / ?3
        UNION SELECT seq, step, timestamp, max(value) AS value FROM metric_points WHERE series = ?1 GROUP BY (seq - 1) * ?2 / ?3
        UNION SELECT seq, step, timestamp, value FROM metric_points WHERE series = ?1 AND seq IN (1, ?3)
    ) ORDER BY seq"""


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

    def log(self, run_id: str, key: str, value: float, step: int, timestamp: int) -> None:
        try:
            self._database.execute(_LOG, (run_id, key, step, timestamp, value))
        except StoreError as error:
            self._explain(run_id, error)

    def log_batch(self, run_id: str, metrics: Iterable[Metric]) -> None:
        points = [(run_id, metric.key, metric.step, metric.timestamp, metric.value) for metric in metrics]
        if len(points) > 50:
            self._log_many(run_id, points)
            return
        try:
            with self._database.write():
                self._database.executemany(_LOG, points)
        except StoreError as error:
            self._explain(run_id, error)

    def log_arrays(self, run_id: str, series: Mapping[str, Sequence[float]], steps: Sequence[int], timestamps: Sequence[int]) -> None:
        uneven = {key: len(values) for key, values in series.items() if len(values) != len(steps)}
        if uneven or len(timestamps) != len(steps):
            raise InvalidInput(f"the arrays of one call have one length; found {len(steps)} steps, {len(timestamps)} timestamps, and {uneven or 'as many values'}")
        if not len(steps):
            return
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            for key, values in series.items():
                self._append(run, key, steps, timestamps, values)

    def annotate(self, run_id: str, key: str, *, origin: Origin, line: int | None, definition: str | None) -> None:
        self._database.execute(
            "UPDATE metric_series SET origin = ?, line = ?, definition = ? WHERE run = ? AND key = ?",
            (origin.value, line, definition, run_key(self._database, run_id), key),
        )

    def summaries(self, run_id: str) -> list[MetricSummary]:
        rows = self._database.execute(
            "SELECT key, last, last_step, last_time, min, max, count, origin, line, definition FROM metric_series WHERE run = ? ORDER BY key",
            (run_key(self._database, run_id),),
        )
        return [
            MetricSummary(key, metric_value(last), step, time, metric_value(low), metric_value(high), count, Origin(origin), line, definition)
            for key, last, step, time, low, high, count, origin, line, definition in rows
        ]

    def history(self, run_id: str, key: str) -> list[Metric]:
        run = run_key(self._database, run_id)
        rows = self._database.execute(
            "SELECT DISTINCT p.timestamp, p.step, p.value FROM metric_points p JOIN metric_series s ON s.id = p.series "
            "WHERE s.run = ? AND s.key = ? ORDER BY p.timestamp, p.step, p.value",
            (run, key),
        )
        return [Metric(key, metric_value(value), timestamp, step) for timestamp, step, value in rows]

    def columns(self, run_ids: Sequence[str], keys: Sequence[str] | None = None, *, max_points: int | None = None) -> MetricColumns:
        if max_points is not None and max_points < 4:
            raise InvalidInput(f"max_points is {max_points}; a thinned series needs 4 points at least (its ends, its minimum and its maximum)")
        found = self._find(run_ids, keys)
        numbers: list[int] = []
        steps: list[int] = []
        timestamps: list[int] = []
        values: list[float] = []
        for number, series in enumerate(found):
            rows = self._points(series, max_points)
            numbers.extend(repeat(number, len(rows)))
            steps.extend(row[0] for row in rows)
            timestamps.extend(row[1] for row in rows)
            values.extend(math.nan if row[2] is None else row[2] for row in rows)
        return MetricColumns([series.run_id for series in found], [series.key for series in found], numbers, steps, timestamps, values)

    def _find(self, run_ids: Sequence[str], keys: Sequence[str] | None) -> list[_Series]:
        found: dict[tuple[str, str], _Series] = {}
        for part in chunks(run_ids):
            sql = (
                "SELECT s.id, r.run_id, s.key, s.count FROM metric_series s JOIN runs r ON r.id = s.run "
                f"WHERE r.run_id IN ({placeholders(len(part))}) ORDER BY s.key"
            )
            for row in self._database.execute(sql, part):
                if keys is None or row[2] in keys:
                    found[row[1], row[2]] = _Series(*row)
        place = {run_id: position for position, run_id in enumerate(run_ids)}
        return sorted(found.values(), key=lambda series: (place[series.run_id], series.key))

    def _points(self, series: _Series, max_points: int | None) -> list[tuple[int, int, float | None]]:
        """``(step, timestamp, value)`` of a series in that order, thinned if it is longer than ``max_points``."""
        if max_points is not None and series.count > max_points:
            buckets = (max_points - 2) // 2
            rows = [row[1:] for row in self._database.execute(_THIN, (series.id, buckets, series.count))]
        else:
            rows = self._database.execute("SELECT step, timestamp, value FROM metric_points WHERE series = ? ORDER BY seq", (series.id,)).fetchall()
        if any(map(_later, rows, rows[1:])):
            rows.sort(key=_by_step_and_time)
        return rows

    def _log_many(self, run_id: str, points: Sequence[tuple[str, str, int, int, float]]) -> None:
        grouped: dict[str, list[tuple[str, str, int, int, float]]] = {}
        for point in points:
            grouped.setdefault(point[1], []).append(point)
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            for key, group in grouped.items():
                self._append(run, key, [point[2] for point in group], [point[3] for point in group], [point[4] for point in group])

    def _append(self, run: int, key: str, steps: Sequence[int], timestamps: Sequence[int], values: Sequence[float]) -> None:
        """Merge the summary of the points into the series, then append them; inside a transaction."""
        last = max(range(len(steps)), key=lambda place: (steps[place], timestamps[place], place))
        numbers = [value for value in values if value == value]  # NaN is no minimum and no maximum
        low, high = (min(numbers), max(numbers)) if numbers else (None, None)
        series, count = self._database.execute(
            _MERGE, (run, key, len(steps), _null(values[last]), steps[last], timestamps[last], low, high)
        ).fetchone()
        first = count - len(steps) + 1
        self._database.executemany(
            "INSERT INTO metric_points VALUES (?, ?, ?, ?, ?)", zip(repeat(series), range(first, count + 1), steps, timestamps, values)
        )

    def _explain(self, run_id: str, error: StoreError) -> None:
        """Raise what is wrong with the run, if that is why a point was refused; else the error itself."""
        if "run not active" in str(error):
            run_key(self._database, run_id, writable=True)
        raise error


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _by_step_and_time(row: Sequence[Any]) -> tuple[int, int]:
    return row[0], row[1]


def _later(row: Sequence[Any], following: Sequence[Any]) -> bool:
    return (row[0], row[1]) > (following[0], following[1])
