"""``nbtrack runs show`` and ``best``: one run on a page, and its card."""

from __future__ import annotations

import json

import pytest

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.entities import Cell, CellOutput, CellRole, Finding, Origin, OutputKind, Param, RunCell, RunCode, Severity
from nbtrack.tracking.session import current_session


def test_a_run_is_found_by_id_by_its_beginning_and_by_name(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    run_id = tumours["forest"]
    pages = {call("runs", "show", text).stdout for text in (run_id, run_id[:10], "forest")}
    assert len(pages) == 1
    assert run_id in pages.pop()


def test_an_unknown_run_names_close_ones(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "show", "fores")
    assert result.exit_code == 1
    assert "'forest'" in result.stderr


def test_params_show_their_type_origin_line_and_corrections(call: NbtrackCommand) -> None:
    with nbtrack.start_run(run_name="typed") as run:
        run.log_params({"rate": 0.1, "kind": "0.1"})
        run.log_param("rate", 0.2)
        run.store.params.log(run.run_id, [Param("depth", 8, Origin.INFERRED, 3)])
    output = call("runs", "show", "typed").stdout
    assert "line 3 · inferred" in output
    assert '"0.1"' in output
    assert "rate 0.1 → 0.2" in output


def test_a_series_shows_how_many_points_and_between_what(call: NbtrackCommand, curve: str) -> None:
    lines = call("runs", "show", "curve").stdout.splitlines()
    head = next(line for line in lines if "points" in line).split()
    values = next(line for line in lines if line.strip().startswith("loss")).split()
    assert dict(zip(head, values[1:], strict=False))["points"] == "4"
    assert values[1:] == ["0.5000", "4", "3", "0.4000", "0.9000"]


def test_metrics_are_set_against_the_best_and_the_previous_run(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "show", "boosting").stdout
    assert "▼ 0.0030" in output  # auc 0.990 against the forest's 0.993
    assert "best" in output


def test_artifacts_are_listed_with_their_sizes(call: NbtrackCommand, curve: str) -> None:
    output = call("runs", "show", "curve").stdout
    assert "notes/first.txt" in output
    assert "4 B" in output


def test_a_failed_run_shows_its_traceback(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "show", "broken").stdout
    assert "ValueError: not a number: 'fast'" in output
    assert "Traceback (most recent call last)" in output


@pytest.fixture
def cell_run() -> str:
    """A run of a cell that needs an earlier one, with outputs and a finding."""
    with nbtrack.start_run(run_name="celled") as run:
        store, run_id = run.store, run.run_id
        earlier = Cell(1, "import math\nX = [1, 2]", execution_count=1)
        own = Cell(2, "%%track_run celled\ntotal = sum(X)", execution_count=2)
        cells = [RunCell(earlier, CellRole.CLOSURE, ("X",)), RunCell(own, CellRole.OWN)]
        store.cells.set_code(run_id, RunCode("session", cells, ("star import",)))
        text = "".join(f"line {number}\n" for number in range(30))
        store.cells.add_outputs(run_id, [CellOutput(OutputKind.STDOUT, f"\x1b[31mred\x1b[0m\n{text}", truncated_chars=500)])
        finding = Finding("seed", Severity.WARNING, "RandomForestClassifier has no random_state.", line=2, fix="Set random_state=0.")
        store.facts.add_findings(run_id, [finding])
    return run_id


def test_code_shows_the_cells_whole_on_request(call: NbtrackCommand, cell_run: str) -> None:
    short = call("runs", "show", "celled").stdout
    assert "this cell and the earlier In [1]" in short
    assert "star import" in short
    assert "sum(X)" not in short
    whole = call("runs", "show", "celled", "--code").stdout
    assert "  X = [1, 2]\n" in whole
    assert "total = sum(X)" in whole


def test_outputs_show_their_last_lines_or_all_of_them_without_colours(call: NbtrackCommand, cell_run: str) -> None:
    short = call("runs", "show", "celled").stdout
    assert "the last 12 of 31 lines" in short
    assert "500 characters were not kept" in short
    assert "line 29" in short
    assert "line 3\n" not in short
    whole = call("runs", "show", "celled", "--outputs").stdout
    assert "line 0" in whole
    assert "red" in whole
    assert "\x1b" not in whole


def test_findings_say_where_and_what_to_do(call: NbtrackCommand, cell_run: str) -> None:
    output = call("runs", "show", "celled", width=200).stdout
    assert "No seed: RandomForestClassifier has no random_state. (line 2) Set random_state=0." in output


def test_tags_of_people_are_shown_and_those_of_tools_are_not(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "show", "forest").stdout
    assert "family  trees" in output
    assert "mlflow." not in output


def test_json_is_the_whole_run(call: NbtrackCommand, curve: str) -> None:
    document = json.loads(call("runs", "show", "curve", "--json").stdout)
    assert document["info"]["run_id"] == curve
    assert document["metrics"][0]["points"]["values"] == [0.9, "NaN", 0.4, 0.5]


def test_a_page_fits_80_columns(call: NbtrackCommand, cell_run: str, tumours: dict[str, str]) -> None:
    current_session().store().params.log(cell_run, [])
    for name in ("celled", "forest", "broken"):
        assert max(map(len, call("runs", "show", name, width=80).stdout.splitlines())) <= 80


def test_best_shows_the_card_of_the_highest_or_of_the_lowest(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    highest = call("runs", "best", "auc").stdout
    assert highest.startswith("highest auc of 3 runs:")
    assert "forest" in highest
    lowest = call("runs", "best", "loss").stdout
    assert lowest.startswith("lowest loss of 3 runs:")
    assert "boosting" in lowest
    assert "logistic" in call("runs", "best", "auc", "--mode", "min").stdout


def test_best_takes_a_filter_and_gives_json(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "best", "auc", "--filter", "params.trees < 200", "--json")
    assert json.loads(result.stdout)["info"]["run_name"] == "boosting"


def test_best_of_a_metric_that_no_run_has_names_close_ones(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "best", "au")
    assert result.exit_code == 1
    assert "'auc'" in result.stderr


def test_best_of_a_metric_whose_name_says_no_direction_asks_for_it(call: NbtrackCommand) -> None:
    make_run("a", metrics={"depth": 3})
    result = call("runs", "best", "depth")
    assert result.exit_code == 2
    assert "--mode" in result.stderr
    assert call("runs", "best", "depth", "--mode", "max").exit_code == 0


def test_best_of_a_metric_that_is_nan_everywhere_is_refused(call: NbtrackCommand) -> None:
    make_run("a", metrics={"auc": float("nan")})
    result = call("runs", "best", "auc")
    assert result.exit_code == 1
    assert "NaN" in result.stderr
