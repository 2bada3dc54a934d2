"""What the aggregates of the registry share: keys of rows, and the event that goes with a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.entities import Event
from nbtrack.errors import ModelVersionNotFound, RegisteredModelNotFound, did_you_mean
from nbtrack.store.registry_base import Cause
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.events import SqlEvents

_NAMES_LOOKED_AT = 1000


def model_subject(name: str) -> str:
    """How events name a registered model."""
    return f"models:/{name}"


def version_subject(name: str, version: int) -> str:
    """How events name a version."""
    return f"models:/{name}/{version}"


def model_key(database: Database, name: str) -> int:
    """The integer key of a registered model. Raises ``RegisteredModelNotFound``."""
    row = database.row("SELECT id FROM registered_models WHERE name = ?", (name,))
    if row is None:
        raise model_not_found(database, name)
    return int(row[0])


def model_not_found(database: Database, name: object) -> RegisteredModelNotFound:
    """The error for an unknown model, with close names."""
    known = [row[0] for row in database.rows("SELECT name FROM registered_models ORDER BY last_update_time DESC LIMIT ?", (_NAMES_LOOKED_AT,))]
    hint = did_you_mean(str(name), known) or " List the models with: nbtrack registry list"
    return RegisteredModelNotFound(f"Registered Model with name={name} not found.{hint}")


def version_key(database: Database, name: str, version: int) -> int:
    """The integer key of a version. Raises ``RegisteredModelNotFound`` or ``ModelVersionNotFound``."""
    model = model_key(database, name)
    row = database.row("SELECT id FROM model_versions WHERE model = ? AND version = ?", (model, version))
    if row is None:
        known = [str(row[0]) for row in database.rows("SELECT version FROM model_versions WHERE model = ? ORDER BY version DESC LIMIT 6", (model,))]
        there = f"The model has {'version' if len(known) == 1 else 'versions'} {', '.join(known)}" if known else "The model has no version"
        raise ModelVersionNotFound(f"Model Version (name={name}, version={version}) not found. {there}")
    return int(row[0])


class ChangeLog:
    """Writes the event of a change; the caller's transaction holds both."""

    def __init__(self, database: Database) -> None:
        self._events = SqlEvents(database)

    def write(self, action: str, subject: str, cause: Cause, *, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None) -> Event:
        """Append the event; ``before`` None says that there was nothing, ``after`` None that nothing is left."""
        details = {**cause.details, "before": None if before is None else dict(before), "after": None if after is None else dict(after), "reason": cause.reason}
        return self._events.append(actor=cause.actor, action=action, subject=subject, details=details)
