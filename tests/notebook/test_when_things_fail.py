"""The user's cell runs and keeps its result, whatever happens to nbtrack, and the run says what was lost."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest
from cells import Notebook

import nbtrack
from nbtrack.entities import RunStatus


@pytest.fixture
def fills_up(notebook: Notebook) -> Iterator[Notebook]:
    """A notebook with ``fill()`` and ``empty()`` for the disk, whose output goes to memory."""
    notebook.shell.history_manager.enabled = False
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    notebook.shell.user_ns["fill"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    notebook.shell.user_ns["empty"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    notebook.run("%%track_run first --quiet")
    yield notebook
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_costs_the_run_and_not_the_cell(fills_up: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    result = fills_up.run("%%track_run full\nfill()\nanswer = len('abc') * 14\nanswer")
    fills_up.shell.user_ns["empty"]()
    assert result.result == 42
    notices = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nbtrack: ")]
    assert len(notices) == 1
    assert notices[0].startswith("nbtrack: of run 'full' could not be stored: the metrics, ")
    assert "no room to write" in notices[0]
    assert fills_up.cards == []
    assert fills_up.session.active is None


def test_what_a_full_disk_refused_is_stored_once_there_is_room(fills_up: Notebook) -> None:
    fills_up.run("%%track_run full\nfill()\nanswer = len('abc') * 14")
    fills_up.shell.user_ns["empty"]()
    fills_up.run("later = 1")
    full = fills_up.last
    assert (full.info.run_name, full.info.status, full.data.metrics) == ("full", RunStatus.FINISHED, {"answer": 42.0})


def test_a_cell_runs_untracked_where_no_run_can_start(fills_up: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    fills_up.shell.user_ns["fill"]()
    result = fills_up.run("%%track_run nowhere\nanswer = 42\nanswer")
    fills_up.shell.user_ns["empty"]()
    assert result.result == 42
    assert "nbtrack: this cell runs untracked: no room to write" in capsys.readouterr().err
    assert [run.info.run_name for run in fills_up.runs] == ["first"]


def test_a_store_that_can_not_be_made_costs_one_line(notebook: Notebook, capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    nbtrack.set_tracking_uri(str(tmp_path / "file" / "runs"))
    result = notebook.run("%%track_run\nx = 40\nx + 2")
    assert result.result == 42
    assert capsys.readouterr().err.count("nbtrack: this cell runs untracked: ") == 1


def test_a_value_that_the_store_refuses_costs_itself_alone(notebook: Notebook) -> None:
    notebook.run("class Odd:\n    pass")
    notebook.run("%%track_run -p odd=Odd() -p good=1\nloss = len('a') / 2")
    run = notebook.last
    assert (run.data.params, run.data.metrics) == ({"good": 1}, {"loss": 0.5})
    findings = notebook.store.facts.findings(run.info.run_id)
    assert [finding.kind for finding in findings] == ["capture"]
    assert "odd" in findings[0].message


def test_data_that_can_not_be_read_is_a_finding(notebook: Notebook) -> None:
    notebook.run("import numpy as np\nclass Odd(np.ndarray):\n    @property\n    def dtype(self): raise RuntimeError('no type')\ndata = np.zeros(3).view(Odd)")
    notebook.run("%%track_run\nkind = type(data).__name__\nloss = len('a') / 2")
    assert notebook.last.data.metrics == {"loss": 0.5}
    assert any("no fingerprint of data" in finding.message for finding in notebook.store.facts.findings(notebook.last.info.run_id))


def test_names_whose_attributes_raise_are_left_out(notebook: Notebook) -> None:
    trap = "class Trap:\n    def __getattribute__(self, name): raise RuntimeError(name)\n    def __eq__(self, other): raise RuntimeError('eq')"
    notebook.run(f"{trap}\ntrap = Trap()")
    notebook.run("%%track_run\nsame = trap\nloss = len('a') / 2\nother = [trap]")
    assert notebook.last.info.status is RunStatus.FINISHED
    assert notebook.last.data.metrics == {"loss": 0.5}


def test_an_exception_that_can_not_be_shown_is_still_a_failed_run(notebook: Notebook) -> None:
    notebook.run("class Bad(Exception):\n    def __str__(self): raise ValueError('no text')\n    def __bool__(self): return False")
    notebook.shell.run_cell("%%track_run\nraise Bad()", store_history=True)
    assert notebook.last.info.status is RunStatus.FAILED
    assert notebook.last.info.status_message is not None
    assert "Bad" in notebook.last.info.status_message


def test_a_run_that_is_deleted_while_its_cell_runs(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run\nnbtrack.delete_run(nbtrack.active_run().run_id)\nx = 1\nx")
    assert "could not be stored" in capsys.readouterr().err
    assert notebook.session.active is None


def test_a_store_whose_folder_is_deleted_while_a_cell_runs(notebook: Notebook) -> None:
    notebook.run("%%track_run first")
    result = notebook.run("%%track_run second\nimport shutil\nshutil.rmtree('.nbtrack')\n40 + 2")
    assert result.result == 42
    notebook.run("%%track_run third\nx = 1")
    assert notebook.last.info.run_name == "third"
