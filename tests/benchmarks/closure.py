"""The code closure of the last cell of a long notebook: which of the earlier cells it needs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from nbtrack.capture.closure import closure
from nbtrack.entities import Cell
from tests.benchmarks.contenders import NBTRACK
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, seconds

_CELLS = 300
# What notebooks are made of: imports, helpers, data that is changed in place, models, looks at results.
# Each block needs something of the block before, so the closure of the last cell goes back to the first.
_BLOCK = (
    "import numpy as np\nimport pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier",
    "def scale_{n}(frame, by=None):\n    '''Divide the columns.'''\n    result = frame.copy()\n    for name in result.columns:\n"
    "        result[name] = result[name] / (by or factor_{m})\n    return result",
    "factor_{n} = 0.5 + {n}\nframe_{n} = scale_{n}(pd.read_csv('{n}.csv'))\nframe_{n}['ratio'] = frame_{n}['a'] / frame_{n}['b']",
    "frame_{n}.dropna(inplace=True)\nframe_{n}.loc[frame_{n}['a'] > 3, 'b'] = 0\nframe_{n}.head()",
    "%matplotlib inline\nmodel_{n} = RandomForestClassifier(n_estimators=10 * {n}, max_depth=4)\nmodel_{n}.fit(frame_{n}[['a', 'b']], frame_{n}['ratio'])\n"
    "for step, (left, right) in enumerate(zip(frame_{n}['a'], frame_{n}['b'])):\n    if left > right:\n        print(step, left)",
    "epochs_{n} = [str(step) for step in range(10)]\nscores_{n} = [model_{n}.score(part, np.sign(part['ratio'])) for part in np.array_split(frame_{n}, 5)]\n"
    "mean_{n} = sum(scores_{n}) / len(scores_{n})\nprint(f'mean {{mean_{n}:.3f}}')",
)


def measure(bench: Bench) -> Iterator[Row]:
    """The analysis when every cell is new to it, and when the earlier ones were seen, as in a session that goes on."""
    versions = count()

    def first() -> float:
        *earlier, last = _notebook(next(versions))
        return seconds(lambda: closure(last, earlier))

    def again() -> float:
        *earlier, last = _notebook(next(versions))
        closure(earlier[-1], earlier[:-1])
        return seconds(lambda: closure(last, earlier))

    *earlier, last = _notebook(next(versions))
    if len(closure(last, earlier).cells) < _CELLS // 2:
        raise RuntimeError("the last cell needs few of the others, which is no test of the analysis")
    for title, task, budget in (("all new", first, 100), ("one new", again, 10)):
        times = medians(alternate({NBTRACK: task}, bench.sized(15, 3)), 1e3)
        yield Row(f"closure among {_CELLS} cells, {title}", "ms", times, [Budget(budget)])


def _notebook(version: int) -> list[Cell]:
    """The cells as they ran; no cell of one ``version`` has the text of a cell of another."""
    sources = [f"{cell}\n# version {version}".format(n=block, m=max(block - 1, 0)) for block in range(_CELLS // len(_BLOCK)) for cell in _BLOCK]
    return [Cell(position, source, execution_count=position) for position, source in enumerate(sources, start=1)]
