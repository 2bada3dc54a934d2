"""What ``%%track_run`` adds to a cell: the same cell with and without it, in turns, in an IPython shell."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.contenders import NBTRACK, load
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, seconds

_PLAIN = "plain cell"
_PARQUET = "to_parquet"
_STEPS = 10_000
_LOOP = "for step in range({steps}):\n    loss = 1 / (step + 1)\n    {log}"
_IN_ONE = "nbtrack.log_metrics({'loss': loss, 'accuracy': 1 - loss, 'rate': 0.01}, step=step)"
_ONE_BY_ONE = "nbtrack.log_metric('loss', loss, step); nbtrack.log_metric('accuracy', 1 - loss, step); nbtrack.log_metric('rate', 0.01, step)"


def measure(bench: Bench) -> Iterator[Row]:
    """An empty cell, one that reads a large frame, and one that logs at each step of a loop."""
    tracker = load(NBTRACK)
    tracker.use(bench.folder())
    with _shell(bench.folder()) as shell:
        _run(shell, "%load_ext nbtrack")
        _run(shell, "import nbtrack")
        _run(shell, "%%track_run\npass")  # the first one imports and looks around
        rounds = bench.sized(40, 10)
        yield _added(shell, "empty cell, after the first", "pass", rounds, Budget(25))
        for title, frame in _frames(bench.sized(1, 4)):
            yield from _reading(bench, shell, title, frame)
        for title, log in (("log_metrics", _IN_ONE), ("3 log_metric", _ONE_BY_ONE)):
            tracked, plain = _LOOP.format(steps=_STEPS, log=log), _LOOP.format(steps=_STEPS, log="pass")
            yield _added(shell, f"{_STEPS:,} steps x 3 metrics, {title}", tracked, bench.sized(5, 1), Budget(1000), plain=plain)
        _run(shell, "%unload_ext nbtrack")
    tracker.close()


def _added(shell: Any, title: str, source: str, rounds: int, budget: Budget, *, plain: str | None = None) -> Row:
    tasks = {NBTRACK: lambda: _run(shell, f"%%track_run\n{source}"), _PLAIN: lambda: _run(shell, source if plain is None else plain)}
    times = medians(alternate(tasks, rounds), 1e3)
    return Row(f"{title}: %%track_run adds", "ms", {NBTRACK: times[NBTRACK] - times[_PLAIN], _PLAIN: times[_PLAIN]}, [budget])


def _reading(bench: Bench, shell: Any, title: str, frame: Any) -> Iterator[Row]:
    """A cell that reads ``frame``, of which a number is changed each time: every byte has to be looked at again."""
    source = "positive = int((frame['x0'] > 0).sum())"
    shell.push({"frame": frame})

    def tracked() -> float:
        frame.loc[0, "x0"] += 1
        return _run(shell, f"%%track_run\n{source}")

    folder = bench.folder()
    tasks = {NBTRACK: tracked, _PLAIN: lambda: _run(shell, source), _PARQUET: lambda: seconds(lambda: frame.to_parquet(folder / "frame.parquet"))}
    times = medians(alternate(tasks, bench.sized(7, 3)), 1e3)
    figures = {NBTRACK: times[NBTRACK] - times[_PLAIN], _PARQUET: times[_PARQUET]}
    yield Row(f"a cell that reads {title}: %%track_run adds", "ms", figures, [Budget(0.1, of=_PARQUET), Budget(1000)], reference=_PARQUET)


def _frames(smaller: int) -> Iterator[tuple[str, Any]]:
    """Frames of 100 MB (or a fraction): numbers alone, and with times, texts and categories."""
    import numpy
    import pandas

    dice: Any = numpy.random.default_rng(0)
    rows, size = 1_000_000 // smaller, 100 // smaller
    numbers = pandas.DataFrame(dice.normal(size=(rows, 10)), columns=[f"x{number}" for number in range(10)])
    for name in ("group", "item"):
        numbers[name] = dice.integers(0, 1000, rows)
    yield f"{size} MB of numbers", numbers
    rows = rows * 8 // 10
    mixed = numbers.iloc[:rows, :8].copy()
    mixed["when"] = pandas.Timestamp("2026-01-01") + pandas.to_timedelta(dice.integers(0, 10**9, rows), unit="ms")
    mixed["name"] = [f"customer {number:07d}" for number in dice.integers(0, 10**7, rows)]
    mixed["city"] = pandas.Series(numpy.array(["Bonn", "Kyoto", "Lima", "Oslo", "Pune"])[dice.integers(0, 5, rows)]).astype("category")
    mixed["paid"] = dice.random(rows) < 0.5
    mixed["count"] = dice.integers(0, 100, rows)
    yield f"{size} MB, texts and times too", mixed


@contextmanager
def _shell(folder: Path) -> Iterator[Any]:
    """An IPython shell of its own, without a history on disk."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, ipython_dir=str(folder))
    try:
        yield shell
    finally:
        InteractiveShell.clear_instance()


def _run(shell: Any, source: str) -> float:
    """How long the cell takes; what it shows goes nowhere."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        start = perf_counter()
        result = shell.run_cell(source, store_history=True)
        took = perf_counter() - start
    result.raise_error()
    return took
