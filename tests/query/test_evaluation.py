from __future__ import annotations

import math

import pytest

from nbtrack.query import Attribute, DatasetField, Metric, Param, Reference, Tag, evaluate, number_of, parse_filter, parse_order_by

METRICS = {"auc": 0.9, "auc_train": 0.97, "loss": math.nan, "best": math.inf}
PARAMS = {"lr": 0.1, "n": 100, "flag": True, "model": "forest", "depth": None, "layers": [1, 2], "huge": 10**400}
TAGS = {"team": "Vision"}
ATTRIBUTES = {"status": "FINISHED", "notebook": "work/train.ipynb", "duration": 90.0, "end_time": None}


def lookup(reference: Reference) -> object:
    if isinstance(reference, Metric):
        return METRICS[reference.key]
    if isinstance(reference, Param):
        return PARAMS[reference.key]
    if isinstance(reference, Tag):
        return TAGS[reference.key]
    if isinstance(reference, DatasetField):
        return {"name": ["iris", "wine"], "digest": ["d1", "d2"], "context": []}[reference.name]
    assert isinstance(reference, Attribute)
    return ATTRIBUTES[reference.name]


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc >= 0.9",
        "metrics.auc_train - metrics.auc <= 0.08",
        "abs(metrics.auc - metrics.auc_train) BETWEEN 0.05 AND 0.1",
        "metrics.auc NOT IN (0.8, 1)",
        "metrics.loss IS NAN AND metrics.auc IS NOT NAN",
        "metrics.best > 1e308",
        "metrics.none IS NULL AND metrics.loss IS NOT NULL",
        "params.lr = 0.1 AND params.lr = '0.1'",
        "params.n IN (1, 100) AND params.n > params.lr",
        "params.flag = true AND params.flag = 1 AND params.flag = 'True'",
        "params.model != 3 AND params.model LIKE 'for%' AND params.model NOT LIKE 'FOR%'",
        "params.depth = 'None' AND params.depth IS NOT NULL",
        "params.layers = '[1, 2]'",
        "params.huge = inf",
        "tags.team ILIKE 'vis___'",
        "status = 'finished' AND duration < '2 min'",
        "notebook = 'train.ipynb' AND notebook = 'work/train.ipynb' AND notebook NOT IN ('ain.ipynb')",
        "end_time IS NULL",
        "datasets.name = 'iris' AND datasets.name != 'iris' AND datasets.context IS NULL",
        "NOT metrics.none > 1",
        "metrics.none > 1 OR metrics.auc > 0.5",
    ],
)
def test_a_true_condition_holds(text: str) -> None:
    condition = parse_filter(text)
    assert condition is not None
    assert evaluate(condition, lookup)


@pytest.mark.parametrize(
    "text",
    [
        "metrics.none != 1",
        "metrics.loss != 1",
        "metrics.loss NOT IN (1)",
        "metrics.loss NOT BETWEEN 0 AND 1",
        "metrics.auc / (metrics.auc - metrics.auc) > 0",
        "metrics.best - metrics.best < 1",
        "metrics.auc NOT BETWEEN metrics.none AND 0.5",
        "params.none != 'x'",
        "params.model > 3",
        "params.model = 3",
        "params.none NOT LIKE 'x'",
        "params.lr = params.none",
        "tags.none NOT IN ('a')",
        "end_time > 5",
        "datasets.context != 'train'",
    ],
)
def test_what_is_missing_or_nan_matches_no_comparison(text: str) -> None:
    condition = parse_filter(text)
    assert condition is not None
    assert not evaluate(condition, lookup)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("metrics.auc * 10", 9.0),
        ("-params.n / 8", -12.5),
        ("abs(duration - 100)", 10.0),
        ("metrics.none + 1", None),
        ("metrics.loss + 1", None),
        ("params.model + 1", None),
        ("params.n / (params.n - 100)", None),
    ],
)
def test_a_calculation_has_a_number_or_none(text: str, value: float | None) -> None:
    assert number_of(parse_order_by([text])[0].operand, lookup) == value
