"""Registered models, their tags and aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import RegisteredModel
from nbtrack.errors import AliasNotFound, AlreadyExists, TagNotFound, did_you_mean
from nbtrack.store.registry_base import Cause
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.registry_rows import ChangeLog, model_key, model_subject, version_key
from nbtrack.store.sql.registry_versions import SqlModelVersions
from nbtrack.store.sql.rows import now_ms, storable

if TYPE_CHECKING:
    from nbtrack.query import Expression, OrderBy

_STAGE_HEADS = (
    "SELECT v.model, v.id FROM model_versions v "
    "JOIN (SELECT model, stage, max(version) AS head FROM model_versions WHERE model IN ({}) GROUP BY model, stage) h "
    "ON h.model = v.model AND h.head = v.version ORDER BY v.version"
)
_TAGS = "SELECT model, key, value FROM registered_model_tags WHERE model IN ({}) ORDER BY key"
_ALIASES = "SELECT a.model, a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version WHERE a.model IN ({}) ORDER BY a.alias"


class SqlRegisteredModels:
    """``RegisteredModelStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions = SqlModelVersions(database)
        self._log = ChangeLog(database)

    def create(self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None, cause: Cause) -> RegisteredModel:
        with self._database.write():
            self._check_free(name)
            now, text = now_ms(), None if description is None else storable(description)
            key = self._database.row(
                "INSERT INTO registered_models (name, description, creation_time, last_update_time) VALUES (?, ?, ?, ?) RETURNING id", (name, text, now, now)
            )[0]
            for tag, value in (tags or {}).items():
                self._database.execute("INSERT INTO registered_model_tags (model, key, value) VALUES (?, ?, ?)", (key, tag, storable(value)))
            created = self._load([key])[0]
            self._log.write("model.create", model_subject(name), cause, after=_state(created))
        return created

    def get(self, name: str) -> RegisteredModel:
        with self._database.read():
            return self._load([model_key(self._database, name)])[0]

    def find(self, name: str) -> RegisteredModel | None:
        with self._database.read():
            row = self._database.row("SELECT id FROM registered_models WHERE name = ?", (name,))
            return None if row is None else self._load([row[0]])[0]

    def search(self, *, filter: Expression | None = None, order_by: Sequence[OrderBy] = (), limit: int | None = None, offset: int = 0) -> list[RegisteredModel]:
        from nbtrack.store.sql.registry_search import REGISTERED_MODEL_SUBJECT, find_keys

        with self._database.read():
            return self._load(find_keys(self._database, REGISTERED_MODEL_SUBJECT, filter, order_by, limit=limit, offset=offset))

    def describe(self, name: str, description: str | None, *, cause: Cause) -> RegisteredModel:
        with self._database.write():
            before = self.get(name)
            text = None if description is None else storable(description)
            self._database.execute("UPDATE registered_models SET description = ?, last_update_time = ? WHERE name = ?", (text, now_ms(), name))
            change = {"before": {"description": before.description}, "after": {"description": text}}
            self._log.write("model.update", model_subject(name), cause, **change)
            return self.get(name)

    def rename(self, name: str, new_name: str, *, cause: Cause) -> RegisteredModel:
        with self._database.write():
            key = model_key(self._database, name)
            if new_name == name:
                return self.get(name)
            self._check_free(new_name)
            self._database.execute("UPDATE registered_models SET name = ?, last_update_time = ? WHERE id = ?", (new_name, now_ms(), key))
            # Both names go on counting from here: the old one, should a new model take it, the new one past what it ever numbered.
            self._database.execute(
                "INSERT INTO model_counters (name, last_version) SELECT ?, last_version FROM model_counters WHERE name = ? "
                "ON CONFLICT (name) DO UPDATE SET last_version = max(last_version, excluded.last_version)",
                (new_name, name),
            )
            self._log.write("model.rename", model_subject(name), cause, before={"name": name}, after={"name": new_name})
            return self.get(new_name)

    def delete(self, name: str, *, cause: Cause) -> None:
        with self._database.write():
            before = self.get(name)
            for version in self._versions.of_model(name):
                self._versions.delete(name, version.version, cause=cause)
            self._log.write("model.delete", model_subject(name), cause, before=_state(before))
            self._database.execute("DELETE FROM registered_models WHERE name = ?", (name,))

    def set_tag(self, name: str, key: str, value: str, *, cause: Cause) -> None:
        with self._database.write():
            model, before = self._tag(name, key)
            self._database.execute(
                "INSERT INTO registered_model_tags (model, key, value) VALUES (?, ?, ?) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
                (model, key, storable(value)),
            )
            self._touch(model)
            old = None if before is None else {"tags": {key: before}}
            self._log.write("model.tag", model_subject(name), cause, before=old, after={"tags": {key: storable(value)}})

    def delete_tag(self, name: str, key: str, *, cause: Cause) -> None:
        with self._database.write():
            model, before = self._tag(name, key)
            if before is None:
                raise TagNotFound(f"the registered model {name!r} has no tag {key!r}")
            self._database.execute("DELETE FROM registered_model_tags WHERE model = ? AND key = ?", (model, key))
            self._touch(model)
            self._log.write("model.untag", model_subject(name), cause, before={"tags": {key: before}})

    def set_alias(self, name: str, alias: str, version: int, *, cause: Cause) -> None:
        with self._database.write():
            model, before = self._alias(name, alias)
            key = version_key(self._database, name, version)
            self._database.execute(
                "INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?) ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
                (model, alias, key),
            )
            self._touch(model)
            old = None if before is None else {"alias": alias, "version": before}
            self._log.write("alias.set", model_subject(name), cause, before=old, after={"alias": alias, "version": version})

    def delete_alias(self, name: str, alias: str, *, cause: Cause) -> None:
        with self._database.write():
            model, before = self._alias(name, alias)
            if before is None:
                known = [row[0] for row in self._database.rows("SELECT alias FROM model_aliases WHERE model = ?", (model,))]
                raise AliasNotFound(f"Registered model alias {alias} not found. {name!r} has no such alias.{did_you_mean(alias, known)}")
            self._database.execute("DELETE FROM model_aliases WHERE model = ? AND alias = ?", (model, alias))
            self._touch(model)
            self._log.write("alias.delete", model_subject(name), cause, before={"alias": alias, "version": before})

    def _check_free(self, name: str) -> None:
        if self._database.row("SELECT 1 FROM registered_models WHERE name = ?", (name,)):
            raise AlreadyExists(f"Registered Model (name={name}) already exists.")

    def _tag(self, name: str, key: str) -> tuple[int, str | None]:
        model = model_key(self._database, name)
        row = self._database.row("SELECT value FROM registered_model_tags WHERE model = ? AND key = ?", (model, key))
        return model, None if row is None else str(row[0])

    def _alias(self, name: str, alias: str) -> tuple[int, int | None]:
        model = model_key(self._database, name)
        row = self._database.row(
            "SELECT v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version WHERE a.model = ? AND a.alias = ?", (model, alias)
        )
        return model, None if row is None else int(row[0])

    def _touch(self, model: int) -> None:
        self._database.execute("UPDATE registered_models SET last_update_time = ? WHERE id = ?", (now_ms(), model))

    def _load(self, keys: Sequence[int]) -> list[RegisteredModel]:
        rows: dict[int, Sequence[Any]] = {}
        tags: dict[int, dict[str, str]] = {}
        aliases: dict[int, dict[str, int]] = {}
        heads: dict[int, list[int]] = {}
        for part in chunks(keys):
            marks = placeholders(len(part))
            for row in self._database.rows(f"SELECT id, name, creation_time, last_update_time, description FROM registered_models WHERE id IN ({marks})", part):
                rows[row[0]] = row[1:]
            for key, tag, value in self._database.rows(_TAGS.format(marks), part):
                tags.setdefault(key, {})[tag] = value
            for key, alias, version in self._database.rows(_ALIASES.format(marks), part):
                aliases.setdefault(key, {})[alias] = version
            for key, version in self._database.rows(_STAGE_HEADS.format(marks), part):
                heads.setdefault(key, []).append(version)
        versions = self._versions.load([version for found in heads.values() for version in found])
        found = []
        for key in keys:
            name, created, updated, description = rows[key]
            latest = [versions[version] for version in heads.get(key, [])]
            found.append(RegisteredModel(name, created, updated, description, tags.get(key, {}), aliases.get(key, {}), latest))
        return found


def _state(model: RegisteredModel) -> dict[str, Any]:
    """What an event keeps of a model beside its versions."""
    parts = {"description": model.description, "tags": dict(model.tags), "aliases": dict(model.aliases)}
    return {key: value for key, value in parts.items() if value}
