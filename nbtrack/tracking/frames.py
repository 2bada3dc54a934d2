"""Runs and metric histories as pandas DataFrames."""

from __future__ import annotations

from typing import Any

from nbtrack._optional import require
from nbtrack.entities import MetricColumns
from nbtrack.store.base import RunTable


def runs_frame(table: RunTable) -> Any:
    """A DataFrame with MLflow's columns: ids, status, times (UTC), ``metrics.*``, ``params.*``, ``tags.*``.

    Params keep their types (object columns, or numbers where all runs have one); a missing metric
    is NaN, a missing param or tag None.
    """
    pandas = require("pandas", purpose="search_runs as a DataFrame")
    infos = table.infos
    columns: dict[str, Any] = {
        "run_id": [info.run_id for info in infos],
        "experiment_id": [info.experiment_id for info in infos],
        "status": [info.status.value for info in infos],
        "artifact_uri": [info.artifact_uri for info in infos],
        "start_time": _times(pandas, [info.start_time for info in infos]),
        "end_time": _times(pandas, [info.end_time for info in infos]),
    }
    columns.update({f"metrics.{key}": values for key, values in sorted(table.metrics.items())})
    columns.update({f"params.{key}": pandas.Series(values, dtype=_param_dtype(values)) for key, values in sorted(table.params.items())})
    columns.update({f"tags.{key}": pandas.Series(values, dtype=object) for key, values in sorted(table.tags.items())})
    return pandas.DataFrame(columns)


def metric_frame(columns: MetricColumns) -> Any:
    """A DataFrame of ``run_id``, ``key`` (categories), ``step``, ``timestamp`` (UTC) and ``value``, a row for each point."""
    pandas = require("pandas", purpose="metric_frame")
    numpy = require("numpy", purpose="metric_frame")
    series = numpy.asarray(columns.series, dtype="int64")
    run_ids, keys = list(dict.fromkeys(columns.run_ids)), list(dict.fromkeys(columns.keys))
    run_codes = numpy.array([run_ids.index(run_id) for run_id in columns.run_ids], dtype="int64")
    key_codes = numpy.array([keys.index(key) for key in columns.keys], dtype="int64")
    return pandas.DataFrame(
        {
            "run_id": pandas.Categorical.from_codes(run_codes[series], run_ids),
            "key": pandas.Categorical.from_codes(key_codes[series], keys),
            "step": numpy.asarray(columns.steps, dtype="int64"),
            "timestamp": _times(pandas, columns.timestamps),
            "value": numpy.asarray(columns.values, dtype="float64"),
        }
    )


def _times(pandas: Any, milliseconds: Any) -> Any:
    return pandas.to_datetime(pandas.Series(milliseconds, dtype="Float64" if None in milliseconds else "int64"), unit="ms", utc=True)


def _param_dtype(values: list[Any]) -> Any:
    """int64 or float64 where every run has such a number, else object."""
    kinds = {type(value) for value in values}
    if kinds == {int} and all(abs(value) < 2**63 for value in values):
        return "int64"
    return "float64" if kinds == {float} else object
