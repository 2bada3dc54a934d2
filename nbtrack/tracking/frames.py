"""Runs and metric histories as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
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
    numpy = require("numpy", purpose="search_runs as a DataFrame")
    infos = table.infos
    columns: dict[str, Any] = {
        "run_id": [info.run_id for info in infos],
        "experiment_id": [info.experiment_id for info in infos],
        "status": [info.status.value for info in infos],
        "artifact_uri": [info.artifact_uri for info in infos],
        "start_time": _times(pandas, numpy.array([info.start_time for info in infos], dtype="int64")),
        "end_time": _times(pandas, numpy.array([info.end_time for info in infos], dtype="float64")),
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
    return pandas.DataFrame(
        {
            "run_id": _categories(pandas, numpy, columns.run_ids, series),
            "key": _categories(pandas, numpy, columns.keys, series),
            "step": numpy.asarray(columns.steps, dtype="int64"),
            "timestamp": _times(pandas, numpy.asarray(columns.timestamps, dtype="int64")),
            "value": numpy.asarray(columns.values, dtype="float64"),
        }
    )


def _categories(pandas: Any, numpy: Any, names: Sequence[str], series: Any) -> Any:
    """The name of each point's series, of which many may have one name."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    codes = numpy.array([places[name] for name in names], dtype="int64")
    return pandas.Categorical.from_codes(codes[series], list(places))


def _times(pandas: Any, milliseconds: Any) -> Any:
    """UTC times from an array of integers, or of floats with NaN (from None) where there is none; a float holds them exactly."""
    return pandas.to_datetime(milliseconds, unit="ms", utc=True)


def _param_dtype(values: list[Any]) -> Any:
    """int64 or float64 where every run has such a number, else object."""
    kinds = {type(value) for value in values}
    if kinds == {int} and all(abs(value) < 2**63 for value in values):
        return "int64"
    return "float64" if kinds == {float} else object
