from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import Metric, MetricColumns, MetricSummary, Origin
from nbtrack.errors import InvalidInput, RunNotFound
from nbtrack.store.base import Store

from ..builders import new_run

NAN, INF = math.nan, math.inf


def log(store: Store, run_id: str, key: str, points: Sequence[tuple[float, int, int]], *, how: str = "one by one") -> None:
    """Log ``(value, step, timestamp)`` points in one of the three ways."""
    if how == "one by one":
        for value, step, timestamp in points:
            store.metrics.log(run_id, key, value, step, timestamp)
    elif how == "batch":
        store.metrics.log_batch(run_id, [Metric(key, value, timestamp, step) for value, step, timestamp in points])
    elif points:
        values, steps, timestamps = zip(*points, strict=True)
        store.metrics.log_arrays(run_id, {key: list(values)}, list(steps), list(timestamps))


def expected(key: str, points: Sequence[tuple[float, int, int]]) -> MetricSummary:
    """The summary by its definition."""
    last, last_step, last_time = points[0]
    for value, step, timestamp in points[1:]:
        if (step, timestamp) >= (last_step, last_time):
            last, last_step, last_time = value, step, timestamp
    numbers = [value for value, _, _ in points if not math.isnan(value)]
    return MetricSummary(key, last, last_step, last_time, min(numbers, default=NAN), max(numbers, default=NAN), len(points))


def points_of(columns: MetricColumns) -> dict[tuple[str, str], list[tuple[int, int, float]]]:
    """Steps, timestamps and values by run and key."""
    series = [(columns.run_ids[number], columns.keys[number]) for number in range(len(columns.run_ids))]
    found: dict[tuple[str, str], list[tuple[int, int, float]]] = {name: [] for name in series}
    for number, step, timestamp, value in zip(columns.series, columns.steps, columns.timestamps, columns.values, strict=True):
        found[series[number]].append((step, timestamp, value))
    return found


WAYS = ["one by one", "batch", "arrays"]
_values = (st.floats() | st.sampled_from([NAN, INF, -INF])).map(lambda value: value + 0.0)  # a store may drop the sign of zero
_point = st.tuples(_values, st.integers(-3, 5), st.integers(0, 4))


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(st.tuples(st.sampled_from(WAYS), st.lists(_point, max_size=70)), min_size=1, max_size=4))
def test_summaries_and_points_are_those_of_a_naive_computation(store: Store, parts: list[tuple[str, list[tuple[float, int, int]]]]) -> None:
    run_id = new_run(store)
    for how, points in parts:
        log(store, run_id, "loss", points, how=how)
    logged = [point for _, points in parts for point in points]
    assert repr(store.metrics.summaries(run_id)) == repr([expected("loss", logged)] if logged else [])
    in_order = sorted(((step, timestamp, value) for value, step, timestamp in logged), key=lambda point: point[:2])
    assert repr(points_of(store.metrics.columns([run_id]))) == repr({(run_id, "loss"): in_order} if logged else {})
    assert repr(store.runs.get(run_id).data.metrics) == repr({"loss": expected("loss", logged).last} if logged else {})


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("value", [0.0, -1.5, 1e308, 5e-324, INF, -INF, 3])
def test_a_value_comes_back_as_a_float(store: Store, run_id: str, how: str, value: float) -> None:
    log(store, run_id, "m", [(value, 0, 0)], how=how)
    (metric,) = store.metrics.history(run_id, "m")
    assert metric == Metric("m", value, 0, 0)
    assert isinstance(metric.value, float)


@pytest.mark.parametrize("how", WAYS)
def test_nan_is_kept_and_is_no_minimum_and_no_maximum(store: Store, run_id: str, how: str) -> None:
    log(store, run_id, "m", [(NAN, 0, 0), (2.0, 1, 0), (NAN, 2, 0)], how=how)
    assert repr(store.metrics.summaries(run_id)) == repr([MetricSummary("m", NAN, 2, 0, 2.0, 2.0, 3)])
    assert repr([metric.value for metric in store.metrics.history(run_id, "m")]) == "[nan, 2.0, nan]"


@pytest.mark.parametrize("how", WAYS)
def test_steps_and_timestamps_of_64_bits_are_kept_and_longer_ones_refused(store: Store, run_id: str, how: str) -> None:
    log(store, run_id, "m", [(1.0, 2**63 - 1, 0), (2.0, -(2**63), 2**62)], how=how)
    assert [(metric.step, metric.timestamp) for metric in store.metrics.history(run_id, "m")] == [(2**63 - 1, 0), (-(2**63), 2**62)]
    with pytest.raises(InvalidInput, match="too large"):
        log(store, run_id, "m", [(1.0, 2**63, 0)], how=how)
    assert store.metrics.summaries(run_id)[0].count == 2


def test_a_history_is_ordered_by_time_and_tells_a_point_once(store: Store, run_id: str) -> None:
    log(store, run_id, "m", [(3.0, 1, 20), (2.0, 2, 10), (1.0, 1, 20), (3.0, 1, 20)])
    assert store.metrics.history(run_id, "m") == [Metric("m", 2.0, 10, 2), Metric("m", 1.0, 20, 1), Metric("m", 3.0, 20, 1)]
    assert store.metrics.history(run_id, "unknown") == []
    with pytest.raises(RunNotFound):
        store.metrics.history("unknown", "m")


def test_the_last_value_is_that_of_the_highest_step_then_time(store: Store, run_id: str) -> None:
    log(store, run_id, "m", [(1.0, 5, 10), (2.0, 5, 9), (3.0, 4, 99)])
    assert store.runs.get(run_id).data.metrics == {"m": 1.0}
    log(store, run_id, "m", [(4.0, 5, 10)])
    assert store.runs.get(run_id).data.metrics == {"m": 4.0}


def test_a_batch_of_many_series_is_all_or_none(store: Store, run_id: str) -> None:
    store.metrics.log_batch(run_id, [Metric(key, 1.0, 5, step) for step in range(100) for key in "ab"])
    assert [(summary.key, summary.count) for summary in store.metrics.summaries(run_id)] == [("a", 100), ("b", 100)]
    with pytest.raises(InvalidInput):
        store.metrics.log_batch(run_id, [Metric("a", 1.0, 5), Metric("c", 1.0, 2**70)])
    assert [(summary.key, summary.count) for summary in store.metrics.summaries(run_id)] == [("a", 100), ("b", 100)]


def test_arrays_of_several_series_share_their_steps(store: Store, run_id: str) -> None:
    store.metrics.log_arrays(run_id, {"a": [1.0, 2.0], "b": [3.0, 4.0]}, [0, 1], [10, 11])
    assert store.metrics.history(run_id, "b") == [Metric("b", 3.0, 10, 0), Metric("b", 4.0, 11, 1)]
    store.metrics.log_arrays(run_id, {"a": []}, [], [])
    with pytest.raises(InvalidInput, match=r"2 steps, 2 timestamps, and \{'a': 1\}"):
        store.metrics.log_arrays(run_id, {"a": [1.0]}, [0, 1], [0, 1])
    with pytest.raises(InvalidInput, match="1 steps, 2 timestamps, and as many values"):
        store.metrics.log_arrays(run_id, {"a": [1.0]}, [0], [0, 1])
    assert store.metrics.summaries(run_id)[0].count == 2


def test_a_series_tells_where_it_came_from(store: Store, run_id: str) -> None:
    store.metrics.log(run_id, "f1", 0.5, 0, 0)
    store.metrics.annotate(run_id, "f1", origin=Origin.INFERRED, line=7, definition="f1_score(average='macro')")
    store.metrics.log(run_id, "f1", 0.6, 1, 0)
    (summary,) = store.metrics.summaries(run_id)
    assert (summary.origin, summary.line, summary.definition, summary.count) == (Origin.INFERRED, 7, "f1_score(average='macro')", 2)


def test_columns_hold_the_series_of_the_runs_in_their_order(store: Store) -> None:
    first, second, without = new_run(store), new_run(store), new_run(store)
    for run in (first, second):
        log(store, run, "b", [(1.0, 0, 1), (2.0, 1, 2)])
        log(store, run, "a", [(3.0, 0, 3)])
    columns = store.metrics.columns([second, without, first, second])
    assert list(zip(columns.run_ids, columns.keys, strict=True)) == [(second, "a"), (second, "b"), (first, "a"), (first, "b")]
    assert points_of(columns)[first, "b"] == [(0, 1, 1.0), (1, 2, 2.0)]
    assert list(store.metrics.columns([first, second], ["a", "nothing"]).keys) == ["a", "a"]
    assert list(store.metrics.columns([first], []).keys) == []
    assert list(store.metrics.columns([]).values) == []
    with pytest.raises(RunNotFound, match="'gone'"):
        store.metrics.columns([first, "gone"])


def test_columns_are_ordered_by_step_then_time(store: Store, run_id: str) -> None:
    log(store, run_id, "m", [(1.0, 2, 0), (2.0, 1, 9), (3.0, 1, 3), (4.0, 1, 3)])
    assert points_of(store.metrics.columns([run_id]))[run_id, "m"] == [(1, 3, 3.0), (1, 3, 4.0), (1, 9, 2.0), (2, 0, 1.0)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(_values, min_size=1, max_size=300), max_points=st.integers(4, 60))
def test_thinned_series_keep_their_ends_and_their_extremes(store: Store, values: list[float], max_points: int) -> None:
    run_id = new_run(store)
    log(store, run_id, "m", [(value, step, step) for step, value in enumerate(values)], how="arrays")
    thinned = points_of(store.metrics.columns([run_id], max_points=max_points))[run_id, "m"]
    every = points_of(store.metrics.columns([run_id]))[run_id, "m"]
    assert len(thinned) <= max_points or len(every) <= max_points
    assert len(thinned) >= min(len(every), max_points // 4)
    assert all(repr(point) in map(repr, every) for point in thinned)
    assert [point[0] for point in thinned] == sorted({point[0] for point in thinned})
    assert (repr(thinned[0]), repr(thinned[-1])) == (repr(every[0]), repr(every[-1]))
    numbers = [value for value in values if not math.isnan(value)]
    if numbers:
        kept = [value for _, _, value in thinned if not math.isnan(value)]
        assert (min(kept), max(kept)) == (min(numbers), max(numbers))


def test_fewer_points_than_asked_for_stay_all(store: Store, run_id: str) -> None:
    log(store, run_id, "m", [(float(step), step, step) for step in range(10)])
    assert len(store.metrics.columns([run_id], max_points=10).values) == 10
    with pytest.raises(InvalidInput, match="max_points is 3"):
        store.metrics.columns([run_id], max_points=3)


def test_a_restored_run_takes_points_again(store: Store, run_id: str) -> None:
    store.metrics.log(run_id, "m", 1.0, 0, 0)
    store.runs.delete(run_id)
    store.runs.restore(run_id)
    store.metrics.log(run_id, "m", 2.0, 1, 0)
    assert [metric.value for metric in store.metrics.history(run_id, "m")] == [1.0, 2.0]


def test_points_never_land_in_the_series_of_another_run(store: Store, run_id: str) -> None:
    store.metrics.log(run_id, "m", 1.0, 0, 0)
    store.runs.delete(run_id)
    store.runs.purge([run_id])
    other = new_run(store)
    store.metrics.log_batch(other, [Metric("m", 5.0, 0)])
    with pytest.raises(RunNotFound):
        store.metrics.log(run_id, "m", 2.0, 1, 0)
    assert [metric.value for metric in store.metrics.history(other, "m")] == [5.0]
