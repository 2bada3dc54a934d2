"""Stores to test: the contract tests run against each kind in ``OPENERS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbtrack.store.base import Store
from nbtrack.store.open import locate, open_store
from nbtrack.store.sql.bundle import SqlStore

from .builders import new_run

OPENERS: dict[str, Callable[[Path], Store]] = {"sqlite": lambda folder: open_store(locate(folder))}


@pytest.fixture(params=OPENERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store of each kind."""
    opened = OPENERS[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def run_id(store: Store) -> str:
    """A run that is going on."""
    return new_run(store)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqlStore]:
    """A new store in a SQLite file, for what only files can do or suffer."""
    opened = open_store(locate(tmp_path))
    assert isinstance(opened, SqlStore)
    yield opened
    opened.close()
