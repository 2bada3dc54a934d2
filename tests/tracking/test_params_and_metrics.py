"""log_param, log_metric and their siblings: what is kept, what is refused."""

from __future__ import annotations

import datetime
import enum
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.entities import Metric, Param
from nbtrack.errors import InvalidInput, InvalidMetric, InvalidName, InvalidParam, ParamFrozen, RunNotFound, TagNotFound


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (3, 3),
        (10**30, 10**30),
        (0.1, 0.1),
        (True, True),
        (None, None),
        ("Zürich 🌲", "Zürich 🌲"),
        ([1, 2.5, "a"], [1, 2.5, "a"]),
        ((1, 2), [1, 2]),
        ({"a": {"b": [None, False]}}, {"a": {"b": [None, False]}}),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (Decimal("0.25"), 0.25),
        (Path("data/train.csv"), "data/train.csv"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
        (Colour.RED, "red"),
        ({3, 1, 2}, [1, 2, 3]),
        (math.sqrt, "math.sqrt"),
        (float("inf"), float("inf")),
    ],
)
def test_param_keeps_its_type(value: Any, kept: Any) -> None:
    with nbtrack.start_run() as run:
        assert nbtrack.log_param("p", value) is value
    stored = run.data.params["p"]
    assert stored == kept
    assert type(stored) is type(kept)


def test_nan_param_is_kept() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_param("p", float("nan"))
    assert math.isnan(run.data.params["p"])


def test_param_without_a_plain_form_is_refused_and_the_others_of_the_call_too() -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidParam, match="'model' is a builtins.object.*str"):
            nbtrack.log_params({"lr": 0.1, "model": object()})
        with pytest.raises(InvalidParam, match="1,000,000 items"):
            nbtrack.log_param("weights", np.zeros(1_000_000))
        endless: list[Any] = []
        endless.append(endless)
        with pytest.raises(InvalidParam, match="holds itself"):
            nbtrack.log_param("endless", endless)
    assert run.data.params == {}


def test_ten_thousand_params_are_kept() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_params({f"p{number}": number for number in range(10_000)})
    assert len(run.data.params) == 10_000


def test_param_may_be_corrected_while_running_and_is_frozen_after() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_param("lr", 0.2)
    assert run.data.params == {"lr": 0.2}
    (change,) = run.param_history()
    assert (change.key, change.old_value, change.new_value) == ("lr", 0.1, 0.2)
    run.log_param("lr", 0.2)  # no change
    with pytest.raises(ParamFrozen, match=r"'lr' stays 0.2; found the new value 0.3.*start_run\(run_id="):
        run.log_param("lr", 0.3)
    assert run.data.params == {"lr": 0.2}


def test_one_and_true_and_text_are_different_values() -> None:
    with nbtrack.start_run() as run:
        for value in (1, True, 1.0, "1"):
            nbtrack.log_param("p", value)
    assert [change.new_value for change in run.param_history()] == [True, 1.0, "1"]


@pytest.mark.parametrize("key", ["", "a" * 251, "a\nb", "../x", "/x", "a//b", ".", "a/../b", "x;y", None, 3])
def test_name_outside_the_rule_is_refused(key: Any) -> None:
    with nbtrack.start_run() as run:
        for call in (nbtrack.log_param, nbtrack.log_metric, nbtrack.set_tag):
            with pytest.raises(InvalidName):
                call(key, 1)
    assert (run.data.params, run.data.metrics) == ({}, {})


@pytest.mark.parametrize("key", ["auc", "val/loss", "f1 macro", "größe", "a.b-c_d:e", "a" * 250])
def test_name_inside_the_rule_is_accepted(key: str) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_param(key, 1)
        nbtrack.log_metric(key, 1)
    assert key in run.data.params
    assert key in run.data.metrics


@pytest.mark.parametrize(
    ("value", "kept"), [(True, 1.0), ("3.5", 3.5), (np.float32(0.5), 0.5), (np.array(2), 2.0), (Decimal("1.5"), 1.5), (7, 7.0), (10**400, math.inf)]
)
def test_metric_takes_what_is_a_number(value: Any, kept: float) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metric("m", value)
    assert run.data.metrics == {"m": kept}


@pytest.mark.parametrize("value", ["abc", None, object(), [1], {"a": 1}, 1j, b"1"])
def test_metric_that_is_no_number_is_refused(value: Any) -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidMetric, match="'m'"):
            nbtrack.log_metric("m", value)
    assert run.data.metrics == {}


@pytest.mark.parametrize("step", [1.7, "3", "x", 2**63, float("nan")])
def test_step_is_a_whole_number(step: Any) -> None:
    with nbtrack.start_run(), pytest.raises(InvalidMetric, match="step"):
        nbtrack.log_metric("m", 1.0, step=step)


def test_nan_and_infinities_stay_what_they_are() -> None:
    with nbtrack.start_run() as run:
        for step, value in enumerate([1.0, math.nan, math.inf, -math.inf, 2.0, math.nan]):
            nbtrack.log_metric("m", value, step=step)
    values = [point.value for point in run.metric_history("m")]
    assert str(values) == "[1.0, nan, inf, -inf, 2.0, nan]"
    assert math.isnan(run.data.metrics["m"])
    (summary,) = run.store.metrics.summaries(run.run_id)
    assert (summary.min, summary.max, summary.count, summary.last_step) == (-math.inf, math.inf, 6, 5)


def test_last_value_is_that_of_the_highest_step_then_time() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metric("m", 1.0, step=5, timestamp=100)
        nbtrack.log_metric("m", 2.0, step=5, timestamp=90)
        nbtrack.log_metric("m", 3.0, step=4, timestamp=200)
    assert run.data.metrics == {"m": 1.0}
    assert [(point.timestamp, point.step) for point in run.metric_history("m")] == [(90, 5), (100, 5), (200, 4)]


def test_exact_duplicates_appear_once_in_the_history() -> None:
    with nbtrack.start_run() as run:
        for _ in range(3):
            nbtrack.log_metric("m", 1.0, step=1, timestamp=100)
        nbtrack.log_metric("m", 2.0, step=1, timestamp=100)
    assert run.metric_history("m") == [Metric("m", 1.0, 100, 1), Metric("m", 2.0, 100, 1)]


def test_log_metrics_shares_step_and_time() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metrics({"a": 1, "b": 2.0}, step=3, timestamp=1000)
    assert run.metric_history("a") == [Metric("a", 1.0, 1000, 3)]
    assert run.metric_history("b") == [Metric("b", 2.0, 1000, 3)]


def test_one_bad_metric_of_a_call_stores_none_of_it() -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidMetric, match="'b'"):
            nbtrack.log_metrics({"a": 1, "b": "x"})
    assert run.data.metrics == {}


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_arrays_are_logged_in_bulk(kind: Any) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metrics({"loss": kind([3.0, 2.0, math.nan]), "acc": kind([0.1, 0.2, 0.3])}, step=kind([10, 20, 30]))
        nbtrack.log_metrics({"loss": kind([1.0])}, step=kind([40]))
        nbtrack.log_metrics({"plain": kind([5.0, 6.0])})
    assert [(point.step, point.value) for point in run.metric_history("acc")] == [(10, 0.1), (20, 0.2), (30, 0.3)]
    assert run.data.metrics == {"loss": 1.0, "acc": 0.3, "plain": 6.0}
    assert [point.step for point in run.metric_history("plain")] == [0, 1]
    summary = {item.key: item for item in run.store.metrics.summaries(run.run_id)}["loss"]
    assert (summary.count, summary.min, summary.max) == (4, 1.0, 3.0)


@pytest.mark.parametrize(
    ("metrics", "step"),
    [({"a": [1.0, 2.0], "b": [1.0]}, None), ({"a": [1.0, 2.0]}, [1]), ({"a": [1.0], "b": 2.0}, None), ({"a": np.zeros((2, 2))}, None), ({"a": [1.0]}, 5)],
)
def test_uneven_arrays_are_refused(metrics: Any, step: Any) -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidInput):
            nbtrack.log_metrics(metrics, step=step)
    assert run.data.metrics == {}


def test_tags_are_overwritten_renamed_and_deleted() -> None:
    with nbtrack.start_run(run_name="old") as run:
        nbtrack.set_tags({"team": "vision", "n": 3})
        nbtrack.set_tag("team", "speech")
        nbtrack.set_tag("mlflow.runName", "new")
        nbtrack.delete_tag("n")
        with pytest.raises(TagNotFound, match="No tag with name: n in run"):
            nbtrack.delete_tag("n")
    assert run.data.tags["team"] == "speech"
    assert run.info.run_name == "new"


def test_client_stores_a_batch_all_or_none() -> None:
    client = nbtrack.Client()
    run = client.create_run("0", run_name="by client")
    client.log_batch(run.info.run_id, [Metric("m", 1.0, 5, 2)], [Param("p", 3)], {"t": "x"})
    with pytest.raises(InvalidMetric):
        client.log_batch(run.info.run_id, [Metric("m", "x", 5, 2)], [Param("q", 3)], {"u": "x"})  # type: ignore[arg-type]
    found = client.get_run(run.info.run_id)
    assert (found.data.metrics, found.data.params) == ({"m": 1.0}, {"p": 3})
    assert "u" not in found.data.tags
    client.set_terminated(run.info.run_id, "FAILED")
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_logging_to_a_run_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(RunNotFound):
        nbtrack.log_metric("m", 1.0, run_id="0" * 32)
    with pytest.raises(RunNotFound):
        nbtrack.log_params({"p": 1}, run_id="0" * 32)
