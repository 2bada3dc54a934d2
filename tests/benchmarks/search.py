"""Finding runs among many: the best by a filter, and all as a DataFrame."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.benchmarks.contenders import MLFLOW, NBTRACK, RAW, Contender, FakeRun
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, timed

_BEST = 20
_MODELS = ("forest", "boosting", "logistic", "svm", "neighbours")


def measure(bench: Bench) -> Iterator[Row]:
    """Search in a store of usual size, and in a large one."""
    many, rounds = bench.sized(10_000, 2000), bench.sized(7, 5)
    runs = _fake_runs(many)
    _fill(bench, bench.contenders, runs)
    fewer = {MLFLOW: bench.sized(3, 1)}
    expected = _expected(runs)

    def best(contender: Contender) -> float:
        took, found = timed(lambda: contender.best(_BEST))
        if found != expected:
            raise RuntimeError(f"{contender.name} found other runs than the {_BEST} best")
        return took

    def table(contender: Contender) -> float:
        took, found = timed(contender.table)
        if len(found) != len(runs):
            raise RuntimeError(f"{contender.name} lacks runs in its table")
        return took

    yield Row(f"{_BEST} best of {many:,} runs, filtered", "ms", medians(alternate(bench.each(best), rounds, fewer=fewer), 1e3), [Budget(4, of=RAW)])
    yield Row(f"{many:,} runs to a DataFrame", "ms", medians(alternate(bench.each(table), rounds, fewer=fewer), 1e3), [Budget(1.5, of=RAW)])
    if bench.quick:
        return
    runs = _fake_runs(100_000)
    expected = _expected(runs)
    quick_ones = [contender for contender in bench.contenders if contender.name in (NBTRACK, RAW)]
    _fill(bench, quick_ones, runs)
    tasks = {name: task for name, task in bench.each(best).items() if name in (NBTRACK, RAW)}
    yield Row(f"{_BEST} best of 100,000 runs, filtered", "ms", medians(alternate(tasks, rounds), 1e3), [Budget(4, of=RAW), Budget(25)])


def _fill(bench: Bench, contenders: Sequence[Contender], runs: list[FakeRun]) -> None:
    for contender in contenders:
        contender.use(bench.folder())
        contender.fill(runs)


def _fake_runs(count: int) -> list[FakeRun]:
    """``count`` runs with five params and five metrics each, the same every time."""
    dice = random.Random(count)
    return [
        FakeRun(
            f"run-{number}",
            1_700_000_000_000 + number * 1000,
            {"model": dice.choice(_MODELS), "rate": str(dice.random()), "depth": str(dice.randrange(20)), "seed": str(number), "data": "cancer"},
            {name: dice.random() for name in ("accuracy", "loss", "f1", "auc", "recall")},
        )
        for number in range(count)
    ]


def _expected(runs: list[FakeRun]) -> list[str]:
    good = [run for run in runs if run.params["model"] == "forest" and run.metrics["loss"] < 0.5]
    return [run.name for run in sorted(good, key=lambda run: run.metrics["accuracy"], reverse=True)[:_BEST]]
