from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.code import SessionNames, analyse_block, analyse_cell, literal_bindings, outcomes
from nbtrack.capture.inference import infer
from nbtrack.capture.names import cell_facts
from nbtrack.capture.seeds import seeds
from nbtrack.capture.slices import slice_text


def typed(source: str, *earlier: str) -> dict[str, object]:
    """The names that a cell leaves typed, with their last typed value."""
    found = outcomes(analyse_cell(source), SessionNames(earlier))
    return {name: outcome.typed[-1][0] for name, outcome in found.items() if outcome.typed and not outcome.computed}


def computed(source: str, *earlier: str) -> set[str]:
    found = outcomes(analyse_cell(source), SessionNames(earlier))
    return {name for name, outcome in found.items() if outcome.computed}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("lr = 0.1", {"lr": 0.1}),
        ("lr: float = 0.1", {"lr": 0.1}),
        ("lr: float", {}),
        ("a = b = 5", {"a": 5, "b": 5}),
        ("n_estimators, max_depth = 300, 8", {"n_estimators": 300, "max_depth": 8}),
        ("(a, b), c = (1, 2), 3", {"a": 1, "b": 2, "c": 3}),
        ("[a, *b, c] = 1, 2, 3, 4", {"a": 1, "b": [2, 3], "c": 4}),
        ("a, b = 1, f()", {"a": 1}),
        ("print(n := 10)", {"n": 10}),
        ("layers = (64, 32)", {"layers": (64, 32)}),
        ("if quick:\n    n = 10\nelse:\n    n = 100", {"n": 100}),
        ("n = 10 if quick else 100", {"n": 100}),
        ("with f():\n    n = 1", {"n": 1}),
        ("try:\n    n = 1\nfinally:\n    m = 2", {"n": 1, "m": 2}),
        ("for x in xs:\n    n = 1", {"n": 1}),
        ("while f():\n    n = 1", {"n": 1}),
        ("match x:\n    case 1:\n        n = 1", {"n": 1}),
        ("depth = 8\nmax_depth = depth", {"depth": 8, "max_depth": 8}),
        ("x = f()\nx = 3", {"x": 3}),
        ("%%track_run a\nn = 1", {"n": 1}),
        ("def f():\n    n = 1\nclass A:\n    m = 2\ng = lambda: (k := 1)\n[(j := 1) for _ in x]", {}),
        ("_n = 1\n__m = 2", {}),
        ("import a.b as c\nfrom d import e", {}),
        ("for lr in [0.1, 0.01]:\n    pass\nlr = 5", {}),
        ("for i, (j, k) in f():\n    pass", {}),
    ],
)
def test_names_bound_to_literals_are_typed(source: str, names: dict[str, object]) -> None:
    assert typed(source) == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("total = 0\nfor x in xs:\n    total += x", {"total"}),
        ("best = 0.0\nfor x in xs:\n    best = max(best, x)", {"best"}),
        ("best = None\nfor x in xs:\n    if x > best:\n        best, place = x, 1", {"best"}),
        ("lr = 0.1\nfor e in r:\n    lr *= 0.9", {"lr"}),
        ("for d in [2, 4]:\n    best_depth = d", {"best_depth"}),
        ("x = 1\nx = f()", {"x"}),
        ("x = 1\nif y:\n    x = f()", {"x"}),
        ("try:\n    n = int(t)\nexcept ValueError:\n    n = 5", {"n"}),
        ("loss, acc = model.evaluate(x)", {"loss", "acc"}),
        ("with f() as x:\n    pass", {"x"}),
        ("n = {1, 2}", {"n"}),
        ("a = b\nb = a", {"a", "b"}),
        ("a = a", {"a"}),
    ],
)
def test_a_name_that_is_rebound_to_something_computed_is_computed(source: str, names: set[str]) -> None:
    assert computed(source) == names


def test_a_copy_of_a_name_typed_in_an_earlier_cell_is_typed() -> None:
    assert typed("lr = LR", "LR = 0.1") == {"lr": 0.1}
    assert typed("lr = LR", "LR = f()") == {}


def test_the_session_keeps_the_last_binding_of_a_name() -> None:
    names = SessionNames(["a = 1\nb = 2\nimport numpy as np", "b = f()", "def a(): pass"])
    assert names.typed("a") == ()
    assert names.typed("b") == ()
    assert SessionNames(["a = f()", "a = 1"]).typed("a") == (1,)
    assert dict(names.imports) == {"np": "numpy"}
    assert dict(SessionNames(["import numpy as np", "np = 3"]).imports) == {}


def test_the_session_knows_what_objects_are_made_of() -> None:
    names = SessionNames(
        ["from sklearn.svm import SVC\nimport sklearn.model_selection as ms", "model = SVC()\na, b = ms.train_test_split(x)\nX = ms.train_test_split(y)"]
    )
    assert dict(names.objects) == {"model": "sklearn.svm.SVC"}


def test_a_copy_of_the_session_goes_its_own_way() -> None:
    names = SessionNames(["a = 1"])
    twin = names.copy()
    twin.observe("a = f()")
    assert names.typed("a") == (1,)
    assert twin.typed("a") == ()


def test_reads_are_the_cells_own_and_have_their_first_line() -> None:
    code = analyse_cell("%%track_run\nx = a + f(b)\ny = [v * k for v in xs]\ndef g():\n    return hidden\ntotal += b")
    assert code.reads == {"a": 2, "f": 2, "b": 2, "k": 3, "xs": 3, "total": 6}


def test_what_a_lambda_looks_up_is_read_by_the_cell() -> None:
    assert set(analyse_cell("g = sorted(xs, key=lambda v: v * k)").reads) == {"sorted", "xs", "k"}


def test_a_block_is_told_apart_from_what_stands_before_it() -> None:
    source = "n = 1\nif n:\n    m = 2\n    with track_run('a') as run:\n        k = 3\n        acc = f()\n    j = 4\n"
    before, block = analyse_block(source, 4)
    assert {binding.name for binding in before.bindings} == {"n", "m"}
    assert [(binding.name, binding.line) for binding in block.bindings] == [("k", 5), ("acc", 6)]
    assert block.last is None


def test_a_block_inside_a_function_is_found() -> None:
    before, block = analyse_block("lr = 1\ndef train():\n    a = 1\n    with run():\n        b = 2\n", 4)
    assert {binding.name for binding in before.bindings} == {"lr", "a"}
    assert block.bound_names == {"b"}


def test_the_innermost_of_nested_blocks_is_the_one_at_the_line() -> None:
    source = "with a():\n    x = 1\n    with b():\n        y = 2\n"
    assert analyse_block(source, 1)[1].bound_names == {"x", "y"}
    assert analyse_block(source, 3)[1].bound_names == {"y"}


def test_a_head_over_several_lines_is_the_blocks() -> None:
    source = "with run(\n    'a',\n    tags={},\n):\n    y = 2\n"
    assert all(analyse_block(source, line)[1].bound_names == {"y"} for line in (1, 2, 3))


def test_a_line_without_a_block_gives_a_problem() -> None:
    assert analyse_block("x = 1", 1)[1].problem == "no with statement at line 1"
    assert analyse_block("x = = 1", 1)[1].problem == "line 1: invalid syntax"


def test_a_cell_that_is_no_python_gives_an_empty_analysis_with_a_reason() -> None:
    code = analyse_cell("x = = 1")
    assert (code.bindings, code.calls, code.problem) == ((), (), "line 1: invalid syntax")


def test_a_cell_nested_too_deeply_gives_an_empty_analysis_with_a_reason() -> None:
    code = analyse_cell("x = " + "+".join(["y"] * 3000))
    assert code.bindings == ()
    assert code.problem
    assert cell_facts(code.source).problem


@pytest.mark.parametrize("terms", [200, 400, 800, 1600])
def test_no_depth_of_nesting_makes_the_analysis_raise(terms: int) -> None:
    for source in ("x = " + "+".join(["y"] * terms), "x = " + "f(" * (terms // 10) + ")" * (terms // 10), "x = a" + ".b()" * terms):
        code = analyse_cell(source)
        infer(code, values={"x": 1.0}, result=1.0)
        seeds(code)
        slice_text(source, "x")
        cell_facts(source)


def test_literal_bindings_have_the_line_of_the_last_one() -> None:
    assert literal_bindings("a = 1\nb = 2\na = 3\nc = f()") == {"a": (3, 3), "b": (2, 2)}


@given(st.text(max_size=60))
def test_no_text_makes_the_analysis_raise(source: str) -> None:
    outcomes(analyse_cell(source), SessionNames([source]))


@given(
    st.lists(
        st.sampled_from("x y = += ( ) [ ] : , for in if else def lambda with as try except 1 'a' \n \n     await * ** := import from . %time !ls".split(" ")),
        max_size=25,
    )
)
def test_no_soup_of_python_makes_the_analysis_raise(words: list[str]) -> None:
    source = " ".join(words)
    outcomes(analyse_cell(source), SessionNames([source]))
    analyse_block(source, 1)
