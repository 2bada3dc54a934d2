from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from nbtrack.entities import Cell, CellRole, Dataset, DatasetInput, Metric, Param, RunCell, RunCode
from nbtrack.errors import AlreadyExists, StoreNotWritable
from nbtrack.store import maintenance
from nbtrack.store.open import locate, open_store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sql.migrations import MIGRATIONS

from .builders import new_run


@pytest.fixture
def run_id(sqlite_store: SqlStore) -> str:
    """A run with some of everything."""
    run_id = new_run(sqlite_store)
    sqlite_store.params.log(run_id, [Param("lr", 0.1), Param("n", 3)])
    sqlite_store.metrics.log_batch(run_id, [Metric("loss", step / 2, 0, step) for step in range(500)])
    sqlite_store.inputs.log(run_id, [DatasetInput(Dataset("train", "d" * 64))])
    sqlite_store.cells.set_code(run_id, RunCode("session", (RunCell(Cell(1, "x = 1"), CellRole.OWN),)))
    sqlite_store.artifacts.put_bytes(run_id, "a.bin", bytes(5000))
    sqlite_store.artifacts.put_bytes(run_id, "copy of a.bin", bytes(5000))
    sqlite_store.artifacts.put_bytes(run_id, "b.txt", b"b")
    sqlite_store.events.append(actor="ada", action="register", subject="s", details={})
    return run_id


def blob_of(store: SqlStore, run_id: str, path: str) -> Path:
    digest = store.artifacts.get(run_id, path).digest
    return Path(store.uri) / "artifacts" / digest[:2] / digest[2:]


# --- info ----------------------------------------------------------------------------------------


def test_info_counts_what_is_there(sqlite_store: SqlStore, run_id: str) -> None:
    sqlite_store.runs.delete(new_run(sqlite_store))
    info = maintenance.info(sqlite_store)
    assert (info.uri, info.schema, info.journal_mode, info.durability) == (sqlite_store.uri, MIGRATIONS[-1].name, "wal", "normal")
    assert (info.experiments, info.runs, info.running_runs, info.deleted_runs) == (1, 2, 1, 1)
    assert (info.params, info.series, info.points, info.datasets, info.cells, info.events) == (2, 1, 500, 1, 1, 1)
    assert (info.artifacts, info.blobs, info.blob_bytes) == (3, 2, 5001)
    assert info.database_bytes > 0
    assert info.log_bytes > 0


# --- check ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_store_has_no_problems(sqlite_store: SqlStore, run_id: str, deep: bool) -> None:
    assert maintenance.check(sqlite_store, deep=deep) == []


def test_missing_and_shortened_blobs_are_found(sqlite_store: SqlStore, run_id: str) -> None:
    blob_of(sqlite_store, run_id, "a.bin").unlink()
    os.truncate(blob_of(sqlite_store, run_id, "b.txt"), 0)
    problems = maintenance.check(sqlite_store)
    assert [problem.kind for problem in problems] == ["blob"] * 3
    assert f"the artifact 'a.bin' of run {run_id} is missing" in problems[0].message
    assert "'b.txt'" in problems[1].message
    assert "has 0 bytes instead of 1" in problems[1].message
    assert "'copy of a.bin'" in problems[2].message
    assert "nbtrack db backup" in problems[0].fix


def test_changed_bytes_are_found_by_a_deep_check(sqlite_store: SqlStore, run_id: str) -> None:
    blob_of(sqlite_store, run_id, "b.txt").write_bytes(b"x")
    assert maintenance.check(sqlite_store) == []
    (problem,) = maintenance.check(sqlite_store, deep=True)
    assert "'b.txt'" in problem.message
    assert "was changed on the disk" in problem.message


def test_lost_points_are_found_by_a_deep_check(sqlite_store: SqlStore, run_id: str) -> None:
    sqlite_store.database.execute("DELETE FROM metric_points WHERE seq > 400")
    (problem,) = maintenance.check(sqlite_store, deep=True)
    assert (problem.kind, problem.message) == ("metric", f"the metric 'loss' of run {run_id} has 400 points instead of 500")


def test_rows_without_their_parents_are_found(sqlite_store: SqlStore, run_id: str) -> None:
    sqlite_store.database.execute("PRAGMA foreign_keys = OFF")
    sqlite_store.database.execute("DELETE FROM runs")
    problems = maintenance.check(sqlite_store)
    assert {problem.kind for problem in problems} == {"reference"}
    assert "2 rows of params refer to rows of runs that do not exist" in [problem.message for problem in problems]


def test_a_changed_event_is_found(sqlite_store: SqlStore, run_id: str) -> None:
    sqlite_store.database.execute("DROP TRIGGER events_keep_values")
    sqlite_store.database.execute("UPDATE events SET actor = 'eve'")
    (problem,) = maintenance.check(sqlite_store)
    assert problem.kind == "event"
    assert "event 1" in problem.message


def test_a_damaged_database_is_found(sqlite_store: SqlStore, run_id: str) -> None:
    path = locate(sqlite_store.uri).database
    sqlite_store.close()
    pages = path.stat().st_size // 2048
    with path.open("r+b") as stream:
        stream.seek((pages - 3) * 2048)
        stream.write(b"\xff" * 2048)
    problems = maintenance.check(sqlite_store)
    assert problems
    assert {problem.kind for problem in problems} == {"database"}


# --- backup --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["copy", "copy.db", "deep/er/copy"])
def test_a_backup_opens_as_a_store_with_everything(sqlite_store: SqlStore, run_id: str, tmp_path: Path, target: str) -> None:
    backup = maintenance.backup(sqlite_store, tmp_path / target)
    assert (backup.blobs, backup.blob_bytes, backup.damaged) == (2, 5001, [])
    copy = open_store(locate(tmp_path / target))
    assert copy.uri == backup.place.uri
    assert copy.runs.get(run_id) == sqlite_store.runs.get(run_id)
    assert copy.artifacts.read(run_id, "copy of a.bin") == bytes(5000)
    assert maintenance.check(copy, deep=True) == []
    copy.close()


def test_a_backup_without_artifacts_has_the_rows_alone(sqlite_store: SqlStore, run_id: str, tmp_path: Path) -> None:
    backup = maintenance.backup(sqlite_store, tmp_path / "rows.db", artifacts=False)
    assert (backup.blobs, backup.place.artifacts.exists()) == (0, False)
    copy = open_store(backup.place)
    assert [problem.kind for problem in maintenance.check(copy)] == ["blob"] * 3
    copy.close()


def test_a_backup_overwrites_nothing(sqlite_store: SqlStore, run_id: str, tmp_path: Path) -> None:
    maintenance.backup(sqlite_store, tmp_path / "copy")
    for taken in (tmp_path / "copy", sqlite_store.uri):
        with pytest.raises(AlreadyExists, match="a backup overwrites nothing"):
            maintenance.backup(sqlite_store, taken)


def test_a_backup_to_an_impossible_place_is_refused(sqlite_store: SqlStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotWritable, match="can't write a backup"):
        maintenance.backup(sqlite_store, tmp_path / "file/below")


def test_a_backup_names_the_artifacts_that_it_could_not_copy(sqlite_store: SqlStore, run_id: str, tmp_path: Path) -> None:
    missing, changed = (sqlite_store.artifacts.get(run_id, path).digest for path in ("a.bin", "b.txt"))
    blob_of(sqlite_store, run_id, "a.bin").unlink()
    blob_of(sqlite_store, run_id, "b.txt").write_bytes(b"x")
    backup = maintenance.backup(sqlite_store, tmp_path / "copy")
    assert sorted(backup.damaged) == sorted([missing, changed])
    assert backup.blobs == 0


def test_a_backup_taken_while_runs_log_is_one_moment(sqlite_store: SqlStore, run_id: str, tmp_path: Path) -> None:
    stop = threading.Event()

    def work() -> None:
        step = 0
        while not stop.is_set():
            sqlite_store.metrics.log_batch(run_id, [Metric("a", 1.0, 0, step), Metric("b", 1.0, 0, step)])
            step += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        maintenance.backup(sqlite_store, tmp_path / "copy")
    finally:
        stop.set()
        thread.join()
    copy = open_store(locate(tmp_path / "copy"))
    assert maintenance.check(copy, deep=True) == []
    counts = {summary.key: summary.count for summary in copy.metrics.summaries(run_id)}
    assert counts.get("a") == counts.get("b")
    copy.close()


def test_an_interrupted_backup_is_no_store(sqlite_store: SqlStore, run_id: str, tmp_path: Path) -> None:
    blob = blob_of(sqlite_store, run_id, "a.bin")
    blob.unlink()
    blob.mkdir()  # reading it fails in a way that nobody foresees
    with pytest.raises(OSError, match="Is a directory"):
        maintenance.backup(sqlite_store, tmp_path / "copy")
    assert not locate(tmp_path / "copy").exists
    blob.rmdir()
    maintenance.backup(sqlite_store, tmp_path / "copy")
    assert locate(tmp_path / "copy").exists
