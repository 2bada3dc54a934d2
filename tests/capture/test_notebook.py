from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrack.capture.notebook import NotebookPlace, ParentProcess, locate_notebook, parent_processes, program, read_notebook_cells

INTERACTIVE = {"metadata": {"cellId": "4f2a"}, "content": {"allow_stdin": True}}
HEADLESS = {"metadata": {}, "content": {"allow_stdin": False}}
LAB = ParentProcess(["/venv/bin/python", "/venv/bin/jupyter-lab", "--port=8888"])


def runner(folder: Path, *command: str) -> list[ParentProcess]:
    return [ParentProcess(["/venv/bin/python3.11", *command], folder)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train.ipynb", "other.ipynb", "out.ipynb"):
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("server", "frontend"),
    [
        (["/v/bin/python", "/v/bin/jupyter-lab"], "jupyterlab"),
        (["/v/bin/python3.12", "-m", "jupyterlab", "--no-browser"], "jupyterlab"),
        (["/v/bin/python", "/v/bin/jupyter-notebook"], "notebook"),
        (["/v/bin/python", "-X", "dev", "-m", "notebook"], "notebook"),
        (["C:\\v\\Scripts\\jupyter.exe", "notebook"], "notebook"),
        (["/v/bin/python", "/v/bin/jupyterhub-singleuser"], "jupyterlab"),
        (["some-gateway"], "jupyterlab"),
    ],
)
def test_a_jupyter_server_tells_the_path_in_the_session_name(server: list[str], frontend: str):
    place = locate_notebook(environ={"JPY_SESSION_NAME": "/home/ada/train.ipynb"}, user_ns={}, header=INTERACTIVE, parents=[ParentProcess(server)])
    assert place == NotebookPlace("/home/ada/train.ipynb", frontend, "JPY_SESSION_NAME")


def test_the_session_in_the_names_is_the_second_choice_and_a_console_has_no_notebook():
    place = locate_notebook(environ={}, user_ns={"__session__": "/home/ada/train.ipynb"}, header=INTERACTIVE, parents=[LAB])
    assert (place.path, place.source) == ("/home/ada/train.ipynb", "__session__")
    console = locate_notebook(environ={"JPY_SESSION_NAME": "/home/ada/console-1"}, user_ns={}, header=INTERACTIVE, parents=[LAB])
    assert console == NotebookPlace(None, "jupyterlab", "front end")


def test_what_the_user_configured_goes_before_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    place = locate_notebook(configured="a.ipynb", environ={"JPY_SESSION_NAME": "/b.ipynb"}, user_ns={}, header=INTERACTIVE, parents=[LAB])
    assert place == NotebookPlace(str(tmp_path / "a.ipynb"), "jupyterlab", "NBTRACK_NOTEBOOK")


@pytest.mark.parametrize(
    ("command", "frontend"),
    [
        (["/v/bin/jupyter-nbconvert", "--to", "notebook", "--execute", "train.ipynb", "--output", "out.ipynb"], "nbconvert"),
        (["/v/bin/jupyter-nbconvert", "--execute", "--to=notebook", "--inplace", "./sub/../train.ipynb"], "nbconvert"),
        (["/v/bin/jupyter-nbconvert", "--execute", "--to", "notebook", "train"], "nbconvert"),
        (["-m", "nbconvert", "--execute", "--to", "html", "train.ipynb"], "nbconvert"),
        (["-m", "jupyter", "nbconvert", "--execute", "--to", "html", "train.ipynb"], "nbconvert"),
        (["/v/bin/jupyter-execute", "train.ipynb", "--output=out.ipynb"], "jupyter-execute"),
        (["/v/bin/papermill", "-p", "lr", "0.1", "train.ipynb", "out.ipynb"], "papermill"),
        (["/v/bin/papermill", "-p", "data", "other.ipynb", "-k", "python3", "train.ipynb", "-"], "papermill"),
        (["-m", "papermill", "train.ipynb", "out.ipynb", "-p", "n", "other.ipynb"], "papermill"),
    ],
)
def test_tools_without_a_front_end_tell_the_path_on_their_command_line(folder: Path, command: list[str], frontend: str):
    place = locate_notebook(environ={}, user_ns={}, header=HEADLESS, parents=runner(folder, *command))
    assert place == NotebookPlace(str(folder / "train.ipynb"), frontend, "command line")


def test_a_tool_started_from_a_notebook_does_not_take_that_notebooks_path(folder: Path):
    parents = [*runner(folder, "/v/bin/jupyter-nbconvert", "--execute", "train.ipynb"), ParentProcess(["python", "-m", "ipykernel_launcher"]), LAB]
    place = locate_notebook(environ={"JPY_SESSION_NAME": "/home/ada/driver.ipynb"}, user_ns={}, header=HEADLESS, parents=parents)
    assert place.path == str(folder / "train.ipynb")


def test_a_server_started_by_such_a_tool_is_still_a_server(folder: Path):
    parents = [LAB, *runner(folder, "/v/bin/papermill", "train.ipynb", "out.ipynb")]
    assert locate_notebook(environ={"JPY_SESSION_NAME": "/a.ipynb"}, user_ns={}, header=INTERACTIVE, parents=parents).frontend == "jupyterlab"


def test_of_several_notebooks_none_is_guessed(folder: Path):
    place = locate_notebook(environ={}, user_ns={}, header=HEADLESS, parents=runner(folder, "/v/bin/jupyter-execute", "train.ipynb", "other.ipynb"))
    assert place == NotebookPlace(None, "jupyter-execute", "kernel messages")


def test_a_remote_notebook_of_papermill_keeps_its_address(folder: Path):
    parents = runner(folder, "/v/bin/papermill", "s3://bucket/train.ipynb", "s3://bucket/out.ipynb")
    assert locate_notebook(environ={}, user_ns={}, header=HEADLESS, parents=parents).path == "s3://bucket/train.ipynb"


def test_paths_that_papermill_injects_are_used(folder: Path):
    names = {"PAPERMILL_INPUT_PATH": str(folder / "train.ipynb")}
    place = locate_notebook(environ={}, user_ns=names, header=HEADLESS, parents=runner(folder, "script.py"))
    assert place == NotebookPlace(str(folder / "train.ipynb"), "papermill", "PAPERMILL_INPUT_PATH")


def test_a_script_that_uses_nbclient_is_told_by_the_kernel_messages(folder: Path):
    place = locate_notebook(environ={}, user_ns={}, header=HEADLESS, parents=runner(folder, "docs/build.py", "train.ipynb"))
    assert place == NotebookPlace(None, "nbclient", "kernel messages")


@pytest.mark.parametrize(
    ("cell_id", "path"),
    [
        ("vscode-notebook-cell:/home/ada/a%20b.ipynb#W0sZmlsZQ%3D%3D", "/home/ada/a b.ipynb"),
        ("vscode-notebook-cell://wsl%2Bubuntu/home/ada/a.ipynb#X1", "/home/ada/a.ipynb"),
        ("vscode-notebook-cell:/c%3A/work/a.ipynb#X1", "c:/work/a.ipynb"),
    ],
)
def test_visual_studio_code_tells_the_path_in_the_cell_id(cell_id: str, path: str):
    header = {"metadata": {"cellId": cell_id}, "content": {"allow_stdin": False}}
    assert locate_notebook(environ={}, user_ns={}, header=header) == NotebookPlace(path, "vscode", "cell id")


def test_visual_studio_code_is_told_by_its_variable_or_its_kernels_name():
    place = locate_notebook(environ={}, user_ns={"__vsc_ipynb_file__": "/home/ada/a.ipynb"}, header=HEADLESS)
    assert place == NotebookPlace("/home/ada/a.ipynb", "vscode", "__vsc_ipynb_file__")
    unsaved = locate_notebook(environ={}, user_ns={}, header=HEADLESS, connection_file="/run/user/1000/jupyter/runtime/kernel-v3-96f1.json")
    assert unsaved == NotebookPlace(None, "vscode", "front end")


@pytest.mark.parametrize(
    ("variable", "frontend"), [("COLAB_RELEASE_TAG", "colab"), ("KAGGLE_KERNEL_RUN_TYPE", "kaggle"), ("DATABRICKS_RUNTIME_VERSION", "databricks")]
)
def test_hosted_front_ends_are_told_by_their_variables(variable: str, frontend: str):
    assert locate_notebook(environ={variable: "1"}, user_ns={}, header=HEADLESS).frontend == frontend
    assert locate_notebook(environ={variable: "1"}, user_ns={}, header=INTERACTIVE).frontend == frontend


def test_without_a_kernel_it_is_a_terminal_and_without_ipython_plain_python():
    assert locate_notebook(environ={"JPY_SESSION_NAME": "/a.ipynb"}, user_ns={}) == NotebookPlace(None, "ipython-terminal", "front end")
    assert locate_notebook(environ={}).frontend == "python"


def test_a_header_with_gaps_is_no_obstacle():
    assert locate_notebook(environ={}, user_ns={}, header={}).frontend == "jupyterlab"
    assert locate_notebook(environ={}, user_ns={}, header={"metadata": None, "content": None}).frontend == "jupyterlab"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ([], ("", [])),
        (["python", "-c", "print()"], ("python", ["print()"])),
        (["python", "-u", "tool.py", "-m"], ("tool", ["-m"])),
        (["python", "-W", "error", "-m", "papermill", "a"], ("papermill", ["a"])),
        (["jupyter"], ("jupyter", [])),
        (["/usr/bin/conda", "run", "x"], ("conda", ["run", "x"])),
    ],
)
def test_the_program_of_a_command_line_is_found(command: list[str], expected: tuple[str, list[str]]):
    assert program(command) == expected


def test_the_parent_of_a_process_is_read_with_its_folder(tmp_path: Path):
    code = "from nbtrack.capture.notebook import parent_processes as p; import json;print(json.dumps([[list(x.command), str(x.folder)] for x in p()]))"
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    output = subprocess.run([sys.executable, "-c", middle, "the argument"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    command, folder = json.loads(output)[0]
    assert command[-1] == "the argument"
    assert folder == os.path.realpath(tmp_path)
    assert len(parent_processes()) <= 4


def test_saved_cells_are_read_by_id(tmp_path: Path):
    cells = [
        {"cell_type": "markdown", "id": "m", "source": "# hi"},
        {"cell_type": "code", "id": "a", "source": ["x = 1\n", "y = 2"]},
        {"cell_type": "code", "id": "b", "source": "z = 'ä'"},
        {"cell_type": "code", "source": "no id"},
    ]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    assert read_notebook_cells(tmp_path / "n.ipynb") == {"a": "x = 1\ny = 2", "b": "z = 'ä'"}


SOURCE_OF_NUMBERS = b'{"cells": [{"cell_type": "code", "id": "a", "source": [1]}]}'


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [3]}', SOURCE_OF_NUMBERS, b"\xff\xfe"])
def test_a_file_that_is_no_notebook_gives_none(tmp_path: Path, content: bytes):
    (tmp_path / "n.ipynb").write_bytes(content)
    assert read_notebook_cells(tmp_path / "n.ipynb") is None
    assert read_notebook_cells(tmp_path / "missing.ipynb") is None
    assert read_notebook_cells(tmp_path) is None


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("command", "frontend"),
    [
        (["-m", "nbconvert", "--to", "notebook", "--execute", "in.ipynb", "--output", "out.ipynb"], "nbconvert"),
        (["-m", "papermill", "in.ipynb", "out.ipynb"], "papermill"),
        (["-m", "jupyter", "execute", "in.ipynb", "--output=out.ipynb"], "jupyter-execute"),
    ],
)
def test_the_real_tools_are_recognised_from_inside_their_kernel(tmp_path: Path, command: list[str], frontend: str):
    source = (
        "import os\n"
        "from nbtrack.capture.notebook import locate_notebook, parent_processes\n"
        "header = get_ipython().kernel.get_parent('shell')\n"
        "place = locate_notebook(environ=os.environ, user_ns=globals(), header=header, parents=parent_processes())\n"
        "open('place.txt', 'w').write('|'.join((place.path, place.frontend, place.source)))"
    )
    cell = {"cell_type": "code", "id": "a", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    (tmp_path / "in.ipynb").write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    subprocess.run([sys.executable, *command], cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert (tmp_path / "place.txt").read_text() == f"{os.path.realpath(tmp_path / 'in.ipynb')}|{frontend}|command line"
