"""Which names the closure links by the objects that they share, and which it does not."""

from __future__ import annotations

import pytest

from tests.capture.test_closure import needed


@pytest.mark.parametrize(
    "made",
    [
        "{} = [i for i in range(9)]",
        "{} = [str(i) for i in range(9)]",
        "{} = list(zip('ab', 'cd'))",
        "{} = dict(enumerate('ab'))",
        "{} = [pair for pair in zip('ab', 'cd')]",
        "{} = (str(i) for i in range(9))",
        "{} = sorted(map(str, range(9)))",
    ],
)
def test_builtins_do_not_link_the_names_that_were_made_by_them(made: str) -> None:
    assert needed(made.format("x"), made.format("y"), "y.append(1)", "print(x)") == [1]


@pytest.mark.parametrize("given", ["from m import Model, net", "import net\nfrom m import Model", "from m import *\nimport net"])
def test_what_is_imported_does_not_link_the_names_that_were_made_by_it(given: str) -> None:
    assert needed(given, "x = Model(1)", "y = Model(2)", "y.fit(1)", "print(x)") == [1, 2]
    assert needed(given, "x = [Model(i) for i in [1]]", "y = [Model(i) for i in [2]]", "y.append(1)", "print(x)") == [1, 2]
    assert needed(given, "x = net.Model(1)", "y = net.Model(2)", "y.fit(1)", "print(x)") == [1, 2]
    assert needed(given, "x = [1]", "y = [1]", "z = net.add(x, y)\nw = net.append(x, y)", "y.fit(1)", "print(x)") == [2]


def test_an_import_in_a_try_links_nothing_either() -> None:
    assert needed("try:\n    from m import Model\nexcept ImportError:\n    Model = None", "x = Model(1)", "y = Model(2)", "y.fit(1)", "print(x)") == [1, 2]


def test_the_local_names_of_functions_are_no_names_of_the_notebook() -> None:
    function = "def load(path):\n    result = read(path)\n    return result"
    assert needed(f"from m import read\n{function}", "x = load('x')", "y = load('y')", "y.clear()", "print(x)") == [1, 2]
    assert needed(f"from m import read\n{function}", "result = [1]", "x = load('x')", "result.append(2)", "print(x)") == [1, 3]
    assert needed("def f(xs=None):\n    return xs", "xs = [1]", "ys = f()", "xs.append(1)", "print(ys)") == [1, 3]


def test_local_names_of_functions_stand_for_what_they_were_made_from() -> None:
    assert needed("def f(xs):\n    result = xs\n    return result", "a = [1]", "b = f(a)", "b.append(2)", "print(a)") == [1, 2, 3, 4]
    assert needed("def f(x):\n    out = []\n    out.append(x)\n    return out", "a = [1]", "b = f(a)", "b[0].append(2)", "print(a)") == [1, 2, 3, 4]
    assert needed("def f():\n    result = kept\n    return result", "kept = [1]", "b = f()", "b.append(2)", "print(kept)") == [1, 2, 3, 4]
    assert needed("def freeze(net):\n    for layer in net.layers:\n        layer.trainable = False", "m = Net()", "freeze(m)", "print(m)") == [1, 2, 3]
    assert needed("def freeze(net):\n    layers = net.layers\n    layers.pop()", "m = Net()", "x = freeze(m)", "print(m)") == [1, 2, 3]


@pytest.mark.parametrize("value", ["1", "-0.5", "'a'", "f'{1}'", "None", "(1, ('a', True))", "2 * 3", "len([1])", "str(1)", "1 if 2 > 1 else 0", "not []"])
def test_what_nothing_can_change_is_not_shared(value: str) -> None:
    assert needed(f"x = {value}", "a = {'x': x}", "b = {'x': x}", "b['x'] = 3", "print(a)") == [1, 2]
    assert needed(f"x = {value}", "y = x", "a = [y]", "y += 3", "a.append(4)", "print(x)") == [1]


def test_copies_of_numbers_and_counters_are_not_shared() -> None:
    assert needed("x = 1", "y = x\nz = y + 2", "a = [z]", "b = [z]", "b.append(3)", "print(a)") == [1, 2, 3]
    assert needed("for i, row in enumerate(grid()):\n    pass", "a = [i]", "b = [i]", "b.append(3)", "print(a)") == [1, 2]
    assert needed("for i in range(3):\n    pass", "a = [i]", "b = [i]", "b.append(3)", "print(a)") == [1, 2]
    assert needed("d = load()", "for key, value in d.items():\n    a = [key]", "a.append(3)", "print(d)") == [1]
    assert needed("xs, ys = load()", "for x, y in zip(xs, ys):\n    pass", "x.append(3)", "print(ys)") == [1]


def test_a_name_that_held_a_number_may_hold_a_list_later() -> None:
    assert needed("x = 1", "x = [1]", "y = x", "y.append(2)", "print(x)") == [2, 3, 4]
    assert needed("x = 1", "if f():\n    x = [1]", "y = x", "y.append(2)", "print(x)") == [1, 2, 3, 4]
    assert needed("def f():\n    global x\n    x = [1]", "x = 1", "f()", "y = x", "y.append(2)", "print(x)") == [1, 2, 3, 4, 5]
    assert needed("import numpy as np", "x = 0", "x += np.ones(3)", "y = x", "y[0] = 2", "print(x)") == [1, 2, 3, 4, 5]
    assert needed("x = y = 1\nfor z in [1, 2]:\n    x = y\n    y = load()", "w = [x]", "w[0].append(2)", "print(x)") == [1, 2, 3]
    assert needed("range = [1]", "x = [row for row in range]", "x[0].append(2)", "print(range)") == [1, 2, 3]


@pytest.mark.parametrize(
    "alias",
    [
        "b = a",
        "b = a.part",
        "b = a['part']",
        "b = a[0]",
        "b = {'a': a}",
        "b = [1, a]",
        "b = Trainer(a)",
        "b = nn.Sequential(a, 1)",
        "b = make_pipeline(1, a)",
        "b = sklearn.pipeline.make_pipeline(1, a)",
        "b = a.fit(1)",
        "b = [row for row in a]",
        "b = {n: row for n, row in enumerate(a)}",
        "b = [cell for row in a for cell in row]",
        "b = list(row for row in a)",
        "b = [[row] for row in a]",
        "b = (row for row in a)",
        "b = list(zip(range(3), a))",
        "b = []\nb.append(a)",
        "b = []\nb += [a]",
        "b = {}\nb['a'] = a",
        "b = Box()\nb.item = a",
        "b = []\n[b.append(row) for row in a]",
        "for b in a:\n    pass",
        "for n, b in enumerate(a):\n    pass",
        "for n, b in a.items():\n    pass",
        "for n, b in zip(range(3), a):\n    pass",
    ],
)
def test_what_holds_an_object_or_a_part_of_it_is_linked_to_it(alias: str) -> None:
    given = "import sklearn\nfrom sklearn.pipeline import make_pipeline\nfrom torch import nn\nfrom m import Box, Trainer"
    assert set(needed(given, "a = load()", alias, "b.fit(1)", "print(a)")) >= {2, 3, 4}


def test_a_change_of_a_comprehensions_variable_is_one_of_what_it_runs_through() -> None:
    assert needed("models = load()", "[m.fit(1) for m in models]", "print(models)") == [1, 2]
    assert needed("models = load()", "scores = {n: m.fit(1) for n, m in models.items()}", "print(models)") == [1, 2]
    assert needed("def train(m):\n    m.fit(1)", "models = load()", "[train(m) for m in models]", "print(models)") == [1, 2, 3]
    assert needed("m = load()", "[m.fit(1) for m in [1]]", "print(m)") == [1]


def test_an_attribute_put_on_a_class_is_shared_by_its_objects() -> None:
    assert needed("class Box: pass", "xs = [1]", "Box.items = xs", "box = Box()", "box.items.append(2)", "print(xs)") == [1, 2, 3, 4, 5]


def test_names_that_are_bound_at_once_share_what_was_there_before() -> None:
    assert needed("xs = [1]; ys = [2]; table = [ys]", "ys, xs = xs, ys", "table[0].append(3)", "print(xs)") == [1, 2, 3]
    assert needed("xs = [1]", "a, b = xs, xs", "b.append(3)", "print(a)") == [1, 2, 3]
    assert needed("xs = [1]; ys = [2]", "ys, xs, zs = xs, ys, ys", "zs.append(3)", "print(xs)") == [1, 2, 3]


def test_targets_of_one_assignment_share_its_value() -> None:
    assert needed("a = b = []", "b.append(1)", "print(a)") == [1, 2]
    assert needed("box = load()", "box.items = xs = []", "xs.append(1)", "print(box)") == [1, 2, 3]
    assert needed("a = b = 1", "b += 1", "print(a)") == [1]
