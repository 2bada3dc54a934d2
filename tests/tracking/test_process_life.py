"""Runs whose process ends in every way, and workers that log: threads, forks, joblib."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nbtrack
from nbtrack.entities import Run

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and fork")


def run_script(source: str, *, check: bool = False) -> subprocess.CompletedProcess[str]:
    """Execute ``source`` as a script in the working directory."""
    Path("script.py").write_text(source)
    return subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, timeout=120, check=check)


def only_run() -> Run:
    (run,) = nbtrack.search_runs(output_format="list", search_all_experiments=True)
    return run


@pytest.mark.parametrize(
    ("ending", "status", "message", "code"),
    [
        ("", "FINISHED", None, 0),
        ("raise ValueError('no data')", "FAILED", "ValueError: no data", 1),
        ("raise KeyboardInterrupt", "KILLED", "interrupted", None),
        ("import sys; sys.exit(3)", "FAILED", "exited with 3", 3),
        ("import sys; sys.exit()", "FINISHED", None, 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(30)", "KILLED", "terminated (SIGTERM)", 143),
    ],
)
def test_script_that_leaves_its_run_open_ends_it_truthfully(ending: str, status: str, message: str | None, code: int | None) -> None:
    done = run_script(f"import nbtrack\nnbtrack.start_run()\nnbtrack.log_metric('loss', 1.0)\n{ending}\n")
    run = only_run()
    assert (run.info.status, run.info.status_message) == (status, message), done.stderr
    assert run.data.metrics == {"loss": 1.0}
    assert code is None or done.returncode == code
    assert "nbtrack" not in done.stderr.replace("import nbtrack", "")


@posix
def test_killed_process_loses_nothing_and_its_run_is_marked_at_the_next_opening() -> None:
    Path("script.py").write_text(
        """
import nbtrack, time
nbtrack.start_run()
for step in range(1000):
    nbtrack.log_metric("loss", 1.0, step=step)
    print(step, flush=True)
    time.sleep(0.001)
"""
    )
    with subprocess.Popen([sys.executable, "script.py"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= 20:
                child.kill()
                break
        acknowledged = 20 + len(child.stdout.readlines())
    run = only_run()
    assert run.info.status == "KILLED"
    assert f"process {child.pid} is gone" in str(run.info.status_message)
    points = nbtrack.Client().get_metric_history(run.info.run_id, "loss")
    assert len(points) >= acknowledged
    assert run.info.end_time == points[-1].timestamp  # later than the only heartbeat


@posix
def test_run_of_a_living_process_stays_running() -> None:
    source = "import nbtrack, sys\nnbtrack.start_run()\nprint('started', flush=True)\nsys.stdin.read()\n"
    Path("script.py").write_text(source)
    with subprocess.Popen([sys.executable, "script.py"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        assert only_run().info.status == "RUNNING"
        child.stdin.close()
    assert only_run().info.status == "FINISHED"


def test_thread_logs_to_the_run_of_the_main_thread() -> None:
    with nbtrack.start_run() as run:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: nbtrack.log_metric("m", number, step=number), range(200)))
    assert len(run.metric_history("m")) == 200
    assert len(nbtrack.search_runs()) == 1


def test_threads_with_runs_of_their_own_do_not_meet() -> None:
    barrier = threading.Barrier(3)

    def work(number: int) -> str:
        with nbtrack.start_run(run_name=f"thread {number}") as own:
            barrier.wait(timeout=30)
            nbtrack.log_param("number", number)
            barrier.wait(timeout=30)
        return own.run_id

    with nbtrack.start_run() as outer, ThreadPoolExecutor(3) as pool:
        ids = list(pool.map(work, range(3)))
        assert nbtrack.active_run() is outer
    assert [nbtrack.get_run(run_id).data.params for run_id in ids] == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert outer.data.params == {}


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_logs_to_its_parents_run_and_does_not_end_it() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metric("m", 0.0, step=0)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                nbtrack.log_metric("m", 1.0, step=1)
                code = 0 if nbtrack.active_run() is None else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        nbtrack.log_metric("m", 2.0, step=2)
    assert [point.value for point in run.metric_history("m")] == [0.0, 1.0, 2.0]
    assert run.info.status == "FINISHED"
    assert len(nbtrack.search_runs()) == 1


@posix
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib_worker_logs_to_the_run_of_its_caller(backend: str) -> None:
    done = run_script(
        f"""
import nbtrack
from joblib import Parallel, delayed

def work(number):
    import nbtrack
    nbtrack.log_metric("m", number, step=number)

if __name__ == "__main__":
    for name in ("first", "second"):
        with nbtrack.start_run(run_name=name):
            Parallel(n_jobs=2, backend={backend!r})(delayed(work)(number) for number in range(6))
        import time
        time.sleep(0.6)
"""
    )
    assert done.returncode == 0, done.stderr
    runs = nbtrack.search_runs(output_format="list")
    assert sorted(run.info.run_name for run in runs) == ["first", "second"]
    client = nbtrack.Client()
    assert [len(client.get_metric_history(run.info.run_id, "m")) for run in runs] == [6, 6]


def test_two_processes_log_to_one_store() -> None:
    Path("script.py").write_text(
        """
import nbtrack
with nbtrack.start_run():
    for step in range(300):
        nbtrack.log_metric("m", step, step=step)
        nbtrack.log_param(f"p{step % 10}", step % 10)
"""
    )
    children = [subprocess.Popen([sys.executable, "script.py"]) for _ in range(3)]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0]
    client = nbtrack.Client()
    runs = nbtrack.search_runs(output_format="list")
    assert [(run.info.status, len(client.get_metric_history(run.info.run_id, "m"))) for run in runs] == [("FINISHED", 300)] * 3


def test_system_metrics_are_sampled_beside_the_run() -> None:
    with nbtrack.start_run(log_system_metrics=True) as run:
        deadline = time.monotonic() + 20
        while not run.data.metrics and time.monotonic() < deadline:
            time.sleep(0.02)
    summaries = {item.key: item for item in run.store.metrics.summaries(run.run_id)}
    assert "system/cpu_utilization_percentage" in summaries
    assert summaries["system/system_memory_usage_megabytes"].last > 0
    assert summaries["system/system_memory_usage_megabytes"].count >= 2


def test_store_that_is_deleted_under_the_process_is_made_again(empty_folder: Path) -> None:
    import shutil

    with nbtrack.start_run():
        pass
    shutil.rmtree(empty_folder / ".nbtrack")
    with nbtrack.start_run() as run:
        nbtrack.log_metric("m", 1.0)
    assert nbtrack.get_run(run.run_id).data.metrics == {"m": 1.0}
