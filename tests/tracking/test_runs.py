"""Starting, nesting, resuming and ending runs."""

from __future__ import annotations

import pytest

import nbtrack
from nbtrack.entities import RunStatus
from nbtrack.errors import Conflict, InvalidInput, InvalidName, RunAlreadyActive, RunNotActive, RunNotFound
from nbtrack.tracking.session import Session


def test_with_block_finishes_the_run() -> None:
    with nbtrack.start_run() as run:
        assert nbtrack.active_run() is run
        assert run.info.status is RunStatus.RUNNING
    assert nbtrack.active_run() is None
    info = nbtrack.get_run(run.run_id).info
    assert info.status == "FINISHED"
    assert info.end_time is not None
    assert info.end_time >= info.start_time


def test_exception_fails_the_run_and_goes_on() -> None:
    with pytest.raises(ValueError, match="too deep"), nbtrack.start_run() as run:
        raise ValueError("too deep")
    assert run.info.status is RunStatus.FAILED
    assert run.info.status_message == "ValueError: too deep"
    (output,) = run.store.cells.outputs(run.run_id)
    assert "too deep" in output.text
    assert "test_runs.py" in output.text


def test_interrupt_kills_the_run() -> None:
    with pytest.raises(KeyboardInterrupt), nbtrack.start_run() as run:
        raise KeyboardInterrupt
    assert run.info.status is RunStatus.KILLED


@pytest.mark.parametrize(("code", "status"), [(0, "FINISHED"), (None, "FINISHED"), (3, "FAILED"), ("bad input", "FAILED")])
def test_exit_code_tells_the_status(code: object, status: str) -> None:
    with pytest.raises(SystemExit), nbtrack.start_run() as run:
        raise SystemExit(code)
    assert run.info.status == status


def test_second_run_without_nested_is_refused_and_the_first_goes_on() -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(RunAlreadyActive, match=f"{run.run_id} is already active.*nested=True"):
            nbtrack.start_run()
        assert nbtrack.active_run() is run


def test_nested_run_is_a_child() -> None:
    with nbtrack.start_run() as parent:
        with nbtrack.start_run(nested=True) as child:
            nbtrack.log_metric("loss", 0.5)
        assert nbtrack.active_run() is parent
    assert child.info.parent_run_id == parent.run_id
    assert child.data.tags["mlflow.parentRunId"] == parent.run_id
    assert child.data.metrics == {"loss": 0.5}
    assert parent.data.metrics == {}
    assert [info.run_id for info in parent.store.runs.children(parent.run_id)] == [child.run_id]
    found = nbtrack.Client().get_parent_run(child.run_id)
    assert found is not None
    assert found.info.run_id == parent.run_id


def test_resumed_run_goes_on_under_its_id() -> None:
    with nbtrack.start_run(run_name="first") as run:
        nbtrack.log_param("lr", 0.1)
    with nbtrack.start_run(run_id=run.run_id, tags={"again": "yes"}) as resumed:
        assert resumed.info.status is RunStatus.RUNNING
        assert resumed.info.end_time is None
        nbtrack.log_metric("auc", 0.9)
    again = nbtrack.get_run(run.run_id)
    assert again.info.status is RunStatus.FINISHED
    assert (again.data.params, again.data.metrics, again.data.tags["again"]) == ({"lr": 0.1}, {"auc": 0.9}, "yes")


def test_environment_names_the_run_to_resume_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with nbtrack.start_run() as run:
        pass
    monkeypatch.setenv("NBTRACK_RUN_ID", run.run_id)
    with nbtrack.start_run() as resumed:
        pass
    with nbtrack.start_run() as other:
        pass
    assert resumed.run_id == run.run_id
    assert other.run_id != run.run_id


def test_deleted_run_is_not_resumed_nor_logged_to() -> None:
    with nbtrack.start_run() as run:
        pass
    nbtrack.delete_run(run.run_id)
    with pytest.raises(RunNotActive, match=r"deleted state.*nbtrack runs restore"):
        nbtrack.start_run(run_id=run.run_id)
    with pytest.raises(RunNotActive, match="deleted"):
        nbtrack.log_metric("auc", 1.0, run_id=run.run_id)
    nbtrack.restore_run(run.run_id)
    nbtrack.log_metric("auc", 1.0, run_id=run.run_id)
    assert nbtrack.get_run(run.run_id).data.metrics == {"auc": 1.0}


def test_unknown_run_suggests_close_ids() -> None:
    with nbtrack.start_run() as run:
        pass
    wrong = run.run_id[:-1] + ("0" if run.run_id[-1] != "0" else "1")
    with pytest.raises(RunNotFound, match=f"Did you mean '{run.run_id}'"):
        nbtrack.get_run(wrong)


def test_description_becomes_the_note_and_is_not_given_twice() -> None:
    with nbtrack.start_run(description="a baseline") as run:
        pass
    assert run.data.tags["mlflow.note.content"] == "a baseline"
    with pytest.raises(InvalidInput, match="given twice"):
        nbtrack.start_run(description="a", tags={"mlflow.note.content": "b"})
    assert nbtrack.active_run() is None


@pytest.mark.parametrize("name", ["forest", "🌲 forêt", "a/b: c", "x" * 500])
def test_run_name_may_be_any_line_of_text(name: str) -> None:
    with nbtrack.start_run(run_name=name) as run:
        pass
    assert run.info.run_name == name
    assert run.data.tags["mlflow.runName"] == name


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 501, "\ud800"])
def test_bad_run_name_is_refused_and_no_run_exists(name: str) -> None:
    with pytest.raises(InvalidName):
        nbtrack.start_run(run_name=name)
    assert len(nbtrack.search_runs()) == 0


def test_unnamed_run_gets_a_readable_name() -> None:
    with nbtrack.start_run() as run:
        pass
    assert len(run.name.split("-")) == 3


def test_end_run_takes_a_status_and_refuses_an_unknown_one() -> None:
    run = nbtrack.start_run()
    with pytest.raises(InvalidInput, match="FINISHED"):
        nbtrack.end_run("DONE")
    nbtrack.end_run("FAILED")
    assert run.info.status is RunStatus.FAILED
    nbtrack.end_run()  # nothing is active: nothing happens


def test_log_call_without_a_run_starts_one() -> None:
    nbtrack.log_metric("loss", 1.0)
    run = nbtrack.active_run()
    assert run is not None
    assert run.implicit
    nbtrack.end_run()
    assert run.info.status is RunStatus.FINISHED


def test_last_active_run_is_read_from_the_store() -> None:
    assert nbtrack.last_active_run() is None
    with nbtrack.start_run() as run:
        pass
    last = nbtrack.last_active_run()
    assert last is not None
    assert (last.info.run_id, last.info.status) == (run.run_id, "FINISHED")


def test_run_in_a_deleted_experiment_is_refused() -> None:
    experiment = nbtrack.set_experiment("old")
    nbtrack.Client().delete_experiment(experiment.experiment_id)
    with pytest.raises(Conflict, match="deleted"):
        nbtrack.set_experiment("old")
    with pytest.raises(Conflict, match="deleted"):
        nbtrack.start_run()
    assert nbtrack.active_run() is None


def test_run_outlives_a_change_of_the_tracking_uri(empty_folder: object) -> None:
    with nbtrack.start_run() as run:
        nbtrack.set_tracking_uri("elsewhere")
        nbtrack.log_metric("auc", 0.5)
    assert run.data.metrics == {"auc": 0.5}
    with pytest.raises(RunNotFound):
        nbtrack.get_run(run.run_id)
    nbtrack.set_tracking_uri(None)
    assert nbtrack.get_run(run.run_id).data.metrics == {"auc": 0.5}


def test_reexecuted_cell_closes_what_its_first_execution_left_open(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.enter_cell("c1#1")
    first = nbtrack.start_run(run_name="first")
    session.leave_cell("c1#1", None)
    session.enter_cell("c1#2")
    second = nbtrack.start_run(run_name="second")
    session.leave_cell("c1#2", None)
    assert first.info.status is RunStatus.FAILED
    assert second.info.status is RunStatus.RUNNING
    assert "'first'" in capsys.readouterr().err


def test_failed_cell_closes_its_runs_and_implicit_runs_end_with_their_cell(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.enter_cell("c1#1")
    failed = nbtrack.start_run()
    session.leave_cell("c1#1", ValueError("no"))
    assert failed.info.status is RunStatus.FAILED
    session.enter_cell("c2#2")
    nbtrack.log_metric("x", 1)
    implicit = nbtrack.active_run()
    session.leave_cell("c2#2", None)
    assert implicit is not None
    assert implicit.info.status is RunStatus.FINISHED
    assert nbtrack.active_run() is None
    assert capsys.readouterr().err.count("nbtrack:") == 1


def test_run_opened_in_one_cell_may_be_ended_in_another(session: Session) -> None:
    session.enter_cell("c1#1")
    run = nbtrack.start_run()
    session.leave_cell("c1#1", None)
    session.enter_cell("c2#2")
    nbtrack.log_metric("x", 1)
    nbtrack.end_run()
    session.leave_cell("c2#2", None)
    assert run.info.status is RunStatus.FINISHED
    assert run.data.metrics == {"x": 1}
