"""Params, metrics and tags by MLflow's rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nbtrack
import nbtrack.mlflow as mlflow
from nbtrack.mlflow import MlflowClient, MlflowException
from nbtrack.mlflow.entities import Metric, Param, RunTag


def data_of(run):
    return mlflow.get_run(run.info.run_id).data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.05, "0.05"),
        (1e-05, "1e-05"),
        (True, "True"),
        (None, "None"),
        ("adam", "adam"),
        ([1, 2], "[1, 2]"),
        ((1, 2), "(1, 2)"),
        ({1: "a"}, "{1: 'a'}"),
        (dict, "<class 'dict'>"),
        (np.float32(0.1), "0.1"),
        (np.int64(7), "7"),
        (float("nan"), "nan"),
    ],
)
def test_a_param_is_the_text_of_its_value_and_is_returned_as_it_was(value, text):
    with mlflow.start_run() as run:
        assert mlflow.log_param("p", value) is value
        mlflow.log_param("p", value)
        mlflow.log_param("p", text)
    assert data_of(run).params == {"p": text}


@pytest.mark.parametrize(("old", "new"), [(3, 4), (3, "3.0"), (1, True), ("a", None), ([1], (1,))])
def test_another_value_of_a_param_is_refused_in_mlflows_words(old, new):
    with mlflow.start_run() as run:
        mlflow.log_param("p", old)
        with pytest.raises(MlflowException) as caught:
            mlflow.log_param("p", new)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert str(caught.value).startswith(
        f"Changing param values is not allowed. Param with key='p' was already logged with value='{old}' for run ID='{run.info.run_id}'. "
        f"Attempted logging new value '{new}'."
    )
    assert data_of(run).params == {"p": str(old)}


def test_a_batch_of_params_with_conflicts_stores_none_and_lists_them():
    with mlflow.start_run() as run:
        mlflow.log_params({"a": 1, "b": 2, "same": 3})
        with pytest.raises(MlflowException) as caught:
            mlflow.log_params({"a": 5, "b": 6, "same": 3, "new": 4})
    assert "[{'key': 'a', 'old_value': '1', 'new_value': '5'}, {'key': 'b', 'old_value': '2', 'new_value': '6'}]" in str(caught.value)
    assert data_of(run).params == {"a": "1", "b": "2", "same": "3"}


def test_params_keep_their_types_for_nbtrack_and_its_search():
    with mlflow.start_run() as run:
        mlflow.log_params({"lr": 0.05, "depth": 3, "shuffle": True, "layers": (1, 2)})
    assert nbtrack.get_run(run.info.run_id).data.params == {"lr": 0.05, "depth": 3, "shuffle": True, "layers": "(1, 2)"}
    assert len(nbtrack.search_runs(filter_string="params.lr < 0.1 AND params.depth = 3", output_format="list")) == 1


def test_what_nbtrack_logged_is_text_and_write_once_here():
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        mlflow.log_param("lr", "0.1")
        with pytest.raises(MlflowException, match="Changing param values"):
            mlflow.log_param("lr", 0.2)
    assert mlflow.get_run(run.run_id).data.params == {"lr": "0.1"}


def test_params_can_be_added_after_the_end_and_not_changed():
    with mlflow.start_run() as run:
        pass
    client = MlflowClient()
    assert client.log_param(run.info.run_id, "late", 1) == 1
    with pytest.raises(MlflowException, match="Changing param values"):
        client.log_param(run.info.run_id, "late", 2)


def test_long_values_are_cut_with_a_warning():
    with mlflow.start_run() as run:
        with pytest.warns(UserWarning, match=r"the param 'p' has 7,000 characters; it is truncated to 6,000"):
            mlflow.log_param("p", "x" * 7000)
        with pytest.warns(UserWarning, match=r"the tag 't' has 9,000 characters; it is truncated to 8,000"):
            mlflow.set_tag("t", "x" * 9000)
    assert len(data_of(run).params["p"]) == 6000
    assert len(data_of(run).tags["t"]) == 8000


def test_long_values_are_refused_where_the_environment_says_so(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")
    with mlflow.start_run(), pytest.raises(MlflowException, match="exceeds the maximum length of 6000"):
        mlflow.log_param("p", "x" * 7000)


@pytest.mark.parametrize("key", ["a?b", "../a", "/a", "a//b", "", "a" * 251])
def test_a_name_outside_the_rule_is_an_invalid_parameter(key):
    with mlflow.start_run():
        for log in (mlflow.log_param, mlflow.log_metric, mlflow.set_tag):
            with pytest.raises(MlflowException) as caught:
                log(key, 1)
            assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(("value", "stored"), [(1, 1.0), (True, 1.0), ("3.5", 3.5), (np.array(2.0), 2.0), (float("inf"), math.inf)])
def test_a_metric_is_what_float_makes_of_it(value, stored):
    with mlflow.start_run() as run:
        assert mlflow.log_metric("m", value) is None
    assert data_of(run).metrics == {"m": stored}


def test_nan_stays_nan():
    with mlflow.start_run() as run:
        mlflow.log_metric("m", float("nan"))
    assert math.isnan(data_of(run).metrics["m"])


@pytest.mark.parametrize(("value", "step"), [("abc", 0), (None, 0), (1.0, 1.7)])
def test_what_is_no_metric_is_an_invalid_parameter(value, step):
    with mlflow.start_run(), pytest.raises(MlflowException) as caught:
        mlflow.log_metric("m", value, step=step)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_the_latest_value_is_that_of_the_highest_step_and_the_history_is_by_time():
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1, step=5, timestamp=10)
        mlflow.log_metric("m", 2, step=1, timestamp=20)
        mlflow.log_metrics({"m": 3, "n": 4}, step=2, timestamp=30)
        mlflow.log_metric("m", 3, step=2, timestamp=30)
    assert data_of(run).metrics == {"m": 1.0, "n": 4.0}
    assert [(point.value, point.step, point.timestamp) for point in MlflowClient().get_metric_history(run.info.run_id, "m")] == [
        (1.0, 5, 10),
        (2.0, 1, 20),
        (3.0, 2, 30),
    ]


def test_tags_are_texts_can_be_changed_and_rename_the_run():
    with mlflow.start_run() as run:
        mlflow.set_tag("t", 1)
        mlflow.set_tags({"t": 2, "mlflow.runName": "better"})
        with pytest.raises(MlflowException, match="No tag with name: zz in run with id") as caught:
            mlflow.delete_tag("zz")
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert data_of(run).tags["t"] == "2"
    assert mlflow.get_run(run.info.run_id).info.run_name == "better"
    MlflowClient().delete_tag(run.info.run_id, "t")
    assert "t" not in data_of(run).tags


def test_a_call_as_asynchronous_is_committed_and_gives_something_to_wait_for():
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1, synchronous=False).wait()
        mlflow.log_params({"p": 1}, synchronous=False).wait()
        assert data_of(run).metrics == {"m": 1.0}
        mlflow.config.enable_async_logging()
        mlflow.set_tag("t", 1).wait()
        mlflow.config.enable_async_logging(False)
        assert mlflow.log_metric("m", 2) is None
        mlflow.flush_async_logging()


def test_log_batch_takes_mlflows_entities_and_stores_all_or_nothing():
    client = MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_batch(run_id, [Metric("m", 1.0, 123, 4)], [Param("p", "1")], [RunTag("t", "2")])
    with pytest.raises(MlflowException):
        client.log_batch(run_id, [Metric("m", 2.0, 124, 5)], [Param("p", "other")], [RunTag("t", "3")])
    with pytest.raises(MlflowException, match=r"Duplicate parameter keys have been submitted: \['z'\]"):
        client.log_batch(run_id, params=[Param("z", "1"), Param("z", "2")])
    data = client.get_run(run_id).data
    assert (data.metrics, data.params, data.tags["t"]) == ({"m": 1.0}, {"p": "1"}, "2")


def test_a_log_call_without_a_run_starts_one_and_run_id_names_another():
    with mlflow.start_run() as first:
        pass
    mlflow.log_metric("m", 1)
    started = mlflow.active_run()
    mlflow.log_metric("m", 7, run_id=first.info.run_id)
    mlflow.end_run()
    assert started.info.run_id != first.info.run_id
    assert data_of(first).metrics == {"m": 7.0}
    assert data_of(started).metrics == {"m": 1.0}


def test_logging_to_a_deleted_run_is_refused():
    with mlflow.start_run() as run:
        pass
    mlflow.delete_run(run.info.run_id)
    with pytest.raises(MlflowException) as caught:
        MlflowClient().log_metric(run.info.run_id, "m", 1)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
