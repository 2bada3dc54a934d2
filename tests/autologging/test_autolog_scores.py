"""Training scores against scikit-learn's own functions."""

from __future__ import annotations

import pytest

sklearn = pytest.importorskip("sklearn")

import numpy as np
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from nbtrack.autologging.scores import Predictions, classification_scores, curves, regression_scores, takes_too_long


def _predictions(data: object, weights: object = None) -> Predictions:
    X, y = data
    model = LogisticRegression(solver="newton-cholesky").fit(X, y)
    return Predictions(y, model.predict(X), weights, model.classes_, model.predict_proba(X))


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
@pytest.mark.parametrize("weighted", [False, True])
def test_classification_scores_equal_those_of_sklearn(load: object, weighted: bool) -> None:
    X, y = load(return_X_y=True)
    weights = np.random.default_rng(0).random(len(y)) if weighted else None
    found = _predictions((X, y), weights)
    expected = {
        "training_accuracy_score": metrics.accuracy_score(y, found.predicted, sample_weight=weights),
        "training_precision_score": metrics.precision_score(y, found.predicted, average="weighted", sample_weight=weights),
        "training_recall_score": metrics.recall_score(y, found.predicted, average="weighted", sample_weight=weights),
        "training_f1_score": metrics.f1_score(y, found.predicted, average="weighted", sample_weight=weights),
        "training_log_loss": metrics.log_loss(y, found.probabilities, sample_weight=weights),
    }
    if load is load_breast_cancer:
        expected["training_roc_auc"] = metrics.roc_auc_score(y, found.probabilities[:, 1], sample_weight=weights)
    elif not weighted:
        expected["training_roc_auc"] = metrics.roc_auc_score(y, found.probabilities, multi_class="ovo", average="weighted")
    assert classification_scores(found).values == pytest.approx(expected, abs=1e-12)


def test_scores_of_text_labels_and_of_the_positive_class() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["malignant", "benign"])[y]
    found = _predictions((X, names))
    scores = classification_scores(found, pos_label="malignant")
    assert scores.values["training_recall_score"] == pytest.approx(metrics.recall_score(names, found.predicted, pos_label="malignant"))
    assert scores.definitions["training_recall_score"] == "recall_score(pos_label='malignant')"


def test_a_class_that_is_never_predicted_has_no_precision_and_no_warning() -> None:
    truth, predicted = np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1])
    scores = classification_scores(Predictions(truth, predicted, None)).values
    assert scores["training_precision_score"] == pytest.approx(metrics.precision_score(truth, predicted, average="weighted", zero_division=0))


def test_curves_handle_equal_scores() -> None:
    rng = np.random.default_rng(1)
    truth, score = rng.random(300) < 0.4, rng.integers(0, 9, 300) / 8
    assert curves(truth, score).auc() == pytest.approx(metrics.roc_auc_score(truth, score))
    assert curves(truth, score).average_precision() == pytest.approx(metrics.average_precision_score(truth, score))


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_regression_scores_equal_those_of_sklearn(outputs: int, weighted: bool) -> None:
    X, y = load_diabetes(return_X_y=True)
    y = y if outputs == 1 else np.column_stack([y, X[:, 0] * 100 + y / 2])
    weights = np.random.default_rng(0).random(len(y)) if weighted else None
    predicted = LinearRegression().fit(X, y).predict(X)
    assert regression_scores(Predictions(y, predicted, weights)).values == pytest.approx(
        {
            "training_mean_squared_error": metrics.mean_squared_error(y, predicted, sample_weight=weights),
            "training_mean_absolute_error": metrics.mean_absolute_error(y, predicted, sample_weight=weights),
            "training_r2_score": metrics.r2_score(y, predicted, sample_weight=weights),
            "training_root_mean_squared_error": float(
                np.mean(np.sqrt(metrics.mean_squared_error(y, predicted, sample_weight=weights, multioutput="raw_values")))
            ),
        }
    )


def test_constant_target_is_explained_by_right_predictions_only() -> None:
    constant = np.full(4, 2.0)
    assert regression_scores(Predictions(constant, constant, None)).values["training_r2_score"] == 1.0
    assert regression_scores(Predictions(constant, constant + 1, None)).values["training_r2_score"] == 0.0


class _Slow:
    def predict(self, data: object) -> object:
        import time

        time.sleep(0.02)
        return data


def test_long_predictions_are_foreseen_from_a_few_rows() -> None:
    data = np.zeros((1_000_000, 1))
    assert takes_too_long(_Slow(), data, fit_seconds=1.0) > 30
    assert takes_too_long(_Slow(), data, fit_seconds=10_000.0) is None
    assert takes_too_long(_Slow(), data[:100], fit_seconds=0.0) is None
