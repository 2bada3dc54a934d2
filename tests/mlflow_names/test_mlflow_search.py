"""``mlflow.search_runs``: columns, the grammar, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

import nbtrack
import nbtrack.mlflow as mlflow
from nbtrack.mlflow import MlflowClient, MlflowException
from nbtrack.mlflow.entities import Run, ViewType


@pytest.fixture
def two_runs():
    """Two runs, of which the first has a param and a metric that the second lacks."""
    with mlflow.start_run(run_name="first", tags={"team": "a"}) as first:
        mlflow.log_params({"lr": 0.1, "model": "forest"})
        mlflow.log_metrics({"auc": 0.9, "loss": 0.2})
    with mlflow.start_run(run_name="second") as second:
        mlflow.log_param("model", "tree")
        mlflow.log_metric("auc", 0.8)
    return first.info.run_id, second.info.run_id


def test_the_frame_has_mlflows_columns_with_params_as_strings(two_runs):
    frame = mlflow.search_runs(order_by=["metrics.auc DESC"])
    assert list(frame.columns[:6]) == ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert frame["params.lr"].tolist() == ["0.1", None]
    assert frame["params.model"].tolist() == ["forest", "tree"]
    assert frame["metrics.loss"].isna().tolist() == [False, True]
    assert frame["tags.team"].tolist() == ["a", None]
    assert str(frame["start_time"].dtype).endswith("UTC]")
    assert frame["status"].tolist() == ["FINISHED", "FINISHED"]


def test_params_of_one_type_are_strings_too():
    for depth in (1, 2):
        with mlflow.start_run():
            mlflow.log_params({"depth": depth, "lr": depth / 10})
    frame = mlflow.search_runs(order_by=["params.depth ASC"])
    assert frame["params.depth"].tolist() == ["1", "2"]
    assert frame["params.lr"].tolist() == ["0.1", "0.2"]


def test_no_run_is_an_empty_frame():
    assert isinstance(mlflow.search_runs(), pd.DataFrame)
    assert len(mlflow.search_runs()) == 0


@pytest.mark.parametrize(
    ("filter_string", "names"),
    [
        ("metrics.auc > 0.85", ["first"]),
        ("metrics.auc > 0.85 and params.model = 'forest'", ["first"]),
        ("metric.`auc` <= 0.8", ["second"]),
        ("params.lr = '0.1'", ["first"]),
        ("params.model != 'forest'", ["second"]),
        ("params.model LIKE 'fo%'", ["first"]),
        ("params.lr IS NULL", ["second"]),
        ("tags.team ILIKE 'A'", ["first"]),
        ("attributes.run_name = 'second'", ["second"]),
        ("status = 'FINISHED'", ["first", "second"]),
        ("attributes.start_time > 0", ["first", "second"]),
        ("metrics.auc > 0.85 OR params.model = 'tree'", ["first", "second"]),
        ("params.lr < 0.5", ["first"]),
    ],
)
def test_filters_of_mlflow_find_what_they_find_there_and_nbtracks_work_too(two_runs, filter_string, names):
    found = mlflow.search_runs(filter_string=filter_string, order_by=["attributes.run_name ASC"], output_format="list")
    assert all(type(run) is Run for run in found)
    assert [run.info.run_name for run in found] == names


@pytest.mark.parametrize("filter_string", ["metrics.auc > '1'", "foo.p = 'a'", "fooo = 'a'", "params.model =", "tags.team > 'a' AND"])
def test_a_filter_that_does_not_parse_is_an_invalid_parameter(filter_string):
    with pytest.raises(MlflowException) as caught:
        mlflow.search_runs(filter_string=filter_string)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_wrong_arguments_are_refused(two_runs):
    with pytest.raises(MlflowException, match="one of them"):
        mlflow.search_runs(["0"], experiment_names=["Default"])
    with pytest.raises(ValueError, match="Unsupported output format"):
        mlflow.search_runs(output_format="dict")
    with pytest.raises(MlflowException):
        mlflow.search_runs(order_by=["metrics.auc UP"])
    with pytest.raises(MlflowException, match="50,000"):
        MlflowClient().search_runs(["0"], max_results=60_000)
    with pytest.raises(MlflowException, match="view type 9"):
        mlflow.search_runs(run_view_type=9)


def test_view_types_experiments_and_pages(two_runs):
    first, second = two_runs
    mlflow.delete_run(first)
    assert [run.info.run_id for run in mlflow.search_runs(output_format="list")] == [second]
    assert [run.info.run_id for run in mlflow.search_runs(run_view_type=ViewType.DELETED_ONLY, output_format="list")] == [first]
    assert len(mlflow.search_runs(run_view_type=nbtrack.entities.ViewType.ALL)) == 2
    mlflow.set_experiment("other")
    assert len(mlflow.search_runs()) == 0
    assert len(mlflow.search_runs(search_all_experiments=True)) == len(mlflow.search_runs(experiment_names=["Default"])) == 1
    page = MlflowClient().search_runs(["0"], run_view_type=ViewType.ALL, max_results=1)
    rest = MlflowClient().search_runs(["0"], run_view_type=ViewType.ALL, max_results=1, page_token=page.token)
    assert [run.info.run_id for run in [*page, *rest]] == [second, first]
    assert rest.token is None
