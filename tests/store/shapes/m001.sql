BEGIN TRANSACTION;
CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT, UNIQUE (migration_set, name));
INSERT INTO "_sqlite_migrations" VALUES(1,'nbtrack','m001_initial','2026-11-21T03:08:07.599603+00:00');
CREATE TABLE artifacts (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        media_type TEXT,
        created_time INTEGER NOT NULL,
        PRIMARY KEY (run, path)
    ) WITHOUT ROWID;
INSERT INTO "artifacts" VALUES(1,'plots/roc.png','8f8cbb7dcf46e0bc7d53265749a6c17d116093a6ba95e442764060c76fd4a86c',3,'image/png',1795230487715);
CREATE TABLE cells (
        session_id TEXT NOT NULL REFERENCES kernel_sessions(session_id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        source TEXT NOT NULL REFERENCES texts(digest),
        cell_id TEXT,
        execution_count INTEGER,
        started INTEGER,
        duration REAL,
        succeeded INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (session_id, position)
    ) WITHOUT ROWID;
INSERT INTO "cells" VALUES('kernel-1',1,'8397e39a7c0db66b81d233cefaa4d0d4d043c4d636f012ca0a93e1eaeb9897f0','a1',1,1,0.5,1);
INSERT INTO "cells" VALUES('kernel-1',3,'5fd1984cc977f5c517e87e315f566fd9d00d84f0d6344c69c6603e57e9a37565','c3',3,2,1.0,0);
CREATE TABLE datasets (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        source_type TEXT NOT NULL,
        source TEXT NOT NULL,
        schema TEXT NOT NULL,
        profile TEXT NOT NULL,
        UNIQUE (name, digest)
    );
INSERT INTO "datasets" VALUES(1,'train','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','csv','train.csv','[{"name":"age","type":"int64"}]','{"rows":10}');
CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        timestamp INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        details TEXT NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
    );
INSERT INTO "events" VALUES(1,1795230487719,'ada','register','models:/churn/1','{"run":"0123456789abcdef0123456789abcdef"}','0000000000000000000000000000000000000000000000000000000000000000','2b76f18bca4446fc2c651d1c18fde13c7288ab0edad554fe0c32833d41d71064');
INSERT INTO "events" VALUES(2,1795230487721,'bob','promote','models:/churn/1','{}','2b76f18bca4446fc2c651d1c18fde13c7288ab0edad554fe0c32833d41d71064','411ccada7eef60af5aad20d9adb9634ddca1715910a56bb6efd90a893e0384c9');
CREATE TABLE events_head (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL);
INSERT INTO "events_head" VALUES(1,2,'411ccada7eef60af5aad20d9adb9634ddca1715910a56bb6efd90a893e0384c9');
CREATE TABLE experiment_tags (
        experiment INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (experiment, key)
    ) WITHOUT ROWID;
INSERT INTO "experiment_tags" VALUES(2,'team','growth');
CREATE TABLE experiments (
        id INTEGER PRIMARY KEY,
        experiment_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        artifact_location TEXT NOT NULL,
        lifecycle_stage TEXT NOT NULL DEFAULT 'active',
        creation_time INTEGER NOT NULL,
        last_update_time INTEGER NOT NULL
    );
INSERT INTO "experiments" VALUES(1,'0','Default','artifacts','active',1795230487000,1795230487000);
INSERT INTO "experiments" VALUES(2,'104910511614795988','churn','artifacts','active',1795230487602,1795230487602);
CREATE TABLE findings (
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
    ) WITHOUT ROWID;
INSERT INTO "findings" VALUES(1,1,'seed','info','no seed',NULL,NULL,'{"a":1}','');
CREATE TABLE kernel_sessions (session_id TEXT PRIMARY KEY, facts TEXT NOT NULL DEFAULT '{}', last_used INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "kernel_sessions" VALUES('kernel-1','{}',1795230487654);
CREATE TABLE metric_points (
        series INTEGER NOT NULL REFERENCES metric_series(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (series, seq)
    ) WITHOUT ROWID;
INSERT INTO "metric_points" VALUES(1,1,0,1700000000001,NULL);
INSERT INTO "metric_points" VALUES(2,1,0,1700000000001,0.8);
INSERT INTO "metric_points" VALUES(2,2,1,1700000000002,0.9);
INSERT INTO "metric_points" VALUES(3,1,0,1,0.1);
CREATE TABLE metric_series (
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
    );
INSERT INTO "metric_series" VALUES(1,1,'loss',1,NULL,0,1700000000001,NULL,NULL,1,'logged',NULL,NULL);
INSERT INTO "metric_series" VALUES(2,1,'auc',2,0.9,1,1700000000002,0.8,0.9,1,'inferred',7,'roc_auc_score');
INSERT INTO "metric_series" VALUES(3,3,'auc',1,0.1,0,1,0.1,0.1,0,'logged',NULL,NULL);
CREATE TABLE param_changes (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        timestamp INTEGER NOT NULL
    );
INSERT INTO "param_changes" VALUES(1,1,'lr','["float", "0.2", null]','["float", "0.1", null]',1795230487629);
CREATE TABLE params (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        type TEXT NOT NULL,
        text TEXT NOT NULL,
        number REAL,
        json TEXT,
        origin TEXT NOT NULL DEFAULT 'logged',
        line INTEGER,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID;
INSERT INTO "params" VALUES(1,'layers','json','[64, 32]',NULL,'[64, 32]','logged',NULL);
INSERT INTO "params" VALUES(1,'lr','float','0.1',0.1,NULL,'logged',NULL);
INSERT INTO "params" VALUES(1,'model','str','forest',NULL,NULL,'inferred',3);
INSERT INTO "params" VALUES(1,'n','int','100',100.0,NULL,'logged',NULL);
INSERT INTO "params" VALUES(1,'none','none','None',NULL,NULL,'logged',NULL);
INSERT INTO "params" VALUES(1,'shuffle','bool','True',1.0,NULL,'logged',NULL);
CREATE TABLE run_cells (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        role TEXT NOT NULL,
        names TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID;
INSERT INTO "run_cells" VALUES(1,1,'closure','["X"]');
INSERT INTO "run_cells" VALUES(1,3,'own','[]');
CREATE TABLE run_code (
        run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
        session_id TEXT,
        unresolved TEXT NOT NULL DEFAULT '[]'
    );
INSERT INTO "run_code" VALUES(1,'kernel-1','["exec"]');
CREATE TABLE run_facts (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
INSERT INTO "run_facts" VALUES(1,'packages','texts:e86dbb47e6b8ac70080d80699b7ed01ee3fb11244f7ad7417542ad45a9cf783e');
INSERT INTO "run_facts" VALUES(1,'seed','42');
CREATE TABLE run_inputs (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        dataset INTEGER NOT NULL REFERENCES datasets(id),
        context TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, dataset, context)
    ) WITHOUT ROWID;
INSERT INTO "run_inputs" VALUES(1,1,'train','[["mlflow.data.context","train"]]');
CREATE TABLE run_outputs (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        media_type TEXT NOT NULL,
        text TEXT NOT NULL,
        artifact TEXT,
        truncated_chars INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID;
INSERT INTO "run_outputs" VALUES(1,1,'stdout','text/plain','fitted
',NULL,0);
CREATE TABLE run_processes (
        run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        start_ticks INTEGER NOT NULL,
        heartbeat INTEGER NOT NULL
    );
INSERT INTO "run_processes" VALUES(2,4711,'lab','b-1',99,1700000001000);
CREATE TABLE runs (
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
    );
INSERT INTO "runs" VALUES(1,'0123456789abcdef0123456789abcdef',2,'forêt 🌲','ada','FAILED','ValueError: x',1700000000000,1700000009000,'active',NULL,NULL,'lab/train.ipynb');
INSERT INTO "runs" VALUES(2,'ffffffffffffffffffffffffffffffff',1,'child','ada','RUNNING',NULL,1700000001000,NULL,'active',NULL,'0123456789abcdef0123456789abcdef',NULL);
INSERT INTO "runs" VALUES(3,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',2,'gone','ada','RUNNING',NULL,1700000002000,NULL,'deleted',1795230487775,NULL,NULL);
CREATE TABLE tags (
        run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID;
INSERT INTO "tags" VALUES(2,'mlflow.parentRunId','0123456789abcdef0123456789abcdef');
INSERT INTO "tags" VALUES(2,'mlflow.runName','child');
INSERT INTO "tags" VALUES(1,'mlflow.runName','forêt 🌲');
INSERT INTO "tags" VALUES(3,'mlflow.runName','gone');
INSERT INTO "tags" VALUES(1,'team','growth');
CREATE TABLE texts (digest TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "texts" VALUES('5fd1984cc977f5c517e87e315f566fd9d00d84f0d6344c69c6603e57e9a37565','fit(X)');
INSERT INTO "texts" VALUES('8397e39a7c0db66b81d233cefaa4d0d4d043c4d636f012ca0a93e1eaeb9897f0','X, y = load()');
INSERT INTO "texts" VALUES('e86dbb47e6b8ac70080d80699b7ed01ee3fb11244f7ad7417542ad45a9cf783e','{"numpy":"2.0","package-0":"1.0","package-1":"1.0","package-10":"1.0","package-11":"1.0","package-12":"1.0","package-13":"1.0","package-14":"1.0","package-15":"1.0","package-16":"1.0","package-17":"1.0","package-18":"1.0","package-19":"1.0","package-2":"1.0","package-3":"1.0","package-4":"1.0","package-5":"1.0","package-6":"1.0","package-7":"1.0","package-8":"1.0","package-9":"1.0"}');
CREATE INDEX runs_by_start ON runs (experiment, start_time);
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX tags_by_value ON tags (key, value);
CREATE INDEX params_by_number ON params (key, number);
CREATE INDEX params_by_text ON params (key, text);
CREATE INDEX param_changes_by_run ON param_changes (run);
CREATE INDEX metric_series_by_last ON metric_series (key, last, run);
CREATE TRIGGER runs_close_series AFTER UPDATE OF lifecycle_stage ON runs WHEN NEW.lifecycle_stage <> OLD.lifecycle_stage BEGIN
        UPDATE metric_series SET open = (NEW.lifecycle_stage = 'active') WHERE run = NEW.id;
    END;
CREATE VIEW metric_log AS
        SELECT r.run_id, s.key, p.step, p.timestamp, p.value
        FROM metric_points p JOIN metric_series s ON s.id = p.series JOIN runs r ON r.id = s.run;
CREATE VIEW metric_append AS SELECT series, step, timestamp, value FROM metric_points;
CREATE TRIGGER metric_append_insert INSTEAD OF INSERT ON metric_append BEGIN
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
    END;
CREATE INDEX datasets_by_digest ON datasets (digest);
CREATE INDEX run_inputs_by_dataset ON run_inputs (dataset);
CREATE INDEX cells_by_source ON cells (source);
CREATE INDEX artifacts_by_digest ON artifacts (digest);
CREATE INDEX events_by_subject ON events (subject);
CREATE TRIGGER events_keep_rows BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END;
CREATE TRIGGER events_keep_values BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'nbtrack: events are append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('metric_series',3);
COMMIT;
