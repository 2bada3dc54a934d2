"""Runs, their tags, and the processes that work on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import LifecycleStage, PagedList, Process, Run, RunData, RunInfo, RunInputs, RunStatus
from nbtrack.errors import AlreadyExists, Conflict, ExperimentNotFound, InvalidInput, RunNotFound, TagNotFound, did_you_mean
from nbtrack.store.base import NewRun, RunQuery, RunTable
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.inputs import SqlInputs
from nbtrack.store.sql.planning import find_runs
from nbtrack.store.sql.rows import INFO_COLUMNS, decode_param, metric_value, now_ms, run_info, run_key, run_not_found, storable
from nbtrack.store.sql.search import run_count_sql
from nbtrack.store.sql.table import read_table

_INFO = f"SELECT {INFO_COLUMNS} FROM runs r JOIN experiments e ON e.id = r.experiment"
MIN_PREFIX_CHARS = 4
# Two tags of MLflow's that are columns too; both places say the same.
RUN_NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"


class SqlRuns:
    """``RunStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inputs = SqlInputs(database)

    # --- one run -------------------------------------------------------------------------------

    def create(self, run: NewRun) -> Run:
        tags = {key: storable(value) for key, value in (run.tags or {}).items()} | {RUN_NAME_TAG: run.run_name}
        parent = run.parent_run_id or tags.get(PARENT_TAG)
        if parent is not None:
            tags[PARENT_TAG] = parent
        columns = (run.run_name, storable(run.user_id), run.status.value, run.start_time, parent, storable(run.notebook) if run.notebook else run.notebook)
        with self._database.write():
            experiment = self._experiment_key(run.experiment_id)
            if self._database.row("SELECT 1 FROM runs WHERE run_id = ?", (run.run_id,)):
                raise AlreadyExists(f"a run with the id {run.run_id} exists already")
            key = self._database.row(
                "INSERT INTO runs (run_id, experiment, name, user_id, status, start_time, parent_run_id, notebook) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (run.run_id, experiment, *columns),
            )[0]
            self._database.executemany("INSERT INTO tags (run, key, value) VALUES (?, ?, ?)", [(key, *item) for item in tags.items()])
            if run.process is not None:
                self._set_process(key, run.process, run.start_time)
            return Run(run_info(self._database.row(f"{_INFO} WHERE r.id = ?", (key,))), RunData(tags=tags))

    def get(self, run_id: str) -> Run:
        return self.get_many([run_id])[0]

    def get_many(self, run_ids: Sequence[str]) -> list[Run]:
        rows: dict[str, Any] = {}
        with self._database.read():
            for part in chunks(run_ids):
                for row in self._database.rows(f"{_INFO} WHERE r.run_id IN ({placeholders(len(part))})", part):
                    rows[row[1]] = row
            missing = next((run_id for run_id in run_ids if run_id not in rows), None)
            if missing is not None:
                raise run_not_found(self._database, missing)
            return self._complete([rows[run_id] for run_id in run_ids])

    def resolve(self, text: str) -> str:
        exact = self._database.row("SELECT run_id FROM runs WHERE run_id = ?", (text,))
        named = exact or self._database.row(
            "SELECT run_id FROM runs WHERE name = ? AND lifecycle_stage = 'active' ORDER BY start_time DESC, id DESC LIMIT 1", (text,)
        )
        if named:
            return str(named[0])
        begins = []
        if len(text) >= MIN_PREFIX_CHARS and text.isalnum():
            begins = self._database.rows(
                "SELECT run_id, name FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT 4", (text.lower(), text.lower() + "g")
            )
        if len(begins) > 1:
            listed = ", ".join(f"{run_id[: len(text) + 4]}… ({name})" for run_id, name in begins)
            raise InvalidInput(f"{text!r} is the beginning of several run ids: {listed}. Type more of the one that you mean")
        if not begins:
            raise self._nothing_named(text)
        return str(begins[0][0])

    def update(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
        status_message: str | None = None,
    ) -> RunInfo:
        ending = status is not None and status.ended
        with self._database.write():
            # The process that works on a run tells the truth about its end, even if someone deleted the run meanwhile.
            key = run_key(self._database, run_id, writable=not ending)
            if run_name is not None:
                self._put_tags(key, {RUN_NAME_TAG: run_name})
            if status is not None:
                ended = (now_ms() if end_time is None else end_time) if ending else None
                self._database.execute("UPDATE runs SET status = ?, end_time = ?, status_message = NULL WHERE id = ?", (status.value, ended, key))
            elif end_time is not None:
                self._database.execute("UPDATE runs SET end_time = ? WHERE id = ?", (end_time, key))
            if status_message is not None:
                self._database.execute("UPDATE runs SET status_message = ? WHERE id = ?", (storable(status_message), key))
            if ending:
                self._database.execute("DELETE FROM run_processes WHERE run = ?", (key,))
            return run_info(self._database.row(f"{_INFO} WHERE r.id = ?", (key,)))

    def delete(self, run_id: str) -> None:
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            self._database.execute("UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE id = ?", (now_ms(), key))

    def restore(self, run_id: str) -> None:
        with self._database.write():
            key = run_key(self._database, run_id)
            sql = "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE id = ? AND lifecycle_stage = 'deleted'"
            if not self._database.execute(sql, (key,)):
                raise Conflict(f"the run {run_id} is not deleted, so there is nothing to restore")

    def purge(self, run_ids: Sequence[str]) -> None:
        made = "SELECT m.name, v.version FROM model_versions v JOIN registered_models m ON m.id = v.model WHERE v.run_id = ? LIMIT 1"
        with self._database.write():
            for run_id in run_ids:
                key = run_key(self._database, run_id)
                if version := self._database.row(made, (run_id,)):
                    raise Conflict(f"the run {run_id} made models:/{version[0]}/{version[1]}, so it can't be removed for good; delete that version first")
                if not self._database.execute("DELETE FROM runs WHERE id = ? AND lifecycle_stage = 'deleted'", (key,)):
                    raise Conflict(f"the run {run_id} is not deleted; only deleted runs are removed for good. Delete it first: nbtrack runs delete {run_id}")

    # --- many runs -----------------------------------------------------------------------------

    def search(self, query: RunQuery) -> PagedList[Run]:
        limit = None if query.limit is None else query.limit + 1  # one more, to know whether there is a next page
        with self._database.read():
            keys = self._found(query, limit)
            more = query.limit is not None and len(keys) > query.limit
            if more:
                keys = keys[: query.limit]
            runs = self._complete(self._infos(keys))
        return PagedList(runs, token=str(query.offset + len(runs)) if more else None)

    def table(self, query: RunQuery) -> RunTable:
        with self._database.read():
            return read_table(self._database, self._infos(self._found(query, query.limit)))

    def count(self, query: RunQuery) -> int:
        with self._database.read():
            sql = run_count_sql(query.filter, experiments=self._experiment_keys(query), view=query.view, now_ms=now_ms())
            return int(self._database.row(sql.sql, sql.params)[0])

    def children(self, run_id: str) -> list[RunInfo]:
        run_key(self._database, run_id)
        sql = f"{_INFO} WHERE r.parent_run_id = ? AND r.lifecycle_stage = 'active' ORDER BY r.start_time, r.id"
        return [run_info(row) for row in self._database.rows(sql, (run_id,))]

    # --- tags ----------------------------------------------------------------------------------

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        with self._database.write():
            self._put_tags(run_key(self._database, run_id, writable=True), tags)

    def delete_tag(self, run_id: str, key: str) -> None:
        with self._database.write():
            run = run_key(self._database, run_id, writable=True)
            if not self._database.execute("DELETE FROM tags WHERE run = ? AND key = ?", (run, key)):
                known = ", ".join(row[0] for row in self._database.rows("SELECT key FROM tags WHERE run = ? ORDER BY key LIMIT 20", (run,)))
                raise TagNotFound(f"No tag with name: {key} in run with id {run_id}. It has: {known or 'none'}")
            if key == PARENT_TAG:
                self._database.execute("UPDATE runs SET parent_run_id = NULL WHERE id = ?", (run,))

    # --- processes -----------------------------------------------------------------------------

    def claim(self, run_id: str, process: Process) -> None:
        with self._database.write():
            self._set_process(run_key(self._database, run_id, writable=True), process, now_ms())

    def beat(self, run_ids: Sequence[str], timestamp: int) -> None:
        with self._database.write():
            for part in chunks(run_ids):
                sql = f"UPDATE run_processes SET heartbeat = ? WHERE run IN (SELECT id FROM runs WHERE run_id IN ({placeholders(len(part))}))"
                self._database.execute(sql, (timestamp, *part))

    def claims(self) -> list[tuple[RunInfo, Process, int]]:
        sql = (
            f"SELECT {INFO_COLUMNS}, p.pid, p.host, p.boot_id, p.start_ticks, p.heartbeat FROM run_processes p "
            "JOIN runs r ON r.id = p.run JOIN experiments e ON e.id = r.experiment "
            "WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active' ORDER BY r.id"
        )
        return [(run_info(row[:-5]), Process(*row[-5:-1]), row[-1]) for row in self._database.rows(sql)]

    # --- shared --------------------------------------------------------------------------------

    def _experiment_key(self, experiment_id: str) -> int:
        row = self._database.row("SELECT id, lifecycle_stage FROM experiments WHERE experiment_id = ?", (experiment_id,))
        if row is None:
            raise ExperimentNotFound(f"no experiment has the id {experiment_id!r}; make one with create_experiment(name), or use set_experiment(name)")
        if row[1] != LifecycleStage.ACTIVE.value:
            raise Conflict(f"the experiment {experiment_id} is deleted, so no run can start in it. Restore it: nbtrack experiments restore {experiment_id}")
        return int(row[0])

    def _experiment_keys(self, query: RunQuery) -> list[int] | None:
        if query.experiment_ids is None:
            return None
        keys: list[int] = []
        for part in chunks(query.experiment_ids):
            keys.extend(row[0] for row in self._database.rows(f"SELECT id FROM experiments WHERE experiment_id IN ({placeholders(len(part))})", part))
        return keys

    def _found(self, query: RunQuery, limit: int | None) -> list[int]:
        """The keys of the runs that a search means, in its order."""
        return find_runs(
            self._database.rows,
            query.filter,
            query.order_by,
            experiments=self._experiment_keys(query),
            view=query.view,
            limit=limit,
            offset=query.offset,
            now_ms=now_ms(),
        )

    def _infos(self, keys: Sequence[int]) -> list[Any]:
        rows = {}
        for part in chunks(keys, 5000):
            for row in self._database.rows(f"{_INFO} WHERE r.id IN ({placeholders(len(part))})", part):
                rows[row[0]] = row
        return [rows[key] for key in keys]

    def _complete(self, rows: Sequence[Any]) -> list[Run]:
        """Runs with their params, metrics, tags and inputs, from info rows, with few statements for many."""
        keys = [row[0] for row in rows]
        params: dict[int, dict[str, Any]] = {key: {} for key in keys}
        metrics: dict[int, dict[str, float]] = {key: {} for key in keys}
        tags: dict[int, dict[str, str]] = {key: {} for key in keys}
        for part in chunks(keys):
            among = f"WHERE run IN ({placeholders(len(part))}) ORDER BY run, key"
            for run, name, kind, text, encoded in self._database.rows(f"SELECT run, key, type, text, json FROM params {among}", part):
                params[run][name] = decode_param(kind, text, encoded)
            for run, name, last in self._database.rows(f"SELECT run, key, last FROM metric_series {among}", part):
                metrics[run][name] = metric_value(last)
            for run, name, value in self._database.rows(f"SELECT run, key, value FROM tags {among}", part):
                tags[run][name] = value
        inputs = self._inputs.of_keys(keys)
        return [Run(run_info(row), RunData(params[row[0]], metrics[row[0]], tags[row[0]]), RunInputs(inputs.get(row[0], ()))) for row in rows]

    def _set_process(self, key: int, process: Process, timestamp: int) -> None:
        self._database.execute(
            "INSERT INTO run_processes (run, pid, host, boot_id, start_ticks, heartbeat) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run) DO UPDATE SET pid = excluded.pid, host = excluded.host, boot_id = excluded.boot_id, "
            "start_ticks = excluded.start_ticks, heartbeat = excluded.heartbeat",
            (key, process.pid, process.host, process.boot_id, process.start_ticks, timestamp),
        )

    def _put_tags(self, key: int, tags: Mapping[str, str]) -> None:
        """Write tags, and the columns that two of them stand for."""
        self._database.executemany(
            "INSERT INTO tags (run, key, value) VALUES (?, ?, ?) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
            [(key, name, storable(value)) for name, value in tags.items()],
        )
        if RUN_NAME_TAG in tags:
            self._database.execute("UPDATE runs SET name = ? WHERE id = ?", (storable(tags[RUN_NAME_TAG]), key))
        if PARENT_TAG in tags:
            self._database.execute("UPDATE runs SET parent_run_id = ? WHERE id = ?", (storable(tags[PARENT_TAG]), key))

    def _nothing_named(self, text: str) -> RunNotFound:
        names = [row[0] for row in self._database.rows("SELECT name FROM runs GROUP BY name ORDER BY max(id) DESC LIMIT 500")]
        close = [name for name in names if text.lower() in name.lower()][:3]
        if close:
            return RunNotFound(f"no run has the id or name {text!r}. Did you mean {' or '.join(map(repr, close))}?")
        hint = did_you_mean(text, names)
        return RunNotFound(f"no run has the id or name {text!r}.{hint}") if hint else run_not_found(self._database, text, named_by="id or name")
