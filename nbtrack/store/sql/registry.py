"""The registry's aggregates over one database, and the small ones among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbtrack.entities import LoggedModel
from nbtrack.errors import AlreadyExists, LoggedModelNotFound
from nbtrack.store.registry_base import Cause
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.registry_models import SqlRegisteredModels
from nbtrack.store.sql.registry_requests import SqlPromotionRequests
from nbtrack.store.sql.registry_rows import ChangeLog
from nbtrack.store.sql.registry_versions import SqlModelVersions
from nbtrack.store.sql.rows import now_ms, run_key, storable, to_json

POLICY_SUBJECT = "policy"

_COLUMNS = "l.model_id, r.run_id, l.name, l.digest, l.flavors, l.size, l.created_time, l.signature, l.has_input_example, l.metadata, l.model_class"
_LOGGED = f"SELECT {_COLUMNS} FROM logged_models l JOIN runs r ON r.id = l.run"


class SqlRegistry:
    """``RegistryStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self.models = SqlRegisteredModels(database)
        self.versions = SqlModelVersions(database)
        self.requests = SqlPromotionRequests(database)
        self.logged_models = SqlLoggedModels(database)
        self.policy = SqlPolicy(database)


class SqlLoggedModels:
    """``LoggedModelStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model: LoggedModel) -> LoggedModel:
        signature = None if model.signature is None else to_json(dict(model.signature))
        with self._database.write():
            run = run_key(self._database, model.run_id, writable=True)
            if self._database.row("SELECT 1 FROM logged_models WHERE model_id = ?", (model.model_id,)):
                raise AlreadyExists(f"a logged model with the id {model.model_id} exists already")
            self._database.execute(
                "INSERT INTO logged_models (model_id, run, name, digest, flavors, size, created_time, signature, has_input_example, metadata, model_class) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    model.model_id,
                    run,
                    storable(model.name),
                    model.digest,
                    to_json(list(model.flavors)),
                    model.size,
                    model.created_time,
                    signature,
                    int(model.has_input_example),
                    to_json(dict(model.metadata)),
                    model.model_class,
                ),
            )
            return self.get(model.model_id)

    def get(self, model_id: str) -> LoggedModel:
        row = self._database.row(f"{_LOGGED} WHERE l.model_id = ?", (model_id,))
        if row is None:
            raise LoggedModelNotFound(f"Logged model with ID '{model_id}' not found")
        return _logged(row)

    def find(self, run_id: str, name: str) -> LoggedModel | None:
        row = self._database.row(f"{_LOGGED} WHERE l.run = ? AND l.name = ? ORDER BY l.id DESC LIMIT 1", (run_key(self._database, run_id), storable(name)))
        return None if row is None else _logged(row)

    def of_run(self, run_id: str) -> list[LoggedModel]:
        return [_logged(row) for row in self._database.rows(f"{_LOGGED} WHERE l.run = ? ORDER BY l.id", (run_key(self._database, run_id),))]


class SqlPolicy:
    """``PolicyStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = ChangeLog(database)

    def get(self) -> str | None:
        row = self._database.row("SELECT text FROM promotion_policy")
        return None if row is None else str(row[0])

    def set(self, text: str | None, *, cause: Cause) -> None:
        with self._database.write():
            before = self.get()
            if text is None:
                self._database.execute("DELETE FROM promotion_policy")
            else:
                self._database.execute(
                    "INSERT INTO promotion_policy (id, text, author, timestamp) VALUES (1, ?, ?, ?) "
                    "ON CONFLICT (id) DO UPDATE SET text = excluded.text, author = excluded.author, timestamp = excluded.timestamp",
                    (storable(text), storable(cause.actor), now_ms()),
                )
            old, new = (None if value is None else {"text": storable(value)} for value in (before, text))
            self._log.write("policy.set", POLICY_SUBJECT, cause, before=old, after=new)


def _logged(row: Sequence[Any]) -> LoggedModel:
    model_id, run_id, name, digest, flavors, size, created, signature, example, metadata, model_class = row
    return LoggedModel(
        model_id=model_id,
        run_id=run_id,
        name=name,
        digest=digest,
        flavors=json.loads(flavors),
        size=size,
        created_time=created,
        signature=None if signature is None else json.loads(signature),
        has_input_example=bool(example),
        metadata=json.loads(metadata),
        model_class=model_class,
    )
