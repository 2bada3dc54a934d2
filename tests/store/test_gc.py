from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nbtrack.entities import Cell, CellRole, Dataset, DatasetInput, Metric, RunCell, RunCode
from nbtrack.errors import ExperimentNotFound, RunNotFound, StoreError
from nbtrack.store import gc
from nbtrack.store.base import Store
from nbtrack.store.sql.bundle import SqlStore

from .builders import new_run

LONG = 10 * 24 * 3600.0


def age(store: SqlStore, seconds: float) -> None:
    """Make everything look as if it had happened so long ago."""
    milliseconds = round(seconds * 1000)
    store.database.execute("UPDATE runs SET deleted_time = deleted_time - ?", (milliseconds,))
    store.database.execute("UPDATE experiments SET last_update_time = last_update_time - ?", (milliseconds,))
    store.database.execute("UPDATE kernel_sessions SET last_used = last_used - ?", (milliseconds,))
    for path in (Path(store.uri) / "artifacts").rglob("*"):
        os.utime(path, (time.time() - seconds, time.time() - seconds))


def full_run(store: Store, name: str, **fields: str) -> str:
    """A run with an artifact, a dataset, code and a large fact of its own."""
    run_id = new_run(store, run_name=name, **fields)
    store.artifacts.put_bytes(run_id, "own.bin", name.encode() * 100)
    store.artifacts.put_bytes(run_id, "shared.bin", b"shared")
    store.inputs.log(run_id, [DatasetInput(Dataset(name, "d" * 64))])
    store.cells.set_code(run_id, RunCode(f"session {name}", (RunCell(Cell(1, f"x = {name!r}"), CellRole.OWN), RunCell(Cell(2, "shared = 1"), CellRole.OWN))))
    store.facts.set(run_id, {"packages": [name] * 100})
    store.metrics.log_batch(run_id, [Metric("loss", 1.0, 0, step) for step in range(100)])
    return run_id


def test_a_store_in_which_everything_is_needed_has_no_garbage(sqlite_store: SqlStore) -> None:
    full_run(sqlite_store, "a")
    sqlite_store.runs.delete(full_run(sqlite_store, "deleted"))
    age(sqlite_store, LONG)
    assert gc.plan(sqlite_store).is_empty
    assert gc.collect(sqlite_store, gc.plan(sqlite_store)).is_empty


def test_runs_deleted_long_ago_go_with_all_that_only_they_needed(sqlite_store: SqlStore) -> None:
    kept, gone = full_run(sqlite_store, "kept"), full_run(sqlite_store, "gone")
    sqlite_store.runs.delete(gone)
    age(sqlite_store, LONG)
    lately = full_run(sqlite_store, "lately")
    sqlite_store.runs.delete(lately)
    before = sqlite_store.runs.get(kept), sqlite_store.cells.code(kept), sqlite_store.facts.all(kept)
    plan = gc.plan(sqlite_store, deleted_days=7)
    assert [info.run_name for info in plan.runs] == ["gone"]
    assert ([size for _, size in plan.blobs], plan.file_bytes) == ([400], 400)
    assert (plan.texts, plan.datasets, plan.sessions) == (2, 1, 1)
    assert sqlite_store.artifacts.read(gone, "own.bin") == b"gone" * 100  # nothing is gone yet
    assert gc.collect(sqlite_store, plan) == plan
    with pytest.raises(RunNotFound):
        sqlite_store.runs.get(gone)
    assert (sqlite_store.runs.get(kept), sqlite_store.cells.code(kept), sqlite_store.facts.all(kept)) == before
    for run_id, name in ((kept, "kept"), (lately, "lately")):
        assert sqlite_store.artifacts.read(run_id, "own.bin") == name.encode() * 100
        assert sqlite_store.artifacts.read(run_id, "shared.bin") == b"shared"
    assert sqlite_store.database.rows("PRAGMA foreign_key_check") == []
    assert gc.plan(sqlite_store, deleted_days=7).is_empty


def test_deleted_experiments_go_with_their_runs(sqlite_store: SqlStore) -> None:
    old, busy = sqlite_store.experiments.create("old").experiment_id, sqlite_store.experiments.create("busy").experiment_id
    run_id = full_run(sqlite_store, "run", experiment_id=old)
    for key in (old, busy, "0"):
        sqlite_store.experiments.delete(key)
    age(sqlite_store, LONG)
    sqlite_store.experiments.restore(busy)
    new_run(sqlite_store, experiment_id=busy)
    sqlite_store.experiments.delete(busy)
    plan = gc.plan(sqlite_store, deleted_days=7)
    assert [experiment.name for experiment in plan.experiments] == ["old"]
    gc.collect(sqlite_store, plan)
    with pytest.raises(ExperimentNotFound):
        sqlite_store.experiments.get(old)
    with pytest.raises(RunNotFound):
        sqlite_store.runs.get(run_id)
    sqlite_store.experiments.create("old")


def test_blobs_go_when_no_run_names_them_and_they_are_old_enough(sqlite_store: SqlStore) -> None:
    run_id = new_run(sqlite_store)
    for name in ("old", "new", "kept"):
        sqlite_store.artifacts.put_bytes(run_id, name, name.encode())
        if name == "old":
            age(sqlite_store, LONG)
    for name in ("old", "new"):
        sqlite_store.artifacts.delete(run_id, name)
    removed = gc.collect(sqlite_store, gc.plan(sqlite_store))
    assert [size for _, size in removed.blobs] == [3]
    assert sqlite_store.artifacts.put_bytes(run_id, "new", b"new").size == 3
    assert sqlite_store.artifacts.read(run_id, "new") == b"new"
    assert sqlite_store.artifacts.read(run_id, "kept") == b"kept"


def test_a_plan_that_grew_old_takes_nothing_that_is_needed_again(sqlite_store: SqlStore) -> None:
    run_id, other = full_run(sqlite_store, "gone"), new_run(sqlite_store)
    sqlite_store.artifacts.put_bytes(other, "a.bin", b"again")
    sqlite_store.artifacts.delete(other, "a.bin")
    sqlite_store.runs.delete(run_id)
    age(sqlite_store, LONG)
    plan = gc.plan(sqlite_store, deleted_days=7)
    assert (len(plan.runs), len(plan.blobs)) == (1, 3)
    sqlite_store.runs.restore(run_id)
    sqlite_store.artifacts.put_bytes(other, "b.bin", b"again")
    assert gc.collect(sqlite_store, plan).is_empty
    assert sqlite_store.artifacts.read(run_id, "own.bin") == b"gone" * 100
    assert sqlite_store.artifacts.read(other, "b.bin") == b"again"
    assert sqlite_store.facts.all(run_id) == {"packages": ["gone"] * 100}


def test_leftovers_of_interrupted_writes_go_after_a_while(sqlite_store: SqlStore) -> None:
    new_run(sqlite_store)
    folder = Path(sqlite_store.uri) / "artifacts"
    folder.mkdir()
    (folder / "incoming-old").write_bytes(bytes(1000))
    age(sqlite_store, LONG)
    (folder / "incoming-now").write_bytes(bytes(10))
    plan = gc.plan(sqlite_store, grace_s=0.0)
    assert plan.leftovers == [("incoming-old", 1000)]
    assert plan.file_bytes == 1000
    gc.collect(sqlite_store, plan)
    assert [path.name for path in folder.iterdir()] == ["incoming-now"]


def test_cells_of_a_session_stay_while_a_run_refers_to_it(sqlite_store: SqlStore) -> None:
    full_run(sqlite_store, "a")
    sqlite_store.cells.record("idle session", [Cell(1, "x = 1")])
    age(sqlite_store, LONG)
    sqlite_store.cells.record("live session", [Cell(1, "y = 1")])
    removed = gc.collect(sqlite_store, gc.plan(sqlite_store))
    assert (removed.sessions, removed.texts) == (1, 1)
    assert sqlite_store.cells.history("idle session") == []
    assert len(sqlite_store.cells.history("live session")) == 1
    assert len(sqlite_store.cells.history("session a")) == 2


def test_compacting_gives_free_pages_back(sqlite_store: SqlStore) -> None:
    run_id = new_run(sqlite_store)
    sqlite_store.metrics.log_arrays(run_id, {"loss": [0.5] * 20_000}, range(20_000), range(20_000))
    sqlite_store.runs.delete(run_id)
    sqlite_store.runs.purge([run_id])
    size = sqlite_store.database.row("PRAGMA page_count")[0] * 2048
    freed = gc.compact(sqlite_store)
    assert freed > 400_000
    assert sqlite_store.database.row("PRAGMA page_count")[0] * 2048 <= size - freed
    assert gc.compact(sqlite_store) == 0
    new_run(sqlite_store)


def test_a_store_that_lies_elsewhere_is_not_looked_after_here() -> None:
    class Elsewhere:
        uri = "https://tracking.example"

    with pytest.raises(StoreError, match=r"https://tracking\.example is looked after where it lies"):
        gc.plan(Elsewhere())  # type: ignore[arg-type]
