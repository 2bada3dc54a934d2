"""Which way a metric is better, told by its name.

A wrong guess would praise the worst run, so a name that says nothing has no goal: nothing is marked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import Enum


class Goal(str, Enum):
    """Which values of a metric are better."""

    MAX = "max"
    MIN = "min"

    def __str__(self) -> str:
        return self.value


_LOWER = frozenset(
    "loss losses error errors err mse rmse mae mape smape msle rmsle medae nll cost perplexity ppl logloss brier deviance entropy crossentropy "
    "fpr fnr fdr gap divergence kl distance wer cer hamming hinge pinball aic bic inertia bouldin latency duration seconds time regret residual "
    "wasserstein fid misclassification".split()
)
_HIGHER = frozenset(
    "acc accuracy auc auroc auprc roc precision recall f1 f2 fbeta f1score r2 r2score score map ap ndcg mrr iou miou dice jaccard sensitivity specificity tpr "
    "tnr kappa mcc corrcoef bleu rouge meteor silhouette homogeneity completeness correlation pearson spearman kendall gini ks lift throughput reward "
    "likelihood variance hits coverage".split()
)
_OPPOSITE = frozenset(("neg", "negative"))  # scikit-learn's neg_mean_squared_error is the higher the better
_WORD = re.compile(r"[a-z]+\d*|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def metric_goal(key: str, definition: str | None = None) -> Goal | None:
    """Whether higher or lower values of the metric ``key`` are better; None where that is not plain.

    ``definition`` is how the value was computed (``f1_score(average='macro')``), which says more than a name.
    """
    for text in (definition.partition("(")[0] if definition else "", key):
        words = _WORD.findall(_CAMEL.sub("_", text).lower())
        lower = any(word in _LOWER for word in words)
        if lower or any(word in _HIGHER for word in words):
            return Goal.MIN if lower and not _OPPOSITE.intersection(words) else Goal.MAX
    return None


def best_of(values: Sequence[float | None], goal: Goal | None) -> float | None:
    """The best of the values; None without a goal, or where there is nothing to choose from."""
    numbers = [value for value in values if value is not None and not math.isnan(value)]
    if goal is None or len(numbers) < 2 or min(numbers) == max(numbers):
        return None
    return max(numbers) if goal is Goal.MAX else min(numbers)
