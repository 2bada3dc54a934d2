"""Models under MLflow's names: logged, saved, loaded, refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import nbtrack.mlflow as mlflow
from nbtrack.mlflow import MlflowException
from nbtrack.mlflow.models import Model, ModelSignature, get_model_info, infer_signature
from nbtrack.mlflow.pyfunc import PythonModel
from nbtrack.mlflow.types.schema import ColSpec, Schema

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
Y = np.array([0, 0, 1, 1])


@pytest.fixture
def tree():
    """A fitted classifier."""
    return DecisionTreeClassifier().fit(X, Y)


@pytest.mark.parametrize("arguments", [("model",), ()])
def test_the_second_argument_is_the_name_and_nothing_warns(tree, arguments):
    with warnings.catch_warnings(), mlflow.start_run() as run:
        warnings.simplefilter("error")
        info = mlflow.sklearn.log_model(tree, *arguments, **({} if arguments else {"name": "model"}))
    assert (info.artifact_path, info.name, info.run_id) == ("model", "model", run.info.run_id)
    assert info.model_uri == f"models:/{info.model_id}"
    assert {"sklearn", "python_function"} <= set(info.flavors)
    for uri in (info.model_uri, f"runs:/{run.info.run_id}/model"):
        assert (mlflow.sklearn.load_model(uri).predict(X) == tree.predict(X)).all()
        assert (mlflow.pyfunc.load_model(uri).predict(X) == tree.predict(X)).all()


def test_two_names_for_one_model_are_refused(tree):
    with mlflow.start_run(), pytest.raises(MlflowException, match="Both `artifact_path`") as caught:
        mlflow.sklearn.log_model(tree, "a", name="b")
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_options_are_kept_ignored_or_refused_by_name(tree):
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            tree, "model", input_example=X, metadata={"team": "a"}, pip_requirements=["scikit-learn"], await_registration_for=0, step=3, tags=None
        )
        assert info.metadata == {"team": "a"}
        assert info.signature is not None
        with pytest.raises(MlflowException, match=r"log_model\(tags=\.\.\.\) is not part of nbtrack's MLflow names"):
            mlflow.sklearn.log_model(tree, "other", tags={"a": "b"})
        with pytest.raises(TypeError, match="unexpected keyword argument 'signatur'.*'signature'"):
            mlflow.sklearn.log_model(tree, "other", signatur=None)
    assert Path(mlflow.pyfunc.get_model_dependencies(info.model_uri)).read_text().startswith("scikit-learn")


def test_a_signature_is_enforced_with_mlflows_error(tree):
    signature = infer_signature(X, tree.predict(X))
    assert isinstance(signature, ModelSignature)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(tree, "model", signature=signature)
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    assert loaded.metadata.signature == signature
    assert loaded.metadata.get_input_schema() == signature.inputs
    with pytest.raises(MlflowException, match=r"Model is missing inputs \['b'\]") as caught:
        loaded.predict(X[["a"]])
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert get_model_info(info.model_uri).signature == signature
    assert Model.load(info.model_uri).model_id == info.model_id


def test_infer_signature_of_nothing_is_a_value_error():
    with pytest.raises(ValueError, match="At least one of inputs, outputs or params must be provided"):
        infer_signature()
    assert infer_signature(X[["a"]]).inputs == Schema([ColSpec("double", "a")])


def test_a_python_model_has_its_artifacts_and_settings():
    class Doubler(PythonModel):
        def load_context(self, context):
            with open(context.artifacts["offset"]) as file:
                self.offset = float(file.read())

        def predict(self, context, model_input, params=None):
            return model_input["a"] * context.model_config["factor"] + self.offset

    with mlflow.start_run() as run:
        mlflow.log_text("0.5", "offset.txt")
        info = mlflow.pyfunc.log_model("model", python_model=Doubler(), artifacts={"offset": f"runs:/{run.info.run_id}/offset.txt"}, model_config={"factor": 2})
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    assert loaded.predict(X).tolist() == [0.5, 2.5, 4.5, 6.5]
    assert isinstance(loaded.unwrap_python_model(), PythonModel)
    assert loaded.model_id == info.model_id
    assert mlflow.pyfunc.load_model(info.model_uri, model_config={"factor": 0}).predict(X).tolist() == [0.5] * 4


def test_a_function_is_a_model():
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(name="mean", python_model=lambda model_input: model_input.mean(axis=1))
    assert mlflow.pyfunc.load_model(info.model_uri).predict(X).tolist() == [0.5, 0.5, 1.5, 1.5]


def test_a_folder_that_this_process_saved_loads_and_a_changed_one_does_not(tree, tmp_path):
    mlflow.sklearn.save_model(tree, "saved")
    assert (mlflow.sklearn.load_model("saved").predict(X) == tree.predict(X)).all()
    with pytest.raises(MlflowException, match="Path 'saved' already exists and is not empty") as caught:
        mlflow.sklearn.save_model(tree, "saved")
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    (tmp_path / "saved" / "requirements.txt").write_text("else\n")
    with pytest.raises(MlflowException, match="nobody vouches") as caught:
        mlflow.sklearn.load_model("saved")
    assert caught.value.error_code == "PERMISSION_DENIED"
    assert (mlflow.pyfunc.load_model("saved", trusted=True).predict(X) == tree.predict(X)).all()


def test_foreign_folders_load_where_the_environment_allows_pickles(tree, monkeypatch):
    from nbtrack.models.folder import save_model

    save_model(tree, "foreign")
    with pytest.raises(MlflowException, match="nobody vouches"):
        mlflow.sklearn.load_model("foreign")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    assert (mlflow.sklearn.load_model("foreign").predict(X) == tree.predict(X)).all()


@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm", "pytorch", "keras"])
def test_a_model_of_another_flavor_is_not_loaded(tree, flavor):
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(tree, "model")
    with pytest.raises(MlflowException, match=f'Model does not have the "{flavor}" flavor') as caught:
        getattr(mlflow, flavor).load_model(info.model_uri)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_an_object_that_is_no_model_of_the_flavor_is_refused():
    with mlflow.start_run(), pytest.raises(MlflowException, match="sklearn") as caught:
        mlflow.sklearn.log_model({"a": 1}, "model")
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_xgboost_keeps_its_format():
    xgboost = pytest.importorskip("xgboost")
    booster = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
    with mlflow.start_run():
        info = mlflow.xgboost.log_model(booster, "model", model_format="json")
    assert "model.json" in str(info.flavors["xgboost"])
    assert (mlflow.xgboost.load_model(info.model_uri).predict(X) == booster.predict(X)).all()


def test_a_torch_model_is_loaded_onto_a_device():
    torch = pytest.importorskip("torch")
    with mlflow.start_run():
        info = mlflow.pytorch.log_model(torch.nn.Linear(2, 1), "model")
    assert mlflow.pytorch.load_model(info.model_uri, map_location="cpu").in_features == 2


# --- autologging, and what is not there ------------------------------------------------------------


def test_autolog_logs_a_fit_with_params_as_texts_and_stops_when_disabled():
    mlflow.autolog(silent=True, exclude_flavors=["pyspark"], log_models=False)
    DecisionTreeClassifier(max_depth=2).fit(X, Y)
    run = mlflow.last_active_run()
    assert run.data.params["max_depth"] == "2"
    assert run.info.status == "FINISHED"
    mlflow.autolog(disable=True)
    DecisionTreeClassifier().fit(X, Y)
    assert len(mlflow.search_runs()) == 1


@pytest.mark.parametrize("flavor", ["sklearn", "xgboost", "lightgbm", "pytorch", "keras"])
def test_each_flavor_turns_its_autologging_on_and_off(flavor):
    from nbtrack.autologging.api import is_autologging

    module = getattr(mlflow, flavor)
    module.autolog(silent=True, extra_tags=None)
    assert is_autologging(flavor)
    module.autolog(disable=True)
    assert not is_autologging(flavor)


def test_a_param_that_the_user_logged_wins_over_autologging():
    mlflow.sklearn.autolog(silent=True, log_models=False)
    with mlflow.start_run() as run:
        mlflow.log_param("max_depth", "mine")
        DecisionTreeClassifier(max_depth=2).fit(X, Y)
    assert mlflow.get_run(run.info.run_id).data.params["max_depth"] == "mine"


@pytest.mark.parametrize("call", [lambda: mlflow.projects.run("."), lambda: mlflow.run("."), lambda: mlflow.evaluate("m", X), lambda: mlflow.models.evaluate()])
def test_what_is_not_there_says_so(call):
    with pytest.raises(MlflowException, match="is not part of nbtrack's MLflow names") as caught:
        call()
    assert caught.value.error_code == "NOT_IMPLEMENTED"
    assert caught.value.get_http_status_code() == 501
