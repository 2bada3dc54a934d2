"""``nbtrack gc``: says what would go, and removes it when told to."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

import nbtrack
from cli.conftest import NbtrackCommand
from nbtrack.errors import RunNotFound


@pytest.fixture
def old_blob(curve: str, empty_folder: Path) -> Path:
    """An artifact that its run does not have any more, written two hours ago."""
    client = nbtrack.Client()
    digest = client.store.artifacts.get(curve, "config.json").digest
    client.log_dict(curve, {"threshold": 0.7}, "config.json")
    path = empty_folder / ".nbtrack" / "artifacts" / digest[:2] / digest[2:]
    os.utime(path, (time.time() - 7200,) * 2)
    return path


def test_nothing_to_remove_is_said(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("gc").stdout == "nothing to remove\n"


def test_without_apply_nothing_is_removed(call: NbtrackCommand, old_blob: Path) -> None:
    result = call("gc")
    assert "artifacts that no run has" in result.stdout
    assert "add --apply" in result.stdout
    assert old_blob.exists()


def test_apply_removes_the_artifact_that_no_run_has_and_no_other(call: NbtrackCommand, old_blob: Path, curve: str) -> None:
    assert call("gc", "--apply").exit_code == 0
    assert not old_blob.exists()
    assert nbtrack.Client().store.artifacts.read(curve, "config.json")


def test_deleted_runs_stay_until_they_are_asked_for(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    call("runs", "delete", "forest", "--yes")
    assert "1 deleted run can still be restored" in call("gc", "--apply").stdout
    assert call("runs", "restore", "forest", "--yes").exit_code == 0


def test_deleted_runs_are_removed_for_good_and_an_event_says_so(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    call("runs", "delete", "forest", "--yes")
    assert "forest" in call("gc", "--deleted-runs").stdout
    found = json.loads(call("gc", "--deleted-runs", "--apply", "--compact", "--json").stdout)
    assert [run["run_id"] for run in found["runs"]] == [tumours["forest"]]
    with pytest.raises(RunNotFound):
        nbtrack.get_run(tumours["forest"])
    assert nbtrack.Client().store.events.list()[-1].action == "run.purge"
    assert (found["datasets"], found["sessions"]) == (0, 0)
    assert call("gc", "--deleted-runs", "--apply").stdout == "nothing to remove\n"


def test_a_deleted_run_that_a_version_was_made_from_stays_and_its_model_is_named(call: NbtrackCommand) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_model(len, "model", registered_model_name="churn")
    nbtrack.delete_run(run.run_id)
    for options in ((), ("--deleted-runs",), ("--deleted-runs", "--apply")):
        assert call("gc", *options).stdout == "nothing to remove\n1 deleted run stays, since versions of 'churn' were made from it\n"
    assert nbtrack.load_model("models:/churn/1")([1, 2]) == 2


def test_runs_deleted_a_moment_ago_are_kept_by_an_age(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    call("runs", "delete", "forest", "--yes")
    assert json.loads(call("gc", "--deleted-runs", "--older-than", "30d", "--json").stdout)["runs"] == []
    assert len(json.loads(call("gc", "--deleted-runs", "--older-than", "0s", "--json").stdout)["runs"]) == 1


@pytest.mark.parametrize(
    "options", [("--older-than", "30d"), ("--compact",), ("--deleted-runs", "--older-than", "soon"), ("--deleted-runs", "--older-than", "9e99w")]
)
def test_options_that_make_no_sense_are_wrong_usage(options: tuple[str, ...], call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("gc", *options).exit_code == 2
