"""A store with runs that logged models, and the registry of two or three people over it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbtrack.entities import LoggedModel, Metric
from nbtrack.ids import DEFAULT_EXPERIMENT_ID, new_run_id
from nbtrack.registry.service import Registry
from nbtrack.store.base import NewRun, Store
from nbtrack.store.open import locate, open_store

MakeRun = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    opened = open_store(locate(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def registry(store: Store) -> Registry:
    """The registry as ada uses it."""
    return Registry(store, "ada")


@pytest.fixture
def bob(store: Store) -> Registry:
    return Registry(store, "bob")


@pytest.fixture
def carol(store: Store) -> Registry:
    return Registry(store, "carol")


@pytest.fixture
def make_run(store: Store) -> MakeRun:
    """``make_run(metrics={"auc": 0.9})``: a finished run that logged a model under ``model``; its id."""

    def make(*, user: str = "ada", metrics: dict[str, float] | None = None, model: str | None = "model", **fields: Any) -> str:
        run_id = new_run_id()
        store.runs.create(NewRun(run_id, DEFAULT_EXPERIMENT_ID, "forest", user, 1_700_000_000_000, tags={"mlflow.source.name": "train.py"}))
        for key, value in (metrics or {}).items():
            store.metrics.log_batch(run_id, [Metric(key, value, 1)])
        if model is not None:
            log_model(store, run_id, model, **fields)
        return run_id

    return make


def log_model(store: Store, run_id: str, name: str = "model", **fields: Any) -> LoggedModel:
    """Add the row of a logged model, as log_model does beside the files."""
    values: dict[str, Any] = {
        "model_id": f"m-{new_run_id()}",
        "digest": hashlib.sha256(f"{run_id}/{name}".encode()).hexdigest(),
        "flavors": ["sklearn", "python_function"],
        "size": 12_345,
        "created_time": 1_700_000_000_000,
        "signature": {"inputs": '[{"type": "double", "name": "age"}]', "outputs": '[{"type": "long"}]'},
        "has_input_example": True,
        "model_class": "sklearn.ensemble._forest.RandomForestClassifier",
    }
    return store.registry.logged_models.add(LoggedModel(run_id=run_id, name=name, **{**values, **fields}))


@pytest.fixture
def three(registry: Registry, make_run: MakeRun) -> Registry:
    """The registry with versions 1, 2 and 3 of ``churn``, of which nothing is promoted yet."""
    for auc in (0.90, 0.95, 0.93):
        registry.register_model(f"runs:/{make_run(metrics={'auc': auc})}/model", "churn")
    return registry
