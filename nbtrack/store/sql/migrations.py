"""The schema, as an append-only list of numbered migrations.

Each migration runs in one transaction with the row that records it, in the table
``_sqlite_migrations`` that sqlite-utils uses too, so its tools can list them. (Importing
sqlite-utils imports pandas where that is installed, 0.3 s, which a first run can't afford; the
runner here is a loop.) A released migration is never edited: a change of schema is a new one at
the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from nbtrack.errors import StoreError, StoreTooNew
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.initial_schema import INITIAL_SCHEMA
from nbtrack.store.sql.registry_schema import REGISTRY_SCHEMA

MIGRATION_SET = "nbtrack"


@dataclass(frozen=True)
class Migration:
    """A named step of the schema: statements, in order."""

    name: str
    statements: Sequence[str]


MIGRATIONS: tuple[Migration, ...] = (Migration("m001_initial", INITIAL_SCHEMA), Migration("m002_registry", REGISTRY_SCHEMA))


def applied(database: Database) -> list[str]:
    """The names of the migrations that the database has, in the order of their application; empty for a new one."""
    if database.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'") is None:
        return []
    return [row[0] for row in database.rows("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,))]


def pending(database: Database, *, place: str, known: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """The migrations among ``known`` that the database lacks. ``place`` names the store in messages.

    Raises
    ------
    StoreTooNew
        It has some that are not known.
    StoreError
        It has tables, but none of this set's: it belongs to another program.
    """
    with database.read():  # another process may be creating the store between two queries
        done = applied(database)
        tables = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid LIMIT 6")]
    unknown = [name for name in done if name not in {migration.name for migration in known}]
    if unknown:
        raise StoreTooNew(
            f"the store {place} was written by a later nbtrack: it has the schema change {unknown[-1]!r}, which this version does not know. "
            "Nothing was changed. Install the newer nbtrack: pip install -U nbtrack"
        )
    if tables and not done:
        raise StoreError(
            f"{place} is the database of another program: it has the tables {', '.join(tables)}, and none of nbtrack's. Nothing was changed. "
            "Choose another file or folder: nbtrack.set_tracking_uri(...)"
        )
    return [migration for migration in known if migration.name not in done]


def migrate(database: Database, *, place: str, known: Sequence[Migration] = MIGRATIONS) -> list[str]:
    """Apply what is pending and return its names. The caller holds the store's creation lock."""
    todo = pending(database, place=place, known=known)
    for migration in todo:
        with database.write():
            database.execute(
                "CREATE TABLE IF NOT EXISTS _sqlite_migrations "
                "(id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT, UNIQUE (migration_set, name))"
            )
            for statement in migration.statements:
                database.execute(statement)
            database.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                (MIGRATION_SET, migration.name, datetime.now(timezone.utc).isoformat()),
            )
    return [migration.name for migration in todo]
