"""A cell run after its closure alone has what it had after the whole notebook."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.capture.closure import closure
from nbtrack.entities import Cell

INTS = ["a", "b", "c", "d"]
LISTS = ["xs", "ys", "zs"]
NESTED = ["grid", "table"]
FUNCTIONS = ["f", "g"]
ACTIONS = ["act", "do"]
BOXES = ["box", "crate"]

PRELUDE = """
class Box:
    def __init__(self, items):
        self.items = items
        self.total = 0
    def push(self, item):
        self.items.append(item)
        return len(self.items)
    def keep(self, items):
        self.items = items
    def peek(self):
        return self.items[0] + self.total
a = 1; b = 2; c = 3; d = 4
xs = [1, 2]; ys = [3]; zs = [4, 5, 6]
grid = [xs, [7]]; table = [[8], ys]
def f(n): return n + a
def g(n): return n * 2
def act(items): items.append(b)
def do(items): return len(items)
box = Box(xs); crate = Box([9])
"""

STATEMENTS = [
    "{i} = {n}",
    "{i} = {j} + {n}",
    "{i} += {n}",
    "{i}, {j} = {j}, {i}",
    "{i}, {j} = {n}, len({x})",
    "{i} = {x}[0]",
    "{i} = {f}({j})",
    "{i} = {j} if {j} > 3 else {n}",
    "{i} = sum(v + {j} for v in {x})",
    "if {i} > {n}:\n    {j} = {n}",
    "if {i} > {n}:\n    {j} = {n}\nelse:\n    {j} = {i}",
    "for v in {x}:\n    {i} = {i} + v",
    "for v in {x}:\n    {i} = v",
    "for row in {m}:\n    row.append({i})",
    "while len({x}) < {n} % 4:\n    {x}.append({i})",
    "try:\n    {i} = {x}[{n}]\nexcept IndexError:\n    {j} = {n}",
    "({i} := {n})",
    "{i}: int = {j}",
    "{x} = [{i}, {n}]",
    "{x} = {y}",
    "{x} = list({y})",
    "{x} = {y} + [{i}]",
    "{x} = [v * {i} for v in {y}]",
    "{x} = sorted({y})",
    "{x} = {m}[0]",
    "{x} = {o}.items",
    "{x}.append({i})",
    "{x}[0] = {i}",
    "{x} += [{i}]",
    "{x}.sort()",
    "{x}.extend({y})",
    "del {x}[1:]",
    "print({x})",
    "len({x})",
    "{m} = [{x}, {y}]",
    "{m}[0].append({i})",
    "{m}[0] = {x}",
    "{m} = [[{i}], {x}]",
    "def {f}(n): return n + {i}",
    "def {f}(n):\n    return len({x}) + n",
    "{f} = lambda n: n - {i}",
    "{f} = {g}",
    "def {f}(n):\n    global {i}\n    {i} = {i} + 1\n    return n",
    "def {f}(n):\n    {x}.append(n)\n    return n",
    "def {f}(n):\n    return {g_other}(n) + {i}",
    "def {p}(items): items.append({i})",
    "def {p}(items):\n    items[0] = {i}\n    return {x}",
    "def {p}(items): return items",
    "{p}({x})",
    "{i} = len({p}({x}) or [])",
    "{y} = {p}({x}) if isinstance({p}({x}), list) else [{n}]",
    "{o} = Box({x})",
    "{o} = {q}",
    "{o}.items.append({i})",
    "{o}.total = {i}",
    "{o}.push({i})",
    "{i} = {o}.push({n})",
    "{i} = {o}.peek()",
    "{o}.keep({x})",
    "{i} = {o}.total",
]


@st.composite
def statements(draw: st.DrawFn) -> str:
    def two(names: list[str]) -> tuple[str, str]:
        first = draw(st.sampled_from(names))
        return first, draw(st.sampled_from([name for name in names if name != first]))

    i, j = two(INTS)
    x, y = two(LISTS)
    f, g = two(FUNCTIONS)
    o, q = two(BOXES)
    return draw(st.sampled_from(STATEMENTS)).format(
        i=i, j=j, x=x, y=y, f=f, g=g, g_other="abs", o=o, q=q, m=draw(st.sampled_from(NESTED)), p=draw(st.sampled_from(ACTIONS)), n=draw(st.integers(0, 9))
    )


notebooks = st.lists(st.lists(statements(), min_size=1, max_size=3).map("\n".join), min_size=1, max_size=10)
tracked = st.sampled_from([*INTS, *LISTS, *NESTED, *BOXES, "f(1)", "g(2)", "do(xs)", "box.peek()", "(a, f(b))", "[f(v) for v in list(xs)]"])


def run(cells: list[Cell], last: Cell) -> object:
    namespace: dict[str, object] = {"print": lambda *_: None}
    for cell in [*cells, last]:
        try:
            exec(cell.source, namespace)
        except (IndexError, TypeError, RecursionError):
            continue  # a cell that fails stops where it fails, in both notebooks
    value = namespace.get("answer", "failed")
    return copy.deepcopy(vars(value)) if type(value).__name__ == "Box" else copy.deepcopy(value)


def failed(source: str, namespace: dict[str, object]) -> bool:
    try:
        exec(source, namespace)
    except (IndexError, TypeError, RecursionError):
        return True
    return False


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(notebooks, tracked)
def test_running_the_closure_gives_what_running_everything_gave(sources: list[str], expression: str) -> None:
    namespace: dict[str, object] = {"print": lambda *_: None}
    cells = [Cell(index, source, succeeded=not failed(source, namespace)) for index, source in enumerate([PRELUDE, *sources], start=1)]
    last = Cell(len(cells) + 1, f"answer = {expression}")
    found = closure(last, cells)
    assert found.unresolved == ()
    assert run([item.cell for item in found.cells], last) == run(cells, last)
