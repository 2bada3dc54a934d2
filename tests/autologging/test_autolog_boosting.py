"""XGBoost and LightGBM under autologging; what either has in common with the other is one test."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV

import nbtrack
from nbtrack.autologging.api import autolog, autolog_flavor
from nbtrack.autologging.quiet import quiet_capture
from nbtrack.entities import Origin, RunStatus
from nbtrack.tracking.session import current_session

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*eval_set.*deprecated:Warning", "ignore:Only training set found:UserWarning", "ignore:np.find_common_type:DeprecationWarning"
)

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, y_train, X_test, y_test = X[:400], y[:400], X[400:], y[400:]
LIBRARIES = ["xgboost", "lightgbm"]
ERRORS = {"xgboost": "XGBoostError", "lightgbm": "LightGBMError"}


def _runs() -> list:
    return nbtrack.search_runs(output_format="list", search_all_experiments=True)


def _files(run_id: str) -> set[str]:
    return {item.path for item in current_session().store().artifacts.all(run_id)}


def _history(run: Any, key: str) -> list[int]:
    return [point.step for point in current_session().store().metrics.history(run.info.run_id, key)]


def _estimator(library: Any, **params: Any) -> Any:
    return library.XGBClassifier(**params) if library.__name__ == "xgboost" else library.LGBMClassifier(verbose=-1, **params)


def _train(library: Any, rounds: int, callbacks: Any = None) -> Any:
    """The library's own call, on named variables."""
    if library.__name__ == "xgboost":
        dtrain, dtest = library.DMatrix(X_train, y_train), library.DMatrix(X_test, y_test)
        params = {"objective": "binary:logistic", "max_depth": 2}
        return library.train(params, dtrain, rounds, evals=[(dtrain, "train"), (dtest, "test")], verbose_eval=False, callbacks=callbacks)
    dtrain = library.Dataset(X_train, y_train)
    dtest = library.Dataset(X_test, y_test, reference=dtrain)
    params = {"objective": "binary", "max_depth": 2, "verbose": -1, "metric": "binary_logloss"}
    return library.train(params, dtrain, rounds, valid_sets=[dtrain, dtest], valid_names=["train", "test"], callbacks=callbacks)


@pytest.mark.parametrize("name", LIBRARIES)
def test_train_logs_params_each_round_data_importance_and_the_booster(name: str) -> None:
    library = pytest.importorskip(name)
    autolog()
    booster = _train(library, 4)
    (run,) = _runs()
    assert run.data.params["max_depth"] == 2
    assert run.data.params["num_boost_round"] == 4
    metric = "logloss" if name == "xgboost" else "binary_logloss"
    assert _history(run, f"test-{metric}") == [0, 1, 2, 3]
    assert _history(run, f"train-{metric}") == [0, 1, 2, 3]
    inputs = {(item.dataset.name, item.context) for item in run.inputs.dataset_inputs}
    assert {("dtrain", "train"), ("dtrain.label", "train"), ("dtest", "eval"), ("dtest.label", "eval")} == inputs
    kind = "weight" if name == "xgboost" else "gain"
    assert {f"feature_importance_{kind}.json", f"feature_importance_{kind}.svg", "model/MLmodel"} <= _files(run.info.run_id)
    manifest = current_session().store().artifacts.read(run.info.run_id, "model/MLmodel").decode()
    assert "mean radius" in manifest
    assert current_session().store().facts.findings(run.info.run_id) == []
    loaded = nbtrack.load_model(f"runs:/{run.info.run_id}/model")
    assert type(loaded) is type(booster)


@pytest.mark.parametrize("name", LIBRARIES)
def test_estimator_logs_training_scores_and_each_round_once(name: str) -> None:
    library = pytest.importorskip(name)
    autolog(log_models=False)
    model = _estimator(library, n_estimators=4)
    more = {"verbose": False} if name == "xgboost" else {}
    model.fit(X_train, y_train, eval_set=[(X_test, y_test)], **more)
    (run,) = _runs()
    assert run.data.tags["mlflow.autologging"] == name
    assert run.data.params["n_estimators"] == 4
    assert run.data.metrics["training_score"] == pytest.approx(model.score(X_train, y_train))
    metric = "validation_0-logloss" if name == "xgboost" else "valid_0-binary_logloss"
    assert _history(run, metric) == [0, 1, 2, 3]
    roles = {(item.dataset.name, item.context) for item in run.inputs.dataset_inputs}
    assert roles == {("X_train", "train"), ("y_train", "train"), ("X_test", "eval"), ("y_test", "eval")}
    assert getattr(model, "callbacks", None) is None
    assert current_session().store().facts.findings(run.info.run_id) == []


@pytest.mark.parametrize("name", LIBRARIES)
def test_early_stopping_logs_the_best_round_and_the_last(name: str) -> None:
    library = pytest.importorskip(name)
    autolog(log_models=False)
    if name == "xgboost":
        model = library.XGBClassifier(n_estimators=200, learning_rate=1.0, early_stopping_rounds=2)
        model.fit(X_train, y_train, eval_set=[(X_test, y_test)], verbose=False)
        key = "validation_0-logloss"
    else:
        model = library.LGBMClassifier(n_estimators=200, learning_rate=1.0, verbose=-1)
        model.fit(X_train, y_train, eval_set=[(X_test, y_test)], callbacks=[library.early_stopping(2, verbose=False)])
        key = "valid_0-binary_logloss"
    (run,) = _runs()
    steps = _history(run, key)
    assert len(steps) < 200
    assert steps[-1] >= run.data.metrics["best_iteration"]
    assert run.data.metrics["stopped_iteration"] >= run.data.metrics["best_iteration"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_users_callbacks_stay_and_a_second_training_is_a_child(name: str) -> None:
    library = pytest.importorskip(name)
    autolog(log_models=False)
    with nbtrack.start_run() as run:
        _train(library, 2)
        _train(library, 3)
    (child,) = run.store.runs.children(run.run_id)
    assert run.data.params["num_boost_round"] == 2
    assert run.store.runs.get(child.run_id).data.params["num_boost_round"] == 3
    assert {item.origin for item in run.store.metrics.summaries(run.run_id)} == {Origin.AUTOLOG}


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_search_over_boosters_is_one_run(name: str) -> None:
    library = pytest.importorskip(name)
    autolog(log_models=False, max_tuning_runs=0)
    GridSearchCV(_estimator(library, n_estimators=2), {"max_depth": [1, 2]}, cv=2).fit(X, y)
    (run,) = _runs()
    assert run.data.params["best_max_depth"] in (1, 2)


@pytest.mark.parametrize("name", LIBRARIES)
def test_only_the_flavor_that_is_on_is_logged(name: str) -> None:
    library = pytest.importorskip(name)
    from sklearn.tree import DecisionTreeClassifier

    autolog_flavor(name, log_models=False, importance_types=["gain"])
    DecisionTreeClassifier().fit(X, y)
    _estimator(library, n_estimators=2).fit(X, y)
    (run,) = _runs()
    assert "feature_importance_gain.json" in _files(run.info.run_id)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_wrong_call_fails_as_ever(name: str) -> None:
    library = pytest.importorskip(name)
    autolog(log_models=False)
    with pytest.raises(TypeError):
        library.train(no_such_argument=1)
    assert _runs() == []
    with pytest.raises(sys.modules[f"{name}.core" if name == "xgboost" else f"{name}.basic"].__dict__[ERRORS[name]]):
        library.train({"objective": "nonsense"}, library.DMatrix(X, y) if name == "xgboost" else library.Dataset(X, y))
    (run,) = _runs()
    assert run.info.status is RunStatus.FAILED


@pytest.mark.parametrize("name", LIBRARIES)
def test_disabling_leaves_the_functions_as_they_were(name: str) -> None:
    library = pytest.importorskip(name)
    modules = [library, sys.modules["xgboost.training" if name == "xgboost" else "lightgbm.engine"]]
    before = [vars(module)["train"] for module in modules] + [vars(library.Booster)["update"]]
    autolog()
    assert vars(modules[0])["train"] is not before[0]
    autolog(disable=True)
    with quiet_capture():
        assert vars(modules[0])["train"] is before[0]
    assert [vars(module)["train"] for module in modules] + [vars(library.Booster)["update"]] == before


@pytest.mark.parametrize("name", LIBRARIES)
def test_quiet_form_notes_boosters_and_estimators(name: str) -> None:
    library = pytest.importorskip(name)
    with quiet_capture() as capture:
        booster = _train(library, 3)
        model = _estimator(library, n_estimators=2).fit(X, y)
    first, second = capture.fits()
    if name == "lightgbm" or hasattr(library.Booster, "reset"):
        assert first.model is booster
    else:
        assert first.model is None  # early versions return a copy of what they trained
    assert first.params["num_boost_round"] == 3
    assert first.params["max_depth"] == 2
    assert "num_iterations" not in first.params
    assert second.model is model
    assert second.params["n_estimators"] == 2
    assert second.example_among({"X": X}) is X
    array = X.to_numpy()
    with quiet_capture() as capture:
        unnamed = _estimator(library, n_estimators=2).fit(array, y)
    assert capture.fits()[0].model is unnamed
    assert capture.fits()[0].example_among({"X": X, "array": array}) is array
    assert _runs() == []


def test_forests_of_xgboost_take_no_callback() -> None:
    xgboost = pytest.importorskip("xgboost")
    autolog(log_models=False)
    xgboost.XGBRFClassifier(n_estimators=2).fit(X, y)
    (run,) = _runs()
    assert run.data.metrics["training_score"] > 0.8
