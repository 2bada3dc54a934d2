"""Artifacts, tables and data under MLflow's names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nbtrack.mlflow as mlflow
from nbtrack.mlflow import MlflowClient, MlflowException


@pytest.fixture
def run_id():
    """A run with a few files."""
    Path("plot.png").write_bytes(b"png")
    with mlflow.start_run() as run:
        mlflow.log_artifact("plot.png", "plots")
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"a": 1}, "d.json")
        mlflow.log_dict({"b": 2}, "d.yaml")
    return run.info.run_id


def test_artifacts_are_listed_read_and_downloaded_by_run_and_by_uri(run_id, tmp_path):
    assert [(item.path, item.is_dir) for item in mlflow.artifacts.list_artifacts(run_id=run_id)] == [
        ("d.json", False),
        ("d.yaml", False),
        ("notes", True),
        ("plots", True),
    ]
    assert [item.path for item in mlflow.artifacts.list_artifacts(f"runs:/{run_id}/notes")] == ["notes/a.txt"]
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/d.json") == {"a": 1}
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/d.yaml") == {"b": 2}
    copied = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="plots", dst_path=tmp_path / "copy")
    assert (Path(copied) / "plot.png").read_bytes() == b"png"
    assert mlflow.artifacts.download_artifacts(str(tmp_path / "plot.png")) == str(tmp_path / "plot.png")


def test_the_uri_of_artifacts_leads_to_them():
    with mlflow.start_run():
        mlflow.log_text("hello", "a.txt")
        assert mlflow.artifacts.load_text(mlflow.get_artifact_uri("a.txt")) == "hello"
        assert mlflow.artifacts.list_artifacts(mlflow.get_artifact_uri())[0].path == "a.txt"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "INVALID_PARAMETER_VALUE"),
        ({"artifact_uri": "runs:/"}, "INVALID_PARAMETER_VALUE"),
        ({"artifact_uri": "s3://bucket/a"}, "INVALID_PARAMETER_VALUE"),
        ({"artifact_uri": "nowhere"}, "RESOURCE_DOES_NOT_EXIST"),
        ({"run_id": "0" * 32}, "RESOURCE_DOES_NOT_EXIST"),
        ({"artifact_uri": "models:/churn/1"}, "RESOURCE_DOES_NOT_EXIST"),
    ],
)
def test_what_is_not_there_or_cannot_be_read_is_refused(arguments, code):
    with pytest.raises(MlflowException) as caught:
        mlflow.artifacts.download_artifacts(**arguments)
    assert caught.value.error_code == code


def test_python_errors_of_mlflow_stay_python_errors():
    with mlflow.start_run():
        with pytest.raises(FileNotFoundError, match="nofile"):
            mlflow.log_artifact("nofile")
        with pytest.raises(TypeError, match="Unsupported figure object type"):
            mlflow.log_figure(object(), "a.png")
        with pytest.raises(TypeError):
            mlflow.log_image(np.zeros((2, 2)), "a.png", key="k")
        with pytest.raises(MlflowException, match=r"\.\."):
            mlflow.log_text("a", "../a.txt")


def test_tables_are_appended_to_and_loaded():
    made = mlflow.set_experiment("tables")
    with mlflow.start_run() as run:
        mlflow.log_table({"a": [1, 2]}, "t.json")
        mlflow.log_table(pd.DataFrame({"a": [3], "b": ["x"]}), "t.json")
    assert mlflow.load_table("t.json")["a"].tolist() == [1, 2, 3]
    frame = MlflowClient().load_table(made.experiment_id, "t.json", extra_columns=["run_id"])
    assert frame["b"].tolist()[2] == "x"
    assert set(frame["run_id"]) == {run.info.run_id}


def test_data_sets_have_names_digests_and_sources():
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]})
    dataset = mlflow.data.from_pandas(frame, source="data.csv", targets="y", name="churn")
    assert (dataset.name, dataset.targets, dataset.source) == ("churn", "y", "data.csv")
    assert dataset.df is frame
    assert dataset.digest == mlflow.data.from_pandas(frame.copy()).digest != mlflow.data.from_pandas(frame * 2).digest
    assert mlflow.data.from_pandas(frame, digest="mine").digest == "mine"
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="train", tags={"q": "w"})
        mlflow.log_inputs([mlflow.data.from_numpy(np.arange(6), name="numbers")], contexts=["test"])
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert {(item.dataset.name, item.context, item.dataset.source_type) for item in inputs} == {("churn", "train", "local"), ("numbers", "test", "memory")}
    churn = next(item for item in inputs if item.dataset.name == "churn")
    assert isinstance(churn.dataset.schema, str)
    assert {"q": "w"}.items() <= {tag.key: tag.value for tag in churn.tags}.items()
    again = MlflowClient().create_run("0").info.run_id
    MlflowClient().log_inputs(again, inputs)
    assert {item.dataset.digest for item in MlflowClient().get_run(again).inputs.dataset_inputs} == {item.dataset.digest for item in inputs}


def test_data_sets_that_cannot_be_are_refused():
    with pytest.raises(MlflowException, match="targets column 'zz'"):
        mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), targets="zz")
    with pytest.raises(MlflowException, match=r"builtins\.int"):
        mlflow.data.from_numpy(3)
    with mlflow.start_run(), pytest.raises(MlflowException, match="same length"):
        mlflow.log_inputs([np.arange(3)], contexts=["a", "b"])
