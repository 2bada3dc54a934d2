"""Many processes and threads on one store: nothing is lost, nobody is turned away."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbtrack.entities import Param
from nbtrack.errors import StoreBusy
from nbtrack.store import gc
from nbtrack.store.base import RunQuery
from nbtrack.store.open import locate, open_store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sqlite import open_sqlite

from .builders import new_run
from .processes import outputs_of, run, start

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
SHARED = "c0ffee" + "0" * 26


def assert_whole(folder: Path) -> None:
    connection = sqlite3.connect(locate(folder).database)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_eight_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    script = """
for line in sys.stdin:
    store = opened(line.strip())
    run = started(store)
    for step in range(5):
        store.metrics.log(run, "loss", step / 2, step, step)
    store.close()
    print("done", flush=True)
"""
    processes = [start(script) for _ in range(8)]
    rounds = [str(tmp_path / f"store-{number}") for number in range(5)]
    for folder in rounds:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != "done\n":
                pytest.fail(process.communicate()[1])
    outputs_of(processes)
    for folder in rounds:
        store = open_store(locate(folder))
        runs = [found.info.run_id for found in store.runs.search(RunQuery())]
        assert len(runs) == 8
        assert len(store.metrics.columns(runs).values) == 40
        store.close()
        assert_whole(Path(folder))


def test_four_processes_that_log_to_one_series_lose_nothing(tmp_path: Path) -> None:
    store = open_store(locate(tmp_path))
    new_run(store, run_id=SHARED)
    script = """
store, number = opened(), int(sys.argv[1])
own = started(store)
for step in range(300):
    store.metrics.log("c0ffee" + "0" * 26, "shared", number, step, step)
    store.metrics.log(own, "own", step, step, step)
    if step % 50 == 0:
        store.params.log("c0ffee" + "0" * 26, [Param(f"p{number}.{step}", step)])
print(own)
"""
    owns = [output.strip() for output in outputs_of([start(script, str(number)) for number in range(4)])]
    (shared,) = store.metrics.summaries(SHARED)
    assert (shared.count, shared.min, shared.max, shared.last_step) == (1200, 0.0, 3.0, 299)
    columns = store.metrics.columns([SHARED])
    assert sorted(zip(columns.values, columns.steps, strict=True)) == [(float(number), step) for number in range(4) for step in range(300)]
    assert len(store.params.all(SHARED)) == 24
    for own in owns:
        assert list(store.metrics.columns([own]).values) == [float(step) for step in range(300)]
    store.close()
    assert_whole(tmp_path)


def test_threads_share_a_store_and_end_without_a_trace(sqlite_store: SqlStore) -> None:
    run_id = new_run(sqlite_store)

    def work(number: int) -> None:
        for step in range(50):
            sqlite_store.metrics.log(run_id, "loss", float(number), step, 0)
        sqlite_store.params.log(run_id, [Param(f"p{number}", number)])
        with sqlite_store.transaction():
            sqlite_store.metrics.log(run_id, f"own.{number}", 1.0, 0, 0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {summary.key: summary.count for summary in sqlite_store.metrics.summaries(run_id)} == {"loss": 400, **{f"own.{n}": 1 for n in range(8)}}
    assert len(sqlite_store.params.all(run_id)) == 8


def test_a_writer_waits_for_another_and_readers_wait_for_nobody(sqlite_store: SqlStore, tmp_path: Path) -> None:
    run_id = new_run(sqlite_store)
    other = sqlite3.connect(locate(tmp_path).database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(sqlite_store.metrics.log, run_id, "loss", 1.0, 0, 0)
        assert sqlite_store.metrics.summaries(run_id) == []
        time.sleep(0.1)
        assert not waiting.done()
        other.execute("COMMIT")
        waiting.result()
    other.close()
    assert sqlite_store.metrics.summaries(run_id)[0].count == 1


def test_a_writer_that_waited_too_long_says_so_and_can_try_again(tmp_path: Path) -> None:
    place = locate(tmp_path)
    store = open_sqlite(place.database, artifacts=place.artifacts, uri=place.uri, busy_timeout_s=0.05)
    run_id = new_run(store)
    other = sqlite3.connect(place.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for refused in (
        lambda: store.metrics.log(run_id, "loss", 1.0, 0, 0),
        lambda: store.params.log(run_id, [Param("lr", 0.1)]),
    ):
        with pytest.raises(StoreBusy, match=r"more than 0\.05 s\. Nothing was written by this call; try it again"):
            refused()
        other.execute("ROLLBACK")
        refused()
        other.execute("BEGIN IMMEDIATE")
    other.close()
    assert store.runs.get(run_id).data.metrics == {"loss": 1.0}
    assert store.runs.get(run_id).data.params == {"lr": 0.1}
    store.close()


@needs_fork
def test_a_forked_child_logs_while_its_parent_goes_on(tmp_path: Path) -> None:
    script = """
store = opened()
run = started(store)
store.metrics.log(run, "before", 1.0, 0, 0)
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        for step in range(50):
            store.metrics.log(run, "loss", number, step, step)
        store.params.log(run, [Param(f"child.{number}", number)])
        os._exit(0)
    children.append(pid)
for step in range(50):
    store.metrics.log(run, "loss", -1, step, step)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
store.metrics.log(run, "after", 1.0, 0, 0)
print(run)
"""
    run_id = run(script).strip()
    store = open_store(locate(tmp_path))
    assert {summary.key: summary.count for summary in store.metrics.summaries(run_id)} == {"after": 1, "before": 1, "loss": 250}
    assert len(store.params.all(run_id)) == 4
    store.close()
    assert_whole(tmp_path)


@needs_fork
def test_a_child_that_outlives_its_parents_connections_loses_nothing(tmp_path: Path) -> None:
    script = """
store = opened()
run = started(store)
from_child, to_parent = os.pipe()
from_parent, to_child = os.pipe()
pid = os.fork()
if pid == 0:
    store.metrics.log(run, "loss", 0, 0, 0)
    os.write(to_parent, b"x")
    os.read(from_parent, 1)
    for step in range(1, 100):
        store.metrics.log(run, "loss", step, step, 0)
    os._exit(0)
os.read(from_child, 1)
store.metrics.log(run, "parent", 1.0, 0, 0)
store.close()
os.write(to_child, b"x")
assert os.waitpid(pid, 0)[1] == 0
print(run)
"""
    run_id = run(script).strip()
    store = open_store(locate(tmp_path))
    assert {summary.key: summary.count for summary in store.metrics.summaries(run_id)} == {"loss": 100, "parent": 1}
    store.close()


@needs_fork
@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)"])
def test_forks_beside_a_busy_thread_harm_neither(tmp_path: Path, ending: str) -> None:
    script = f"""
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads: that is the point here
store = opened()
run = started(store)
logged, stop = [], threading.Event()

def work():
    while not stop.is_set():
        store.metrics.log(run, "thread", len(logged), len(logged), 0)
        with store.transaction():
            store.params.log(run, [Param(f"p{{len(logged)}}", 1)])
        logged.append(1)

thread = threading.Thread(target=work, daemon=True)
thread.start()
for number in range(15):
    pid = os.fork()
    if pid == 0:
        store.metrics.log(run, "child", number, number, 0)
        {ending}
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
thread.join()
print(run, len(logged))
"""
    run_id, logged = run(script).split()
    store = open_store(locate(tmp_path))
    assert {summary.key: summary.count for summary in store.metrics.summaries(run_id)} == {"child": 15, "thread": int(logged)}
    assert len(store.params.all(run_id)) == int(logged)
    store.close()
    assert_whole(tmp_path)


@needs_fork
def test_a_child_forked_inside_a_transaction_leaves_it_to_its_parent(tmp_path: Path) -> None:
    script = """
store = opened()
run = started(store)
with store.transaction():
    store.metrics.log(run, "parent", 1.0, 0, 0)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if store.metrics.summaries(run) == [] else 1)
    assert os.waitpid(pid, 0)[1] == 0
print(run)
"""
    run_id = run(script).strip()
    store = open_store(locate(tmp_path))
    assert store.runs.get(run_id).data.metrics == {"parent": 1.0}
    store.close()


def test_blobs_are_never_taken_from_a_run_that_logs_them_now(sqlite_store: SqlStore) -> None:
    runs = [new_run(sqlite_store) for _ in range(40)]
    stop = threading.Event()

    def clean() -> None:
        while not stop.is_set():
            gc.collect(sqlite_store, gc.plan(sqlite_store, grace_s=0.0))

    thread = threading.Thread(target=clean)
    thread.start()
    try:
        for run_id in runs:
            sqlite_store.artifacts.put_bytes(run_id, "same.bin", b"same bytes")
            assert sqlite_store.artifacts.read(run_id, "same.bin") == b"same bytes"
            sqlite_store.artifacts.delete(run_id, "same.bin")
            sqlite_store.artifacts.put_bytes(run_id, "kept.bin", run_id.encode())
    finally:
        stop.set()
        thread.join()
    assert [sqlite_store.artifacts.read(run_id, "kept.bin") for run_id in runs] == [run_id.encode() for run_id in runs]
