"""What a careful person would write by hand with the sqlite3 module.

WAL, ``synchronous=NORMAL`` (a killed process loses nothing, a power cut the last instants), one
commit for each call, and text ids as in the other tools. Points have no index while they are
written; the one that reading a history needs is made by ``prepare_reading``, untimed. So every
figure is the best that this schema can do, and its write and read figures are not of one store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from time import time_ns
from typing import Any
from uuid import uuid4

from tests.benchmarks.contenders import RAW, FakeRun

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER);
CREATE TABLE IF NOT EXISTS params (run_id TEXT, key TEXT, value TEXT, PRIMARY KEY (run_id, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (run_id TEXT, key TEXT, value TEXT, PRIMARY KEY (run_id, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS last_metrics (run_id TEXT, key TEXT, value REAL, PRIMARY KEY (run_id, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points (run_id TEXT, key TEXT, step INTEGER, timestamp INTEGER, value REAL);
CREATE INDEX IF NOT EXISTS params_by_value ON params (key, value);
CREATE INDEX IF NOT EXISTS last_metrics_by_value ON last_metrics (key, value);
"""
_POINT = "INSERT INTO points VALUES (?, ?, ?, ?, ?)"
_BEST = """SELECT m.run_id, r.name, r.status, r.start_time, r.end_time FROM last_metrics m JOIN runs r ON r.run_id = m.run_id
    WHERE m.key = 'accuracy'
    AND EXISTS (SELECT 1 FROM params p WHERE p.run_id = m.run_id AND p.key = 'model' AND p.value = 'forest')
    AND EXISTS (SELECT 1 FROM last_metrics l WHERE l.run_id = m.run_id AND l.key = 'loss' AND l.value < 0.5)
    ORDER BY m.value DESC LIMIT ?"""


class RawSqlite:
    """Tables of one's own, and no library between them and the caller."""

    name = RAW

    def use(self, folder: Path, *, power_safe: bool = False, prepared: bool = True) -> None:
        self.close()
        self._connection = sqlite3.connect(folder / "raw.db", timeout=60)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        self._connection.executescript(_SCHEMA)

    def start_run(self) -> str:
        self._run_id = uuid4().hex
        with self._connection:
            self._connection.execute("INSERT INTO runs VALUES (?, ?, 'RUNNING', ?, NULL)", (self._run_id, "run", _now()))
        return self._run_id

    def end_run(self) -> None:
        with self._connection:
            self._connection.execute("UPDATE runs SET status = 'FINISHED', end_time = ? WHERE run_id = ?", (_now(), self._run_id))

    def log(self, key: str, value: float, step: int) -> None:
        with self._connection:
            self._connection.execute(_POINT, (self._run_id, key, step, _now(), value))

    def log_step(self, metrics: Mapping[str, float], step: int) -> None:
        now = _now()
        with self._connection:
            self._connection.executemany(_POINT, [(self._run_id, key, step, now, value) for key, value in metrics.items()])

    def log_bulk(self, series: Mapping[str, Sequence[float]]) -> None:
        now = _now()
        with self._connection:
            for key, values in series.items():
                self._connection.executemany(_POINT, [(self._run_id, key, step, now, value) for step, value in enumerate(values)])

    def prepare_reading(self) -> None:
        with self._connection:
            self._connection.execute("CREATE INDEX points_by_step ON points (run_id, key, step)")

    def history(self, run_id: str, key: str) -> Any:
        import numpy

        sql = "SELECT step, timestamp, value FROM points WHERE run_id = ? AND key = ? ORDER BY step"
        rows = numpy.fromiter(self._connection.execute(sql, (run_id, key)), dtype=[("step", "i8"), ("timestamp", "i8"), ("value", "f8")])
        return rows["step"], rows["timestamp"], rows["value"]

    def fill(self, runs: Sequence[FakeRun]) -> None:
        with self._connection:
            for run in runs:
                run_id = uuid4().hex
                self._connection.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED', ?, ?)", (run_id, run.name, run.start_time, run.start_time + 1000))
                self._insert("params", run_id, run.params)
                self._insert("tags", run_id, {"mlflow.runName": run.name, "mlflow.user": "bench"})
                self._insert("last_metrics", run_id, run.metrics)

    def best(self, count: int) -> list[str]:
        found = self._connection.execute(_BEST, (count,)).fetchall()
        data: dict[str, dict[str, dict[str, Any]]] = {row[0]: {"params": {}, "last_metrics": {}, "tags": {}} for row in found}
        for table in ("params", "last_metrics", "tags"):
            sql = f"SELECT run_id, key, value FROM {table} WHERE run_id IN ({', '.join('?' * len(data))})"
            for run_id, key, value in self._connection.execute(sql, tuple(data)):
                data[run_id][table][key] = value
        return [data[row[0]]["tags"]["mlflow.runName"] for row in found]

    def table(self) -> Any:
        import pandas

        rows = self._connection.execute("SELECT run_id, name, status, start_time, end_time FROM runs ORDER BY start_time DESC").fetchall()
        columns: dict[str, Any] = dict(zip(("run_id", "name", "status", "start_time", "end_time"), zip(*rows, strict=True), strict=True))
        place = {run_id: number for number, run_id in enumerate(columns["run_id"])}
        for table, missing in (("last_metrics", float("nan")), ("params", None), ("tags", None)):
            found: dict[str, list[Any]] = {}
            for run_id, key, value in self._connection.execute(f"SELECT run_id, key, value FROM {table}"):
                if key not in found:
                    found[key] = [missing] * len(rows)
                found[key][place[run_id]] = value
            columns.update({f"{table}.{key}": values for key, values in found.items()})
        frame = pandas.DataFrame(columns)
        for name in ("start_time", "end_time"):
            frame[name] = pandas.to_datetime(frame[name], unit="ms", utc=True)
        return frame

    def close(self) -> None:
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            with closing(connection):
                pass

    def _insert(self, table: str, run_id: str, items: Mapping[str, Any]) -> None:
        self._connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", [(run_id, key, value) for key, value in items.items()])


def _now() -> int:
    return time_ns() // 1_000_000


CONTENDER = RawSqlite
