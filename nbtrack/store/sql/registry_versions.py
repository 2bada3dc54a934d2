"""Versions of registered models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.entities import ModelStage, ModelVersion, StageView
from nbtrack.errors import PromotionOvertaken, TagNotFound
from nbtrack.store.registry_base import Cause, NewVersion
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.registry_rows import ChangeLog, model_key, version_key, version_subject
from nbtrack.store.sql.rows import now_ms, storable, to_json

if TYPE_CHECKING:
    from nbtrack.query import Expression, OrderBy

_COLUMNS = (
    "v.id, n.name, v.version, v.creation_time, v.last_update_time, v.stage, v.description, v.user_id, v.source, v.run_id, v.run_link, "
    "v.status, v.status_message, v.digest, v.model_id, v.parent"
)


class SqlModelVersions:
    """``ModelVersionStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = ChangeLog(database)

    def create(self, version: NewVersion, *, cause: Cause) -> ModelVersion:
        with self._database.write():
            model, now = model_key(self._database, version.name), now_ms()
            number = self._database.row(
                "INSERT INTO model_counters (name, last_version) VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET last_version = last_version + 1 RETURNING last_version",
                (version.name,),
            )[0]
            texts = [None if text is None else storable(text) for text in (version.description, version.source, version.run_link)]
            key = self._database.row(
                "INSERT INTO model_versions (model, version, creation_time, last_update_time, description, source, run_link, user_id, run_id, digest, "
                "model_id, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (model, number, now, now, *texts, storable(cause.actor), version.run_id, version.digest, version.model_id, version.parent),
            )[0]
            for tag, value in version.tags.items():
                self._database.execute("INSERT INTO model_version_tags (version, key, value) VALUES (?, ?, ?)", (key, tag, storable(value)))
            self._database.execute("UPDATE registered_models SET last_update_time = ? WHERE id = ?", (now, model))
            created = self.load([key])[key]
            self._log.write("version.create", version_subject(version.name, number), cause, after=_state(created))
        return created

    def get(self, name: str, version: int) -> ModelVersion:
        with self._database.read():
            key = version_key(self._database, name, version)
            return self.load([key])[key]

    def of_model(self, name: str) -> list[ModelVersion]:
        with self._database.read():
            keys = self._database.rows("SELECT id FROM model_versions WHERE model = ? ORDER BY version", (model_key(self._database, name),))
            return list(self.load([row[0] for row in keys]).values())

    def search(self, *, filter: Expression | None = None, order_by: Sequence[OrderBy] = (), limit: int | None = None, offset: int = 0) -> list[ModelVersion]:
        from nbtrack.store.sql.registry_search import MODEL_VERSION_SUBJECT, find_keys

        with self._database.read():
            return list(self.load(find_keys(self._database, MODEL_VERSION_SUBJECT, filter, order_by, limit=limit, offset=offset)).values())

    def describe(self, name: str, version: int, description: str | None, *, cause: Cause) -> ModelVersion:
        with self._database.write():
            before = self.get(name, version)
            text = None if description is None else storable(description)
            key = version_key(self._database, name, version)
            self._database.execute("UPDATE model_versions SET description = ? WHERE id = ?", (text, key))
            self._touch(key)
            change = {"before": {"description": before.description}, "after": {"description": text}}
            self._log.write("version.update", version_subject(name, version), cause, **change)
            return self.load([key])[key]

    def set_tag(self, name: str, version: int, key: str, value: str, *, cause: Cause) -> None:
        with self._database.write():
            row, before = self._tag(name, version, key)
            self._database.execute(
                "INSERT INTO model_version_tags (version, key, value) VALUES (?, ?, ?) ON CONFLICT (version, key) DO UPDATE SET value = excluded.value",
                (row, key, storable(value)),
            )
            self._touch(row)
            old = None if before is None else {"tags": {key: before}}
            self._log.write("version.tag", version_subject(name, version), cause, before=old, after={"tags": {key: storable(value)}})

    def delete_tag(self, name: str, version: int, key: str, *, cause: Cause) -> None:
        with self._database.write():
            row, before = self._tag(name, version, key)
            if before is None:
                raise TagNotFound(f"version {version} of {name!r} has no tag {key!r}")
            self._database.execute("DELETE FROM model_version_tags WHERE version = ? AND key = ?", (row, key))
            self._touch(row)
            self._log.write("version.untag", version_subject(name, version), cause, before={"tags": {key: before}})

    def card(self, name: str, version: int) -> dict[str, Any]:
        with self._database.read():
            row = self._database.row("SELECT card FROM model_versions WHERE id = ?", (version_key(self._database, name, version),))
        fields: dict[str, Any] = json.loads(row[0])
        return fields

    def set_card(self, name: str, version: int, fields: Mapping[str, Any], *, cause: Cause) -> dict[str, Any]:
        with self._database.write():
            before = self.card(name, version)
            given: dict[str, Any] = json.loads(to_json(dict(fields)))
            after = {key: value for key, value in {**before, **given}.items() if value is not None}
            key = version_key(self._database, name, version)
            self._database.execute("UPDATE model_versions SET card = ? WHERE id = ?", (to_json(after), key))
            self._touch(key)
            changed = {part: {"card": {field: whole[field] for field in given if field in whole}} for part, whole in (("before", before), ("after", after))}
            self._log.write("version.card", version_subject(name, version), cause, **changed)
        return after

    def view(self, name: str, version: int, stage: ModelStage) -> StageView:
        with self._database.read():
            key = version_key(self._database, name, version)
            current = self._database.row("SELECT stage, model FROM model_versions WHERE id = ?", (key,))
            inside = self._database.rows("SELECT version FROM model_versions WHERE model = ? AND stage = ? ORDER BY version", (current[1], stage.value))
        return StageView(name, version, ModelStage(current[0]), stage, tuple(row[0] for row in inside))

    def move(self, view: StageView, stages: Mapping[int, ModelStage], *, action: str, cause: Cause) -> ModelVersion:
        with self._database.write():
            now = self.view(view.name, view.version, view.stage)
            if now != view:
                raise self._overtaken(view, now)
            keys = {version: version_key(self._database, view.name, version) for version in stages}
            before = {str(version): self._database.row("SELECT stage FROM model_versions WHERE id = ?", (key,))[0] for version, key in keys.items()}
            for version, stage in stages.items():
                self._database.execute("UPDATE model_versions SET stage = ? WHERE id = ?", (stage.value, keys[version]))
                self._touch(keys[version])
            after = {str(version): stage.value for version, stage in stages.items()}
            self._log.write(action, version_subject(view.name, view.version), cause, before={"stages": before}, after={"stages": after})
            return self.get(view.name, view.version)

    def delete(self, name: str, version: int, *, cause: Cause) -> None:
        with self._database.write():
            key = version_key(self._database, name, version)
            before = self.load([key])[key]
            self._log.write("version.delete", version_subject(name, version), cause, before=_state(before))
            self._database.execute("DELETE FROM model_versions WHERE id = ?", (key,))
            self._database.execute("UPDATE registered_models SET last_update_time = ? WHERE name = ?", (now_ms(), name))

    def load(self, keys: Sequence[int]) -> dict[int, ModelVersion]:
        """The versions of these rows, in their order."""
        rows, tags, aliases = {}, self._texts("model_version_tags", "key, value", keys), self._texts("model_aliases", "alias, alias", keys)
        for part in chunks(keys):
            sql = f"SELECT {_COLUMNS} FROM model_versions v JOIN registered_models n ON n.id = v.model WHERE v.id IN ({placeholders(len(part))})"
            rows.update({row[0]: row[1:] for row in self._database.rows(sql, part)})
        return {key: _version(rows[key], tags.get(key, {}), sorted(aliases.get(key, {}))) for key in keys}

    def _texts(self, table: str, columns: str, keys: Sequence[int]) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for part in chunks(keys):
            order = columns.partition(",")[0]
            sql = f"SELECT version, {columns} FROM {table} WHERE version IN ({placeholders(len(part))}) ORDER BY {order}"
            for key, name, value in self._database.rows(sql, part):
                found.setdefault(key, {})[name] = value
        return found

    def _tag(self, name: str, version: int, key: str) -> tuple[int, str | None]:
        row = version_key(self._database, name, version)
        found = self._database.row("SELECT value FROM model_version_tags WHERE version = ? AND key = ?", (row, key))
        return row, None if found is None else str(found[0])

    def _touch(self, key: int) -> None:
        now = now_ms()
        self._database.execute("UPDATE model_versions SET last_update_time = ? WHERE id = ?", (now, key))
        self._database.execute("UPDATE registered_models SET last_update_time = ? WHERE id = (SELECT model FROM model_versions WHERE id = ?)", (now, key))

    def _overtaken(self, seen: StageView, now: StageView) -> PromotionOvertaken:
        last = self._database.row(
            "SELECT actor, action, subject FROM events WHERE action IN ('version.transition', 'version.rollback', 'version.create', 'version.delete') "
            "AND subject LIKE ? ESCAPE '\\' ORDER BY sequence DESC LIMIT 1",
            (version_subject(_literally(seen.name), 0)[:-1] + "%",),
        )
        by = f" The last change is by {last[0]}: {last[1]} of {last[2]}." if last else ""
        return PromotionOvertaken(
            f"version {seen.version} of {seen.name!r} was not moved: someone else was faster. When you looked, it stood in {seen.current_stage} and "
            f"{_occupants(seen)}; now it stands in {now.current_stage} and {_occupants(now)}.{by} Look again, and decide again"
        )


def _occupants(view: StageView) -> str:
    listed = ", ".join(map(str, view.occupants))
    return f"{view.stage} had {'version' if len(view.occupants) == 1 else 'versions'} {listed}" if listed else f"{view.stage} was empty"


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _state(version: ModelVersion) -> dict[str, Any]:
    """What an event keeps of a version: all that makes it what it is."""
    left_out = ("name", "version", "creation_timestamp", "last_updated_timestamp", "status", "status_message")
    state = {key: value for key, value in version if key not in left_out and value not in (None, {}, (), [])}
    return {**state, "current_stage": version.current_stage.value}


def _version(row: Sequence[Any], tags: Mapping[str, str], aliases: Sequence[str]) -> ModelVersion:
    name, version, created, updated, stage, description, user, source, run_id, run_link, status, message, digest, model_id, parent = row
    return ModelVersion(
        name=name,
        version=version,
        creation_timestamp=created,
        last_updated_timestamp=updated,
        current_stage=ModelStage(stage),
        description=description,
        user_id=user,
        source=source,
        run_id=run_id,
        run_link=run_link,
        status=status,
        status_message=message,
        tags=dict(tags),
        aliases=list(aliases),
        digest=digest,
        model_id=model_id,
        parent=parent,
    )
