from __future__ import annotations

import pytest
from cells import Notebook

from nbtrack.entities import RunStatus


def test_the_status_says_what_is_tracked(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%track")
    shown = capsys.readouterr().out
    assert "tracked:    cells that begin with %%track_run" in shown
    assert "active run: none" in shown
    assert "(made by the first run)" in shown
    assert not notebook.session.place().exists
    notebook.run("%%track_run forest --quiet\nx = 1")
    capsys.readouterr()
    notebook.run("%track")
    shown = capsys.readouterr().out
    assert "last run:   forest (" in shown
    assert "finished after" in shown


def test_cells_that_compute_log_or_train_become_runs(notebook: Notebook) -> None:
    notebook.run("%track on -e auto")
    notebook.run("import math, nbtrack")
    notebook.run("def half(x):\n    return x / 2")
    notebook.run("lr = 0.1")
    notebook.run("names = sorted(['b', 'a'])\nnames[:1]")
    assert notebook.runs == []
    notebook.run("loss = half(lr)")
    notebook.run("nbtrack.log_param('by_hand', 1)")
    notebook.run("class Model:\n    def fit(self): pass")
    notebook.run("Model().fit()")
    assert [dict(run.data.metrics) for run in notebook.runs] == [{"loss": 0.05}, {}, {}]
    assert notebook.runs[0].data.params == {"lr": 0.1}
    assert {notebook.store.experiments.get(run.info.experiment_id).name for run in notebook.runs} == {"auto"}
    assert len(notebook.cards) == 3
    notebook.run("%track off")
    notebook.run("loss = half(lr)")
    assert len(notebook.runs) == 3


def test_a_cell_that_fails_while_it_trains_is_a_failed_run(notebook: Notebook) -> None:
    notebook.run("%track on")
    notebook.run("class Model:\n    def fit(self): raise ValueError('no')")
    notebook.run("Model().fit()", fails=True)
    notebook.run("sorted(1)", fails=True)
    assert notebook.statuses == [RunStatus.FAILED]


def test_cells_that_start_runs_themselves_are_left_to_do_so(notebook: Notebook) -> None:
    notebook.run("%track on\nimport nbtrack")
    notebook.run("with nbtrack.start_run(run_name='own'):\n    x = len('a') / 2")
    notebook.run("%%track_run named\ny = len('a') / 2")
    notebook.run("with nbtrack.track_run('block'):\n    z = len('a') / 2")
    assert [run.info.run_name for run in notebook.runs] == ["own", "named", "block"]
    assert {run.info.parent_run_id for run in notebook.runs} == {None}


def test_cells_in_an_open_run_log_to_it(notebook: Notebook) -> None:
    notebook.run("%track on\nimport nbtrack")
    notebook.run("nbtrack.start_run(run_name='open')")
    notebook.run("x = len('a') / 2\nnbtrack.log_metric('y', 1)")
    notebook.run("nbtrack.end_run()")
    assert [(run.info.run_name, dict(run.data.metrics)) for run in notebook.runs] == [("open", {"y": 1.0})]


def test_nothing_is_left_of_cells_that_are_no_runs(notebook: Notebook) -> None:
    notebook.run("%track on")
    notebook.run("sorted([2, 1])")
    assert notebook.store.runs.claims() == []
    assert notebook.session.active is None
    assert notebook.cards == []


def test_the_last_run_is_the_one_before_cells_that_are_no_runs(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%%track_run kept\nx = 1")
    notebook.run("import nbtrack\n%track on")
    notebook.run("sorted([2, 1])")
    capsys.readouterr()
    notebook.run("%track off")
    status = capsys.readouterr().out
    assert "active run: none" in status
    assert "last run:   kept" in status
    notebook.run("name = nbtrack.last_active_run().info.run_name")
    assert notebook.shell.user_ns["name"] == "kept"


@pytest.mark.parametrize(
    ("line", "message"), [("onn", "found 'onn'"), ("on name", "names no run"), ("off x", "found 'off x'"), ("on --bogus", "unknown option")]
)
def test_a_wrong_word_is_refused(notebook: Notebook, line: str, message: str) -> None:
    result = notebook.run(f"%track {line}", fails=True)
    assert message in str(result.error_in_exec)


def test_the_magic_explains_itself(notebook: Notebook) -> None:
    pages: list[str] = []
    notebook.shell.set_hook("show_in_pager", lambda shell, data, *args, **kwargs: pages.append(data["text/plain"] if isinstance(data, dict) else data))
    notebook.run("%%track_run?")
    notebook.run("%track?")
    assert "--experiment NAME" in pages[0]
    assert "%%track_run forest -e churn" in pages[0]
    assert "%track on" in pages[1]
