"""The schema of the first release: what ``m001_initial`` makes.

Conventions: times are milliseconds since the epoch; NaN is stored as NULL, because SQLite has no
NaN; JSON is text; ``run``, ``series`` and so on are the integer keys of their tables. The SQL is
written in SQLite's dialect with a few type words that PostgreSQL replaces.
"""

from __future__ import annotations

from nbtrack.ids import DEFAULT_EXPERIMENT_ID, DEFAULT_EXPERIMENT_NAME

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
    # An id is never used again (AUTOINCREMENT): processes remember those of their series.
    """CREATE TABLE metric_series (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        count INTEGER NOT NULL DEFAULT 0,
        last REAL,
        last_step INTEGER NOT NULL DEFAULT 0,
        last_time INTEGER NOT NULL DEFAULT 0,
        min REAL,
        max REAL,
        open INTEGER NOT NULL DEFAULT 1,
        origin TEXT NOT NULL DEFAULT 'logged',
        line INTEGER,
        definition TEXT,
        UNIQUE (run, key)
    )""",
    "CREATE INDEX metric_series_by_last ON metric_series (key, last, run)",
    # A deleted run takes no points. Its series say so themselves, for then a point need not look up its run.
    """CREATE TRIGGER runs_close_series AFTER UPDATE OF lifecycle_stage ON runs WHEN NEW.lifecycle_stage <> OLD.lifecycle_stage BEGIN
        UPDATE metric_series SET open = (NEW.lifecycle_stage = 'active') WHERE run = NEW.id;
    END""",
    # seq counts the points of a series from 1, so that points are appended and a history is one range.
    """CREATE TABLE metric_points (
        series INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (series, seq)
    ) WITHOUT ROWID""",
    # The readable form of all points, for people who query the file with other tools.
    """CREATE VIEW metric_log AS
        SELECT r.run_id, s.key, p.step, p.timestamp, p.value
        FROM metric_points p JOIN metric_series s ON s.id = p.series JOIN runs r ON r.id = s.run""",
    # An INSERT into this view logs a point with its summary: one statement, one commit. Where the
    # series is closed or gone, seq becomes NULL, and its NOT NULL takes the whole statement back.
    "CREATE VIEW metric_append AS SELECT series, step, timestamp, value FROM metric_points",
    """CREATE TRIGGER metric_append_insert INSTEAD OF INSERT ON metric_append BEGIN
        UPDATE metric_series SET
            last = iif(count = 0 OR (NEW.step, NEW.timestamp) >= (last_step, last_time), NEW.value, last),
            last_time = iif(count = 0 OR (NEW.step, NEW.timestamp) >= (last_step, last_time), NEW.timestamp, last_time),
            last_step = iif(count = 0, NEW.step, max(last_step, NEW.step)),
            min = coalesce(min(min, NEW.value), min, NEW.value),
            max = coalesce(max(max, NEW.value), max, NEW.value),
            count = count + 1
        WHERE id = NEW.series AND open;
        INSERT INTO metric_points
        VALUES (NEW.series, (SELECT count FROM metric_series WHERE id = NEW.series AND open), NEW.step, NEW.timestamp, NEW.value);
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
    "CREATE TABLE kernel_sessions (session_id TEXT PRIMARY KEY, facts TEXT NOT NULL DEFAULT '{}', last_used INTEGER NOT NULL) WITHOUT ROWID",
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
    "CREATE INDEX cells_by_source ON cells (source)",
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
    # Where the chain ends, so that a cut-off end is noticed too.
    "CREATE TABLE events_head (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL)",
    "CREATE TRIGGER events_keep_rows BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END",
    "CREATE TRIGGER events_keep_values BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END",
)

_DEFAULT_EXPERIMENT = (
    f"""INSERT INTO experiments (experiment_id, name, artifact_location, creation_time, last_update_time)
        VALUES ('{DEFAULT_EXPERIMENT_ID}', '{DEFAULT_EXPERIMENT_NAME}', 'artifacts',
                CAST(strftime('%s', 'now') AS INTEGER) * 1000, CAST(strftime('%s', 'now') AS INTEGER) * 1000)""",
)

INITIAL_SCHEMA: tuple[str, ...] = (
    *_EXPERIMENTS_AND_RUNS,
    *_PARAMS,
    *_METRICS,
    *_INPUTS,
    *_CELLS,
    *_FACTS,
    *_EVENTS,
    *_DEFAULT_EXPERIMENT,
)
