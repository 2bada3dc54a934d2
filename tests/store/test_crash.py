"""A process that is killed at any moment loses nothing that it was told is stored."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbtrack.entities import Metric, Param
from nbtrack.store.open import locate, open_store

from .builders import new_run
from .processes import run, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork and no SIGKILL")

# A parent that forks a child, lets it log for a moment, kills it, and prints what it had acknowledged.
_LOGGING = """
import json, random, select

def acknowledged(work, seconds):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        def acknowledge(**facts):
            os.write(write, json.dumps(facts).encode() + b"\\n")
        try:
            work(acknowledge)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        select.select([pipe], [], [], 30)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lines = pipe.read().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\\n")]

def work(acknowledge):
    store = opened()
    run = started(store)
    acknowledge(run=run)
    step = 0
    while True:
        store.metrics.log(run, "single", step, step, step)
        acknowledge(single=step)
        store.metrics.log_batch(run, [Metric("batch", float(step), step, step), Metric("batch.2", float(step), step, step)])
        acknowledge(batch=step)
        if step % 20 == 0:
            store.metrics.log_arrays(run, {"array": [float(step)] * 500}, [step] * 500, [step] * 500)
            acknowledge(array=step)
            store.params.log(run, [Param(f"p{step}", step)])
            acknowledge(param=step)
            store.artifacts.put_bytes(run, f"a{step}.bin", bytes(1000) + str(step).encode())
            acknowledge(artifact=step)
        step += 1

opened().close()
for _ in range(15):
    print(json.dumps(acknowledged(work, random.uniform(0, 0.12))), flush=True)
"""

_CREATING = """
import json, random
import nbtrack.store.sqlite

for number in range(15):
    folder = f"store-{number}"
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, started(opened(folder)).encode())
            time.sleep(10)
        finally:
            os._exit(1)
    os.close(write)
    time.sleep(random.uniform(0, 0.02))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(read) as pipe:
        print(json.dumps([folder, pipe.read()]), flush=True)
"""


def test_a_process_killed_while_it_logs_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    lives = [json.loads(line) for line in run(_LOGGING).splitlines()]
    connection = sqlite3.connect(locate(tmp_path).database)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = open_store(locate(tmp_path))
    points = 0
    for facts in lives:
        run_id = facts[0]["run"]
        told = {kind: [fact[kind] for fact in facts if kind in fact] for kind in ("single", "batch", "array", "param", "artifact")}
        columns = store.metrics.columns([run_id])
        found: dict[str, list[float]] = {key: [] for key in ("single", "batch", "batch.2", "array")}
        for number, value in zip(columns.series, columns.values, strict=True):
            found[columns.keys[number]].append(value)
        # What was told is there, in order and once; at most the call that the kill interrupted is there too.
        for kind in ("single", "batch"):
            assert [int(value) for value in found[kind]][: len(told[kind])] == told[kind]
            assert len(found[kind]) - len(told[kind]) in (0, 1)
        assert found["batch"] == found["batch.2"]
        assert len(found["array"]) % 500 == 0
        assert set(told["array"]) <= {int(value) for value in found["array"]}
        assert {f"p{step}" for step in told["param"]} <= {param.key for param in store.params.all(run_id)}
        for step in told["artifact"]:
            assert store.artifacts.read(run_id, f"a{step}.bin").endswith(str(step).encode())
        assert {summary.key: summary.count for summary in store.metrics.summaries(run_id)} == {key: len(values) for key, values in found.items() if values}
        points += len(found["single"])
    assert (len(lives), points > 15) == (15, True)
    store.close()


def test_a_process_killed_while_it_creates_a_store_leaves_one_that_opens(tmp_path: Path) -> None:
    for line in run(_CREATING).splitlines():
        folder, run_id = json.loads(line)
        store = open_store(locate(tmp_path / folder))
        if run_id:
            assert store.runs.get(run_id).info.run_id == run_id
        assert store.experiments.get("0").name == "Default"
        store.close()


def test_an_interrupt_at_any_moment_loses_nothing_that_was_acknowledged_later(tmp_path: Path) -> None:
    script = """
import random

class Interrupted(KeyboardInterrupt):
    pass

def interrupt(*_):
    raise Interrupted

store = opened()
run = started(store)
signal.signal(signal.SIGALRM, interrupt)
acknowledged, kept = 0, None
deadline = time.monotonic() + 2
while time.monotonic() < deadline:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(20e-6, 400e-6))
        while True:
            store.metrics.log_batch(run, [Metric("a", 1.0, 0, acknowledged), Metric("b", 1.0, 0, acknowledged)])
            acknowledged += 1
    except Interrupted as error:
        kept = error  # as a notebook keeps the last traceback, with all its frames
    if acknowledged % 10 == 0:
        store.params.log(run, [Param(f"p{acknowledged}", 1)])
print(run, acknowledged, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start(script)
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    run_id, acknowledged = output.split()
    store = open_store(locate(tmp_path))
    counts = {summary.key: summary.count for summary in store.metrics.summaries(run_id)}
    assert counts["a"] >= int(acknowledged) > 0
    assert counts["a"] == counts["b"]
    store.close()


def test_a_transaction_that_was_left_without_its_end_takes_nothing_later_with_it(tmp_path: Path) -> None:
    store, other = open_store(locate(tmp_path)), open_store(locate(tmp_path))
    run_id = new_run(store)
    store.metrics.log(run_id, "loss", 0.0, 0, 0)

    def interrupted_at_its_end() -> object:
        block = store.transaction()
        block.__enter__()
        store.metrics.log(run_id, "loss", 1.0, 1, 0)
        return block  # as a traceback keeps it

    for write in (
        lambda: store.metrics.log(run_id, "loss", 2.0, 2, 0),
        lambda: store.metrics.log_batch(run_id, [Metric("loss", 3.0, 0, 3)]),
        lambda: store.params.log(run_id, [Param("lr", 0.1)]),
    ):
        kept = interrupted_at_its_end()
        write()
        assert kept
    assert [metric.step for metric in other.metrics.history(run_id, "loss")] == [0, 2, 3]
    assert [param.key for param in other.params.all(run_id)] == ["lr"]
    store.close()
    other.close()


def test_an_abandoned_transaction_of_an_idle_thread_does_not_keep_others_from_writing(tmp_path: Path) -> None:
    store = open_store(locate(tmp_path))
    run_id = new_run(store)

    def interrupted_at_its_end() -> object:
        block = store.transaction()
        block.__enter__()
        store.metrics.log(run_id, "abandoned", 1.0, 1, 0)
        return block

    kept = interrupted_at_its_end()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(store.runs.beat, [run_id], 5).result(timeout=20)
        thread.submit(store.metrics.log, run_id, "later", 1.0, 1, 0).result(timeout=20)
    assert kept
    assert store.runs.get(run_id).data.metrics == {"later": 1.0}
    store.close()


def test_a_transaction_opened_by_a_helper_stays_open_in_its_block(tmp_path: Path) -> None:
    store, other = open_store(locate(tmp_path)), open_store(locate(tmp_path))
    run_id = new_run(store)

    @contextlib.contextmanager
    def helper() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(store.transaction())
            yield

    with helper():
        store.metrics.log(run_id, "loss", 1.0, 0, 0)
        store.params.log(run_id, [Param("lr", 0.1)])
        assert other.metrics.summaries(run_id) == []
    assert other.runs.get(run_id).data.metrics == {"loss": 1.0}
    store.close()
    other.close()
