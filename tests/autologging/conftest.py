"""Autologging is off after each test, and the libraries are as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbtrack.autologging.api import autolog
from nbtrack.tracking.events import Notice, subscribe


@pytest.fixture(autouse=True)
def autolog_ends_with_the_test() -> Iterator[None]:
    yield
    autolog(disable=True)


@pytest.fixture
def notices() -> Iterator[list[str]]:
    """What autologging says."""
    heard: list[str] = []
    stop = subscribe(Notice, lambda notice: heard.append(notice.text))
    yield heard
    stop()
