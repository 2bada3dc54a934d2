"""What every test stands on: an empty working directory, and a session that knows nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbtrack.tracking.session import Session, current_session


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory without any NBTRACK_* variable; runs left open are ended."""
    for name in list(os.environ):
        if name.startswith(("NBTRACK_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    current_session().close()


@pytest.fixture
def session() -> Session:
    """The session of this process, as a new process would have it."""
    return current_session()
