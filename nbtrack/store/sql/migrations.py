"""The schema, as an append-only list of numbered migrations.

Each migration runs in one transaction with the row that records it, in the table
``_sqlite_migrations`` that sqlite-utils uses too, so its tools can list them. (Importing
sqlite-utils imports pandas where that is installed, 0.3 s, which a first run can't afford; the
runner here is a loop.) A released migration is never edited: a change of schema is a new one at
the end. The SQL is written in SQLite's dialect with a few type words that PostgreSQL replaces.

Conventions: times are milliseconds since the epoch; NaN is stored as NULL, because SQLite has no
NaN; JSON is text; ``run``, ``series`` and so on are the integer keys of their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from nbtrack.errors import StoreTooNew
from nbtrack.ids import DEFAULT_EXPERIMENT_ID, DEFAULT_EXPERIMENT_NAME
from nbtrack.store.sql.database import Database

MIGRATION_SET = "nbtrack"


@dataclass(frozen=True)
class Migration:
    """A named step of the schema: statements, in order."""

    name: str
    statements: Sequence[str]


_EXPERIMENTS_AND_RUNS = (
    """CREATE TABLE experiments (
        id INTEGER PRIMARY KEY,
        experiment_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        artifact_location TEXT NOT NULL,
        lifecycle_stage TEXT NOT NULL DEFAULT 'active',
        creation_time INTEGER NOT NULL,
        last_update_time INTEGER NOT NULL
    )""",
    """CREATE TABLE experiment_tags (
        experiment INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (experiment, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        experiment INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        user_id TEXT NOT NULL,
        status TEXT NOT NULL,
        status_message TEXT,
        start_time INTEGER NOT NULL,
        end_time INTEGER,
        lifecycle_stage TEXT NOT NULL DEFAULT 'active',
        deleted_time INTEGER,
        parent_run_id TEXT,
        notebook TEXT
    )""",
    "CREATE INDEX runs_by_start ON runs (experiment, start_time)",
    "CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL",
    # The process that works on a RUNNING run; the row goes when the run ends.
    """CREATE TABLE run_processes (
        run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        start_ticks INTEGER NOT NULL,
        heartbeat INTEGER NOT NULL
    )""",
    """CREATE TABLE tags (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX tags_by_value ON tags (key, value)",
)

_PARAMS = (
    # text is MLflow's string form; number is set for int, float and bool; json for lists and dicts.
    """CREATE TABLE params (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        type TEXT NOT NULL,
        text TEXT NOT NULL,
        number REAL,
        json TEXT,
        origin TEXT NOT NULL DEFAULT 'logged',
        line INTEGER,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX params_by_number ON params (key, number)",
    "CREATE INDEX params_by_text ON params (key, text)",
    """CREATE TABLE param_changes (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        timestamp INTEGER NOT NULL
    )""",
    "CREATE INDEX param_changes_by_run ON param_changes (run)",
)

_METRICS = (
    # One row for each series, updated with every point, so that a table of runs never reads points.
    """CREATE TABLE metric_series (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        count INTEGER NOT NULL,
        last REAL,
        last_step INTEGER NOT NULL,
        last_time INTEGER NOT NULL,
        min REAL,
        max REAL,
        origin TEXT NOT NULL DEFAULT 'logged',
        line INTEGER,
        definition TEXT,
        UNIQUE (run, key)
    )""",
    "CREATE INDEX metric_series_by_last ON metric_series (key, last)",
    # seq counts the points of a series from 1, so that points are appended and a history is one range.
    """CREATE TABLE metric_points (
        series INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (series, seq)
    ) WITHOUT ROWID""",
    # The readable form of all points. An INSERT into it logs a point: one statement, one commit.
    """CREATE VIEW metric_log AS
        SELECT r.run_id, s.key, p.step, p.timestamp, p.value
        FROM metric_points p JOIN metric_series s ON s.id = p.series JOIN runs r ON r.id = s.run""",
    """CREATE TRIGGER metric_log_insert INSTEAD OF INSERT ON metric_log BEGIN
        SELECT RAISE(ABORT, 'nbtrack: run not active') WHERE NOT EXISTS (
            SELECT 1 FROM runs WHERE run_id = NEW.run_id AND lifecycle_stage = 'active');
        INSERT INTO metric_series (run, key, count, last, last_step, last_time, min, max)
        SELECT id, NEW.key, 1, NEW.value, NEW.step, NEW.timestamp, NEW.value, NEW.value FROM runs WHERE run_id = NEW.run_id
        ON CONFLICT (run, key) DO UPDATE SET
            count = count + 1,
            last = iif((excluded.last_step, excluded.last_time) >= (last_step, last_time), excluded.last, last),
            last_time = iif((excluded.last_step, excluded.last_time) >= (last_step, last_time), excluded.last_time, last_time),
            last_step = max(last_step, excluded.last_step),
            min = coalesce(min(min, excluded.min), min, excluded.min),
            max = coalesce(max(max, excluded.max), max, excluded.max);
        INSERT INTO metric_points
        SELECT s.id, s.count, NEW.step, NEW.timestamp, NEW.value
        FROM runs r JOIN metric_series s ON s.run = r.id AND s.key = NEW.key WHERE r.run_id = NEW.run_id;
    END""",
)

_INPUTS = (
    """CREATE TABLE datasets (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        source_type TEXT NOT NULL,
        source TEXT NOT NULL,
        schema TEXT NOT NULL,
        profile TEXT NOT NULL,
        UNIQUE (name, digest)
    )""",
    "CREATE INDEX datasets_by_digest ON datasets (digest)",
    """CREATE TABLE run_inputs (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        dataset INTEGER NOT NULL REFERENCES datasets(id),
        context TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, dataset, context)
    ) WITHOUT ROWID""",
    "CREATE INDEX run_inputs_by_dataset ON run_inputs (dataset)",
)

_CELLS = (
    # Cell sources and package lists, once for each content.
    "CREATE TABLE texts (digest TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE kernel_sessions (session_id TEXT PRIMARY KEY, facts TEXT NOT NULL DEFAULT '{}') WITHOUT ROWID",
    """CREATE TABLE cells (
        session_id TEXT NOT NULL REFERENCES kernel_sessions(session_id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        source TEXT NOT NULL REFERENCES texts(digest),
        cell_id TEXT,
        execution_count INTEGER,
        started INTEGER,
        duration REAL,
        succeeded INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (session_id, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE run_code (
        run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
        session_id TEXT,
        unresolved TEXT NOT NULL DEFAULT '[]'
    )""",
    """CREATE TABLE run_cells (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        role TEXT NOT NULL,
        names TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE run_outputs (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        media_type TEXT NOT NULL,
        text TEXT NOT NULL,
        artifact TEXT,
        truncated_chars INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID""",
)

_FACTS = (
    """CREATE TABLE run_facts (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE findings (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        severity TEXT NOT NULL,
        message TEXT NOT NULL,
        cell TEXT,
        line INTEGER,
        evidence TEXT NOT NULL DEFAULT '{}',
        fix TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE artifacts (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        media_type TEXT,
        created_time INTEGER NOT NULL,
        PRIMARY KEY (run, path)
    ) WITHOUT ROWID""",
    "CREATE INDEX artifacts_by_digest ON artifacts (digest)",
)

_EVENTS = (
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        timestamp INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        details TEXT NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
    "CREATE INDEX events_by_subject ON events (subject)",
    "CREATE TRIGGER events_keep_rows BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END",
    "CREATE TRIGGER events_keep_values BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END",
)

_DEFAULT_EXPERIMENT = (
    f"""INSERT INTO experiments (experiment_id, name, artifact_location, creation_time, last_update_time)
        VALUES ('{DEFAULT_EXPERIMENT_ID}', '{DEFAULT_EXPERIMENT_NAME}', 'artifacts',
                CAST(strftime('%s', 'now') AS INTEGER) * 1000, CAST(strftime('%s', 'now') AS INTEGER) * 1000)""",
)

MIGRATIONS: tuple[Migration, ...] = (
    Migration("m001_initial", (*_EXPERIMENTS_AND_RUNS, *_PARAMS, *_METRICS, *_INPUTS, *_CELLS, *_FACTS, *_EVENTS, *_DEFAULT_EXPERIMENT)),
)


def applied(database: Database) -> set[str]:
    """The names of the migrations that the database has; empty for a new one."""
    exists = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'").fetchone()
    if not exists:
        return set()
    return {row[0] for row in database.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (MIGRATION_SET,))}


def pending(database: Database, *, place: str) -> list[Migration]:
    """The migrations that the database lacks.

    Raises
    ------
    StoreTooNew
        It has some that this nbtrack does not know. ``place`` names the store in the message.
    """
    done = applied(database)
    unknown = sorted(done - {migration.name for migration in MIGRATIONS})
    if unknown:
        raise StoreTooNew(
            f"the store {place} was written by a later nbtrack: it has the schema change {unknown[-1]!r}, which this version does not know. "
            "Nothing was changed. Install the newer nbtrack: pip install -U nbtrack"
        )
    return [migration for migration in MIGRATIONS if migration.name not in done]


def migrate(database: Database, *, place: str) -> list[str]:
    """Apply what is pending and return its names. The caller holds the store's creation lock."""
    todo = pending(database, place=place)
    if not todo:
        return []
    with database.write():
        database.execute(
            "CREATE TABLE IF NOT EXISTS _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT, UNIQUE (migration_set, name))"
        )
    for migration in todo:
        with database.write():
            for statement in migration.statements:
                database.execute(statement)
            database.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                (MIGRATION_SET, migration.name, datetime.now(timezone.utc).isoformat()),
            )
    return [migration.name for migration in todo]
