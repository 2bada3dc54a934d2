"""Processes that write to one store at once: how long, and whether any point or process is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.child import KEY, Report, children, go, readline
from tests.benchmarks.contenders import MLFLOW, RAW, Contender
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians


@dataclass(frozen=True)
class _Outcome:
    seconds: float
    errors: int
    lost: int


def measure(bench: Bench) -> Iterator[Row]:
    """Four writers in a store that is there, and eight that make it at the same moment."""
    points = bench.sized(1000, 300)

    def write(contender: Contender) -> _Outcome:
        folder = bench.folder()
        contender.use(folder)  # so that nobody has to make it
        contender.close()
        few = 100 if contender.name == MLFLOW else points
        outcome = _together(4, contender, "write", folder, few)
        return _Outcome(outcome.seconds * points / few, outcome.errors, outcome.lost)

    def create(contender: Contender) -> _Outcome:
        return _together(8, contender, "create", bench.folder(), 20)

    outcomes = alternate(bench.each(write), bench.sized(7, 2), fewer={MLFLOW: bench.sized(1, 0)})
    times = medians({name: [outcome.seconds for outcome in found] for name, found in outcomes.items()})
    yield Row(f"4 processes x {points:,} points", "s", times, [Budget(3, of=RAW)])
    yield _failures("... errors, lost points", outcomes)
    failures = alternate(bench.each(create), bench.sized(10, 1), fewer={MLFLOW: bench.sized(1, 0)})
    yield _failures("8 processes make a store: errors, lost points", failures)


def _failures(title: str, outcomes: dict[str, list[_Outcome]]) -> Row:
    counts = {name: sum(outcome.errors + outcome.lost for outcome in found) for name, found in outcomes.items() if found}
    return Row(title, "count", counts, [Budget(0)])


def _together(count: int, contender: Contender, role: str, folder: Path, points: int) -> _Outcome:
    """Let ``count`` children work at once; a point is lost if it was acknowledged and can't be read."""
    with children(count, contender.name, role, folder, points) as processes:
        for process in processes:
            go(process)
        reports = [Report(**json.loads(readline(process))) for process in processes]
    began, ended = min(report.begin for report in reports), max(report.end for report in reports)
    errors = sum(len(report.errors) for report in reports)
    try:
        contender.use(folder)
        lost = sum(len(set(report.acknowledged) - _stored(contender, report)) for report in reports)
    except Exception:  # a store that was left half made can't be opened: one more error, and nothing of it can be read
        return _Outcome(ended - began, errors + 1, sum(len(report.acknowledged) for report in reports))
    return _Outcome(ended - began, errors, lost)


def _stored(contender: Contender, report: Report) -> set[int]:
    return {int(step) for step in contender.history(report.run_id, KEY)[0]} if report.acknowledged else set()
