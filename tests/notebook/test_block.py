"""``with nbtrack.track_run(...)`` in cells, in functions, and in plain scripts."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from cells import Notebook

import nbtrack
from nbtrack.entities import OutputKind, RunStatus
from nbtrack.errors import InvalidInput, RunAlreadyActive, StoreNotWritable
from nbtrack.store.base import RunQuery
from nbtrack.tracking.session import Session


def runs(session: Session) -> list:
    return list(reversed(session.reader().runs.search(RunQuery())))


def test_a_block_of_a_script_is_captured(session: Session) -> None:
    outside = len("ab")
    with nbtrack.track_run("block", experiment="e", tags={"team": "red"}, notes="why") as run:
        rate = 0.5
        print("inside")
        loss = outside * rate / len("abcd")
    assert loss == 0.25
    found = run.fetch()
    assert (found.info.run_name, found.info.status) == ("block", RunStatus.FINISHED)
    assert found.data.params == {"rate": 0.5}
    assert found.data.metrics == {"loss": 0.25}
    assert found.data.tags["team"] == "red"
    assert found.data.tags["mlflow.note.content"] == "why"
    assert [(output.kind, output.text) for output in run.store.cells.outputs(run.run_id)] == [(OutputKind.STDOUT, "inside\n")]
    assert run.code.own is not None
    assert "def test_a_block_of_a_script_is_captured" in run.code.own.source
    assert run.store.facts.all(run.run_id)["block"]["function"] == "test_a_block_of_a_script_is_captured"


def test_lines_are_those_of_the_file(session: Session) -> None:
    with nbtrack.track_run() as run:
        here = 7
    (param,) = run.store.params.all(run.run_id)
    line = Path(__file__).read_text("utf-8").splitlines()[(param.line or 0) - 1]
    assert (param.key, here, line.strip()) == ("here", 7, "here = 7")


def test_the_run_has_the_verbs(session: Session) -> None:
    with nbtrack.track_run() as run:
        run.log_metric("x", 1)
        nbtrack.log_param("lr", "mine")
        lr = 0.1
    assert (run.data.metrics, run.data.params, lr) == ({"x": 1.0}, {"lr": "mine"}, 0.1)


def test_an_exception_goes_on_with_a_clean_traceback(session: Session) -> None:
    with pytest.raises(ZeroDivisionError) as caught, nbtrack.track_run("bad"):
        x = 3
        x / 0
    (run,) = runs(session)
    assert (run.info.status, run.info.status_message, run.data.params) == (RunStatus.FAILED, "ZeroDivisionError: division by zero", {"x": 3})
    assert [entry.frame.code.raw.co_name for entry in caught.traceback] == ["test_an_exception_goes_on_with_a_clean_traceback"]
    store = session.store()
    assert store.facts.all(run.info.run_id)["failure"]["source"] == "x / 0"
    assert "nbtrack" not in store.cells.outputs(run.info.run_id)[-1].text.replace("with nbtrack", "").replace("/nbtrack/", "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), RunStatus.KILLED),
        (asyncio.CancelledError(), RunStatus.KILLED),
        (SystemExit(0), RunStatus.FINISHED),
        (SystemExit("no"), RunStatus.FAILED),
    ],
)
def test_the_status_is_that_of_the_block(session: Session, error: BaseException, status: RunStatus) -> None:
    with contextlib.suppress(BaseException), nbtrack.track_run():
        raise error
    assert [run.info.status for run in runs(session)] == [status]


def test_return_break_and_continue_leave_the_block(session: Session) -> None:
    def value() -> int:
        with nbtrack.track_run("return"):
            depth = 3
            return depth

    assert value() == 3
    for number in range(3):
        with nbtrack.track_run(f"loop {number}"):
            size = 8
            if number == 1:
                break
            continue
    assert [(run.info.run_name, run.info.status) for run in runs(session)] == [(name, RunStatus.FINISHED) for name in ("return", "loop 0", "loop 1")]
    assert [run.data.params for run in runs(session)] == [{"depth": 3}, {"size": size}, {"size": size}]


def test_blocks_in_blocks_are_nested(session: Session) -> None:
    with nbtrack.track_run("outer") as outer:
        a = 1
        with nbtrack.track_run("inner") as inner:
            b = 2
        c = 3
    assert inner.info.parent_run_id == outer.run_id
    assert inner.data.params == {"b": b}
    assert outer.data.params == {"a": a, "b": b, "c": c}


def test_a_block_in_a_run_asks_for_nested(session: Session) -> None:
    with nbtrack.start_run() as outer:
        with pytest.raises(RunAlreadyActive), nbtrack.track_run():
            pass
        with nbtrack.track_run(nested=True) as inner:
            pass
    assert inner.info.parent_run_id == outer.run_id


def test_async_code(session: Session) -> None:
    async def train() -> None:
        with nbtrack.track_run("async") as run:
            steps = 2
            await asyncio.sleep(0)
            loss = len("a") / steps
            run.log_metric("logged", loss)

    asyncio.run(train())
    (run,) = runs(session)
    assert (run.data.params, run.data.metrics) == ({"steps": 2}, {"loss": 0.5, "logged": 0.5})


def test_an_exit_stack_tracks_without_reading_code(session: Session) -> None:
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(nbtrack.track_run("stack"))
        run.log_metric("x", 1)
    assert run.info.status is RunStatus.FINISHED
    assert run.data.metrics == {"x": 1.0}


def test_params_and_metrics_by_name_and_by_expression(session: Session) -> None:
    with nbtrack.track_run(params=["mode"], metrics={"total": "sum(values)"}, infer=False) as run:
        values = [1, 2]
        mode = "fast".upper()
    assert (run.data.params, run.data.metrics) == ({"mode": "FAST"}, {"total": float(sum(values))})
    assert mode == "FAST"


def test_what_it_can_not_do_yet_is_refused_before_anything_starts(session: Session) -> None:
    with pytest.raises(InvalidInput, match="live is not available yet"):
        nbtrack.track_run(live=True)
    with pytest.raises(InvalidInput, match="live is not available yet"):
        nbtrack.track_run(live=True)
    with pytest.raises(InvalidInput, match="params takes a list of names"):
        nbtrack.track_run(params="lr")
    assert runs(session) == []


def test_a_store_that_can_not_be_written_says_so(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    nbtrack.set_tracking_uri(str(tmp_path / "file" / "sub"))
    with pytest.raises(StoreNotWritable), nbtrack.track_run():
        pass


def test_what_a_block_deletes_is_freed_while_it_runs(notebook: Notebook) -> None:
    notebook.run("import nbtrack, weakref\nclass Big: pass\nbig = Big()\nalive = weakref.ref(big)")
    notebook.run("with nbtrack.track_run():\n    del big\n    freed = alive() is None")
    assert notebook.shell.user_ns["freed"]


def test_a_block_of_a_cell_knows_its_cell_and_closure(notebook: Notebook) -> None:
    notebook.run("import nbtrack\nscale = 2.5")
    block = "with nbtrack.track_run(f'depth {depth}'):\n        rate = 0.5\n        score = depth * scale * rate"
    notebook.run(f"for depth in (1, 2):\n    {block}\n    other = len('abc') / 2")
    first, second = notebook.runs
    assert [run.info.run_name for run in (first, second)] == ["depth 1", "depth 2"]
    assert (first.data.metrics, second.data.metrics) == ({"score": 1.25}, {"score": 2.5})
    assert first.data.params == {"rate": 0.5, "scale": 2.5}
    code = notebook.store.cells.code(first.info.run_id)
    assert [cell.source for cell in code.closure] == ["import nbtrack\nscale = 2.5"]
    assert code.own is not None
    assert code.own.source.startswith("for depth in")
    assert len(notebook.cards) == 2


def test_a_block_in_a_function_of_an_earlier_cell(notebook: Notebook) -> None:
    block = "with nbtrack.track_run('in function'):\n        rate = 0.25\n        loss = depth * rate"
    notebook.run(f"import nbtrack\n\ndef train(depth):\n    {block}\n    return loss")
    notebook.run("value = train(2)")
    assert (notebook.last.data.params, notebook.last.data.metrics) == ({"rate": 0.25}, {"loss": 0.5})
    code = notebook.store.cells.code(notebook.last.info.run_id)
    assert code.own is not None
    assert code.own.source == "value = train(2)"
    assert len(code.closure) == 1


def test_a_block_in_a_tracked_cell_is_nested_and_shows_both_cards(notebook: Notebook) -> None:
    notebook.run("%%track_run outer\nimport nbtrack\nwith nbtrack.track_run('inner'):\n    a = len('a') / 2\nb = len('a') / 4")
    outer, inner = notebook.runs
    assert inner.info.parent_run_id == outer.info.run_id
    assert inner.data.metrics == {"a": 0.5}
    assert len(notebook.cards) == 2
    assert notebook.store.cells.outputs(outer.info.run_id) == []


def test_the_block_loads_the_extension_in_a_shell(notebook: Notebook) -> None:
    from nbtrack.notebook import extension

    extension.unload(notebook.shell)
    notebook.run("before = 4", cell_id="x")
    notebook.run("import nbtrack\nwith nbtrack.track_run():\n    x = before / 8")
    assert notebook.last.data.metrics == {"x": 0.5}
    assert [cell.source for cell in notebook.store.cells.code(notebook.last.info.run_id).closure] == ["before = 4"]
    notebook.run("%%track_run\ny = x / 2")
    assert notebook.last.data.metrics == {"y": 0.25}


def test_a_failing_block_names_the_line_of_the_cell(notebook: Notebook) -> None:
    notebook.run("\nimport nbtrack\nwith nbtrack.track_run():\n    x = 1\n    x / 0", fails=True)
    assert notebook.store.facts.all(notebook.last.info.run_id)["failure"] == {"line": 5, "source": "x / 0"}
    assert notebook.statuses == [RunStatus.FAILED]


def test_a_script_is_tracked_without_ipython_and_without_noise(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            import nbtrack

            with nbtrack.track_run("script"):
                rate = 0.5
                score = len(sys.argv) * rate
            assert "IPython" not in sys.modules
            run = nbtrack.last_active_run()
            print(run.data.params, run.data.metrics, run.data.tags["mlflow.source.name"].endswith("train.py"))
            """
        )
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("{'rate': 0.5} {'score': 0.5} True\n", "")


def test_code_without_a_source_is_tracked_without_inference(tmp_path: Path) -> None:
    program = "import nbtrack\nwith nbtrack.track_run() as run:\n    x = 1\nprint(run.info.status, run.data.params)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("FINISHED {}\n", "")
