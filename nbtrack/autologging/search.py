"""Searches over params: the best candidate in the run of the search, the first few in child runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from nbtrack.autologging.params import plain_key, plain_params
from nbtrack.autologging.record import AUTOLOG_TAG, FIT_TAG, FitRecord
from nbtrack.entities import Metric, Origin, Param
from nbtrack.tracking.session import current_session


def is_search(estimator: Any) -> bool:
    """Whether an estimator tries candidates, as ``GridSearchCV`` does."""
    return any(cls.__name__ == "BaseSearchCV" and cls.__module__.startswith("sklearn.") for cls in type(estimator).__mro__)


def search_params(search: Any) -> dict[str, Any]:
    """The params of the best candidate, as ``best_*``."""
    return {f"best_{key}": value for key, value in getattr(search, "best_params_", {}).items()}


def search_metrics(search: Any) -> dict[str, float]:
    """The cross-validated score of the best candidate."""
    return {"best_cv_score": float(search.best_score_)} if hasattr(search, "best_score_") else {}


def log_candidates(record: FitRecord, search: Any) -> None:
    """``cv_results.csv`` of all candidates, and a child run for each of the best."""
    results: Mapping[str, Any] = search.cv_results_
    record.files({"cv_results.csv": _table(results)}, kind="table of candidates")
    base = search.estimator.get_params(deep=True)
    chosen = _best_first(results, search.refit)[: record.settings.max_tuning_runs]
    for row in chosen:
        _log_candidate(record, type(search.estimator).__name__, {**base, **results["params"][row]}, _metrics(results, row))
    record.count("candidates", len(chosen))


def _log_candidate(record: FitRecord, title: str, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    tags = {AUTOLOG_TAG: record.flavor, FIT_TAG: f"{record.flavor} {title}", **record.settings.extra_tags}
    session = current_session()
    nested = session.active is not None
    child = session.start_run(nested=nested, parent_run_id=None if nested else record.run.run_id, tags=tags)
    try:
        child.store.params.log(child.run_id, [Param(key, value, Origin.AUTOLOG) for key, value in plain_params(params).items()])
        now = child.info.start_time
        child.store.metrics.log_batch(child.run_id, [Metric(plain_key(key), value, now) for key, value in metrics.items()])
        for key in metrics:
            child.store.metrics.annotate(child.run_id, plain_key(key), origin=Origin.AUTOLOG, line=None, definition=None)
    finally:
        child.end()


def _best_first(results: Mapping[str, Any], refit: Any) -> list[int]:
    """Rows by rank; of several metrics that counts by which the search chose."""
    preferred = [f"rank_test_{refit}", "rank_test_score", *sorted(key for key in results if key.startswith("rank_test_"))]
    ranks = next((results[key] for key in preferred if key in results), None)
    rows = range(len(results["params"]))
    return list(rows) if ranks is None else sorted(rows, key=lambda row: ranks[row])


def _metrics(results: Mapping[str, Any], row: int) -> dict[str, float]:
    return {key: float(column[row]) for key, column in results.items() if key != "params" and not key.startswith("param_")}


def _table(results: Mapping[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(results)
    writer.writerows(zip(*results.values(), strict=True))
    return text.getvalue().encode("utf-8", "replace")
