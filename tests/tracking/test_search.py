"""Finding runs: DataFrames, lists, pages, the best run, metric histories."""

from __future__ import annotations

import math
import time

import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import ExperimentNotFound, InvalidFilter, InvalidInput


@pytest.fixture
def three_runs() -> list[str]:
    """Runs a, b and c in the experiment churn; c lacks the metric auc and failed."""
    nbtrack.set_experiment("churn")
    ids = []
    for name, lr, auc in (("a", 0.1, 0.8), ("b", 0.01, 0.9)):
        with nbtrack.start_run(run_name=name, tags={"team": "x"}) as run:
            nbtrack.log_params({"lr": lr, "model": "forest"})
            nbtrack.log_metric("auc", auc)
        ids.append(run.run_id)
        time.sleep(0.002)  # runs of one millisecond have no order in time
    with pytest.raises(ValueError, match="no"), nbtrack.start_run(run_name="c") as run:
        nbtrack.log_param("lr", "auto")
        raise ValueError("no")
    return [*ids, run.run_id]


def names(filter_string: str = "", **arguments: object) -> list[str]:
    found = nbtrack.search_runs(filter_string=filter_string, output_format="list", **arguments)  # type: ignore[call-overload]
    return [run.info.run_name for run in found]


def test_frame_has_mlflows_columns_and_typed_params(three_runs: list[str]) -> None:
    frame = nbtrack.search_runs(order_by=["attributes.run_name ASC"])
    assert list(frame.columns[:6]) == ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert list(frame["run_id"]) == three_runs
    assert list(frame["status"]) == ["FINISHED", "FINISHED", "FAILED"]
    assert list(frame["params.lr"]) == [0.1, 0.01, "auto"]
    assert frame["metrics.auc"].tolist()[:2] == [0.8, 0.9]
    assert math.isnan(frame["metrics.auc"][2])
    assert frame["params.model"][2] is None
    assert str(frame["start_time"].dtype).endswith("UTC]")


def test_nothing_to_search_is_an_empty_frame_and_makes_no_store(empty_folder: object) -> None:
    frame = nbtrack.search_runs()
    assert len(frame) == 0
    assert "run_id" in frame.columns
    assert not list(empty_folder.iterdir())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metrics.auc > 0.85", ["b"]),
        ("params.lr < 0.05 OR attributes.status = 'FAILED'", ["b", "c"]),
        ("NOT tags.team = 'x'", ["c"]),
        ("params.lr BETWEEN 0.05 AND 0.2", ["a"]),
        ("metrics.auc IN (0.8, 0.9) AND params.model LIKE 'for%'", ["a", "b"]),
        ("metrics.auc IS NULL", ["c"]),
        ("run_name IN ('a', 'c')", ["a", "c"]),
    ],
)
def test_filter_finds_the_runs(three_runs: list[str], text: str, found: list[str]) -> None:
    assert sorted(names(text)) == found


def test_bad_filter_shows_the_place(three_runs: list[str]) -> None:
    with pytest.raises(InvalidFilter, match="filter, column 15: expected a number after '>'"):
        nbtrack.search_runs(filter_string="metrics.auc > 'high'")


def test_latest_run_comes_first_and_order_by_changes_that(three_runs: list[str]) -> None:
    assert names()[0] == "c"
    assert names(order_by=["metrics.auc DESC"]) == ["b", "a", "c"]
    assert names(order_by=["metrics.auc ASC"]) == ["a", "b", "c"]


def test_search_is_within_the_active_experiment_unless_told(three_runs: list[str]) -> None:
    nbtrack.set_experiment("other")
    assert names() == []
    assert len(names(experiment_names=["churn"])) == 3
    assert len(names(search_all_experiments=True)) == 3
    with pytest.raises(ExperimentNotFound, match="'chrn'.*'churn'"):
        names(experiment_names=["chrn"])
    with pytest.raises(InvalidInput, match="both"):
        names(experiment_names=["churn"], experiment_ids=["0"])


def test_pages_follow_each_other(three_runs: list[str]) -> None:
    client = nbtrack.Client()
    experiment = client.get_experiment_by_name("churn")
    assert experiment is not None
    seen, token = [], None
    while True:
        page = client.search_runs([experiment.experiment_id], max_results=2, order_by=["run_name"], page_token=token)
        seen.extend(run.info.run_name for run in page)
        token = page.token
        if token is None:
            break
    assert seen == ["a", "b", "c"]
    with pytest.raises(InvalidInput, match="page token"):
        client.search_runs([experiment.experiment_id], page_token="x")


def test_best_run_by_mode(three_runs: list[str]) -> None:
    best, worst = nbtrack.best_run("auc"), nbtrack.best_run("auc", mode="min")
    assert best is not None
    assert worst is not None
    assert (best.info.run_name, worst.info.run_name) == ("b", "a")
    assert nbtrack.best_run("never logged") is None
    with pytest.raises(InvalidInput, match="mode"):
        nbtrack.best_run("auc", mode="highest")


def test_best_run_leaves_nan_out() -> None:
    with nbtrack.start_run():
        nbtrack.log_metric("loss", math.nan)
    assert nbtrack.best_run("loss") is None
    with nbtrack.start_run(run_name="number"):
        nbtrack.log_metric("loss", 3.0)
    best = nbtrack.best_run("loss", mode="min")
    assert best is not None
    assert best.info.run_name == "number"


def test_deleted_runs_are_left_out_unless_asked_for(three_runs: list[str]) -> None:
    nbtrack.delete_run(three_runs[0])
    assert sorted(names()) == ["b", "c"]
    assert names(run_view_type="DELETED_ONLY") == ["a"]
    assert len(names(run_view_type="ALL")) == 3


def test_run_is_found_by_id_beginning_or_name(three_runs: list[str]) -> None:
    client = nbtrack.Client()
    assert client.run(three_runs[0]).run_id == three_runs[0]
    assert client.run(three_runs[0][:8]).run_id == three_runs[0]
    assert client.run("b").run_id == three_runs[1]


def test_metric_frame_has_all_points_and_thins_them_so_that_peaks_stay() -> None:
    with nbtrack.start_run() as run:
        values = [float(number % 100) for number in range(1000)]
        values[517] = 1e6
        values[803] = -1e6
        nbtrack.log_metrics({"m": values, "n": values}, step=range(1000))
    client = nbtrack.Client()
    whole = client.metric_frame([run.run_id])
    assert list(whole.columns) == ["run_id", "key", "step", "timestamp", "value"]
    assert len(whole) == 2000
    thin = client.metric_frame(run.run_id, keys="m", max_points=50)
    assert len(thin) <= 50
    assert {1e6, -1e6} <= set(thin["value"])
    assert (thin["step"].iloc[0], thin["step"].iloc[-1]) == (0, 999)
    assert thin["step"].is_monotonic_increasing
    pd.testing.assert_series_equal(whole[whole["key"] == "m"]["value"], pd.Series(values, name="value"))


def test_experiments_are_searched_renamed_and_restored() -> None:
    client = nbtrack.Client()
    first = client.create_experiment("first", tags={"team": "x"})
    client.create_experiment("second")
    client.rename_experiment(first, "renamed 🌲")
    assert [item.name for item in client.search_experiments(filter_string="tags.team = 'x'")] == ["renamed 🌲"]
    client.delete_experiment(first)
    assert "renamed 🌲" not in {item.name for item in nbtrack.search_experiments()}
    client.restore_experiment(first)
    assert client.get_experiment(first).lifecycle_stage == "active"
    client.set_experiment_tag(first, "k", "v")
    client.delete_experiment_tag(first, "k")
    assert client.get_experiment(first).tags == {"team": "x"}
