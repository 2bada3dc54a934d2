"""How a run ends is how its cell ended, and no cell leaves a run behind that it should not."""

from __future__ import annotations

import re

import pytest
from cells import Notebook

from nbtrack.entities import OutputKind, RunStatus


def test_a_failed_cell_is_a_failed_run_with_its_traceback(notebook: Notebook) -> None:
    notebook.run("%%track_run\nx = 1\ndef f(n):\n    return 1 / n\ny = f(0)\nz = 2", fails=True)
    run = notebook.last
    assert (run.info.status, run.info.status_message) == (RunStatus.FAILED, "ZeroDivisionError: division by zero")
    assert run.data.params == {"x": 1}
    error = notebook.store.cells.outputs(run.info.run_id)[-1]
    assert error.kind is OutputKind.ERROR
    assert error.text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "IPython" not in error.text
    assert "nbtrack" not in error.text
    assert notebook.store.facts.all(run.info.run_id)["failure"] == {"line": 4, "source": "return 1 / n"}


def test_the_failing_line_is_found_below_other_magics_and_blank_lines(notebook: Notebook) -> None:
    for cell, line in (("\n\n%%track_run\nx = 1\n1 / 0", 5), ("%%time\n%%track_run\n\nx = 1\n1 / 0", 5), ("%%track_run\n\n%%time\nx = 1\n1 / 0", 5)):
        notebook.shell.run_cell(cell, store_history=True)  # the %%time of IPython 8 shows the error and keeps it
        assert notebook.last.info.status is RunStatus.FAILED
        assert notebook.store.facts.all(notebook.last.info.run_id)["failure"] == {"line": line, "source": "1 / 0"}


def test_a_fixed_cell_just_runs_again(notebook: Notebook) -> None:
    notebook.run("%%track_run\nx = 1 / 0", cell_id="a", fails=True)
    notebook.run("%%track_run\nx = 1 / 2", cell_id="a")
    assert notebook.statuses == [RunStatus.FAILED, RunStatus.FINISHED]
    assert notebook.session.active is None


@pytest.mark.parametrize(
    ("statement", "status", "message"),
    [
        ("raise KeyboardInterrupt", RunStatus.KILLED, "interrupted"),
        ("import asyncio\nraise asyncio.CancelledError", RunStatus.KILLED, "interrupted"),
        ("import sys\nsys.exit()", RunStatus.FINISHED, None),
        ("import sys\nsys.exit(0)", RunStatus.FINISHED, None),
        ("import sys\nsys.exit(3)", RunStatus.FAILED, "exited with 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:To exit")
def test_interrupts_and_exits_are_told_apart(notebook: Notebook, statement: str, status: RunStatus, message: str | None) -> None:
    notebook.run(f"%%track_run\n{statement}", fails=True)
    assert (notebook.last.info.status, notebook.last.info.status_message) == (status, message)


def test_a_cell_that_does_not_parse_starts_no_run(notebook: Notebook) -> None:
    notebook.run("%%track_run\nx = (1", fails=True)
    assert notebook.runs == []


@pytest.mark.parametrize("line", ["--bogus", "-t team", "{missing}", "--live", "a b"])
def test_a_wrong_option_runs_nothing(notebook: Notebook, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = notebook.run(f"%%track_run {line}\nran = True", fails=True)
    assert type(result.error_in_exec).__name__ == "UsageError"
    assert "ran" not in notebook.shell.user_ns
    assert notebook.runs == []
    assert capsys.readouterr().err.startswith("UsageError: %%track_run: ")


def test_a_name_that_no_run_can_have_runs_nothing(notebook: Notebook) -> None:
    notebook.run('%%track_run "  "\nran = True', fails=True)
    assert "ran" not in notebook.shell.user_ns
    assert notebook.session.active is None


def test_a_deleted_experiment_is_refused_before_the_cell_runs(notebook: Notebook) -> None:
    notebook.run("%%track_run -e old\nx = 1")
    notebook.store.experiments.delete(notebook.last.info.experiment_id)
    result = notebook.run("%%track_run -e old\nran = True", fails=True)
    assert "is deleted" in str(result.error_in_exec)
    assert "ran" not in notebook.shell.user_ns


def test_a_run_that_is_active_is_not_taken_over(notebook: Notebook) -> None:
    notebook.run("import nbtrack\nouter = nbtrack.start_run(run_name='outer')")
    result = notebook.run("%%track_run inner\nran = True", fails=True)
    assert re.search(r"the run outer \(\w{8}\) is active. End it with nbtrack.end_run\(\), or add --nested", str(result.error_in_exec))
    notebook.run("%%track_run inner --nested\nx = 1")
    notebook.run("nbtrack.end_run()")
    outer, inner = notebook.runs
    assert inner.info.parent_run_id == outer.info.run_id
    assert notebook.statuses == [RunStatus.FINISHED, RunStatus.FINISHED]


def test_log_calls_in_a_tracked_cell_go_to_its_run(notebook: Notebook) -> None:
    notebook.run("import nbtrack, threading")
    notebook.run("%%track_run\nnbtrack.log_metric('a', 1)\nthread = threading.Thread(target=nbtrack.log_metric, args=('b', 2))\nthread.start()\nthread.join()")
    assert len(notebook.runs) == 1
    assert notebook.last.data.metrics == {"a": 1.0, "b": 2.0}


def test_runs_that_the_cell_starts_are_nested_in_its_run(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    loop = "for depth in (1, 2):\n    with nbtrack.start_run(run_name=f'depth {depth}'):\n        nbtrack.log_metric('depth', depth)"
    notebook.run(f"%%track_run sweep\n{loop}\nbest = max(1.5, 2)")
    parent, *children = notebook.runs
    assert [child.info.run_name for child in children] == ["depth 1", "depth 2"]
    assert {child.info.parent_run_id for child in children} == {parent.info.run_id}
    assert parent.data.metrics == {"best": 2.0}
    assert set(notebook.statuses) == {RunStatus.FINISHED}


def test_a_run_that_the_cell_leaves_open_ends_with_it(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run\nnbtrack.start_run(run_name='forgotten')\nnbtrack.log_metric('x', 1)")
    assert notebook.session.active is None
    assert notebook.statuses == [RunStatus.FINISHED, RunStatus.FINISHED]
    notebook.run("%%track_run\nnbtrack.start_run(run_name='forgotten')\n1 / 0", fails=True)
    assert notebook.statuses[2:] == [RunStatus.FAILED, RunStatus.FAILED]


def test_a_cell_that_ends_its_run_itself_keeps_what_was_captured(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run\nlr = 0.1\nnbtrack.end_run()\nloss = len('ab') / 8")
    assert notebook.last.info.status is RunStatus.FINISHED
    assert notebook.last.data.params == {"lr": 0.1}
    assert notebook.last.data.metrics == {"loss": 0.25}
    notebook.run("%%track_run\nnbtrack.end_run('KILLED')\n1 / 0", fails=True)
    assert notebook.last.info.status is RunStatus.KILLED


def test_a_cell_that_ends_its_run_and_starts_another(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run first\nnbtrack.end_run()\nwith nbtrack.start_run(run_name='second'):\n    nbtrack.log_metric('x', 1)")
    first, second = notebook.runs
    assert (first.info.run_name, second.info.run_name, second.info.parent_run_id) == ("first", "second", None)
    assert second.data.metrics == {"x": 1.0}


def test_tracked_cells_run_by_a_loop_are_runs_of_their_own(notebook: Notebook) -> None:
    notebook.run("for n in (1, 2):\n    get_ipython().run_cell(f'%%track_run run-{n}\\nvalue = {n} + len(\"a\")')\nafter = 1")
    assert [(run.info.run_name, run.data.metrics) for run in notebook.runs] == [("run-1", {"value": 2.0}), ("run-2", {"value": 3.0})]
    assert notebook.session.active is None


def test_a_cell_run_inside_a_tracked_cell_does_not_end_it(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run outer\nget_ipython().run_cell('inner = 1\\n1 / 0')\nnbtrack.log_metric('x', 1)\ny = len('a') / 2")
    assert [run.info.run_name for run in notebook.runs] == ["outer"]
    assert notebook.last.data.metrics == {"x": 1.0, "y": 0.5}
    assert notebook.last.info.status is RunStatus.FINISHED


def test_a_tracked_cell_inside_a_tracked_cell_is_nested(notebook: Notebook) -> None:
    notebook.run("%%track_run outer\nget_ipython().run_cell('%%track_run inner\\na = len(\"a\") / 2')\nb = len('a') / 4")
    outer, inner = notebook.runs
    assert inner.info.parent_run_id == outer.info.run_id
    assert (outer.data.metrics, inner.data.metrics) == ({"b": 0.25}, {"a": 0.5})


def test_a_cell_is_tracked_once(notebook: Notebook) -> None:
    notebook.run("%%timeit -n2 -r2 -q\n%%track_run repeated\nx = 1")
    assert [run.info.run_name for run in notebook.runs] == ["repeated"]
    result = notebook.run("for n in (1, 2):\n    %track_run run-{n}", fails=True)
    assert "this cell is tracked already; for several runs in one cell use: with nbtrack.track_run" in str(result.error_in_exec)
    assert notebook.last.info.status is RunStatus.FAILED


def test_an_implicit_run_ends_with_its_cell(notebook: Notebook) -> None:
    notebook.run("import nbtrack\nnbtrack.log_metric('x', 1)")
    assert notebook.session.active is None
    assert notebook.statuses == [RunStatus.FINISHED]
    notebook.run("nbtrack.log_metric('x', 1)\n1 / 0", fails=True)
    assert notebook.statuses == [RunStatus.FINISHED, RunStatus.FAILED]


def test_a_run_left_open_by_a_failed_cell_is_closed(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("nbtrack.start_run(run_name='a')\n1 / 0", cell_id="x", fails=True)
    assert notebook.statuses == [RunStatus.FAILED]
    notebook.run("run = nbtrack.start_run(run_name='b')", cell_id="x")
    notebook.run("run = nbtrack.start_run(run_name='c')", cell_id="x")
    assert notebook.statuses == [RunStatus.FAILED, RunStatus.FAILED, RunStatus.RUNNING]
    notebook.run("nbtrack.end_run()")


def test_params_may_be_corrected_while_the_cell_runs(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run\nnbtrack.log_param('lr', 0.1)\nnbtrack.log_param('lr', 0.2)")
    assert notebook.last.data.params == {"lr": 0.2}
    assert [(change.old_value, change.new_value) for change in notebook.store.params.history(notebook.last.info.run_id)] == [(0.1, 0.2)]
