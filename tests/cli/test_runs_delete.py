"""``nbtrack runs delete`` and ``restore``: asked first, all or none, and written down."""

from __future__ import annotations

import pytest

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.entities import Event
from nbtrack.tracking.session import current_session


def stage(run_id: str) -> str:
    return nbtrack.get_run(run_id).info.lifecycle_stage.value


def events() -> list[Event]:
    return current_session().store().events.list()


def test_delete_asks_and_does_nothing_without_a_yes(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    refused = call("runs", "delete", "forest", input="n\n")
    assert refused.exit_code == 1
    unanswered = call("runs", "delete", "forest")
    assert unanswered.exit_code == 1
    assert "--yes" in unanswered.stderr
    assert stage(tumours["forest"]) == "active"
    agreed = call("runs", "delete", "forest", input="y\n")
    assert agreed.exit_code == 0
    assert stage(tumours["forest"]) == "deleted"


def test_the_question_names_the_runs(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "delete", "forest", "boosting", input="n\n")
    assert "forest" in result.stderr
    assert tumours["boosting"][:8] in result.stderr
    assert "Delete 2 runs?" in result.stderr


def test_several_runs_are_deleted_and_restored_with_an_event_each(call: NbtrackCommand, tumours: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_USER", "ada")
    assert call("runs", "delete", "forest", "boosting", "--yes").exit_code == 0
    assert call("runs", "restore", "forest", tumours["boosting"][:8], "--yes").exit_code == 0
    written = [(event.actor, event.action, event.subject) for event in events()]
    ids = [tumours["forest"], tumours["boosting"]]
    assert written == [("ada", action, run_id) for action in ("run.delete", "run.restore") for run_id in ids]
    assert {stage(run_id) for run_id in ids} == {"active"}


def test_an_unknown_run_among_several_leaves_all_as_they_are(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    assert call("runs", "delete", "forest", "nobody", "--yes").exit_code == 1
    assert stage(tumours["forest"]) == "active"
    assert events() == []


def test_a_name_of_several_runs_is_not_enough_to_delete_one(call: NbtrackCommand) -> None:
    ids = [make_run("twin") for _ in range(2)]
    result = call("runs", "delete", "twin", "--yes")
    assert result.exit_code == 1
    assert all(run_id[:8] in result.stderr for run_id in ids)
    assert {stage(run_id) for run_id in ids} == {"active"}
    assert call("runs", "delete", ids[0], "--yes").exit_code == 0
    assert call("runs", "delete", "twin", "--yes").exit_code == 0  # one is left that is called so


def test_a_deleted_run_is_not_deleted_again_nor_an_active_one_restored(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    call("runs", "delete", "forest", "--yes")
    assert "deleted already" in call("runs", "delete", tumours["forest"], "--yes").stderr
    assert "is not deleted" in call("runs", "restore", "boosting", "--yes").stderr


def test_a_name_with_a_quote_is_found(call: NbtrackCommand) -> None:
    run_id = make_run("it's 'this' one")
    assert call("runs", "delete", "it's 'this' one", "--yes").exit_code == 0
    assert stage(run_id) == "deleted"


def test_a_running_run_is_pointed_out(call: NbtrackCommand) -> None:
    with nbtrack.start_run(run_name="going"):
        assert "still running" in call("runs", "delete", "going", input="n\n").stderr
