"""How much disk the points of many runs take, everything else in the store included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.contenders import MLFLOW, Contender
from tests.benchmarks.harness import Bench, Budget, Row

_STEPS = 1000


def measure(bench: Bench) -> Iterator[Row]:
    """Bytes for each point, when the series were written whole, and when step by step."""
    runs = bench.sized(100, 25)
    title = f"disk, {runs} runs x {_STEPS:,} steps x 2 series"
    whole = {contender.name: _bytes_per_point(bench, contender, runs, by_step=False) for contender in bench.contenders}
    yield Row(f"{title}, in bulk", "bytes/point", whole, [Budget(35)])
    # MLflow would take many minutes, to store the same rows in the same order.
    stepwise = {contender.name: _bytes_per_point(bench, contender, runs, by_step=True) for contender in bench.contenders if contender.name != MLFLOW}
    yield Row(f"{title}, by step", "bytes/point", stepwise, [Budget(35)])


def _bytes_per_point(bench: Bench, contender: Contender, runs: int, *, by_step: bool) -> float:
    folder = bench.folder()
    contender.use(folder)
    loss = [1 / (step + 1) for step in range(_STEPS)]
    accuracy = [math.tanh(step / 300) for step in range(_STEPS)]
    for _ in range(runs):
        contender.start_run()
        if by_step:
            for step in range(_STEPS):
                contender.log_step({"loss": loss[step], "accuracy": accuracy[step]}, step)
        else:
            contender.log_bulk({"loss": loss, "accuracy": accuracy})
        contender.end_run()
    contender.close()
    return _bytes_below(folder) / (runs * _STEPS * 2)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
