"""Tables that several runs logged under one name, as one DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import ArtifactNotFound, InvalidInput
from nbtrack.store.base import RunTable, Store
from nbtrack.tracking.frames import runs_frame
from nbtrack.tracking.handle import RunHandle


def load_tables(store: Store, artifact_file: str, runs: RunTable, run_ids: Sequence[str] | None, extra_columns: Sequence[str]) -> Any:
    """The tables below each other, with ``extra_columns`` of the runs repeated beside their rows.

    Raises
    ------
    ArtifactNotFound
        No run has such a table, or one that was named has none.
    """
    pandas = require("pandas", purpose="load_table")
    about = runs_frame(runs).set_index("run_id", drop=False)
    unknown = [column for column in extra_columns if column not in about.columns]
    if unknown:
        raise InvalidInput(f"load_table: there is no column {unknown[0]!r}; the columns of search_runs are {', '.join(about.columns)}")
    parts = []
    for run_id in run_ids if run_ids is not None else list(about.index):
        try:
            frame = RunHandle(store, run_id).load_table(artifact_file)
        except ArtifactNotFound:
            if run_ids is not None:
                raise
            continue
        for column in extra_columns:
            frame[column] = about.loc[run_id, column]
        parts.append(frame)
    if not parts:
        raise ArtifactNotFound(f"no run of the active experiment has the table {artifact_file!r}")
    return pandas.concat(parts, ignore_index=True)
