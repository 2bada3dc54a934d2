"""``nbtrack runs list``: which runs, which columns, and the formats for scripts."""

from __future__ import annotations

import csv
import io
import json
import math

import nbtrack
from cli.conftest import NbtrackCommand, later, make_run, words
from nbtrack.cli.tables import Column, blocks, column, fit


def table_lines(output: str) -> list[list[str]]:
    return [list(line) for line in words(output) if line]


def test_the_latest_run_comes_first_with_what_it_measured(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    lines = table_lines(call("runs", "list").stdout)
    assert lines[0][:4] == ["run", "status", "started", "took"]
    assert [line[0] for line in lines[1:5]] == ["broken", "boosting", "forest", "logistic"]
    assert lines[1][1] == "failed"


def test_the_best_value_of_each_metric_is_marked_by_which_way_it_is_better(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "list").stdout
    assert "0.9930*" in output  # the highest auc
    assert "0.2200*" in output  # the lowest loss
    assert output.count("*") == 2


def test_params_that_all_runs_share_are_named_below_and_take_no_column(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "list").stdout
    assert "seed" not in output.splitlines()[0]
    assert "the same in all: seed 0" in output


def test_a_param_that_is_none_differs_from_one_that_is_missing(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    lines = call("runs", "list", width=200).stdout.splitlines()
    place = lines[0].index("depth")
    shown = {line.split()[0]: line[place : place + 5].strip() for line in lines[1:5]}
    assert shown == {"broken": "–", "boosting": "–", "forest": "None", "logistic": "–"}


def test_a_narrow_terminal_leaves_columns_out_and_names_them(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    narrow = call("runs", "list", width=60).stdout
    assert max(map(len, narrow.splitlines())) <= 60
    assert "more columns (--all): " in narrow
    wide = call("runs", "list", width=200).stdout
    assert "more column" not in wide


def test_all_shows_every_column_in_a_file_of_any_width(call: NbtrackCommand) -> None:
    make_run("wide", metrics={f"metric_{number}": float(number) for number in range(60)})
    output = call("runs", "list", "--all", width=80).stdout
    assert all(f"metric_{number}" in output.splitlines()[0].split() for number in range(60))


def test_several_experiments_have_a_table_each_unless_an_order_is_given(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    nbtrack.set_experiment("digits")
    make_run("sgd", metrics={"accuracy": 0.95, "auc": 0.5})
    grouped = call("runs", "list").stdout
    assert grouped.index("digits  1 run") < grouped.index("tumours  4 runs")
    ordered = call("runs", "list", "--order-by", "metrics.auc DESC").stdout
    assert ordered.split()[:2] == ["run", "experiment"]
    assert [line[0] for line in table_lines(ordered)[1:5]] == ["forest", "boosting", "logistic", "sgd"]


def test_children_stand_below_their_parent_indented(call: NbtrackCommand) -> None:
    with nbtrack.start_run(run_name="parent"):
        for name in ("first", "second"):
            later()
            with nbtrack.start_run(run_name=name, nested=True):
                pass
    lines = call("runs", "list").stdout.splitlines()
    assert [line.split("finished")[0].rstrip() for line in lines[1:4]] == ["parent", "  second", "  first"]


def test_runs_of_one_name_always_show_their_ids(call: NbtrackCommand) -> None:
    ids = [make_run("twin", metrics={f"a_rather_long_metric_name_{number}": 1.0 for number in range(5)}) for _ in range(2)]
    output = call("runs", "list", width=60).stdout
    assert all(run_id[:8] in output for run_id in ids)


def test_filter_order_and_limit_choose_the_runs(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "list", "--filter", "metrics.auc > 0.98", "--order-by", "metrics.loss ASC", "--limit", "2")
    assert [line[0] for line in table_lines(result.stdout)[1:3]] == ["boosting", "forest"]
    assert "2 of 3 runs" in result.stdout


def test_a_filter_that_does_not_parse_shows_the_place(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "list", "--filter", "metrics.auc > high")
    assert result.exit_code == 1
    assert "column 15" in result.stderr
    assert "^" in result.stderr


def test_an_unknown_experiment_names_close_ones(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "list", "-e", "tumors")
    assert result.exit_code == 1
    assert "Did you mean 'tumours'?" in result.stderr


def test_an_experiment_is_chosen_by_name_or_by_id(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    experiment_id = nbtrack.get_run(tumours["forest"]).info.experiment_id
    assert call("runs", "list", "-e", "tumours").stdout == call("runs", "list", "-e", experiment_id).stdout


def test_deleted_runs_are_listed_on_request_alone(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    nbtrack.delete_run(tumours["forest"])
    assert "forest" not in call("runs", "list").stdout
    assert "forest" in call("runs", "list", "--deleted").stdout


def test_no_run_is_said_in_words(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("runs", "list", "--filter", "metrics.auc > 2").stdout.startswith("no run is as asked for")
    assert call("runs", "list", "--deleted").stdout.startswith("no run is deleted")
    assert call("runs", "list", "--filter", "metrics.auc > 2").exit_code == 0


def test_json_has_all_runs_and_keeps_types_and_nan(call: NbtrackCommand) -> None:
    for number in range(60):
        make_run(f"run {number}", params={"flag": True, "nothing": None, "rate": 0.1, "layers": [64, 32]}, metrics={"loss": math.nan, "gain": math.inf})
    found = json.loads(call("runs", "list", "--json").stdout, parse_constant=lambda text: pytest_fail(text))
    assert len(found) == 60
    assert found[0]["params"] == {"flag": True, "nothing": None, "rate": 0.1, "layers": [64, 32]}
    assert found[0]["metrics"] == {"loss": "NaN", "gain": "Infinity"}
    assert (found[0]["run_name"], found[0]["status"], found[0]["experiment"]) == ("run 59", "FINISHED", "Default")


def pytest_fail(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def test_csv_has_a_row_for_each_run_and_a_column_for_each_key(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(call("runs", "list", "--csv").stdout)))
    by_name = {row["run_name"]: row for row in rows}
    assert set(by_name) == {"logistic", "forest", "boosting", "broken"}
    forest = by_name["forest"]
    assert (forest["params.trees"], forest["params.depth"], forest["params.C"], forest["tags.family"]) == ("300", "None", "", "trees")
    assert forest["metrics.auc"] == "0.993"
    assert forest["start_time"].endswith("+00:00")


def test_json_and_csv_at_once_is_wrong_usage(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("runs", "list", "--json", "--csv").exit_code == 2


def test_text_that_would_steer_the_terminal_is_shown_as_escapes(call: NbtrackCommand) -> None:
    make_run("a", params={"prompt": "x\x1b[2J\u202ey\n"})
    make_run("b", params={"prompt": "z"})
    output = call("runs", "list").stdout
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert r"\x1b[2J\u202ey" in output


def test_a_text_that_reads_as_a_number_is_quoted(call: NbtrackCommand) -> None:
    make_run("a", params={"rate": "0.1", "name": "plain"})
    make_run("b", params={"rate": 0.1, "name": "other"})
    output = call("runs", "list").stdout
    assert '"0.1"' in output
    assert '"plain"' not in output


def test_columns_of_low_rank_stay_and_rank_0_always_does() -> None:
    columns = [column("a", ["x" * 10]), column("b", ["y" * 10], rank=2), column("c", ["z" * 10], rank=1)]
    shown, left_out = fit(columns, 22)
    assert ([item.title for item in shown], [item.title for item in left_out]) == (["a", "c"], ["b"])
    assert [item.title for item in fit(columns, 5)[0]] == ["a"]


def test_blocks_repeat_the_first_column_and_lose_none() -> None:
    columns = [column(name, ["x" * 8]) for name in "abcdef"]
    found: list[list[Column]] = blocks(columns, 30)
    assert [[item.title for item in block] for block in found] == [["a", "b", "c"], ["a", "d", "e"], ["a", "f"]]


def test_numbered_keys_are_in_the_order_of_their_numbers(call: NbtrackCommand) -> None:
    make_run("layers", metrics={f"layer{number}": float(number) for number in (10, 2, 1)})
    head = call("runs", "list").stdout.splitlines()[0].split()
    assert head[-3:] == ["layer1", "layer2", "layer10"]
