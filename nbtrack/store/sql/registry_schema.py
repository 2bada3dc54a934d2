"""The schema of the registry: what ``m002_registry`` makes."""

from __future__ import annotations

REGISTRY_SCHEMA: tuple[str, ...] = (
    # A model folder among a run's artifacts; a run may log one name again, and the last row counts.
    """CREATE TABLE logged_models (
        id INTEGER PRIMARY KEY,
        model_id TEXT NOT NULL UNIQUE,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        flavors TEXT NOT NULL,
        size INTEGER NOT NULL,
        created_time INTEGER NOT NULL,
        signature TEXT,
        has_input_example INTEGER NOT NULL DEFAULT 0,
        metadata TEXT NOT NULL DEFAULT '{}',
        model_class TEXT
    )""",
    "CREATE INDEX logged_models_by_run ON logged_models (run, name)",
    """CREATE TABLE registered_models (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        description TEXT,
        creation_time INTEGER NOT NULL,
        last_update_time INTEGER NOT NULL
    )""",
    # The last number that a name gave to a version. It outlives the model, so that models:/name/3 means one thing for ever.
    "CREATE TABLE model_counters (name TEXT PRIMARY KEY, last_version INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE registered_model_tags (
        model INTEGER NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (model, key)
    ) WITHOUT ROWID""",
    # run_id is text: a version is kept when its run is not in this store.
    """CREATE TABLE model_versions (
        id INTEGER PRIMARY KEY,
        model INTEGER NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        creation_time INTEGER NOT NULL,
        last_update_time INTEGER NOT NULL,
        stage TEXT NOT NULL DEFAULT 'None',
        description TEXT,
        user_id TEXT,
        source TEXT NOT NULL,
        run_id TEXT,
        run_link TEXT,
        status TEXT NOT NULL DEFAULT 'READY',
        status_message TEXT,
        digest TEXT,
        model_id TEXT,
        parent INTEGER,
        card TEXT NOT NULL DEFAULT '{}',
        UNIQUE (model, version)
    )""",
    "CREATE INDEX model_versions_by_run ON model_versions (run_id)",
    """CREATE TABLE model_version_tags (
        version INTEGER NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (version, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE model_aliases (
        model INTEGER NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
        alias TEXT NOT NULL,
        version INTEGER NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE,
        PRIMARY KEY (model, alias)
    ) WITHOUT ROWID""",
    "CREATE INDEX model_aliases_by_version ON model_aliases (version)",
    # AUTOINCREMENT: the number of a request is in events and in talks, so it is never used again.
    """CREATE TABLE promotion_requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE,
        stage TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        archive_existing INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'open',
        closed_time INTEGER
    )""",
    "CREATE INDEX promotion_requests_by_version ON promotion_requests (version)",
    """CREATE TABLE request_approvals (
        id INTEGER PRIMARY KEY,
        request INTEGER NOT NULL REFERENCES promotion_requests(id) ON DELETE CASCADE,
        user_id TEXT NOT NULL,
        verdict TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        comment TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX request_approvals_by_request ON request_approvals (request)",
    "CREATE TABLE promotion_policy (id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT NOT NULL, author TEXT NOT NULL, timestamp INTEGER NOT NULL)",
    # What a version was made from is not removed under it.
    """CREATE TRIGGER model_versions_keep_runs BEFORE DELETE ON runs WHEN EXISTS (SELECT 1 FROM model_versions WHERE run_id = OLD.run_id) BEGIN
        SELECT RAISE(ABORT, 'nbtrack: a registered model version was made by this run; delete the version first');
    END""",
)
