"""A cell run after its closure alone has what it had after the whole notebook."""

from __future__ import annotations

import copy
from itertools import permutations

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
    "def {f}(n):\n    return abs(n) + {i}",
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
    "{i} = {j} = {n}",
    "{x} = [v for v in {y}]",
    "{m} = [row for row in {t}]",
    "{m} = [row for number, row in enumerate({t}) if row is not {x}]",
    "{x} = next(row for row in {m})",
    "[row.append({i}) for row in {m}]",
    "{i} = sum([len({p}(row) or []) for row in {m}])",
    "for number, row in enumerate({m}):\n    row.append(number)",
    "for row, {i} in zip({m}, [{j}, {n}]):\n    row.append({i})",
    "for {i}, {x} in zip([{j}, {n}], {m}):\n    pass",
    "{m} += [{x}]",
    "{x}, {y} = {y}, {x}",
    "{o}, {x} = Box({x}), {y}",
    "xs = result = {y}\nresult.append({n})",
    "def {p}(items):\n    result = items\n    result.append({i})\n    return result",
    "def {p}(items):\n    result = [items[0], {n}]\n    return result",
    "def {p}(items):\n    for row in [items, {x}]:\n        row.append({i})",
    "def {p}(items):\n    result = []\n    result.append(items)\n    return result[0]",
    "def {p}(items):\n    result = {x}\n    return result",
]


# What each field of a statement may be; pairs are drawn together, since their names must differ.
FIELDS = {
    "ij": st.sampled_from([*permutations(INTS, 2)]),
    "xy": st.sampled_from([*permutations(LISTS, 2)]),
    "fg": st.sampled_from([*permutations(FUNCTIONS, 2)]),
    "oq": st.sampled_from([*permutations(BOXES, 2)]),
    "mt": st.sampled_from([*permutations(NESTED, 2)]),
    "p": st.sampled_from([(action,) for action in ACTIONS]),
    "n": st.integers(0, 9).map(lambda number: (number,)),
}


@st.composite
def statements(draw: st.DrawFn) -> str:
    statement = draw(st.sampled_from(STATEMENTS))
    fields = [field for field in FIELDS if any(f"{{{name}}}" in statement for name in field)]
    return statement.format(**{name: value for field in fields for name, value in zip(field, draw(FIELDS[field]), strict=True)})


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


@settings(max_examples=600, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(notebooks, tracked)
def test_running_the_closure_gives_what_running_everything_gave(sources: list[str], expression: str) -> None:
    namespace: dict[str, object] = {"print": lambda *_: None}
    cells = [Cell(index, source, succeeded=not failed(source, namespace)) for index, source in enumerate([PRELUDE, *sources], start=1)]
    last = Cell(len(cells) + 1, f"answer = {expression}")
    found = closure(last, cells)
    assert found.unresolved == ()
    assert run([item.cell for item in found.cells], last) == run(cells, last)
