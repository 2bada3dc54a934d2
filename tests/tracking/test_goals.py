"""Which way a metric is better."""

from __future__ import annotations

import math

import pytest

from nbtrack.tracking.goals import Goal, best_of, metric_goal


@pytest.mark.parametrize(
    "key", "auc accuracy val_acc f1_macro r2 test/precision model.score explained_variance best_accuracy top5_accuracy validAccuracy".split()
)
def test_names_of_scores_are_the_higher_the_better(key: str) -> None:
    assert metric_goal(key) is Goal.MAX


@pytest.mark.parametrize("key", "loss val_loss train/loss valLoss mae rmse log_loss brier_score_loss error_rate wer fit_seconds perplexity".split())
def test_names_of_losses_are_the_lower_the_better(key: str) -> None:
    assert metric_goal(key) is Goal.MIN


@pytest.mark.parametrize("key", "n_rows threshold epoch x depth closest glossy".split())
def test_a_name_that_says_nothing_has_no_goal(key: str) -> None:
    assert metric_goal(key) is None


def test_a_negated_loss_is_the_higher_the_better() -> None:
    assert metric_goal("neg_mean_squared_error") is Goal.MAX


def test_how_it_was_computed_says_more_than_the_name() -> None:
    assert metric_goal("result", "mean_absolute_error()") is Goal.MIN
    assert metric_goal("penalty", "f1_score(average='macro')") is Goal.MAX


def test_the_best_is_taken_by_the_goal_and_nan_is_never_it() -> None:
    assert best_of([0.1, None, math.nan, 0.3], Goal.MAX) == 0.3
    assert best_of([0.1, None, math.nan, 0.3], Goal.MIN) == 0.1


def test_there_is_no_best_without_a_goal_or_a_choice() -> None:
    assert best_of([0.1, 0.3], None) is None
    assert best_of([0.1, None], Goal.MAX) is None
    assert best_of([0.2, 0.2], Goal.MAX) is None
