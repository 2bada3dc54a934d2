"""A process of its own that logs: ``python -m tests.benchmarks.child CONTENDER ROLE FOLDER POINTS``.

It says ``ready`` when it has loaded its library, and for the role ``write`` opened its store and started
its run too, then waits for a line. The roles ``write`` and ``create`` then log POINTS points, print what
happened as JSON, and wait to be killed, since ending a run is no part of it; ``create`` first opens the
store, which need not exist. ``endless`` prints its run id, and after each point that was logged its
step, until it is killed. ``script`` waits for nobody: it logs POINTS points in one run and ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic

from tests.benchmarks.contenders import Contender, load

KEY = "loss"


@dataclass
class Report:
    """What a child did: when it worked (one clock for all processes), and which steps were acknowledged."""

    run_id: str = ""
    begin: float = 0.0
    end: float = 0.0
    acknowledged: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def command(contender: str, role: str, folder: Path, points: int) -> list[str]:
    """The command line of a child."""
    return [sys.executable, "-m", "tests.benchmarks.child", contender, role, str(folder), str(points)]


@contextmanager
def children(count: int, contender: str, role: str, folder: Path, points: int = 0) -> Iterator[list[Popen[str]]]:
    """Processes that are ready for a line on their standard input; killed at the end if they still run."""
    processes = [Popen(command(contender, role, folder, points), stdin=PIPE, stdout=PIPE, text=True) for _ in range(count)]
    try:
        for process in processes:
            heard = readline(process)
            if heard != "ready":
                raise RuntimeError(f"a child of {contender} said {heard!r} instead of 'ready'")
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def go(process: Popen[str]) -> None:
    """Let a child work."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def readline(process: Popen[str]) -> str:
    """The next line that a child prints; empty once it is gone."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _work(contender: Contender, role: str, folder: Path, points: int) -> Report:
    report = Report()
    if role == "write":
        contender.use(folder)
        report.run_id = contender.start_run()
    _say("ready")
    sys.stdin.readline()
    report.begin = monotonic()
    try:
        if role == "create":
            contender.use(folder, prepared=False)
            report.run_id = contender.start_run()
    except Exception as error:  # what is counted here
        report.errors.append(repr(error))
        points = 0
    for step in range(points):
        try:
            contender.log(KEY, step / 7, step)
        except Exception as error:  # what is counted here
            report.errors.append(repr(error))
        else:
            report.acknowledged.append(step)
    report.end = monotonic()
    return report


def _log_endlessly(contender: Contender, folder: Path) -> None:
    contender.use(folder)
    run_id = contender.start_run()
    _say("ready")
    sys.stdin.readline()
    _say(run_id)
    step = 0
    while True:
        contender.log(KEY, step / 7, step)
        _say(str(step))
        step += 1


def _script(contender: Contender, folder: Path, points: int) -> None:
    contender.use(folder)
    contender.start_run()
    for step in range(points):
        contender.log(KEY, step / 7, step)
    contender.end_run()


def main(arguments: list[str]) -> None:
    """Act as the command line says."""
    name, role, folder, points = arguments
    contender = load(name)
    if role == "script":
        _script(contender, Path(folder), int(points))
        return
    if role == "endless":
        _log_endlessly(contender, Path(folder))
    _say(json.dumps(asdict(_work(contender, role, Path(folder), int(points)))))
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1:])
