"""What is compared: one class for each tool, all with the same verbs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

NBTRACK = "nbtrack"
RAW = "raw sqlite3"
MLFLOW = "MLflow"

_HOMES = {NBTRACK: "nbtrack_api", RAW: "raw_sqlite", MLFLOW: "mlflow_api"}
_NEEDS = {MLFLOW: "mlflow"}


@dataclass(frozen=True)
class FakeRun:
    """A finished run that a store is filled with, to search among many."""

    name: str
    start_time: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]


class Contender(Protocol):
    """A way to keep runs. Nothing is buffered: a call that returned has been committed."""

    name: str

    def use(self, folder: Path, *, power_safe: bool = False, prepared: bool = True) -> None:
        """Keep runs in ``folder`` from now on.

        Parameters
        ----------
        power_safe
            Commits survive a power cut too.
        prepared
            A store that is not there may be the copy of an empty one; else it is made as for a user.
        """
        ...

    def start_run(self) -> str: ...

    def end_run(self) -> None: ...

    def log(self, key: str, value: float, step: int) -> None:
        """Log one point of the active run."""
        ...

    def log_step(self, metrics: Mapping[str, float], step: int) -> None:
        """Log one point of each series of the active run."""
        ...

    def log_bulk(self, series: Mapping[str, Sequence[float]]) -> None:
        """Log whole series, steps 0, 1, 2 ..., in the fastest way that the tool offers."""
        ...

    def history(self, run_id: str, key: str) -> Any:
        """The steps, timestamps (as the tool gives them) and values of a series, as three arrays ordered by step."""
        ...

    def prepare_reading(self) -> None:
        """Do once, untimed, what a store needs before it is read from; only the hand-written one does."""
        ...

    def fill(self, runs: Sequence[FakeRun]) -> None:
        """Put many finished runs into the store."""
        ...

    def best(self, count: int) -> list[str]:
        """Names of the runs with the highest ``accuracy`` among those with ``model = forest`` and ``loss < 0.5``, all data read."""
        ...

    def table(self) -> Any:
        """All runs as a DataFrame, with a column for each param and metric."""
        ...

    def close(self) -> None:
        """Let go of the store, so that its files are at rest."""
        ...


@runtime_checkable
class ModelKeeper(Contender, Protocol):
    """A contender that keeps fitted models too, called without any option."""

    def log_model(self, model: Any) -> str:
        """Save a model with the active run and return the URI that it is loaded by."""
        ...

    def load_model(self, uri: str) -> Any:
        """The model as its library made it."""
        ...

    def register_model(self, uri: str, name: str) -> int | str:
        """Make the next version of a registered model, and the registered model if need be."""
        ...

    def promote(self, name: str, version: int | str) -> None:
        """Move a version to Production."""
        ...

    def autologging(self, *, models: bool) -> AbstractContextManager[None]:
        """Log fits inside the block, with or without the fitted model, in silence."""
        ...


def load(name: str) -> Contender:
    """The contender of this name. Raises ``ImportError`` if its library is missing."""
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    made: Contender = module.CONTENDER()
    return made


def installed() -> list[str]:
    """The names of the contenders whose libraries are there."""
    return [name for name in _HOMES if find_spec(_NEEDS.get(name, "sqlite3")) is not None]
