"""Experiments and their tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbtrack.entities import Experiment, LifecycleStage, ViewType
from nbtrack.errors import AlreadyExists, Conflict, ExperimentNotFound, TagNotFound, did_you_mean
from nbtrack.ids import DEFAULT_EXPERIMENT_ID, new_experiment_id
from nbtrack.query import Expression, OrderBy
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import experiment, now_ms, storable
from nbtrack.store.sql.search import experiment_search_sql

_COLUMNS = "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time"


class SqlExperiments:
    """``ExperimentStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None) -> Experiment:
        with self._database.write():
            taken = self.get_by_name(name)
            if taken is not None:
                state = "" if taken.lifecycle_stage is LifecycleStage.ACTIVE else " and is deleted; restore it, or remove it for good with `nbtrack gc`"
                raise AlreadyExists(f"an experiment named {name!r} exists already (id {taken.experiment_id}){state}")
            experiment_id, now = new_experiment_id(), now_ms()
            self._database.execute(
                "INSERT INTO experiments (experiment_id, name, artifact_location, creation_time, last_update_time) VALUES (?, ?, ?, ?, ?)",
                (experiment_id, name, artifact_location or "artifacts", now, now),
            )
            for key, value in (tags or {}).items():
                self._put_tag(self._key(experiment_id), key, value)
            return self.get(experiment_id)

    def get(self, experiment_id: str) -> Experiment:
        row = self._database.row(f"SELECT {_COLUMNS} FROM experiments WHERE experiment_id = ?", (experiment_id,))
        if row is None:
            raise self._not_found(experiment_id)
        return experiment(row, self._tags([experiment_id]).get(experiment_id, {}))

    def get_by_name(self, name: str) -> Experiment | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM experiments WHERE name = ?", (name,))
        return None if row is None else experiment(row, self._tags([row[0]]).get(row[0], {}))

    def ensure(self, name: str) -> Experiment:
        found = self.get_by_name(name)
        if found is not None:
            return found
        with self._database.write():  # another process may have made it since
            return self.get_by_name(name) or self.create(name)

    def search(
        self,
        *,
        filter: Expression | None = None,
        order_by: Sequence[OrderBy] = (),
        view: ViewType = ViewType.ACTIVE_ONLY,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Experiment]:
        query = experiment_search_sql(filter, order_by, view=view, limit=limit, offset=offset, now_ms=now_ms())
        rows: dict[int, Sequence[object]] = {}
        with self._database.read():
            keys = [row[0] for row in self._database.rows(query.sql, query.params)]
            for part in chunks(keys):
                for row in self._database.rows(f"SELECT id, {_COLUMNS} FROM experiments WHERE id IN ({placeholders(len(part))})", part):
                    rows[row[0]] = row[1:]
            tags = self._tags([str(row[0]) for row in rows.values()])
        return [experiment(rows[key], tags.get(str(rows[key][0]), {})) for key in keys]

    def rename(self, experiment_id: str, name: str) -> None:
        with self._database.write():
            key = self._key(experiment_id, writable=True)
            taken = self.get_by_name(name)
            if taken is not None and taken.experiment_id != experiment_id:
                raise AlreadyExists(f"can't rename experiment {experiment_id}: an experiment named {name!r} exists already (id {taken.experiment_id})")
            self._database.execute("UPDATE experiments SET name = ?, last_update_time = ? WHERE id = ?", (name, now_ms(), key))

    def set_tag(self, experiment_id: str, key: str, value: str) -> None:
        with self._database.write():
            experiment_key = self._key(experiment_id, writable=True)
            self._put_tag(experiment_key, key, value)
            self._touch(experiment_key)

    def delete_tag(self, experiment_id: str, key: str) -> None:
        with self._database.write():
            experiment_key = self._key(experiment_id, writable=True)
            gone = self._database.execute("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", (experiment_key, key))
            if not gone:
                raise TagNotFound(f"the experiment {experiment_id} has no tag {key!r}")
            self._touch(experiment_key)

    def delete(self, experiment_id: str) -> None:
        with self._database.write():
            key = self._key(experiment_id, writable=True)
            # The shared time marks the runs that go with the experiment, so that restore knows them;
            # so it is later than that of any run that was deleted by itself.
            earlier = self._database.row("SELECT coalesce(max(deleted_time), 0) FROM runs WHERE experiment = ?", (key,))[0]
            now = max(now_ms(), earlier + 1)
            self._database.execute("UPDATE experiments SET lifecycle_stage = 'deleted', last_update_time = ? WHERE id = ?", (now, key))
            self._database.execute(
                "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE experiment = ? AND lifecycle_stage = 'active'", (now, key)
            )

    def restore(self, experiment_id: str) -> None:
        with self._database.write():
            row = self._database.row("SELECT id, lifecycle_stage, last_update_time FROM experiments WHERE experiment_id = ?", (experiment_id,))
            if row is None:
                raise self._not_found(experiment_id)
            key, stage, deleted_time = row
            if stage == LifecycleStage.ACTIVE.value:
                raise Conflict(f"the experiment {experiment_id} is not deleted, so there is nothing to restore")
            self._database.execute("UPDATE experiments SET lifecycle_stage = 'active', last_update_time = ? WHERE id = ?", (now_ms(), key))
            self._database.execute(
                "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE experiment = ? AND deleted_time = ?", (key, deleted_time)
            )

    def purge(self, experiment_ids: Sequence[str]) -> None:
        with self._database.write():
            for experiment_id in experiment_ids:
                key = self._key(experiment_id)
                if experiment_id == DEFAULT_EXPERIMENT_ID:
                    raise Conflict("the default experiment can be deleted and restored, but not removed for good: runs start in it when none is named")
                if self._database.row("SELECT 1 FROM runs WHERE experiment = ? LIMIT 1", (key,)):
                    raise Conflict(f"the experiment {experiment_id} still has runs, so it can't be removed for good; remove them first")
                if not self._database.execute("DELETE FROM experiments WHERE id = ? AND lifecycle_stage = 'deleted'", (key,)):
                    raise Conflict(f"the experiment {experiment_id} is not deleted; only deleted ones are removed for good")

    def _key(self, experiment_id: str, *, writable: bool = False) -> int:
        row = self._database.row("SELECT id, lifecycle_stage FROM experiments WHERE experiment_id = ?", (experiment_id,))
        if row is None:
            raise self._not_found(experiment_id)
        if writable and row[1] != LifecycleStage.ACTIVE.value:
            raise Conflict(f"the experiment {experiment_id} is deleted, so it can't be changed. Restore it first: nbtrack experiments restore {experiment_id}")
        return int(row[0])

    def _put_tag(self, experiment_key: int, key: str, value: str) -> None:
        self._database.execute(
            "INSERT INTO experiment_tags (experiment, key, value) VALUES (?, ?, ?) ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
            (experiment_key, key, storable(value)),
        )

    def _touch(self, experiment_key: int) -> None:
        self._database.execute("UPDATE experiments SET last_update_time = ? WHERE id = ?", (now_ms(), experiment_key))

    def _tags(self, experiment_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        tags: dict[str, dict[str, str]] = {}
        for part in chunks(experiment_ids):
            sql = (
                "SELECT e.experiment_id, t.key, t.value FROM experiment_tags t JOIN experiments e ON e.id = t.experiment "
                f"WHERE e.experiment_id IN ({placeholders(len(part))}) ORDER BY t.key"
            )
            for experiment_id, key, value in self._database.rows(sql, part):
                tags.setdefault(experiment_id, {})[key] = value
        return tags

    def _not_found(self, experiment_id: object) -> ExperimentNotFound:
        rows = self._database.rows("SELECT experiment_id, name FROM experiments ORDER BY id DESC LIMIT 1000")
        named = next((row for row in rows if row[1] == experiment_id), None)
        hint = f" {experiment_id!r} is the name of the experiment with id {named[0]}." if named else did_you_mean(str(experiment_id), [row[0] for row in rows])
        return ExperimentNotFound(f"no experiment has the id {experiment_id!r}.{hint or ' List them with: nbtrack experiments list'}")
