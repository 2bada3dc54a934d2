"""The schema grows from every shape that was ever released, and never loses a row."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from nbtrack.errors import StoreError, StoreTooNew
from nbtrack.store.open import locate, open_store
from nbtrack.store.sql.migrations import MIGRATIONS, Migration, applied, migrate, pending
from nbtrack.store.sqlite_connections import SqliteDatabase

SHAPES = sorted((Path(__file__).parents[1] / "shapes").glob("*.sql"))


def schema_of(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return rows


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the record of migrations."""
    connection = sqlite3.connect(path)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_sqlite_migrations'")]
    rows = {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables}
    connection.close()
    return rows


def restored(dump: Path, folder: Path) -> Path:
    """A database file with the dump's content."""
    path = folder / "nbtrack.db"
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text())
    connection.close()
    return path


def new_database(folder: Path) -> SqliteDatabase:
    return SqliteDatabase(folder / "nbtrack.db")


def test_migrations_are_numbered_uniquely_and_in_order() -> None:
    assert all(re.fullmatch(r"m\d{3}_[a-z_]+", migration.name) for migration in MIGRATIONS)
    assert [int(migration.name[1:4]) for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_the_shape_before_every_migration_is_kept_for_this_test() -> None:
    assert [path.stem for path in SHAPES] == [migration.name[:4] for migration in MIGRATIONS[: len(SHAPES)]]
    assert len(SHAPES) >= len(MIGRATIONS) - 1


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_a_blank_store_and_one_of_every_released_shape_end_equal(shape: Path, tmp_path: Path) -> None:
    open_store(locate(tmp_path / "blank")).close()
    (tmp_path / "old").mkdir()
    old = restored(shape, tmp_path / "old")
    open_store(locate(old)).close()
    assert schema_of(old) == schema_of(tmp_path / "blank/.nbtrack/nbtrack.db")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_a_store_of_every_released_shape_keeps_its_rows(shape: Path, tmp_path: Path) -> None:
    old = restored(shape, tmp_path)
    before = rows_of(old)
    store = open_store(locate(old))
    run = store.runs.get("0123456789abcdef0123456789abcdef")
    assert (run.info.run_name, run.info.status.value) == ("forêt 🌲", "FAILED")
    assert repr(run.data.params) == "{'layers': [64, 32], 'lr': 0.1, 'model': 'forest', 'n': 100, 'none': None, 'shuffle': True}"
    assert repr(run.data.metrics) == "{'auc': 0.9, 'loss': nan}"
    assert [metric.value for metric in store.metrics.history(run.info.run_id, "auc")] == [0.8, 0.9]
    assert [change.old_value for change in store.params.history(run.info.run_id)] == [0.2]
    assert [item.context for item in store.inputs.all(run.info.run_id)] == ["train"]
    assert [cell.source for cell in store.cells.code(run.info.run_id).closure] == ["X, y = load()"]
    assert [output.text for output in store.cells.outputs(run.info.run_id)] == ["fitted\n"]
    assert store.facts.all(run.info.run_id)["packages"]["numpy"] == "2.0"
    assert [finding.kind for finding in store.facts.findings(run.info.run_id)] == ["seed"]
    assert [artifact.path for artifact in store.artifacts.all(run.info.run_id)] == ["plots/roc.png"]
    assert (len(store.events.list()), store.events.verify()) == (2, [])
    store.close()
    after = rows_of(old)
    assert {table: after[table] for table in before} == before


def test_opening_again_applies_nothing(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    assert migrate(database, place="here") == [migration.name for migration in MIGRATIONS]
    assert migrate(database, place="here") == []
    assert applied(database) == [migration.name for migration in MIGRATIONS]
    database.close()


def test_a_migration_that_fails_in_the_middle_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    migrate(database, place="here")
    database.execute("INSERT INTO texts (digest, text) VALUES ('a', 'kept')")
    before = schema_of(database.path), rows_of(database.path), applied(database)
    works = Migration("m901_works", ("CREATE TABLE later (id INTEGER PRIMARY KEY)",))
    broken = Migration("m902_broken", ("ALTER TABLE texts ADD COLUMN note TEXT", "DELETE FROM texts", "CREATE TABLE later (id INTEGER PRIMARY KEY)"))
    with pytest.raises(StoreError, match="table later already exists"):
        migrate(database, place="here", known=[*MIGRATIONS, works, broken])
    assert applied(database)[-1] == "m901_works"
    database.execute("DROP TABLE later")
    database.execute("DELETE FROM _sqlite_migrations WHERE name = 'm901_works'")
    assert (schema_of(database.path), rows_of(database.path), applied(database)) == before
    database.close()


def test_a_later_migration_is_applied_to_a_store_in_use(tmp_path: Path) -> None:
    database, other = new_database(tmp_path), new_database(tmp_path)
    migrate(database, place="here")
    assert other.rows("SELECT * FROM texts") == []
    later = Migration("m900_notes", ("ALTER TABLE texts ADD COLUMN note TEXT DEFAULT 'none'",))
    assert migrate(database, place="here", known=[*MIGRATIONS, later]) == ["m900_notes"]
    other.execute("INSERT INTO texts (digest, text) VALUES ('a', 'x')")
    assert database.rows("SELECT note FROM texts") == [("none",)]
    database.close()
    other.close()


def test_a_store_of_a_later_nbtrack_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    place = locate(tmp_path)
    open_store(place).close()
    connection = sqlite3.connect(place.database)
    connection.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('nbtrack', 'm999_future', '2030')")
    connection.commit()
    connection.close()
    before = place.database.read_bytes()
    with pytest.raises(StoreTooNew, match=r"'m999_future'.*pip install -U nbtrack"):
        open_store(place)
    assert place.database.read_bytes() == before


def test_another_programs_database_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program: it has the tables experiments"):
        open_store(locate(path))
    assert path.read_bytes() == before


def test_a_store_made_by_the_migrations_of_others_keeps_them(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    migrate(database, place="here")
    database.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('plugin', 'm001_plugin', '2030')")
    assert pending(database, place="here") == []
    database.close()
