"""The plots of a fit, by the names of MLflow's but as SVG: confusion matrix, ROC, precision-recall, feature importance."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nbtrack.autologging import drawing
from nbtrack.autologging.scores import Curves, Predictions, confusion, curves

_MAX_CLASSES = 40  # of a confusion matrix that can be read
_MAX_CURVES = 10
_MAX_FEATURES = 30


def classifier_plots(found: Predictions) -> dict[str, bytes]:
    """Files by path."""
    files = {}
    labels, counts = confusion(found)
    if len(labels) <= _MAX_CLASSES:
        files["training_confusion_matrix.svg"] = drawing.heatmap(counts.tolist(), [str(label) for label in labels], title="Training confusion matrix")
    named = _curves_by_class(found)
    if named:
        roc = [(f"{name} (AUC {curve.auc():.3f})", *curve.roc()) for name, curve in named]
        recall = [(f"{name} (AP {curve.average_precision():.3f})", *curve.precision_recall()) for name, curve in named]
        files["training_roc_curve.svg"] = drawing.lines(roc, title="Training ROC curve", across="false positive rate", up="true positive rate", diagonal=True)
        files["training_precision_recall_curve.svg"] = drawing.lines(recall, title="Training precision-recall curve", across="recall", up="precision")
    return files


def importance_files(kind: str, importance: Mapping[str, float]) -> dict[str, bytes]:
    """Feature importance as JSON text and as bars, the greatest first."""
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    shown = drawing.bars(ordered[:_MAX_FEATURES], title=f"Feature importance ({kind})")
    return {f"feature_importance_{kind}.json": json.dumps(dict(ordered), indent=1).encode(), f"feature_importance_{kind}.svg": shown}


def _curves_by_class(found: Predictions) -> list[tuple[str, Curves]]:
    """A curve for the positive class of two, one against the rest for each of several."""
    import numpy as np

    if found.probabilities is None or len(found.classes) < 2:
        return []
    truth = np.asarray(found.truth).ravel()
    chosen = [1] if len(found.classes) == 2 else range(min(len(found.classes), _MAX_CURVES))
    members = [(number, truth == found.classes[number]) for number in chosen]
    return [
        (str(found.classes[number]), curves(member, found.probabilities[:, number], found.weights))
        for number, member in members
        if member.any() and not member.all()
    ]
