"""How long a training loop waits for one ``log_metric``: each is committed when it returns."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from tests.benchmarks.contenders import MLFLOW, RAW, Contender
from tests.benchmarks.harness import Bench, Budget, Row, alternate, means, percentiles


def measure(bench: Bench) -> Iterator[Row]:
    """The latency of single points and of steps with three metrics, and what surviving a power cut adds."""
    points, rounds = bench.sized(2000, 1000), bench.sized(7, 4)
    fewer = {MLFLOW: bench.sized(2, 1)}

    def single(contender: Contender, *, power_safe: bool = False, share: int = 1) -> list[float]:
        contender.use(bench.folder(), power_safe=power_safe)
        contender.start_run()
        log, durations = contender.log, []
        for step in range(points // (share if contender.name != MLFLOW else 20)):
            start = perf_counter()
            log("loss", 0.5 / (step + 1), step)
            durations.append(perf_counter() - start)
        contender.end_run()
        return durations

    def step_of_three(contender: Contender) -> list[float]:
        contender.use(bench.folder())
        contender.start_run()
        log, durations = contender.log_step, []
        for step in range(points // (1 if contender.name != MLFLOW else 20)):
            start = perf_counter()
            log({"loss": 0.5 / (step + 1), "accuracy": 0.5, "rate": 0.01}, step)
            durations.append(perf_counter() - start)
        contender.end_run()
        return durations

    calls = alternate(bench.each(single), rounds, fewer=fewer)
    yield Row("log_metric, p50", "µs", percentiles(calls, 50, 1e6), [Budget(2, of=RAW)])
    yield Row("log_metric, p99", "µs", percentiles(calls, 99, 1e6))
    yield Row("log_metric, mean", "µs", means(calls, 1e6))  # with the moments when the log is brought into the file
    calls = alternate(bench.each(step_of_three), rounds, fewer=fewer)
    yield Row("log_metrics of three, p50", "µs", percentiles(calls, 50, 1e6))
    calls = alternate(bench.each(lambda contender: single(contender, power_safe=True, share=4)), rounds, fewer=fewer)
    yield Row("log_metric, safe from a power cut, p50", "µs", percentiles(calls, 50, 1e6))
