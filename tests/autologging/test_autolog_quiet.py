"""The quiet form: what was fitted, and how it differs from the defaults."""

from __future__ import annotations

import gc
import traceback

import pytest

pytest.importorskip("sklearn")

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import nbtrack
from nbtrack.autologging.api import autolog
from nbtrack.autologging.params import changed_params
from nbtrack.autologging.quiet import MAX_FITS, quiet_capture

X, y = load_iris(return_X_y=True)


def test_params_that_differ_from_the_defaults_and_the_model() -> None:
    with quiet_capture() as capture:
        model = RandomForestClassifier(n_estimators=3, max_depth=None).fit(X, y)
    (fit,) = capture.fits()
    assert (fit.flavor, fit.title, dict(fit.params)) == ("sklearn", "RandomForestClassifier", {"n_estimators": 3})
    assert fit.model is model
    assert nbtrack.search_runs(output_format="list", search_all_experiments=True) == []


def test_pipelines_tell_the_params_of_their_steps_and_searches_their_grid() -> None:
    pipeline = Pipeline([("scale", StandardScaler(with_mean=False)), ("clf", LogisticRegression(C=0.5))])
    assert changed_params(pipeline) == {"scale__with_mean": False, "clf__C": 0.5}
    search = GridSearchCV(pipeline, {"clf__C": [1, 2]}, cv=2)
    assert changed_params(search) == {"cv": 2, "param_grid": {"clf__C": [1, 2]}, "estimator__scale__with_mean": False, "estimator__clf__C": 0.5}


def test_fits_inside_a_fit_and_checks_and_preparation_are_not_noted() -> None:
    fitted = LogisticRegression().fit(X[:, :2] / 8, y)
    with quiet_capture() as capture:
        pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2)).fit(X, y)
        cross_val_score(DecisionTreeClassifier(), X, y, cv=2)
        fitted.predict(X[:, :2])
        assert hasattr(fitted, "fit")
        StandardScaler().fit(X)
    assert [fit.model for fit in capture.fits()] == [pipeline]


def test_fitting_again_counts_once_and_models_are_held_weakly() -> None:
    with quiet_capture() as capture:
        model = DecisionTreeClassifier(max_depth=1)
        model.fit(X, y)
        model.set_params(max_depth=3).fit(X, y)
        LogisticRegression(C=0.3, max_iter=500).fit(X, y)
        gc.collect()
    first, gone = capture.fits()
    assert (first.model, first.params) == (model, {"max_depth": 3})
    assert (gone.title, gone.model, gone.params) == ("LogisticRegression", None, {"C": 0.3, "max_iter": 500})


def test_only_the_last_fits_are_kept() -> None:
    with quiet_capture() as capture:
        models = [DecisionTreeClassifier(max_depth=depth).fit(X, y) for depth in range(1, 9)]
    assert [fit.model for fit in capture.fits()] == models[-MAX_FITS:]


def test_params_of_several_fits_are_never_mixed() -> None:
    with quiet_capture() as capture:
        models = [
            DecisionTreeClassifier(max_depth=1, min_samples_leaf=5).fit(X, y),
            DecisionTreeClassifier(max_depth=2, min_samples_leaf=5).fit(X, y),
            RandomForestClassifier(max_depth=4, n_estimators=2).fit(X, y),
        ]
    assert len(models) == 3
    assert capture.params() == {
        "DecisionTreeClassifier.max_depth": 1,
        "DecisionTreeClassifier 2.max_depth": 2,
        "RandomForestClassifier.max_depth": 4,
        "min_samples_leaf": 5,
        "n_estimators": 2,
    }


def test_a_traceback_has_no_frame_of_ours() -> None:
    with quiet_capture(), pytest.raises(ValueError, match="inconsistent") as caught:
        LogisticRegression().fit(X, y[:3])
    assert "nbtrack/autologging" not in "".join(traceback.format_tb(caught.value.__traceback__))


def test_estimators_of_the_notebook_are_noted_with_what_they_fit_inside() -> None:
    class Both(BaseEstimator):
        def __init__(self, depth: int = 2) -> None:
            self.depth = depth

        def fit(self, X: object, y: object) -> Both:
            self.inner_ = DecisionTreeClassifier(max_depth=self.depth).fit(X, y)
            return self

    with quiet_capture() as capture:

        class Later(Both):
            def fit(self, X: object, y: object) -> Later:
                return super().fit(X, y)

        models = [Both(3).fit(X, y), Later().fit(X, y)]
    assert [fit.model for fit in capture.fits()] == models
    assert [dict(fit.params) for fit in capture.fits()] == [{"depth": 3}, {}]


def test_full_autologging_leaves_nothing_to_the_quiet_form() -> None:
    autolog(log_models=False, silent=True)
    with quiet_capture() as capture:
        model = DecisionTreeClassifier().fit(X, y)
    assert capture.fits() == []
    assert model.get_depth() > 1
    assert len(nbtrack.search_runs(output_format="list", search_all_experiments=True)) == 1


def test_data_for_a_signature_is_found_by_its_columns() -> None:
    frame = load_iris(as_frame=True).data
    with quiet_capture() as capture:
        models = [DecisionTreeClassifier().fit(frame, y), DecisionTreeClassifier().fit(X, y)]
    assert len(models) == 2
    by_frame, by_array = capture.fits()
    values = {"other": np.zeros((5, 3)), "wrong": frame.rename(columns={"sepal length (cm)": "x"}), "X": X, "frame": frame}
    assert by_frame.example_among(values) is frame
    assert by_array.example_among(values) is X
    assert by_array.example_among({"frame": frame}) is None
