"""Models of runs: logged, loaded when their bytes are what was logged, registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nbtrack
from nbtrack.errors import ArtifactNotFound, Conflict, LoggedModelNotFound, ModelError, NotFound, RegisteredModelNotFound, UntrustedModel
from nbtrack.tracking import models


@pytest.fixture(scope="module")
def data() -> Any:
    return load_breast_cancer(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def fitted(data: Any) -> Any:
    X, y = data
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)


@pytest.fixture(autouse=True)
def nothing_loaded() -> None:
    models._loaded.clear()


def test_logged_model_comes_back_and_predicts_the_same(fitted: Any, data: Any) -> None:
    X, _ = data
    with nbtrack.start_run() as run:
        info = nbtrack.log_model(fitted, "model", input_example=X.head(3))
    for uri in (f"runs:/{run.run_id}/model", info.model_uri):
        assert (nbtrack.load_model(uri).predict(X) == fitted.predict(X)).all()
    pyfunc = nbtrack.load_model(info.model_uri, flavor="pyfunc")
    assert (pyfunc.predict(X) == fitted.predict(X)).all()
    assert {item.path for item in run.list_artifacts("model")} >= {"model/MLmodel", "model/model.pkl", "model/requirements.txt"}
    assert info.signature is not None
    assert run.store.registry.logged_models.of_run(run.run_id)[0].has_input_example


def test_logging_again_under_a_name_replaces_the_model_unless_a_version_points_to_it(fitted: Any, data: Any) -> None:
    X, y = data
    other = LogisticRegression(max_iter=500).fit(X.iloc[:, :2], y)
    with nbtrack.start_run() as run:
        run.log_model(fitted, "model", input_example=X.head(3))
        run.log_model(other, "model")
        assert "model/input_example.json" not in {item.path for item in run.list_artifacts("model")}
        assert nbtrack.load_model(f"runs:/{run.run_id}/model").n_features_in_ == 2
        nbtrack.register_model(f"runs:/{run.run_id}/model", "churn")
        with pytest.raises(Conflict, match="version 1 of 'churn' points to"):
            run.log_model(fitted, "model")
    assert nbtrack.load_model("models:/churn/1").n_features_in_ == 2


def test_changed_bytes_are_not_loaded(fitted: Any, empty_folder: Path) -> None:
    with nbtrack.start_run() as run:
        run.log_model(fitted, "model")
    digest = run.store.artifacts.get(run.run_id, "model/model.pkl").digest
    blob = empty_folder / ".nbtrack" / "artifacts" / digest[:2] / digest[2:]
    blob.chmod(0o644)
    logged = blob.read_bytes()
    blob.write_bytes(logged + b"x")
    with pytest.raises(UntrustedModel, match=rf"runs:/{run.run_id}/model is not what was logged \(changed: model.pkl\)"):
        nbtrack.load_model(f"runs:/{run.run_id}/model")
    blob.write_bytes(logged)
    assert nbtrack.load_model(f"runs:/{run.run_id}/model").n_features_in_ == 30


def test_folder_from_elsewhere_needs_trust(fitted: Any, empty_folder: Path) -> None:
    nbtrack.save_model(fitted, empty_folder / "folder")
    with pytest.raises(UntrustedModel, match="trusted=True"):
        nbtrack.load_model(str(empty_folder / "folder"))
    assert nbtrack.load_model(str(empty_folder / "folder"), trusted=True).n_features_in_ == 30


def test_object_that_is_no_model_is_refused_and_leaves_nothing() -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(ModelError, match="int"):
            nbtrack.log_model(3, "model")
    assert run.list_artifacts() == []


@pytest.mark.parametrize("uri", ["models:/nope/1", "models:/m-" + "0" * 32, "runs:/" + "0" * 32 + "/model"])
def test_unknown_uri_is_an_error(uri: str) -> None:
    with pytest.raises((NotFound, LoggedModelNotFound, RegisteredModelNotFound)):
        nbtrack.load_model(uri)


def test_run_without_that_model_is_not_registered_and_nothing_remains() -> None:
    with nbtrack.start_run() as run:
        run.log_text("x", "model.txt")
    with pytest.raises((ArtifactNotFound, NotFound)):
        nbtrack.register_model(f"runs:/{run.run_id}/model", "orphan")
    assert list(nbtrack.Client().search_registered_models()) == []


def test_client_has_the_registry_and_says_who_acts(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_USER", "ada")
    with nbtrack.start_run() as run:
        info = run.log_model(fitted, "model", registered_model_name="churn")
    assert info.registered_model_version == 1
    client = nbtrack.Client()
    client.transition_model_version_stage("churn", 1, "Production")
    client.set_registered_model_alias("churn", "champion", 1)
    assert nbtrack.load_model("models:/churn@champion").n_features_in_ == 30
    assert {event.actor for event in client.audit_log("churn")} == {"ada"}
    assert client.audit_verify() == []


def test_asking_the_registry_makes_no_store(empty_folder: Path) -> None:
    assert list(nbtrack.Client().search_registered_models()) == []
    assert not (empty_folder / ".nbtrack").exists()


def test_client_logs_a_model_to_any_run(fitted: Any) -> None:
    client = nbtrack.Client()
    run = client.create_run("0")
    info = client.log_model(run.info.run_id, fitted, "pipeline")
    assert nbtrack.load_model(info.model_uri).n_features_in_ == 30


def test_first_write_of_the_registry_makes_the_store_and_is_kept(empty_folder: Path) -> None:
    nbtrack.Client().create_registered_model("churn")
    assert (empty_folder / ".nbtrack").exists()
    assert [model.name for model in nbtrack.Client().search_registered_models()] == ["churn"]


def test_policy_that_is_set_first_of_all_is_kept() -> None:
    nbtrack.Client().set_policy({"rules": [{"stage": "Production", "approvals": 2}]})
    assert [rule.approvals for rule in nbtrack.Client().policy()] == [2]
