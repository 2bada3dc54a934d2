"""How much disk the points of many runs take, everything else in the store included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.contenders import MLFLOW, Contender
from tests.benchmarks.harness import Bench, Budget, Row

_RUNS = 100
_STEPS = 1000


def measure(bench: Bench) -> Iterator[Row]:
    """Bytes for each point, when the series were written whole, and when step by step."""
    title, budgets = f"disk: {_RUNS} runs x {_STEPS:,} points x 2", [Budget(35)]
    # MLflow takes half a minute for it, and many for the same rows step by step.
    contenders = [contender for contender in bench.contenders if not bench.quick or contender.name != MLFLOW]
    whole = {contender.name: _bytes_per_point(bench.folder(), contender, by_step=False) for contender in contenders}
    yield Row(f"{title}, in bulk", "bytes/point", whole, budgets)
    if not bench.quick:
        stepwise = {contender.name: _bytes_per_point(bench.folder(), contender, by_step=True) for contender in contenders if contender.name != MLFLOW}
        yield Row(f"{title}, by step", "bytes/point", stepwise, budgets)


def _bytes_per_point(folder: Path, contender: Contender, *, by_step: bool) -> float:
    contender.use(folder, prepared=False)
    loss = [1 / (step + 1) for step in range(_STEPS)]
    accuracy = [math.tanh(step / 300) for step in range(_STEPS)]
    for _ in range(_RUNS):
        contender.start_run()
        if by_step:
            for step in range(_STEPS):
                contender.log_step({"loss": loss[step], "accuracy": accuracy[step]}, step)
        else:
            contender.log_bulk({"loss": loss, "accuracy": accuracy})
        contender.end_run()
    contender.close()
    return _bytes_below(folder) / (_RUNS * _STEPS * 2)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
