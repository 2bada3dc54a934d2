"""Runs as the columns of a table: which are shown, in which order, and what is best."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from nbtrack.cli.tables import Cell, Column, column
from nbtrack.entities import Run, RunStatus
from nbtrack.formatting import format_duration, format_number, format_time, format_value, natural_order
from nbtrack.tracking.comparison import MISSING, same
from nbtrack.tracking.goals import best_of, metric_goal

STATUS_STYLES = {
    RunStatus.FINISHED: "green",
    RunStatus.RUNNING: "blue",
    RunStatus.SCHEDULED: "blue",
    RunStatus.FAILED: "red",
    RunStatus.KILLED: "yellow",
}
ABSENT = Cell("–", "dim")


@dataclass(frozen=True)
class RunTable:
    """The columns of a table of runs, and the params that all of them share."""

    columns: Sequence[Column]
    common: Mapping[str, Any]


def run_table(
    runs: Sequence[Run], *, experiments: Mapping[str, str] | None = None, first: Sequence[str] = (), nested: bool = False, name_width: int = 36
) -> RunTable:
    """Columns for runs: name, status, started, duration, then metrics, then the params that differ.

    Parameters
    ----------
    experiments
        Names by id, for a column of them; None for runs of one experiment.
    first
        Metrics that matter most, as those that the order is by.
    nested
        Show children below their parents, indented.
    name_width
        Where longer names are cut, in columns of the terminal.
    """
    rows = as_tree(runs) if nested else [(0, run) for run in runs]
    runs = [run for _, run in rows]
    params = _by_key([run.data.params for run in runs])
    common = {key: values[0] for key, values in params.items() if len(runs) > 1 and all(same(values[0], value) for value in values)}
    metrics = _metrics(runs, first)
    differing = {key: values for key, values in params.items() if key not in common}
    columns = [*_fixed(rows, experiments, name_width), *metrics, *_params(differing, taken={item.title for item in metrics})]
    return RunTable(columns, common)


def as_tree(runs: Sequence[Run]) -> list[tuple[int, Run]]:
    """The runs with their depth, each child after its parent, otherwise in their order."""
    here = {run.info.run_id for run in runs}
    children: dict[str | None, list[Run]] = {}
    for run in runs:
        parent = run.info.parent_run_id
        children.setdefault(parent if parent in here and parent != run.info.run_id else None, []).append(run)
    found: list[tuple[int, Run]] = []
    waiting = [(0, run) for run in reversed(children.get(None, []))]
    while waiting:
        depth, run = waiting.pop()
        found.append((depth, run))
        waiting.extend((depth + 1, child) for child in reversed(children.get(run.info.run_id, [])))
    return found


def metrics_of_order(order_by: Sequence[str]) -> list[str]:
    """The metrics that an order names: ``["metrics.auc DESC"]`` names ``auc``."""
    from nbtrack.query import Metric, parse_order_by

    return [key.operand.key for key in parse_order_by(order_by) if isinstance(key.operand, Metric)]


def table_text(value: Any) -> str:
    """A param's value for a narrow column: a string without quotes, unless it would read as another value."""
    if value is MISSING:
        return ABSENT.text
    if isinstance(value, str) and value and value == value.strip() and value not in ("None", "True", "False", ABSENT.text) and not _reads_as_number(value):
        return value
    return format_value(value, width=200)


def runs_csv(runs: Sequence[Run], experiments: Mapping[str, str]) -> bytes:
    """All runs as CSV in UTF-8: ids, times (ISO 8601, UTC), ``metrics.*``, ``params.*`` and ``tags.*``."""
    parts = {"metrics": [run.data.metrics for run in runs], "params": [run.data.params for run in runs], "tags": [run.data.tags for run in runs]}
    keys = [(part, key) for part, items in parts.items() for key in sorted({key for item in items for key in item})]
    head = ["run_id", "run_name", "experiment", "status", "start_time", "end_time", "duration", "user_id", "parent_run_id"]
    rows: list[list[Any]] = [head + [f"{part}.{key}" for part, key in keys]]
    for place, run in enumerate(runs):
        info = run.info
        fixed = [info.run_id, info.run_name, experiments.get(info.experiment_id, info.experiment_id), info.status.value]
        times = [utc_time(info.start_time), utc_time(info.end_time), info.duration, info.user_id, info.parent_run_id]
        rows.append([*fixed, *times, *(csv_value(parts[part][place].get(key, MISSING)) for part, key in keys)])
    return csv_bytes(rows)


def csv_value(value: Any) -> Any:
    """What a field says: nothing where a run has no value, ``None`` for None, JSON for lists and dicts."""
    if value is MISSING:
        return ""
    if value is None:
        return "None"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def csv_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as CSV in UTF-8."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def utc_time(timestamp_ms: int | None) -> str | None:
    """``2026-11-21T14:02:03.120+00:00``."""
    return None if timestamp_ms is None else datetime.fromtimestamp(timestamp_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")


def _fixed(rows: Sequence[tuple[int, Run]], experiments: Mapping[str, str] | None, name_width: int) -> list[Column]:
    infos = [run.info for _, run in rows]
    names = [f"{'  ' * depth}{run.info.run_name}" for depth, run in rows]
    status = [Cell(info.status.value.lower(), STATUS_STYLES[info.status]) for info in infos]
    # A name that two runs have does not say which one to type, so their ids must be there.
    repeated = len({info.run_name for info in infos}) < len(infos)
    columns = [
        column("run", names, max_width=name_width),
        Column("status", status),
        column("started", [format_time(info.start_time) for info in infos], right=True),
        column("took", [format_duration(info.duration) for info in infos], right=True),
        column("id", [info.run_id[:8] for info in infos], rank=0 if repeated else 4, style="dim"),
    ]
    if experiments is not None:
        columns.insert(1, column("experiment", [experiments.get(info.experiment_id, info.experiment_id) for info in infos], rank=1, max_width=24))
    return columns


def _metrics(runs: Sequence[Run], first: Sequence[str]) -> list[Column]:
    """Those that the order is by, then those that most runs have."""
    series = _by_key([run.data.metrics for run in runs])
    keys = sorted(series, key=lambda key: (first.index(key) if key in first else len(first), _gaps(series[key]), natural_order(key)))
    columns = []
    for place, key in enumerate(keys):
        values = [None if value is MISSING else value for value in series[key]]
        best = best_of(values, metric_goal(key))
        cells = [ABSENT if value is None else Cell(format_number(value), best=best is not None and value == best) for value in values]
        columns.append(Column(key, cells, rank=1 + 2 * place, right=True, max_width=26))
    return columns


def _params(params: Mapping[str, Sequence[Any]], *, taken: set[str]) -> list[Column]:
    """Those that most runs have first; a title that is ``taken`` by a metric says that this is the param."""
    keys = sorted(params, key=lambda key: (_gaps(params[key]), natural_order(key)))
    columns = []
    for place, key in enumerate(keys):
        values = params[key]
        numbers = all(value is MISSING or value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values)
        cells = [ABSENT if value is MISSING else Cell(table_text(value)) for value in values]
        columns.append(Column(f"params.{key}" if key in taken else key, cells, rank=2 + 2 * place, right=numbers, max_width=26))
    return columns


def _by_key(mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {key: [mapping.get(key, MISSING) for mapping in mappings] for key in sorted({key for mapping in mappings for key in mapping})}


def _gaps(values: Sequence[Any]) -> int:
    return sum(value is MISSING for value in values)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return bool(re.fullmatch(r"[\[({].*[\])}]", text, re.DOTALL))
    return True
