"""The same in real kernels, as JupyterLab, nbclient, nbconvert and papermill run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from nbtrack.entities import Run, RunStatus
from nbtrack.store.base import RunQuery
from nbtrack.tracking.session import Session

pytestmark = [pytest.mark.notebook, pytest.mark.filterwarnings("default")]

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kernels import this nbtrack, and keep their settings and history to themselves."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


class Kernel:
    """A kernel with a front end that sends cell ids, as JupyterLab does."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=os.getcwd())
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def start(self, source: str, cell_id: str = "cell") -> str:
        """Send a cell; returns the id of its messages."""
        content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def wait(self, message_id: str) -> list[dict[str, Any]]:
        """The cell's outputs once it is done."""
        outputs: list[dict[str, Any]] = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return outputs
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                outputs.append({"type": message["msg_type"], **message["content"]})

    def run(self, source: str, cell_id: str = "cell") -> list[dict[str, Any]]:
        return self.wait(self.start(source, cell_id))

    def wait_for_text(self, text: str) -> None:
        """Wait until the running cell prints ``text``."""
        while text not in self.client.get_iopub_msg(timeout=60)["content"].get("text", ""):
            pass


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    started = Kernel()
    started.run("%load_ext nbtrack", "load")
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)


def runs(session: Session) -> list[Run]:
    return list(reversed(session.reader().runs.search(RunQuery())))


def cards(outputs: list[Any]) -> list[str]:
    found = [output["data"] for output in outputs if "data" in output]
    return [data["text/plain"] for data in found if "nbtrack-card" in data.get("text/html", "")]


def test_a_notebook_keeps_its_cards_and_its_own_outputs(session: Session, tmp_path: Path) -> None:
    sources = [
        "%load_ext nbtrack\nimport asyncio\nimport matplotlib.pyplot as plt",
        "%%track_run plotted\nrate = 0.5\nplt.plot([1, 2])\nplt.title('A curve')\nloss = len('a') / 4\nprint('printed')\nloss",
        "%%track_run awaited\nawait asyncio.sleep(0.01)\nsteps = 3",
        "%%track_run shown\nfor _ in range(2):\n    plt.plot([2, 1])\n    plt.show()",
        "%%track_run failed\nx = 1\nx / 0",
        "%%track_run --bogus\nnever = True",
        "%%track_run left\nimport sys\nsys.exit(2)",
        "'never' in globals()",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    outputs = [cell["outputs"] for cell in notebook.cells]
    assert [[output["output_type"] for output in cell] for cell in outputs] == [
        [],
        ["stream", "execute_result", "display_data", "display_data"],
        ["display_data"],
        ["display_data", "display_data", "display_data"],
        ["error", "display_data"],
        ["stream"],
        ["error", "stream", "display_data"],
        ["execute_result"],
    ]
    assert outputs[1][0]["text"] == "printed\n"
    assert outputs[1][1]["data"]["text/plain"] == "0.25"
    assert "UsageError: %%track_run: unknown option --bogus" in outputs[5][0]["text"]
    assert outputs[7][0]["data"]["text/plain"] == "False"
    assert not any("nbtrack" in line for line in outputs[4][0]["traceback"])
    assert [cards(cell)[0].splitlines()[0].split(" · ")[0] for cell in outputs if cards(cell)] == [
        "✓ plotted  finished",
        "✓ awaited  finished",
        "✓ shown  finished",
        "✗ failed  failed",
        "✗ left  failed",
    ]
    plotted, awaited, shown, failed, left = runs(session)
    assert (plotted.data.params, plotted.data.metrics) == ({"rate": 0.5}, {"loss": 0.25})
    store = session.store()
    assert [artifact.path for artifact in store.artifacts.all(plotted.info.run_id)] == ["figures/A_curve.png"]
    assert len(store.artifacts.all(shown.info.run_id)) == 1, "two equal figures are one"
    assert (awaited.data.params, failed.info.status_message, left.info.status_message) == ({"steps": 3}, "ZeroDivisionError: division by zero", "exited with 2")
    facts = store.facts.all(plotted.info.run_id)
    assert facts["kernel"]["frontend"] == "nbclient"
    assert plotted.data.tags["mlflow.source.type"] == "NOTEBOOK"
    assert "launcher" not in plotted.data.tags["mlflow.source.name"]


@pytest.mark.parametrize("waiting", ["time.sleep(0.05)", "await asyncio.sleep(0.05)"])
def test_an_interrupt_ends_a_run_as_killed(session: Session, kernel: Kernel, waiting: str) -> None:
    message = kernel.start(f"%%track_run\nimport asyncio, time\nprint('ready', flush=True)\nwhile True:\n    {waiting}")
    kernel.wait_for_text("ready")
    kernel.manager.interrupt_kernel()
    outputs = kernel.wait(message)
    assert cards(outputs)[0].splitlines()[0].startswith("■")
    (run,) = runs(session)
    assert (run.info.status, run.info.status_message) == (RunStatus.KILLED, "interrupted")
    assert kernel.run("%%track_run after\nx = 1")[-1]["data"]["text/plain"].startswith("✓ after")


def test_a_killed_kernel_loses_no_acknowledged_point_and_its_run_is_marked(session: Session, kernel: Kernel) -> None:
    kernel.start("%%track_run doomed\nimport nbtrack\nfor step in range(10**9):\n    nbtrack.log_metric('x', step, step=step)\n    print(step, flush=True)")
    kernel.wait_for_text("20")
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)  # type: ignore[union-attr]
    for _ in range(200):
        if kernel.manager.provisioner.process.poll() is not None:  # type: ignore[union-attr]
            break
        time.sleep(0.05)
    (run,) = runs(session)
    assert (run.info.run_name, run.info.status) == ("doomed", RunStatus.KILLED)
    assert "lost" in (run.info.status_message or "")
    steps = [point.step for point in session.store().metrics.history(run.info.run_id, "x")]
    assert steps == list(range(len(steps)))
    assert len(steps) > 20
    assert session.store().cells.code(run.info.run_id).own is not None


def test_cells_have_their_ids_and_a_re_executed_cell_closes_what_it_left(session: Session, kernel: Kernel) -> None:
    kernel.run("import nbtrack\na = 1.5", "first")
    kernel.run("b = a * 2", "second")
    kernel.run("a = 2.5", "first")
    kernel.run("%%track_run\nc = b + 1", "third")
    (run,) = runs(session)
    code = session.store().cells.code(run.info.run_id)
    assert [item.cell.cell_id for item in code.cells] == ["first", "second", "third"]
    assert [finding.kind for finding in session.store().facts.findings(run.info.run_id)] == ["hidden-state"]
    kernel.run("nbtrack.start_run(run_name='left'); None", "fourth")
    notice = kernel.run("nbtrack.start_run(run_name='again'); nbtrack.end_run()", "fourth")
    assert "was left open by an earlier execution of this cell" in notice[0]["text"]
    assert [run.info.status for run in runs(session)] == [RunStatus.FINISHED, RunStatus.FAILED, RunStatus.FINISHED]


def test_a_frontend_that_executes_silently_is_not_taken_for_a_cell(session: Session, kernel: Kernel) -> None:
    kernel.client.execute("silent_name = 1", silent=True)
    kernel.run("%%track_run\nx = 1")
    (run,) = runs(session)
    history = session.store().cells.history(session.store().cells.code(run.info.run_id).session_id or "")
    assert [cell.source for cell in history] == ["%load_ext nbtrack", "%%track_run\nx = 1"]


def test_nbclient_stops_with_the_users_error(session: Session, tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("%load_ext nbtrack"), new_code_cell("%%track_run\n1 / 0"), new_code_cell("x = 1")])
    with pytest.raises(CellExecutionError, match="division by zero"):
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [run.info.status for run in runs(session)] == [RunStatus.FAILED]


def test_nbconvert_and_papermill(session: Session, tmp_path: Path) -> None:
    parameters = new_code_cell("rate = 0.5", metadata={"tags": ["parameters"]})
    good = new_notebook(cells=[new_code_cell("%load_ext nbtrack"), parameters, new_code_cell("%%track_run\nloss = len('a') * rate")])
    bad = new_notebook(cells=[new_code_cell("%load_ext nbtrack"), new_code_cell("%%track_run\n1 / 0")])
    for notebook, name in ((good, "good.ipynb"), (bad, "bad.ipynb")):
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, tmp_path / name)
    failing = _start("nbconvert", "--to", "notebook", "--execute", "bad.ipynb", "--output", "bad_out.ipynb")
    working = _start("nbconvert", "--to", "notebook", "--execute", "good.ipynb", "--output", "good_out.ipynb")
    _, error = failing.communicate()
    assert failing.returncode == 1
    assert "division by zero" in error
    assert working.communicate()[0] is not None
    assert working.returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "good.ipynb", "papermill.ipynb", "-p", "rate", "0.25"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "good_out.ipynb").read_text("utf-8"))
    assert any("text/html" in output.get("data", {}) for output in saved["cells"][2]["outputs"])
    found = {run.data.tags["mlflow.source.name"]: run for run in runs(session)}
    kinds = {session.store().facts.all(run.info.run_id)["kernel"]["frontend"] for run in runs(session)}
    assert {Path(name).name for name in found} == {"good.ipynb", "bad.ipynb"}
    assert kinds == {"nbconvert", "papermill"}
    assert {run.data.params.get("rate") for run in runs(session)} == {0.5, 0.25, None}


def _start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
