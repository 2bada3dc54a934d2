"""MLflow's names, with MLflow's variables forgotten and nothing installed after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import nbtrack.mlflow
from nbtrack.config import honour_mlflow_variables
from nbtrack.mlflow.tracking._writing import switches


@pytest.fixture(autouse=True)
def names_as_imported() -> Iterator[None]:
    """As right after ``import nbtrack.mlflow``; afterwards MLflow's variables count no more for other tests."""
    honour_mlflow_variables()
    yield
    nbtrack.mlflow.uninstall()
    nbtrack.mlflow.autolog(disable=True)
    switches.async_logging = switches.system_metrics = None
    honour_mlflow_variables(False)
