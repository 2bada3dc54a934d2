"""Fits of scikit-learn's estimators under autologging."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("sklearn")

import cloudpickle
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import nbtrack
from nbtrack.autologging.api import autolog, autolog_flavor
from nbtrack.autologging.summary import collected_summaries
from nbtrack.entities import Origin, RunStatus
from nbtrack.tracking.session import current_session

FRAME, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)


def _runs() -> list:
    return nbtrack.search_runs(output_format="list", search_all_experiments=True)


def _files(run_id: str) -> set[str]:
    return {item.path for item in current_session().store().artifacts.all(run_id)}


def test_fit_without_an_active_run_gets_its_own() -> None:
    autolog(log_models=False)
    X_train, y_train = FRAME, TARGET
    RandomForestClassifier(n_estimators=3, random_state=0).fit(X_train, y_train)
    (run,) = _runs()
    assert run.info.status is RunStatus.FINISHED
    assert run.data.params["n_estimators"] == 3
    assert run.data.params["max_depth"] is None
    assert run.data.params["bootstrap"] is True
    assert run.data.tags["estimator_name"] == "RandomForestClassifier"
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert set(run.data.metrics) == {
        "training_accuracy_score",
        "training_f1_score",
        "training_log_loss",
        "training_precision_score",
        "training_recall_score",
        "training_roc_auc",
        "training_score",
    }
    assert {(item.dataset.name, item.context) for item in run.inputs.dataset_inputs} == {("X_train", "train"), ("y_train", "train")}
    assert {"training_confusion_matrix.svg", "training_roc_curve.svg", "training_precision_recall_curve.svg"} <= _files(run.info.run_id)
    assert nbtrack.active_run() is None


def test_params_and_metrics_say_that_autologging_logged_them() -> None:
    autolog(log_models=False)
    LinearRegression().fit(*load_diabetes(return_X_y=True))
    (run,) = _runs()
    store = current_session().store()
    assert {param.origin for param in store.params.all(run.info.run_id)} == {Origin.AUTOLOG}
    summaries = {item.key: item for item in store.metrics.summaries(run.info.run_id)}
    assert summaries["training_r2_score"].origin is Origin.AUTOLOG
    assert summaries["training_r2_score"].definition == "r2_score()"
    assert summaries["training_score"].last == summaries["training_r2_score"].last


def test_second_fit_in_a_run_gets_a_child_so_that_nothing_is_mixed() -> None:
    autolog(log_models=False)
    with nbtrack.start_run() as run:
        LogisticRegression(C=0.1, solver="newton-cholesky").fit(FRAME, TARGET)
        LogisticRegression(C=10.0, solver="newton-cholesky").fit(FRAME, TARGET)
        DecisionTreeClassifier(max_depth=2).fit(FRAME, TARGET)
    children = run.store.runs.children(run.run_id)
    assert run.data.params["C"] == 0.1
    assert "max_depth" not in run.data.params
    assert {child.run_name for child in children} == {"LogisticRegression 2", "DecisionTreeClassifier 3"}
    params = {child.run_name: run.store.runs.get(child.run_id).data.params for child in children}
    assert params["LogisticRegression 2"]["C"] == 10.0
    assert all(child.status is RunStatus.FINISHED for child in children)
    assert run.store.params.history(run.run_id) == []
    assert {summary.count for summary in run.store.metrics.summaries(run.run_id)} == {1}


def test_resumed_run_that_has_a_fit_keeps_it() -> None:
    autolog(log_models=False)
    with nbtrack.start_run() as run:
        LogisticRegression(C=0.1, solver="newton-cholesky").fit(FRAME, TARGET)
    from nbtrack.autologging import record

    record._fits.clear()  # as in another process
    with nbtrack.start_run(run_id=run.run_id):
        LogisticRegression(C=5.0, solver="newton-cholesky").fit(FRAME, TARGET)
    assert run.data.params["C"] == 0.1
    assert len(run.store.runs.children(run.run_id)) == 1


def test_what_the_user_logged_wins() -> None:
    autolog(log_models=False)
    with nbtrack.start_run() as run:
        nbtrack.log_param("C", "my own")
        nbtrack.log_param("max_iter", 100)
        nbtrack.log_metric("training_score", 0.25)
        nbtrack.set_tag("estimator_name", "mine")
        LogisticRegression(C=0.5, solver="newton-cholesky").fit(FRAME, TARGET)
        nbtrack.log_param("tol", 7)
    assert run.data.params["C"] == "my own"
    assert run.data.params["LogisticRegression.C"] == 0.5
    assert "LogisticRegression.max_iter" not in run.data.params
    assert run.data.params["tol"] == 7
    assert run.data.metrics["training_score"] == 0.25
    assert run.data.metrics["LogisticRegression.training_score"] > 0.9
    assert run.data.tags["estimator_name"] == "mine"
    assert {item.key: item.origin for item in run.store.params.all(run.run_id)}["C"] is Origin.LOGGED


@pytest.mark.parametrize(
    "train",
    [
        lambda: make_pipeline(StandardScaler(), PCA(3), LogisticRegression()).fit(FRAME, TARGET),
        lambda: VotingClassifier([("a", DecisionTreeClassifier()), ("b", KNeighborsClassifier())], n_jobs=2).fit(FRAME, TARGET),
        lambda: BaggingClassifier(KNeighborsClassifier(), n_estimators=3).fit(FRAME, TARGET),
        lambda: GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(FRAME, TARGET),
    ],
)
def test_fits_inside_a_fit_are_part_of_it(train: object) -> None:
    autolog(log_models=False, max_tuning_runs=0)
    train()
    assert len(_runs()) == 1


@pytest.mark.parametrize("threads", [None, 2])
def test_cross_validation_and_preparation_are_no_fits_of_their_own(threads: int | None) -> None:
    import joblib

    autolog(log_models=False)
    nbtrack.set_experiment("here")
    with joblib.parallel_backend("threading", n_jobs=threads or 1):
        cross_val_score(DecisionTreeClassifier(), FRAME, TARGET, cv=2)
    StandardScaler().fit(FRAME)
    PCA(2).fit_transform(FRAME)
    make_pipeline(StandardScaler(), PCA(2)).fit(FRAME)
    assert _runs() == []


def test_fits_in_threads_of_the_user_are_children_of_the_run() -> None:
    autolog(log_models=False, silent=True)
    with nbtrack.start_run() as run:
        threads = [threading.Thread(target=DecisionTreeClassifier(max_depth=depth).fit, args=(FRAME, TARGET)) for depth in (1, 2, 3, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    children = [run.store.runs.get(child.run_id).data.params["max_depth"] for child in run.store.runs.children(run.run_id)]
    assert sorted([run.data.params["max_depth"], *children]) == [1, 2, 3, 4]


def test_search_has_its_best_params_and_runs_of_its_best_candidates() -> None:
    autolog(log_models=False, max_tuning_runs=2)
    GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2).fit(FRAME, TARGET)
    parent = next(run for run in _runs() if run.info.parent_run_id is None)
    children = [run for run in _runs() if run.info.parent_run_id == parent.info.run_id]
    assert parent.data.params["best_max_depth"] in (1, 2, 3)
    assert parent.data.metrics["best_cv_score"] == max(child.data.metrics["mean_test_score"] for child in children)
    assert len(children) == 2
    assert {child.data.metrics["rank_test_score"] for child in children} == {1.0, 2.0}
    assert all(child.data.params["random_state"] == 0 and "max_depth" in child.data.params for child in children)
    assert "cv_results.csv" in _files(parent.info.run_id)
    assert "estimator.html" in _files(parent.info.run_id)


def test_a_failing_fit_fails_its_run_and_keeps_its_error(notices: list[str]) -> None:
    autolog(log_models=False)
    with pytest.raises(ValueError, match="inconsistent numbers") as caught:
        LogisticRegression().fit(FRAME, TARGET[:5])
    (run,) = _runs()
    assert run.info.status is RunStatus.FAILED
    assert run.data.params["C"] == 1.0
    ours = [entry.path for entry in caught.traceback if "nbtrack/autologging" in str(entry.path)]
    assert len(ours) == 1
    assert notices == []


def test_what_autologging_cannot_do_is_one_line_and_the_fit_goes_on(notices: list[str]) -> None:
    class Stubborn(ClassifierMixin, BaseEstimator):
        def fit(self, X: object, y: object) -> Stubborn:
            self.classes_ = np.unique(y)
            return self

        def predict(self, X: object) -> object:
            raise RuntimeError("not today")

    autolog(log_models=False)
    assert Stubborn().fit(FRAME, TARGET).classes_.tolist() == [0, 1]
    (run,) = _runs()
    assert run.info.status is RunStatus.FINISHED
    assert notices[0] == "autolog: Stubborn was logged without training scores (RuntimeError: not today)"
    (finding,) = current_session().store().facts.findings(run.info.run_id)
    assert "not today" in finding.message


def test_a_store_that_cannot_be_used_costs_the_record_and_not_the_fit(notices: list[str], tmp_path: object) -> None:
    (tmp_path / "nbtrack.db").write_text("no database at all, and long enough to be seen as none" * 50)
    nbtrack.set_tracking_uri(f"sqlite:///{tmp_path}/nbtrack.db")
    autolog(log_models=False)
    assert LogisticRegression(solver="newton-cholesky").fit(FRAME, TARGET).score(FRAME, TARGET) > 0.9
    (notice,) = notices
    assert notice.startswith("autolog: LogisticRegression is not logged: ")
    assert "file is not a database" in notice


def test_one_line_for_a_fit_one_for_a_cell_none_when_silent(notices: list[str]) -> None:
    autolog(log_models=False)
    LogisticRegression(solver="newton-cholesky").fit(FRAME, TARGET)
    (line,) = notices
    assert line.startswith("autolog: LogisticRegression in run '")
    assert line.endswith(" params, 7 metrics, 3 plots, 2 data sets")
    notices.clear()
    with collected_summaries():
        for _ in range(3):
            DecisionTreeClassifier().fit(FRAME, TARGET)
    (line,) = notices
    assert line.startswith("autolog: 3 fits (DecisionTreeClassifier) in 3 runs: ")
    notices.clear()
    autolog(log_models=False, silent=True)
    DecisionTreeClassifier().fit(FRAME, TARGET)
    assert notices == []


def test_exclusive_leaves_the_users_run_alone() -> None:
    autolog(log_models=False, exclusive=True)
    with nbtrack.start_run() as run:
        DecisionTreeClassifier().fit(FRAME, TARGET)
    assert run.data.params == {}
    assert run.store.runs.children(run.run_id) == []


def test_options_say_what_is_left_out() -> None:
    autolog(log_models=False, log_datasets=False, extra_tags={"team": "vision"})
    KMeans(2, n_init=1).fit(FRAME)
    (run,) = _runs()
    assert not run.inputs.dataset_inputs
    assert run.data.tags["team"] == "vision"
    assert set(run.data.metrics) == {"training_score"}


def test_sample_weights_and_odd_values_of_params() -> None:
    autolog_flavor("sklearn", log_models=False)
    weights = np.linspace(0.1, 1, len(TARGET))
    model = DecisionTreeClassifier(max_depth=2, random_state=np.random.RandomState(3), class_weight={0: 1, 1: 2}).fit(FRAME, TARGET, sample_weight=weights)
    (run,) = _runs()
    assert run.data.params["random_state"].startswith("RandomState(MT19937)")
    assert run.data.params["class_weight"] == {"0": 1, "1": 2}
    assert run.data.metrics["training_score"] == pytest.approx(model.score(FRAME, TARGET, weights))


def test_the_numbers_of_a_fit_do_not_change() -> None:
    def train() -> object:
        np.random.seed(0)
        forest = RandomForestClassifier(n_estimators=3).fit(FRAME, TARGET)
        return forest.predict_proba(FRAME).sum(axis=0).tolist(), np.random.rand()

    expected = train()
    autolog(log_models=False)
    assert train() == expected


def test_model_is_logged_with_its_signature_and_loads() -> None:
    autolog(log_input_examples=True)
    model = LogisticRegression(solver="newton-cholesky").fit(FRAME, TARGET)
    (run,) = _runs()
    assert {"model/MLmodel", "model/model.pkl"} <= _files(run.info.run_id)
    loaded = nbtrack.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.predict(FRAME).tolist() == model.predict(FRAME).tolist()
    manifest = current_session().store().artifacts.read(run.info.run_id, "model/MLmodel").decode()
    assert "mean radius" in manifest
    assert "saved_input_example_info" in manifest


def test_search_logs_itself_and_its_best_estimator() -> None:
    autolog(max_tuning_runs=0)
    GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(FRAME, TARGET)
    (run,) = _runs()
    assert {"model/MLmodel", "best_estimator/MLmodel"} <= _files(run.info.run_id)


def test_a_model_that_the_user_logged_stays() -> None:
    mine = DecisionTreeClassifier().fit(FRAME, TARGET)
    autolog()
    with nbtrack.start_run() as run:
        run.log_model(mine, "model")
        LogisticRegression(solver="newton-cholesky").fit(FRAME, TARGET)
    assert {"model/MLmodel", "LogisticRegression_model/MLmodel"} <= _files(run.run_id)
    assert isinstance(nbtrack.load_model(f"runs:/{run.run_id}/model"), DecisionTreeClassifier)


def test_estimators_behave_as_ever() -> None:
    import inspect
    import pickle

    autolog(log_models=False)
    model = RandomForestClassifier()
    assert inspect.isfunction(RandomForestClassifier.fit)
    assert list(inspect.signature(model.fit).parameters) == ["X", "y", "sample_weight"]
    assert pickle.loads(pickle.dumps(model.fit)).__name__ == "fit"
    assert clone(model).get_params() == model.get_params()

    class Own(LogisticRegression):
        def fit(self, X: object, y: object, shift: float = 0.0) -> Own:
            return super().fit(X + shift, y)

    assert b"nbtrack.autologging" not in cloudpickle.dumps(Own)  # which holds the class itself, its fit included
    Own(solver="newton-cholesky").fit(FRAME, TARGET, shift=1.0)
    assert [run.data.tags["estimator_name"] for run in _runs()] == ["Own"]
