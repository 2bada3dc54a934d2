"""Registered models by MLflow's rules, stages without a warning."""

from __future__ import annotations

import pytest
from sklearn.tree import DecisionTreeClassifier

import nbtrack
import nbtrack.mlflow as mlflow
from nbtrack.errors import PromotionRefused
from nbtrack.mlflow import MlflowClient, MlflowException
from nbtrack.mlflow.entities.model_registry import ModelVersion

client = MlflowClient


@pytest.fixture
def run_id():
    """A run that logged a model."""
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), "model")
    return run.info.run_id


@pytest.fixture
def churn(run_id):
    """Two versions of ``churn``."""
    for _ in range(2):
        mlflow.register_model(f"runs:/{run_id}/model", "churn")
    return MlflowClient()


def test_a_version_has_mlflows_shape(run_id):
    version = mlflow.register_model(f"runs:/{run_id}/model", "churn", tags={"data": 1})
    assert type(version) is ModelVersion
    assert type(version.version) is int
    assert (version.version, version.name, version.current_stage, version.status, version.run_id) == (1, "churn", "None", "READY", run_id)
    assert type(version.current_stage) is str
    assert version.tags == {"data": "1"}
    assert version.aliases == []
    assert dict(version)["name"] == "churn"
    assert mlflow.register_model(f"runs:/{run_id}/model", "churn").version == 2


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("runs:/" + "0" * 32 + "/model", "RESOURCE_DOES_NOT_EXIST"),
        ("runs:/RUN/nope", "RESOURCE_DOES_NOT_EXIST"),
        ("runs:/", "INVALID_PARAMETER_VALUE"),
        ("models:/nope/1", "RESOURCE_DOES_NOT_EXIST"),
        ("models:/nope/", "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_failed_registration_leaves_nothing(run_id, uri, code):
    with pytest.raises(MlflowException) as caught:
        mlflow.register_model(uri.replace("RUN", run_id), "orphan")
    assert caught.value.error_code == code
    assert mlflow.search_registered_models() == []


def test_stages_are_moved_in_any_case_and_archive_the_others(churn):
    assert churn.transition_model_version_stage("churn", 1, "production").current_stage == "Production"
    assert churn.transition_model_version_stage("churn", "2", "Production", archive_existing_versions=True).current_stage == "Production"
    assert churn.get_model_version("churn", 1).current_stage == "Archived"
    assert [(found.version, found.current_stage) for found in churn.get_latest_versions("churn", ["Production"])] == [(2, "Production")]
    assert churn.get_model_version_stages("churn", 1) == ["None", "Staging", "Production", "Archived"]


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (
            lambda: client().transition_model_version_stage("churn", 1, "Prod"),
            "INVALID_PARAMETER_VALUE",
            "Invalid Model Version stage: Prod. Value must be one of None, Staging, Production, Archived.",
        ),
        (lambda: client().transition_model_version_stage("churn", 1, "Archived", True), "INVALID_PARAMETER_VALUE", "not an Active stage"),
        (lambda: client().get_model_version("churn", 9), "RESOURCE_DOES_NOT_EXIST", r"Model Version \(name=churn, version=9\) not found"),
        (lambda: client().get_model_version("churn", "x"), "INVALID_PARAMETER_VALUE", "Parameter 'version' must be an integer, got 'x'."),
        (lambda: client().get_registered_model("zz"), "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=zz not found"),
        (lambda: client().create_registered_model("churn"), "RESOURCE_ALREADY_EXISTS", r"Registered Model \(name=churn\) already exists."),
        (lambda: client().create_registered_model("a/b"), "INVALID_PARAMETER_VALUE", "Invalid model name"),
        (lambda: client().create_registered_model(" "), "INVALID_PARAMETER_VALUE", "blank"),
        (lambda: client().set_registered_model_alias("churn", "latest", 1), "INVALID_PARAMETER_VALUE", "reserved"),
        (lambda: client().set_registered_model_alias("churn", "v3", 1), "INVALID_PARAMETER_VALUE", "reserved"),
        (lambda: client().set_registered_model_alias("churn", "a b", 1), "INVALID_PARAMETER_VALUE", "Invalid alias name"),
        (lambda: client().set_registered_model_alias("churn", "a", 99), "RESOURCE_DOES_NOT_EXIST", "not found"),
        (lambda: client().get_model_version_by_alias("churn", "nope"), "INVALID_PARAMETER_VALUE", "Registered model alias nope not found."),
        (lambda: client().set_model_version_tag("churn", 1, "k", "v", stage="Production"), "INVALID_PARAMETER_VALUE", "exactly one"),
        (lambda: client().search_model_versions("foo = 'a'"), "INVALID_PARAMETER_VALUE", "foo"),
        (lambda: client().copy_model_version("runs:/x/y", "b"), "INVALID_PARAMETER_VALUE", "Unsupported source model URI"),
        (lambda: client().rename_registered_model("churn", "other"), "RESOURCE_ALREADY_EXISTS", "other"),
        (lambda: client().delete_registered_model_tag("churn", "zz"), "RESOURCE_DOES_NOT_EXIST", "zz"),
        (
            lambda: mlflow.sklearn.load_model("models:/churn/Staging"),
            "RESOURCE_DOES_NOT_EXIST",
            "No versions of model with name 'churn' and stage 'Staging' found",
        ),
        (lambda: mlflow.sklearn.load_model("models:/churn@nope"), "INVALID_PARAMETER_VALUE", "Registered model alias nope not found."),
    ],
)
def test_wrong_calls_have_mlflows_codes_and_words(churn, call, code, message):
    churn.create_registered_model("other")
    with pytest.raises(MlflowException, match=message) as caught:
        call()
    assert caught.value.error_code == code


def test_descriptions_tags_and_aliases(churn):
    assert churn.update_model_version("churn", 1, "trained on Q1").description == "trained on Q1"
    churn.set_model_version_tag("churn", 1, "k", "v")
    churn.transition_model_version_stage("churn", 2, "Staging")
    churn.set_model_version_tag("churn", key="k2", value=5, stage="Staging")
    mlflow.set_model_version_tag("churn", 2, "k3", "w")
    assert churn.get_model_version("churn", 2).tags == {"k2": "5", "k3": "w"}
    churn.delete_model_version_tag("churn", 1, "k")
    assert churn.get_model_version("churn", 1).tags == {}
    churn.set_registered_model_alias("churn", "champion", "1")
    assert churn.get_registered_model("churn").aliases == {"champion": 1}
    assert churn.get_model_version_by_alias("churn", "champion").aliases == ["champion"]
    churn.delete_registered_model_alias("churn", "champion")
    churn.set_registered_model_tag("churn", "team", "a")
    assert churn.update_registered_model("churn", "our churn").tags == {"team": "a"}


def test_search_copy_and_rename(churn):
    assert [found.version for found in churn.search_model_versions("name = 'churn'", order_by=["version_number ASC"])] == [1, 2]
    assert [found.name for found in churn.search_registered_models("name LIKE 'ch%'")] == ["churn"]
    copied = churn.copy_model_version("models:/churn/1", "candidate")
    assert (copied.name, copied.version) == ("candidate", 1)
    assert churn.rename_registered_model("candidate", "winner").name == "winner"
    assert {found.name for found in mlflow.search_registered_models()} == {"churn", "winner"}
    assert len(mlflow.search_model_versions(filter_string="name = 'winner'")) == 1
    page = churn.search_model_versions(max_results=2)
    assert len(page) == 2
    assert page.token


def test_numbers_are_never_used_again_and_what_is_in_use_is_not_deleted(churn, run_id):
    churn.delete_model_version("churn", 2)
    assert mlflow.register_model(f"runs:/{run_id}/model", "churn").version == 3
    churn.set_registered_model_alias("churn", "champion", 1)
    for call in (lambda: churn.delete_model_version("churn", 1), lambda: churn.delete_registered_model("churn")):
        with pytest.raises(MlflowException, match="in use") as caught:
            call()
        assert caught.value.error_code == "INVALID_STATE"
    churn.delete_registered_model_alias("churn", "champion")
    churn.delete_registered_model("churn")
    assert mlflow.search_registered_models() == []


def test_a_policy_binds_here_too_and_its_conditions_are_in_the_cause(churn):
    nbtrack.Client().set_policy({"rules": [{"model": "churn", "stage": "Production", "metrics": "metrics.recall >= 0.7"}]})
    with pytest.raises(MlflowException, match="recall") as caught:
        churn.transition_model_version_stage("churn", 1, "Production")
    assert caught.value.error_code == "PERMISSION_DENIED"
    assert isinstance(caught.value.__cause__, PromotionRefused)
    assert caught.value.__cause__.conditions


def test_a_version_can_be_made_from_a_logged_model_by_its_id(churn, run_id):
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), name="other", registered_model_name="churn")
    assert info.registered_model_version == 3
    made = churn.create_model_version("churn", source=info.model_uri, model_id=info.model_id)
    assert (made.version, made.model_id) == (4, info.model_id)
    assert churn.get_model_version_download_uri("churn", 4) == f"runs:/{info.run_id}/other"


def test_what_mlflow_has_and_nbtrack_has_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no 'search_traces'"):
        MlflowClient().search_traces()
