"""``nbtrack experiments``."""

from __future__ import annotations

import json
from pathlib import Path

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.tracking.session import current_session


def test_experiments_are_listed_with_the_number_of_their_runs(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    lines = [line.split() for line in call("experiments", "list").stdout.splitlines()]
    assert ["tumours", "4"] in [line[:2] for line in lines]
    assert ["Default", "0"] in [line[:2] for line in lines]


def test_a_filter_chooses_experiments(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("experiments", "list", "--filter", "name LIKE 'tum%'").stdout
    assert "tumours" in output
    assert "Default" not in output


def test_json_and_csv_have_ids_and_counts(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    found = {item["name"]: item for item in json.loads(call("experiments", "list", "--json").stdout)}
    assert found["tumours"]["runs"] == 4
    assert f"{found['tumours']['experiment_id']},tumours,4,active," in call("experiments", "list", "--csv").stdout


def test_create_makes_the_store_too_and_prints_the_id(call: NbtrackCommand, empty_folder: Path) -> None:
    result = call("experiments", "create", "churn", "-t", "team=sales")
    assert result.exit_code == 0
    created = nbtrack.Client().get_experiment(result.stdout.strip())
    assert (created.name, dict(created.tags)) == ("churn", {"team": "sales"})
    assert (empty_folder / ".nbtrack" / "nbtrack.db").exists()


def test_a_name_that_is_taken_is_refused(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("experiments", "create", "tumours")
    assert result.exit_code == 1
    assert "exists already" in result.stderr


def test_a_tag_without_a_value_is_wrong_usage_and_makes_nothing(call: NbtrackCommand, empty_folder: Path) -> None:
    result = call("experiments", "create", "churn", "-t", "team")
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.stderr
    assert list(empty_folder.iterdir()) == []


def test_rename_delete_and_restore_are_written_down(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("experiments", "rename", "tumours", "cells").exit_code == 0
    assert call("experiments", "delete", "cells", input="n\n").exit_code == 1
    assert call("experiments", "delete", "cells", "--yes").stdout == "deleted 'cells' with 4 runs\n"
    assert "cells" in call("experiments", "list", "--deleted").stdout
    assert call("runs", "list").stdout.startswith("no run yet")
    assert call("experiments", "restore", "cells").exit_code == 0
    assert len(json.loads(call("runs", "list", "--json").stdout)) == 4
    assert [event.action for event in current_session().store().events.list()] == ["experiment.rename", "experiment.delete", "experiment.restore"]


def test_show_counts_how_runs_ended_and_lists_the_latest(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    output = call("experiments", "show", "tumours").stdout
    assert "3 finished" in output
    assert "1 failed" in output
    assert "boosting" in output


def test_show_gives_json(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    found = json.loads(call("experiments", "show", "tumours", "--json").stdout)
    assert (found["name"], found["runs"]["FINISHED"], found["runs"]["FAILED"]) == ("tumours", 3, 1)


def test_an_experiment_without_runs_says_so(call: NbtrackCommand) -> None:
    make_run("elsewhere")
    call("experiments", "create", "empty")
    assert "no run yet" in call("experiments", "show", "empty").stdout
