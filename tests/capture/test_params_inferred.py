"""What you type is a param."""

from __future__ import annotations

import math

import pytest

from nbtrack.capture.code import SessionNames, analyse_cell
from nbtrack.capture.inference import infer
from nbtrack.entities import Origin, Param

from .cells import inferred, params

ESTIMATORS = """
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
"""


def test_literals_are_params_with_their_lines() -> None:
    found = inferred("%%track_run forest\nn_estimators, max_depth = 300, 8\n\nfeature_set = 'v3'")
    assert found.params == [
        Param("n_estimators", 300, Origin.INFERRED, 2),
        Param("max_depth", 8, Origin.INFERRED, 2),
        Param("feature_set", "v3", Origin.INFERRED, 4),
    ]
    assert found.metrics == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("lr = 1e-3", {"lr": 1e-3}),
        ("steps = 10 * 60", {"steps": 600}),
        ("x = -math.inf", {"x": -math.inf}),
        ("layers = [64, 32]", {"layers": [64, 32]}),
        ("size = (3, 3)", {"size": (3, 3)}),
        ("config = {'lr': 0.1, 'layers': [1]}", {"config": {"lr": 0.1, "layers": [1]}}),
        ("nothing = None\nyes = True", {"nothing": None, "yes": True}),
        ("%time n = 3", {"n": 3}),
        ("n = 3\ndel n", {"n": 3}),
        ("_n = 3\nimport math\ndef f(): pass\nfor i in [1]: pass", {}),
        ("empty = []\nalso = {}\nnested = {'loss': []}", {}),
        ("n = {1, 2}", {}),
    ],
)
def test_what_counts_as_typed(source: str, expected: dict[str, object]) -> None:
    assert params(source, given={"math": math}) == expected


def test_the_branch_that_ran_tells_the_value() -> None:
    source = "if quick:\n    n = 10\nelse:\n    n = 100"
    assert params(source, given={"quick": True}) == {"n": 10}
    assert params(source, given={"quick": False}) == {"n": 100}
    assert params("n = 10 if quick else 100", given={"quick": True}) == {"n": 10}


def test_a_branch_that_did_not_run_gives_no_param() -> None:
    assert params("if quick:\n    n = 10", given={"quick": False}) == {}
    assert params("if quick:\n    n = 10", given={"quick": False, "n": 300}) == {}


def test_a_branch_that_did_not_run_leaves_the_param_of_an_earlier_cell() -> None:
    assert params("if quick:\n    n = 10\nprint(n)", "quick, n = False, 300") == {"quick": False, "n": 300}


def test_a_name_that_was_typed_before_and_is_read_here_is_a_param() -> None:
    found = inferred("y = x * 2\nz = f(lambda v: v + k)", "x = 2\nk = 3\nunused = 4\ndef f(g): return g(1)")
    assert found.params == [Param("x", 2, Origin.INFERRED, 1), Param("k", 3, Origin.INFERRED, 2)]


@pytest.mark.parametrize(
    ("cell", "earlier"),
    [
        ("print(x)", "x = len('abc')"),  # computed there
        ("print(x)", "x = [1, 2]"),  # no scalar
        ("print(_x)", "_x = 1"),
        ("def f(): return x", "x = 1"),  # read inside a function only
        ("x = 2 * y", "x, y = 1, len('a')"),  # bound here
        ("x += 1", "x = 1"),  # changed here
        ("print(x)", "x = 1\ndef f():\n    global x\n    x = 2\nf()"),  # no longer what was typed
        ("[x for x in [1]]", "x = 5"),
    ],
)
def test_other_names_that_are_read_are_no_params(cell: str, earlier: str) -> None:
    assert "x" not in params(cell, earlier)


def test_a_copy_carries_on_what_was_typed() -> None:
    assert params("depth = max_depth", "max_depth = 8") == {"depth": 8, "max_depth": 8}


def test_literal_keyword_arguments_of_modelling_calls_are_params() -> None:
    source = """
model = RandomForestClassifier(n_estimators=20, max_features="sqrt")
parts = train_test_split([1, 2, 3, 4], test_size=0.25)
"""
    assert params(source, ESTIMATORS) == {"n_estimators": 20, "max_features": "sqrt", "test_size": 0.25}


@pytest.mark.parametrize(
    "source",
    [
        "import sklearn.ensemble as ens\nm = ens.RandomForestClassifier(max_depth=3)",
        "import sklearn.ensemble\nm = sklearn.ensemble.RandomForestClassifier(max_depth=3)",
        "from sklearn import ensemble\nm = ensemble.RandomForestClassifier(max_depth=3)",
        "from sklearn.ensemble import RandomForestClassifier as RF\nm = RF(max_depth=3)",
        "from sklearn.ensemble import *\nm = RandomForestClassifier(max_depth=3)",
        "from sklearn.ensemble import RandomForestClassifier\nm = RandomForestClassifier().set_params(max_depth=3)",
        "from sklearn.ensemble import RandomForestClassifier\nmodels = [RandomForestClassifier(n_jobs=n, max_depth=3) for n in [1]]",
        "from sklearn.ensemble import RandomForestClassifier\nfor _ in range(2):\n    m = RandomForestClassifier(\n        max_depth=3)",
    ],
)
def test_a_library_is_known_however_it_was_imported(source: str) -> None:
    assert params(source) == {"max_depth": 3}


def test_methods_of_models_of_earlier_cells_are_calls_into_their_library() -> None:
    assert params("model.set_params(max_depth=3)", f"{ESTIMATORS}\nmodel = RandomForestClassifier()") == {"max_depth": 3}
    assert params("models['rf'].set_params(max_depth=3)", f"{ESTIMATORS}\nmodels = {{'rf': RandomForestClassifier()}}") == {}


@pytest.mark.parametrize(
    "source",
    [
        "f1 = f1_score([0, 1], [0, 1], average='macro')",  # a metric function
        "print('a', sep=';')",
        "d = dict(n_estimators=3)",
        "def make(): return RandomForestClassifier(n_estimators=3)",  # not called
        "make = lambda: RandomForestClassifier(n_estimators=3)",
        "n = len('abc')\nm = RandomForestClassifier(n_estimators=n)",
        "class Forest:\n    def __init__(self, trees): pass\nm = Forest(trees=3)",
        "from sklearn.tree import plot_tree, DecisionTreeClassifier",
    ],
)
def test_other_keyword_arguments_are_no_params(source: str) -> None:
    assert params(source, ESTIMATORS) == {}


def test_a_keyword_given_by_a_typed_name_is_that_name() -> None:
    assert params("max_depth = 8\nm = RandomForestClassifier(max_depth=max_depth)", ESTIMATORS) == {"max_depth": 8}
    assert params("m = RandomForestClassifier(max_depth=depth)", ESTIMATORS, "depth = 8") == {"depth": 8}


def test_equal_keywords_of_several_calls_are_one_param() -> None:
    assert params("a = RandomForestClassifier(random_state=0)\nb = GradientBoostingClassifier(random_state=0)", ESTIMATORS) == {"random_state": 0}


def test_clashing_keywords_carry_the_name_of_their_call() -> None:
    source = "a = RandomForestClassifier(n_estimators=200, max_depth=3)\nb = GradientBoostingClassifier(n_estimators=50)"
    assert params(source, ESTIMATORS) == {"RandomForestClassifier.n_estimators": 200, "max_depth": 3, "GradientBoostingClassifier.n_estimators": 50}


def test_clashing_keywords_of_the_same_call_are_numbered() -> None:
    source = "a = RandomForestClassifier(max_depth=2)\nb = RandomForestClassifier()\nc = RandomForestClassifier(max_depth=5)"
    assert params(source, ESTIMATORS) == {"RandomForestClassifier.max_depth": 2, "RandomForestClassifier_3.max_depth": 5}


def test_a_typed_name_keeps_its_plain_key_in_a_clash() -> None:
    source = "max_depth = 8\na = RandomForestClassifier(max_depth=3)\nb = GradientBoostingClassifier(max_depth=8)"
    assert params(source, ESTIMATORS) == {"max_depth": 8, "RandomForestClassifier.max_depth": 3}


def test_clashing_keywords_of_methods_carry_the_name_of_the_object() -> None:
    source = "model.set_params(max_depth=3)\nmodel.set_params(max_depth=4)"
    assert params(source, f"{ESTIMATORS}\nmodel = RandomForestClassifier()") == {"model.set_params.max_depth": 3, "model.set_params_2.max_depth": 4}


def test_calls_in_a_branch_that_did_not_run_give_no_params() -> None:
    source = """
if kind == "forest":
    model = RandomForestClassifier(n_estimators=200)
elif kind in ("boosting", "gbm") and not fast:
    model = GradientBoostingClassifier(n_estimators=50)
"""
    assert params(source, ESTIMATORS, "kind, fast = 'gbm', False") == {"kind": "gbm", "fast": False, "n_estimators": 50}


def test_a_dict_keeps_what_was_typed_when_something_computed_is_added() -> None:
    assert params("options = {'depth': 3}\noptions['classes'] = len('ab')") == {"options": {"depth": 3}}
    assert params("options = {'depth': 3}\noptions['eta'] = 0.1") == {"options": {"depth": 3, "eta": 0.1}}
    assert params("options = {}\noptions['eta'] = 0.1") == {"options": {"eta": 0.1}}
    assert params("options = {'depth': 3, 'k': 1}\nfor k in ['a']:\n    options[k] = len(k)") == {}


def test_containers_that_gather_results_are_no_params() -> None:
    assert params("losses = []\nfor i in [1, 2]:\n    losses.append(i * 2)") == {}
    assert params("queue = [0]\nqueue.append(len('ab'))") == {}
    assert params("best = {'acc': 0}\nbest['acc'] = len('ab') / 2") == {}
    assert params("layers = [64]\nlayers.append(32)") == {"layers": [64, 32]}


def test_what_comes_after_the_line_that_failed_was_not_typed_yet() -> None:
    source = "a = 1\nfor i in x:\n    b = 2\n    fail()\n    c = 3\nd = 4"
    code = analyse_cell(source)
    left = infer(code, values={"a": 1, "b": 2, "c": 3, "d": 4}, stopped_at=4)
    assert [param.key for param in left.params] == ["a", "b", "c"]  # c by an earlier round of the loop
    assert [param.key for param in infer(code, values={"a": 1, "c": 7, "d": 4}, stopped_at=2).params] == ["a"]


def test_the_typed_arguments_of_the_call_that_failed_are_params() -> None:
    code = analyse_cell("from sklearn.svm import SVC\nn = 1\nmodel = SVC(\n    C=-1,\n).fit([[1]], [1])\nother = SVC(gamma=2)")
    found = infer(code, values={"n": 1}, earlier=SessionNames(), stopped_at=3)
    assert {param.key: param.value for param in found.params} == {"n": 1, "C": -1}


def test_typed_values_come_from_the_code_where_the_name_is_gone() -> None:
    assert {param.key: param.value for param in infer(analyse_cell("a = 1\nb = [1, 2]"), values={}).params} == {"a": 1, "b": [1, 2]}
