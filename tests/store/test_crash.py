"""A process that is killed at any moment loses nothing that it was told is stored."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from nbtrack.store.open import locate, open_store

from .processes import run

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
