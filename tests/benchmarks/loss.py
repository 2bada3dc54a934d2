"""``kill -9`` while logging: how many points were acknowledged and are not in the store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from time import sleep

from tests.benchmarks.child import KEY, children, go, readline
from tests.benchmarks.contenders import MLFLOW, Contender
from tests.benchmarks.harness import Bench, Budget, Row


def measure(bench: Bench) -> Iterator[Row]:
    """Kill writers at random moments, and count."""
    kills = bench.sized(20, 3)
    lost = {contender.name: 0.0 for contender in bench.contenders}
    for contender in bench.contenders:
        for _ in range(kills if contender.name != MLFLOW else bench.sized(3, 1)):
            lost[contender.name] += _lost(bench, contender)
    yield Row(f"acknowledged points lost by {kills} kill -9", "count", lost, [Budget(0)])


def _lost(bench: Bench, contender: Contender) -> int:
    folder = bench.folder()
    contender.use(folder)  # so that nobody waits for the child to make it
    contender.close()
    with children(1, contender.name, "endless", folder) as (process,):
        go(process)
        run_id = readline(process)
        sleep(random.uniform(0.02, 0.3))
        process.kill()
        # A line without its end may be cut, and what was not said in full was not acknowledged.
        acknowledged = process.communicate()[0].rpartition("\n")[0].split()
    contender.use(folder)
    stored = {int(step) for step in contender.history(run_id, KEY)[0]} if acknowledged else set()
    return len({int(step) for step in acknowledged} - stored)
