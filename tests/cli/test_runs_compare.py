"""``nbtrack runs compare``: what differs, and what does not."""

from __future__ import annotations

import csv
import io
import json

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.entities import Cell, CellRole, RunCell, RunCode


def line_of(output: str, key: str) -> list[str]:
    return next(line.split()[1:] for line in output.splitlines() if line.strip().startswith(key))


def test_what_differs_is_shown_and_what_is_the_same_is_counted(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "compare", "forest", "boosting").stdout
    assert line_of(output, "trees") == ["300", "150", "-150"]
    assert line_of(output, "depth") == ["None", "–"]
    assert "seed" not in output
    assert "where the runs are the same (--all)" in output
    assert line_of(call("runs", "compare", "forest", "boosting", "--all").stdout, "seed") == ["0", "0"]


def test_the_best_of_each_metric_is_marked_and_the_change_of_two_runs_shown(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("runs", "compare", "forest", "boosting").stdout
    assert line_of(output, "auc") == ["0.9930*", "0.9900", "-0.0030"]
    assert line_of(output, "loss") == ["0.2500", "0.2200*", "-0.0300"]


def test_more_runs_than_fit_are_shown_below_one_another(call: NbtrackCommand) -> None:
    for number in range(9):
        make_run(f"candidate-{number}", params={"number": number})
    names = [f"candidate-{number}" for number in range(9)]
    output = call("runs", "compare", *names, width=80).stdout
    assert max(map(len, output.splitlines())) <= 80
    assert all(output.count(name) == 1 for name in names)


def test_two_cells_are_shown_as_a_difference(call: NbtrackCommand) -> None:
    for name, source in (("one", "rate = 0.1\nfit(rate)"), ("two", "rate = 0.2\nfit(rate)")):
        with nbtrack.start_run(run_name=name) as run:
            run.store.cells.set_code(run.run_id, RunCode(f"session {name}", [RunCell(Cell(1, source), CellRole.OWN)]))
    output = call("runs", "compare", "one", "two").stdout
    assert "-rate = 0.1" in output
    assert "+rate = 0.2" in output


def test_json_tells_a_missing_value_from_none(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    found = json.loads(call("runs", "compare", "forest", "boosting", "--json").stdout)
    depth = next(row for row in found["rows"] if row["key"] == "depth")
    assert depth == {"section": "params", "key": "depth", "differs": True, "values": {tumours["forest"]: None}}


def test_csv_has_a_column_for_each_run(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    rows = list(csv.reader(io.StringIO(call("runs", "compare", "forest", "logistic", "--csv").stdout)))
    assert rows[0] == ["section", "key", tumours["forest"], tumours["logistic"]]
    assert ["params", "trees", "300", ""] in rows


def test_one_run_is_no_comparison(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("runs", "compare", "forest").exit_code == 2
    assert call("runs", "compare", "forest", tumours["forest"]).exit_code == 2


def test_runs_that_are_the_same_say_so(call: NbtrackCommand) -> None:
    for name in ("one", "two"):
        make_run(name, params={"rate": 0.1}, metrics={"auc": 0.5})
    output = call("runs", "compare", "one", "two").stdout
    assert "auc" not in output
    assert "rows where the runs are the same" in output
