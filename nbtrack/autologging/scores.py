"""Scores on the training data, under MLflow's names and equal to scikit-learn's.

They are computed here from one confusion matrix and one sorting of the probabilities: scikit-learn's
own functions check their input anew each time, which takes longer than a small fit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbtrack.autologging.inputs import head, row_count

_TRIAL_ROWS = 500  # whose prediction tells how long that of all rows will take
_PATIENCE_S = 2.0


@dataclass(frozen=True)
class Predictions:
    """What an estimator says of its training data; ``classes`` and ``probabilities`` of a classifier that has them."""

    truth: Any
    predicted: Any
    weights: Any
    classes: Any = None
    probabilities: Any = None


@dataclass(frozen=True)
class Scores:
    """Values by name, and how each was computed."""

    values: Mapping[str, float]
    definitions: Mapping[str, str] = field(default_factory=dict)


def takes_too_long(estimator: Any, data: Any, fit_seconds: float) -> float | None:
    """The seconds that predicting ``data`` would take, if that is longer than the fit and than 2 s; else None."""
    rows = row_count(data)
    if rows <= 10 * _TRIAL_ROWS:
        return None
    began = time.perf_counter()
    estimator.predict(head(data, _TRIAL_ROWS))
    estimate = (time.perf_counter() - began) * rows / _TRIAL_ROWS
    return estimate if estimate > max(_PATIENCE_S, fit_seconds) else None


def regression_scores(found: Predictions) -> Scores:
    """``mean_squared_error`` and its like, averaged over the outputs."""
    import numpy as np

    truth, predicted = np.asarray(found.truth, dtype=float), np.asarray(found.predicted, dtype=float)
    truth, predicted = truth.reshape(len(truth), -1), predicted.reshape(len(predicted), -1)
    weights = None if found.weights is None else np.asarray(found.weights, dtype=float)
    residuals = truth - predicted
    squared = np.average(residuals**2, axis=0, weights=weights)
    spread = np.average((truth - np.average(truth, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    # A constant target: right predictions explain it, wrong ones do not.
    r2 = np.where(spread > 0, 1 - squared / np.where(spread > 0, spread, 1), np.where(squared > 0, 0.0, 1.0))
    values = {
        "training_mean_squared_error": squared.mean(),
        "training_mean_absolute_error": np.average(np.abs(residuals), axis=0, weights=weights).mean(),
        "training_r2_score": r2.mean(),
        "training_root_mean_squared_error": np.sqrt(squared).mean(),
    }
    return Scores({key: float(value) for key, value in values.items()}, {key: f"{key.removeprefix('training_')}()" for key in values})


def confusion(found: Predictions) -> tuple[Any, Any]:
    """The labels, and the (weighted) counts by true and predicted label."""
    import numpy as np

    truth, predicted = np.asarray(found.truth).ravel(), np.asarray(found.predicted).ravel()
    labels, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    rows, columns = codes[: len(truth)], codes[len(truth) :]
    counts = np.bincount(rows * len(labels) + columns, weights=found.weights, minlength=len(labels) ** 2)
    return labels, counts.reshape(len(labels), len(labels))


def classification_scores(found: Predictions, *, pos_label: Any = None) -> Scores:
    """Precision, recall, F1 (weighted by class, or of ``pos_label``) and accuracy; with probabilities log loss and ROC AUC."""
    import numpy as np

    labels, counts = confusion(found)
    right, actual, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    precision, recall = _ratio(right, said), _ratio(right, actual)
    f1 = _ratio(2 * right, actual + said)
    if pos_label is None:
        how, share = "average='weighted'", actual / actual.sum()
    else:
        how, share = f"pos_label={pos_label!r}", (labels == pos_label).astype(float)
    values = {
        "training_precision_score": precision @ share,
        "training_recall_score": recall @ share,
        "training_f1_score": f1 @ share,
        "training_accuracy_score": right.sum() / counts.sum(),
    }
    definitions = {key: f"{key.removeprefix('training_')}({how if key != 'training_accuracy_score' else ''})" for key in values}
    if found.probabilities is not None:
        values["training_log_loss"] = _log_loss(found)
        definitions["training_log_loss"] = "log_loss()"
        auc = _roc_auc(found)
        if auc is not None:
            values["training_roc_auc"] = auc
            definitions["training_roc_auc"] = "roc_auc_score()" if len(found.classes) == 2 else "roc_auc_score(multi_class='ovo', average='weighted')"
    return Scores({key: float(value) for key, value in values.items()}, definitions)


@dataclass(frozen=True)
class Curves:
    """Counts at each threshold, from the highest score down: what ROC and precision-recall curves are made of."""

    true_positives: Any
    false_positives: Any

    def roc(self) -> tuple[Any, Any]:
        """False and true positive rates, from (0, 0) to (1, 1)."""
        import numpy as np

        false, true = np.r_[0.0, self.false_positives], np.r_[0.0, self.true_positives]
        return _ratio(false, false[-1]), _ratio(true, true[-1])

    def precision_recall(self) -> tuple[Any, Any]:
        """Recall and precision, from the highest threshold down; the first point has no recall."""
        import numpy as np

        precision = _ratio(self.true_positives, self.true_positives + self.false_positives)
        return np.r_[0.0, _ratio(self.true_positives, self.true_positives[-1])], np.r_[1.0, precision]

    def average_precision(self) -> float:
        """The area under the precision-recall curve as a sum of steps."""
        import numpy as np

        recall, precision = self.precision_recall()
        return float(np.diff(recall) @ precision[1:])

    def auc(self) -> float:
        """The area under the ROC curve."""
        import numpy as np

        false, true = self.roc()
        return float((np.diff(false) * (true[1:] + true[:-1])).sum() / 2)


def curves(positive: Any, score: Any, weights: Any = None) -> Curves:
    """Curves of a score that is to be high where ``positive`` is true."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    positive, score = positive[order], score[order]
    weight = np.ones(len(score)) if weights is None else np.asarray(weights, dtype=float)[order]
    last = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]  # of each run of equal scores
    return Curves(np.cumsum(weight * positive)[last], np.cumsum(weight * ~positive)[last])


def _roc_auc(found: Predictions) -> float | None:
    """As ``roc_auc_score``; None where that refuses: one class only, or weights with several classes."""
    import numpy as np

    truth, probabilities = np.asarray(found.truth).ravel(), found.probabilities
    members = [truth == label for label in found.classes]
    present = [member.any() for member in members]
    if len(members) < 2 or not all(present):
        return None
    if len(members) == 2:
        return curves(members[1], probabilities[:, 1], found.weights).auc()
    if found.weights is not None:
        return None
    total = weight = 0.0
    for one in range(len(members)):
        for other in range(one + 1, len(members)):
            both = members[one] | members[other]
            pair = curves(members[one][both], probabilities[both, one]).auc() + curves(members[other][both], probabilities[both, other]).auc()
            total += pair / 2 * both.sum()
            weight += both.sum()
    return total / weight


def _log_loss(found: Predictions) -> float:
    import numpy as np

    probabilities = np.asarray(found.probabilities)
    places = np.searchsorted(found.classes, np.asarray(found.truth).ravel())
    tiny = np.finfo(probabilities.dtype).eps
    chosen = np.clip(probabilities, tiny, 1 - tiny)[np.arange(len(places)), places]
    return float(np.average(-np.log(chosen), weights=found.weights))


def _ratio(part: Any, whole: Any) -> Any:
    """``part / whole``, 0 where the whole is nothing."""
    import numpy as np

    part = np.asarray(part, dtype=float)
    return np.divide(part, whole, out=np.zeros_like(part), where=np.asarray(whole) != 0)
