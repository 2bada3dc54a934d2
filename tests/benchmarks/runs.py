"""What a run costs before anything is logged: in a new store, and in one that is there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from tests.benchmarks.child import command
from tests.benchmarks.contenders import MLFLOW, Contender
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, percentiles, seconds


def measure(bench: Bench) -> Iterator[Row]:
    """The first run of a store that is not there yet, empty runs in a store, and a process for one run."""

    def first(contender: Contender) -> float:
        folder = bench.folder()

        def start() -> None:
            contender.use(folder, prepared=False)
            contender.start_run()

        took = seconds(start)
        contender.end_run()
        return took

    def empty(contender: Contender) -> list[float]:
        contender.use(folders[contender.name])
        _empty_run(contender)  # what is read once, git and packages, is not the cost of the next run
        return [seconds(lambda: _empty_run(contender)) for _ in range(bench.sized(50, 20) // (4 if contender.name == MLFLOW else 1))]

    def script(contender: Contender) -> float:
        arguments = command(contender.name, "script", bench.folder(), 1)
        return seconds(lambda: subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL))

    results = alternate(bench.each(first), bench.sized(9, 3), fewer={MLFLOW: bench.sized(3, 1)})
    yield Row("first run in an empty store", "ms", medians(results, 1e3), [Budget(40)])
    folders = {contender.name: bench.folder() for contender in bench.contenders}
    calls = alternate(bench.each(empty), bench.sized(5, 3), fewer={MLFLOW: 2})
    yield Row("empty run, start to finish, p50", "ms", percentiles(calls, 50, 1e3), [Budget(2)])
    yield Row("empty run, start to finish, p99", "ms", percentiles(calls, 99, 1e3))
    times = alternate(bench.each(script), bench.sized(9, 3), fewer={MLFLOW: bench.sized(3, 1)})
    yield Row("whole script: new store, a run, a point", "ms", medians(times, 1e3))


def _empty_run(contender: Contender) -> None:
    contender.start_run()
    contender.end_run()
