"""Where the words of a search for registered models and versions are in the database."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrack.query import Expression, OrderBy
from nbtrack.query.registered import MODEL_VERSIONS, REGISTERED_MODELS
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.filtering import compile_filter
from nbtrack.store.sql.rows import now_ms
from nbtrack.store.sql.search import page_sql, select_sql
from nbtrack.store.sql.subjects import Subject

REGISTERED_MODEL_SUBJECT = Subject(
    REGISTERED_MODELS,
    "registered_models",
    "m",
    {"name": "m.name", "description": "m.description", "creation_timestamp": "m.creation_time", "last_updated_timestamp": "m.last_update_time"},
    tags="registered_model_tags",
    owner="model",
    nullable=frozenset({"description"}),
    default_order="m.name",
)

MODEL_VERSION_SUBJECT = Subject(
    MODEL_VERSIONS,
    "model_versions",
    "v",
    {
        "name": "(SELECT n.name FROM registered_models n WHERE n.id = v.model)",
        "version_number": "v.version",
        "run_id": "v.run_id",
        "source_path": "v.source",
        "stage": "v.stage",
        "user_id": "v.user_id",
        "description": "v.description",
        "model_id": "v.model_id",
        "digest": "v.digest",
        "creation_timestamp": "v.creation_time",
        "last_updated_timestamp": "v.last_update_time",
    },
    tags="model_version_tags",
    owner="version",
    nullable=frozenset({"run_id", "user_id", "description", "model_id", "digest"}),
    default_order="v.last_update_time DESC, v.id DESC",
)


def find_keys(
    database: Database,
    subject: Subject,
    expression: Expression | None,
    order_by: Sequence[OrderBy],
    *,
    limit: int | None,
    offset: int,
) -> list[int]:
    """The keys of what a search finds, in order."""
    now = now_ms()
    where = compile_filter(expression, now_ms=now, subject=subject)
    statement = page_sql(select_sql(subject, where, order_by, now_ms=now), limit, offset)
    return [row[0] for row in database.rows(statement.sql, statement.params)]
