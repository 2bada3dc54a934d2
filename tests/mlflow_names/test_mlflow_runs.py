"""Runs and experiments by MLflow's rules."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import nbtrack
import nbtrack.mlflow as mlflow
from nbtrack.mlflow import MlflowClient, MlflowException
from nbtrack.mlflow.entities import RunStatus, ViewType


def code_of(call, *args, **kwargs):
    with pytest.raises(MlflowException) as caught:
        call(*args, **kwargs)
    return caught.value.error_code


# --- runs ------------------------------------------------------------------------------------------


def test_a_run_has_mlflows_shape_with_plain_strings():
    with mlflow.start_run(run_name="first", tags={"team": 1}, description="why") as run:
        mlflow.log_metric("m", 1)
    found = mlflow.get_run(run.info.run_id)
    assert (type(found.info.status), found.info.status, found.info.lifecycle_stage) == (str, "FINISHED", "active")
    assert found.info.run_name == "first"
    assert found.info.end_time >= found.info.start_time
    assert (found.data.tags["team"], found.data.tags["mlflow.note.content"], found.data.tags["mlflow.runName"]) == ("1", "why", "first")
    assert dict(found.info)["run_id"] == run.info.run_id
    assert set(dict(found.data)) == {"metrics", "params", "tags"}
    assert set(found.to_dictionary()) == {"info", "data", "inputs", "outputs"}


def test_a_second_run_is_refused_with_the_id_of_the_first():
    with mlflow.start_run() as run, pytest.raises(Exception, match="already active") as caught:
        mlflow.start_run()
    assert str(caught.value) == (
        f"Run with UUID {run.info.run_id} is already active. To start a new run, first end the current run with mlflow.end_run(). "
        "To start a nested run, call start_run with nested=True"
    )


def test_a_nested_run_knows_its_parent():
    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        assert mlflow.active_run().info.run_id == child.info.run_id
    assert mlflow.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert mlflow.get_parent_run(parent.info.run_id) is None
    assert mlflow.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_failure_fails_the_run_and_goes_on():
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        1 / 0
    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"
    assert mlflow.active_run() is None
    assert mlflow.last_active_run().info.run_id == run.info.run_id


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", RunStatus.KILLED])
def test_a_run_ends_with_the_status_that_is_given(status):
    run = mlflow.start_run()
    mlflow.end_run(status)
    mlflow.end_run()
    assert mlflow.get_run(run.info.run_id).info.status == (status if isinstance(status, str) else RunStatus.to_string(status))


def test_resuming_a_run_makes_it_running_again():
    with mlflow.start_run() as run:
        pass
    with mlflow.start_run(run_id=run.info.run_id, run_name="again") as same:
        assert same.info.run_id == run.info.run_id
        assert same.info.status == "RUNNING"
    assert mlflow.get_run(run.info.run_id).info.run_name == "again"


def test_what_cannot_be_started_says_why():
    with mlflow.start_run() as run:
        pass
    mlflow.delete_run(run.info.run_id)
    assert code_of(mlflow.start_run, run_id=run.info.run_id) == "INVALID_PARAMETER_VALUE"
    assert code_of(mlflow.start_run, run_id="0" * 32) == "RESOURCE_DOES_NOT_EXIST"
    assert code_of(mlflow.start_run, description="a", tags={"mlflow.note.content": "b"}) == "INVALID_PARAMETER_VALUE"
    with mlflow.start_run():
        assert code_of(mlflow.start_run, nested=True, parent_run_id="0" * 32) == "INVALID_PARAMETER_VALUE"
    assert code_of(mlflow.get_run, "0" * 32) == "RESOURCE_DOES_NOT_EXIST"


def test_a_run_of_the_client_is_ended_by_it():
    client = MlflowClient()
    run = client.create_run("0", run_name="by hand", tags={"a": "b"})
    assert run.info.status == "RUNNING"
    assert mlflow.active_run() is None
    client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.FAILED))
    client.update_run(run.info.run_id, name="renamed")
    found = client.get_run(run.info.run_id)
    assert (found.info.status, found.info.run_name, found.data.tags["a"]) == ("FAILED", "renamed", "b")
    client.delete_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    client.restore_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"


def test_both_names_share_one_session():
    with nbtrack.start_run() as ours:
        assert mlflow.active_run().info.run_id == ours.run_id
        mlflow.log_metric("m", 1)
    assert ours.data.metrics == {"m": 1.0}


# --- experiments -----------------------------------------------------------------------------------


def test_an_experiment_is_chosen_by_name_or_id_and_by_one_of_them():
    made = mlflow.set_experiment("churn")
    with mlflow.start_run() as run:
        pass
    assert run.info.experiment_id == made.experiment_id
    assert made.lifecycle_stage == "active"
    assert mlflow.set_experiment(experiment_id="0").name == "Default"
    for call in ({}, {"experiment_name": "a", "experiment_id": "0"}):
        with pytest.raises(MlflowException, match="Must specify exactly one of: `experiment_id` or `experiment_name`"):
            mlflow.set_experiment(**call)


def test_names_of_experiments_are_taken_once_by_deleted_ones_too():
    experiment_id = mlflow.create_experiment("churn", tags={"a": 1})
    assert isinstance(experiment_id, str)
    assert mlflow.get_experiment(experiment_id).tags == {"a": "1"}
    assert code_of(mlflow.create_experiment, "churn") == "RESOURCE_ALREADY_EXISTS"
    mlflow.delete_experiment(experiment_id)
    assert mlflow.get_experiment_by_name("churn").lifecycle_stage == "deleted"
    assert code_of(mlflow.create_experiment, "churn") == "RESOURCE_ALREADY_EXISTS"
    assert code_of(mlflow.set_experiment, "churn") == "INVALID_PARAMETER_VALUE"
    mlflow.restore_experiment(experiment_id)
    assert mlflow.set_experiment("churn").experiment_id == experiment_id
    assert mlflow.get_experiment_by_name("nope") is None
    assert code_of(mlflow.get_experiment, "999") == "RESOURCE_DOES_NOT_EXIST"


def test_experiments_are_searched_by_view_type_and_filter():
    for name in ("a", "b"):
        mlflow.create_experiment(name)
    mlflow.delete_experiment(mlflow.get_experiment_by_name("b").experiment_id)
    assert [found.name for found in mlflow.search_experiments(view_type=ViewType.DELETED_ONLY)] == ["b"]
    assert {found.name for found in mlflow.search_experiments(view_type=ViewType.ALL)} == {"a", "b", "Default"}
    assert [found.name for found in mlflow.search_experiments(filter_string="name = 'a'")] == ["a"]
    page = MlflowClient().search_experiments(max_results=1)
    assert len(page) == 1
    assert page.token


def test_tags_of_the_active_experiment():
    made = mlflow.set_experiment("churn")
    mlflow.set_experiment_tags({"a": 1, "b": 2})
    mlflow.delete_experiment_tag("b")
    MlflowClient().set_experiment_tag(made.experiment_id, "c", "3")
    assert mlflow.get_experiment(made.experiment_id).tags == {"a": "1", "c": "3"}


# --- the environment -------------------------------------------------------------------------------


def test_mlflows_variables_choose_store_experiment_and_run(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "churn")
    assert mlflow.is_tracking_uri_set()
    assert mlflow.get_tracking_uri() == str(tmp_path / "elsewhere" / ".nbtrack")
    with mlflow.start_run() as run:
        pass
    assert mlflow.get_experiment(run.info.experiment_id).name == "churn"
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    with mlflow.start_run() as same:
        assert same.info.run_id == run.info.run_id
    assert "MLFLOW_RUN_ID" not in os.environ
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    assert code_of(mlflow.start_run) == "INVALID_PARAMETER_VALUE"


def test_nbtracks_own_variables_come_first(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "theirs"))
    monkeypatch.setenv("NBTRACK_TRACKING_URI", str(tmp_path / "ours"))
    assert mlflow.get_tracking_uri() == str(tmp_path / "ours" / ".nbtrack")


def test_mlflows_variables_count_only_where_its_names_are_used(tmp_path):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": str(tmp_path / "theirs")}
    program = "import sys, nbtrack{extra}; print(nbtrack.get_tracking_uri())"
    found = [
        subprocess.run([sys.executable, "-c", program.format(extra=extra)], capture_output=True, text=True, check=True, env=environment).stdout.strip()
        for extra in ("", ", nbtrack.mlflow")
    ]
    assert found == [str(tmp_path / ".nbtrack"), str(tmp_path / "theirs" / ".nbtrack")]


def test_the_place_and_the_experiment_are_passed_on_to_processes_started_from_here(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    mlflow.set_tracking_uri(tmp_path / "store")
    made = mlflow.set_experiment("churn")
    program = "import nbtrack.mlflow as mlflow\nwith mlflow.start_run() as run: print(run.info.experiment_id)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == made.experiment_id
    mlflow.set_tracking_uri("")
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert not mlflow.is_tracking_uri_set()


def test_the_registry_is_where_the_runs_are(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    assert mlflow.get_registry_uri() == mlflow.get_tracking_uri()
    mlflow.set_registry_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    mlflow.set_registry_uri("")
    assert code_of(mlflow.set_registry_uri, str(tmp_path / "other")) == "INVALID_PARAMETER_VALUE"
    assert code_of(MlflowClient, registry_uri=str(tmp_path / "other")) == "INVALID_PARAMETER_VALUE"
    assert code_of(mlflow.set_tracking_uri, "databricks://profile") == "INVALID_PARAMETER_VALUE"


def test_system_metrics_are_switched_by_call_and_by_environment(monkeypatch):
    pytest.importorskip("psutil")
    session = nbtrack.tracking.session.current_session()
    mlflow.enable_system_metrics_logging()
    with mlflow.start_run():
        assert session.active.system_metrics is not None
    mlflow.disable_system_metrics_logging()
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    with mlflow.start_run():
        assert session.active.system_metrics is None
