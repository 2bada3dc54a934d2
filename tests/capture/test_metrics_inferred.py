"""What you compute is a metric."""

from __future__ import annotations

import decimal
import fractions
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.code import analyse_cell
from nbtrack.capture.inference import MAX_METRICS, InferredMetric, infer
from nbtrack.ids import check_key

from .cells import definitions, inferred, metrics, params

SKLEARN = """
import numpy as np
from sklearn import metrics as skm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error, precision_recall_fscore_support, roc_auc_score
from sklearn.model_selection import cross_val_score
y, p = [0, 1, 1, 0], [0, 1, 0, 0]
X = [[0.0], [1.0], [0.8], [0.1]]
model = LogisticRegression().fit(X, y)
"""


def test_computed_numbers_are_metrics_with_their_lines() -> None:
    assert inferred("a = len('abc')\n\nb = a / 2").metrics == [InferredMetric("a", 3.0, 1), InferredMetric("b", 1.5, 3)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("total = 0\nfor x in [1, 2]:\n    total += x", {"total": 3.0}),
        ("best = 0.0\nfor x in [1, 3, 2]:\n    best = max(best, x)", {"best": 3.0}),
        ("loss, acc = f(0.3), f(0.9)", {"loss": 0.3, "acc": 0.9}),
        ("loss, acc = list(map(f, [0.3, 0.9]))", {"loss": 0.3, "acc": 0.9}),
        ("(acc := f(0.5))", {"acc": 0.5}),
        ("%time acc = f(0.5)", {"acc": 0.5}),
        ("x = f(float('nan'))", {"x": math.nan}),
        ("for i in [1, 2]:\n    pass\n_hidden = f(1)\nimport math\ndef g(): return 1", {}),
        ("flag = f(True)\ntext = f('a')\nmany = f([1.0])\nz = f(1j)", {}),
        ("[k for k in [1]]\nh = lambda: 1\ndef g():\n    inner = 3 * f(1)", {}),
    ],
)
def test_what_counts_as_computed(source: str, expected: dict[str, float]) -> None:
    found = metrics(source, given={"f": lambda value: value})
    assert found.keys() == expected.keys()
    assert all(found[key] == expected[key] or math.isnan(expected[key]) for key in expected)


@pytest.mark.parametrize(
    "value",
    [1, 2.5, np.float32(0.5), np.int64(3), np.float64("nan"), np.array(0.25), decimal.Decimal("0.5"), fractions.Fraction(1, 2)],
)
def test_numbers_of_every_library_are_metrics(value: object) -> None:
    found = metrics("x = f()", given={"f": lambda: value})
    assert found["x"] == pytest.approx(float(value), nan_ok=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.bool_(True),
        np.array([1.0]),
        np.array(True),
        np.datetime64("2024-01-01"),
        np.timedelta64(5, "s"),
        np.str_("1"),
        np.array(1j),
        "1",
        None,
        [1],
        10**400,
    ],
)
def test_other_values_are_no_metrics(value: object) -> None:
    assert metrics("x = f()", given={"f": lambda: value}) == {}


class Scalar:
    """A 0-d array of a library that is not installed here."""

    shape = ()

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __float__(self) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("dtype", "expected"), [("torch.float32", {"x": 0.5}), ("<dtype: 'bfloat16'>", {"x": 0.5}), ("int64", {"x": 0.5}), ("torch.bool", {}), ("object", {})]
)
def test_scalars_are_told_by_their_dtype(dtype: str, expected: dict[str, float]) -> None:
    assert metrics("x = f()", given={"f": lambda: Scalar(dtype)}) == expected


def test_a_number_that_is_only_promised_is_not_computed() -> None:
    lazy = type("Array", (Scalar,), {"__module__": "dask.array.core"})
    assert metrics("x = f()", given={"f": lambda: lazy("float64")}) == {}


class Raising:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError

    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError

    def __float__(self) -> float:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    def __getattr__(self, name: str) -> object:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Iterator[object]:
        raise RuntimeError


class LyingScalar:
    shape = ()
    dtype = "float32"

    def __float__(self) -> float:
        raise ValueError("no value yet")


class LyingDict(dict[str, float]):
    def items(self) -> object:  # type: ignore[override]
        raise RuntimeError

    def __getitem__(self, key: object) -> float:
        raise RuntimeError


@pytest.mark.parametrize("make", [Raising, LyingScalar, lambda: LyingDict(a=Raising()), lambda: {"a": Raising(), Raising: 1}])
def test_hostile_objects_are_no_metrics_and_do_no_harm(make: Callable[[], object]) -> None:
    source = "x = f()\ny = 1\nresults = f()\nn = y\nf()"
    found = inferred(source, "y = 5", given={"f": make})
    assert found.metrics == []
    assert {param.key for param in found.params} == {"y", "n"}


def test_hostile_objects_are_not_asked_what_they_are() -> None:
    code = analyse_cell("x.fit(a=1)\nif x:\n    n = x(b=2)\nx[0]")
    assert infer(code, values={"x": Raising()}, result=Raising()).params == []


def test_a_dict_of_its_own_kind_still_gives_its_numbers() -> None:
    assert metrics("scores = f()", given={"f": lambda: LyingDict(a=0.5)}) == {"a": 0.5}


@pytest.mark.parametrize("name", ["metrics", "scores", "results", "test_scores", "cv_results", "metrics_train"])
def test_the_numbers_of_a_computed_dict_whose_name_says_so_are_metrics(name: str) -> None:
    assert metrics(f"{name} = {{'auc': f(0.9), 'f1': f(0.8), 'model': 'rf', 'ok': f(True)}}", given={"f": lambda v: v}) == {"auc": 0.9, "f1": 0.8}


def test_the_numbers_of_other_dicts_are_no_metrics() -> None:
    assert metrics("history = {'auc': f(0.9)}\nmetricsy = {'a': f(1)}", given={"f": lambda v: v}) == {}


def test_a_dict_that_is_typed_is_a_param_and_no_metric() -> None:
    found = inferred("metrics = {'auc': 0.87}")
    assert found.metrics == []
    assert [param.key for param in found.params] == ["metrics"]


def test_a_dict_that_is_filled_item_by_item_gives_its_metrics() -> None:
    source = "results = {}\nfor name in ['rf', 'svc']:\n    results[name] = f(len(name))"
    assert metrics(source, given={"f": lambda v: v / 2}) == {"rf": 1.0, "svc": 1.5}


def test_of_a_dict_from_an_earlier_cell_only_what_this_cell_puts_in_counts() -> None:
    assert metrics("results['svc'] = f(0.5)", "results = {}", "results['rf'] = len('a')", given={"f": lambda v: v}) == {"svc": 0.5}


def test_dicts_inside_the_dict_give_dotted_keys() -> None:
    assert metrics("results = {'rf': {'auc': f(0.9)}, 'svc': {'auc': f(0.8)}}", given={"f": lambda v: v}) == {"rf.auc": 0.9, "svc.auc": 0.8}


def test_keys_that_two_dicts_share_carry_the_name_of_their_dict() -> None:
    source = "train_scores = {'auc': f(1.0), 'n': f(5)}\ntest_scores = {'auc': f(0.9)}"
    assert metrics(source, given={"f": lambda v: v}) == {"train_scores.auc": 1.0, "n": 5.0, "test_scores.auc": 0.9}


def test_a_key_that_is_a_metric_by_itself_already_is_that_metric() -> None:
    assert metrics("auc = f(0.9)\nscores = {'auc': auc}", given={"f": lambda v: v}) == {"auc": 0.9}
    assert metrics("auc = f(0.9)\nscores = {'auc': f(0.8)}", given={"f": lambda v: v}) == {"auc": 0.9, "scores.auc": 0.8}


def test_a_dict_gives_so_many_metrics_and_no_more() -> None:
    assert len(metrics("scores = {str(i): i / 2 for i in range(1000)}")) == MAX_METRICS


def test_keys_are_made_to_fit_the_naming_rule() -> None:
    found = metrics("scores = {'f1 (macro)': f(1), 'a//b': f(2), '../x': f(3), '': f(4), 7: f(5), (1, 2): f(6)}", given={"f": lambda v: v})
    assert found == {"f1 _macro_": 1.0, "a/b": 2.0, "x": 3.0, "value": 4.0, "7": 5.0}


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("accuracy_score(y, p)", "accuracy_score"),
        ("skm.accuracy_score(y, p)", "accuracy_score"),
        ("round(accuracy_score(y, p), 2)", "accuracy_score"),
        ("float(skm.accuracy_score(y, p))", "accuracy_score"),
        ("model.score(X, y)", "model.score"),
        ("LogisticRegression().fit(X, y).score(X, y)", "LogisticRegression.score"),
        ("np.mean([1, 2])", "np.mean"),
        ("np.array([0.5, 1]).mean()", "np.array.mean"),
        ("model.n_features_in_", "model.n_features_in_"),
        ("model.coef_[0][0]", "model.coef_"),
        ("history['val_acc']", "history.val_acc"),
        ("1 - accuracy_score(y, p)", "result"),
        ("n", "n"),
    ],
)
def test_a_number_that_ends_the_cell_is_a_metric_named_by_the_call(source: str, key: str) -> None:
    assert list(metrics(source, SKLEARN, "n = len(X)", given={"history": {"val_acc": 0.5}})) == [key]


@pytest.mark.parametrize("source", ["len(y)", "X_.shape[0]", "X_.size", "X_.shape", "42", "-1.5", "typed", "len(y);", "print(1)", "_", "x = 1\nx", "flag(1)"])
def test_sizes_and_typed_values_that_are_only_shown_are_no_metrics(source: str) -> None:
    assert metrics(source, "typed = 5", given={"y": [1], "X_": np.zeros((3, 2)), "_": 5.0, "flag": bool}) == {}


def test_a_name_that_ends_the_cell_counts_once() -> None:
    assert metrics("acc = len('ab')\nacc") == {"acc": 2.0}


@pytest.mark.parametrize(
    ("source", "definition"),
    [
        ("m = accuracy_score(y, p)", "accuracy_score()"),
        ("m = f1_score(y, p, average='macro', zero_division=0)", "f1_score(average='macro', zero_division=0)"),
        ('m = skm.f1_score(y_true=y, y_pred=p, average="macro")', "f1_score(average='macro')"),
        ("avg = 'macro'\nm = f1_score(y, p, average=avg)", "f1_score(average='macro')"),
        ("m = f1_score(y, p, sample_weight=w)", "f1_score(sample_weight=w)"),
        ("m = round(float(f1_score(y, p)), 3)", "f1_score()"),
        ("m = np.sqrt(mean_squared_error(y, p))", "sqrt(mean_squared_error())"),
        ("m = mean_squared_error(y, p) ** 0.5", "mean_squared_error() ** 0.5"),
        ("m = 1 - accuracy_score(y, p)", "1 - accuracy_score()"),
        ("m = (accuracy_score(y, p) + f1_score(y, p)) / 2", "(accuracy_score() + f1_score()) / 2"),
        ("m = cross_val_score(model, X, y, cv=2, scoring='accuracy').mean()", "cross_val_score(cv=2, scoring='accuracy').mean()"),
        ("s = cross_val_score(model, X, y, cv=2)\nm = s.mean()", "cross_val_score(cv=2).mean()"),
        ("m = np.mean(cross_val_score(model, X, y, cv=2))", "mean(cross_val_score(cv=2))"),
        ("a, m, b, c = precision_recall_fscore_support(y, p, average='macro')", "precision_recall_fscore_support(average='macro')[1]"),
        ("r = accuracy_score(y, p)\nm = round(r, 2)", "accuracy_score()"),
        ("import scipy.stats\nm = scipy.stats.pearsonr(y, p)[0]", "pearsonr()[0]"),
        ("from scipy import stats\nm = stats.spearmanr(y, p).statistic", "spearmanr().statistic"),
        ("m = accuracy_score(y, p) - baseline", None),
        ("m = len(y)", None),
        ("m = 0\nfor _ in [1]:\n    m = accuracy_score(y, p)", None),
    ],
)
def test_the_definition_of_a_metric_says_how_it_was_computed(source: str, definition: str | None) -> None:
    assert definitions(source, SKLEARN, given={"w": [1, 1, 1, 2], "baseline": 0.5}).get("m") == definition


def test_the_number_shown_and_the_items_of_a_dict_have_definitions_too() -> None:
    source = "scores = {'f1': f1_score(y, p, average='micro')}\nscores['acc'] = accuracy_score(y, p)\nroc_auc_score(y, p)"
    assert definitions(source, SKLEARN) == {"f1": "f1_score(average='micro')", "acc": "accuracy_score()", "roc_auc_score": "roc_auc_score()"}


def test_a_metric_function_is_known_by_name_where_its_import_was_not_seen() -> None:
    assert infer(analyse_cell("a = f1_score(y, p, average='macro')"), values={"a": 0.5}).metrics[0].definition == "f1_score(average='macro')"


def test_a_name_that_only_a_branch_binds_counts_if_the_branch_ran() -> None:
    source = "if big:\n    acc = f(0.5)"
    assert metrics(source, given={"big": True, "f": float, "acc": 0.1}) == {"acc": 0.5}
    assert metrics(source, given={"big": False, "f": float, "acc": 0.1}) == {}
    assert metrics("if f(0):\n    acc = f(0.5)", given={"f": float, "acc": 0.1}) == {}


def test_what_the_cell_did_not_reach_is_no_metric() -> None:
    code = analyse_cell("a = f()\nb = g(\n    1,\n)\nc = h()")
    assert [metric.key for metric in infer(code, values={"a": 1.0, "b": 2.0, "c": 3.0}, stopped_at=3).metrics] == ["a"]


def test_the_training_cell_of_a_gradient_boosting_run_gives_its_params_and_metrics() -> None:
    earlier = """
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
X, y = make_classification(n_samples=200, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
"""
    cell = """%%track_run xgb_v3_features_engineered
n_estimators = 20
max_depth = 6
learning_rate = 0.05
feature_set = 'v3_with_lags'  # which version of the features
model = GradientBoostingClassifier(n_estimators=n_estimators, max_depth=max_depth, learning_rate=learning_rate)
model.fit(X_train, y_train)
predicted = model.predict(X_test)
auc_test = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
auc_train = roc_auc_score(y_train, model.predict_proba(X_train)[:, 1])
precision = precision_score(y_test, predicted)
recall = recall_score(y_test, predicted)
f1 = f1_score(y_test, predicted)
"""
    assert params(cell, earlier) == {"n_estimators": 20, "max_depth": 6, "learning_rate": 0.05, "feature_set": "v3_with_lags"}
    assert list(metrics(cell, earlier)) == ["auc_test", "auc_train", "precision", "recall", "f1"]
    assert list(definitions(cell, earlier).values()) == ["roc_auc_score()", "roc_auc_score()", "precision_score()", "recall_score()", "f1_score()"]


def test_the_training_cell_of_a_forest_gives_what_its_card_shows() -> None:
    earlier = """
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import recall_score, roc_auc_score
X_train, y_train = make_classification(n_samples=100, random_state=0)
X_test, y_test = X_train, y_train
"""
    cell = """%%track_run forest -e churn
n_estimators, max_depth = 30, 8
model = RandomForestClassifier(n_estimators, max_depth=max_depth, class_weight="balanced")
model.fit(X_train, y_train)
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
recall = recall_score(y_test, model.predict(X_test))
"""
    found = inferred(cell, earlier)
    assert [(param.key, param.value, param.line) for param in found.params] == [("n_estimators", 30, 2), ("max_depth", 8, 2), ("class_weight", "balanced", 3)]
    assert [(metric.key, metric.line) for metric in found.metrics] == [("auc", 5), ("recall", 6)]


@given(st.text(max_size=60), st.dictionaries(st.sampled_from(["a", "b", "x", "metrics"]), st.integers() | st.text(max_size=3) | st.floats()))
def test_inference_never_raises_and_its_keys_can_be_stored(source: str, values: dict[str, object]) -> None:
    found = infer(analyse_cell(source), values=values, result=1.5)
    for key in [*(param.key for param in found.params), *(metric.key for metric in found.metrics)]:
        check_key(key, "metric")
