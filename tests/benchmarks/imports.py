"""What ``import nbtrack`` costs: the time and memory of a process that does nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.contenders import MLFLOW, NBTRACK, RAW
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, seconds

_IMPORTS = {NBTRACK: "import nbtrack", RAW: "import sqlite3", MLFLOW: "import mlflow"}
# Names are imported when they are first used, so this is what a user waits for in the end.
_FIRST_USE = {**_IMPORTS, NBTRACK: "from nbtrack import start_run, log_metric", MLFLOW: "from mlflow import start_run, log_metric"}
_HEAVY = ("IPython", "altair", "matplotlib", "numpy", "pandas", "plotly", "pyarrow", "sklearn", "sqlite_utils", "torch")
_LOADED = f"import sys; print(sum(name in sys.modules for name in {_HEAVY!r}))"
# The peak of this process alone: getrusage() counts the parent's before exec as well.
_PEAK_KB = "print(next((line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')), 0))"


def measure(bench: Bench) -> Iterator[Row]:
    """Time, memory, and the number of heavy libraries that were loaded."""
    names = [contender.name for contender in bench.contenders]
    rounds, fewer = bench.sized(15, 5), {MLFLOW: bench.sized(5, 1)}
    for title, statements, budgets in (("import", _IMPORTS, [Budget(4, of=RAW)]), ("import, first use of its functions", _FIRST_USE, [])):
        tasks = {name: _process(statements[name]) for name in names}
        yield Row(title, "ms", medians(alternate(tasks, rounds, fewer=fewer), 1e3), budgets)
    if Path("/proc/self/status").exists():
        yield Row("memory after import, first use", "MB", {name: _printed(f"{_FIRST_USE[name]}\n{_PEAK_KB}") / 1024 for name in names})
    yield Row("heavy libraries loaded by that", "count", {name: _printed(f"{_FIRST_USE[name]}\n{_LOADED}") for name in names}, [Budget(0)])


def _process(statement: str) -> Callable[[], float]:
    return lambda: seconds(lambda: subprocess.run([sys.executable, "-c", statement], check=True, stdin=subprocess.DEVNULL))


def _printed(program: str) -> float:
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
