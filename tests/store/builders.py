"""Things to put into stores."""

from __future__ import annotations

from typing import Any

from nbtrack.ids import DEFAULT_EXPERIMENT_ID, new_run_id
from nbtrack.store.base import NewRun, Store


def new_run(store: Store, **fields: Any) -> str:
    """Create a run with what is given, and return its id."""
    values = {"run_id": new_run_id(), "experiment_id": DEFAULT_EXPERIMENT_ID, "run_name": "quiet-otter-1", "user_id": "ada", "start_time": 1_000}
    return store.runs.create(NewRun(**{**values, **fields})).info.run_id
