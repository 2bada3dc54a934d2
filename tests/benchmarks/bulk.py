"""Whole series at once: written, and read back as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tests.benchmarks.contenders import MLFLOW, RAW, Contender
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, seconds, timed


def measure(bench: Bench) -> Iterator[Row]:
    """Points per second written, and the time to read a history."""
    points, rounds = bench.sized(100_000, 20_000), bench.sized(7, 5)
    fewer = {MLFLOW: bench.sized(2, 1)}
    values = [math.sin(step / 100) for step in range(points)]
    run_ids: dict[str, str] = {}

    def write(contender: Contender) -> float:
        contender.use(bench.folder())
        run_ids[contender.name] = contender.start_run()
        took = seconds(lambda: contender.log_bulk({"loss": values}))
        contender.end_run()
        return points / took

    def read(contender: Contender) -> float:
        took, (steps, _, found) = timed(lambda: contender.history(run_ids[contender.name], "loss"))
        if len(steps) != points or list(found[:100]) != values[:100]:
            raise RuntimeError(f"{contender.name} read {len(steps)} points, other than those that were written")
        return took

    yield Row(f"bulk, {points:,} points", "points/s", medians(alternate(bench.each(write), rounds, fewer=fewer)), [Budget(0.7, of=RAW, at_least=True)])
    for contender in bench.contenders:
        contender.prepare_reading()
    yield Row(f"read a history of {points:,} points", "ms", medians(alternate(bench.each(read), rounds, fewer=fewer), 1e3), [Budget(1.5, of=RAW)])
