"""Which notebook a cell belongs to, and which front end runs it.

No kernel knows its notebook; each front end leaves the answer somewhere else. `locate_notebook`
looks at those places in the order of their trustworthiness, and says where the answer came from.

====================================  ===================================================
place                                 left there by
====================================  ===================================================
``NBTRACK_NOTEBOOK``                  the user, or a tool that runs notebooks
``__vsc_ipynb_file__`` in the names   Visual Studio Code
cell id ``vscode-notebook-cell:...``  Visual Studio Code
``PAPERMILL_INPUT_PATH`` in names     papermill, with ``--inject-paths``
command line of the parent process    nbconvert, ``jupyter execute``, papermill
``JPY_SESSION_NAME``, ``__session__``  Jupyter Server (JupyterLab, Notebook 7); the path at kernel start
====================================  ===================================================

The parent's command goes before ``JPY_SESSION_NAME``: a notebook that runs ``!jupyter nbconvert`` hands
the variable of its own kernel down. A path from the kernel's start is stale once the notebook is renamed.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

from nbtrack.capture.process import ancestor_pids

MAX_NOTEBOOK_BYTES = 100_000_000

_MAX_PARENTS = 4  # a wrapper (a shell, conda run, tini) may stand between the tool and the kernel
_PROC = Path("/proc")

# Programs that start kernels, by the name of their command or module.
_HEADLESS = {
    "jupyter-nbconvert": "nbconvert",
    "nbconvert": "nbconvert",
    "jupyter-execute": "jupyter-execute",
    "papermill": "papermill",
}
_SERVERS = {
    "jupyter-lab": "jupyterlab",
    "jupyterlab": "jupyterlab",
    "jupyter-labhub": "jupyterlab",
    "jupyterhub-singleuser": "jupyterlab",
    "jupyter-server": "jupyterlab",
    "jupyter-notebook": "notebook",
    "notebook": "notebook",
    "jupyter-nbclassic": "notebook",
    "voila": "voila",
}
# Hosted front ends by a variable that they set in every kernel; none of them tells the path there.
_HOSTED = {"COLAB_RELEASE_TAG": "colab", "KAGGLE_KERNEL_RUN_TYPE": "kaggle", "DATABRICKS_RUNTIME_VERSION": "databricks"}
_OUTPUT_OPTIONS = frozenset({"--output", "-o", "--output-dir", "--NbConvertApp.output_base", "--NbClientApp.output_base"})
_PAPERMILL_PAIRS = frozenset({"-p", "--parameters", "-r", "--parameters_raw"})  # options followed by a name and a value


@dataclass(frozen=True)
class ParentProcess:
    """A process above this one: its command line, and its working folder where that can be read."""

    command: Sequence[str]
    folder: Path | None = None


@dataclass(frozen=True)
class NotebookPlace:
    """A notebook's path (None if nothing told it), its front end, and what told the path (or else the front end)."""

    path: str | None
    frontend: str
    source: str


def locate_notebook(
    *,
    configured: str | None = None,
    environ: Mapping[str, str],
    user_ns: Mapping[str, object] | None = None,
    header: Mapping[str, Any] | None = None,
    connection_file: str | None = None,
    parents: Sequence[ParentProcess] = (),
) -> NotebookPlace:
    """Find the notebook of the running cell.

    Parameters
    ----------
    configured
        ``NBTRACK_NOTEBOOK`` as `nbtrack.config` read it.
    user_ns
        The names of the notebook; None outside IPython.
    header
        The kernel's parent message (``metadata``, ``content``) on the shell channel; None without a kernel.
    connection_file
        The kernel's connection file, whose name tells Visual Studio Code's kernels.
    parents
        The processes above, nearest first (see `parent_processes`).
    """
    names = {} if user_ns is None else user_ns
    frontend, tool = _frontend(environ, user_ns, header, connection_file, parents)
    if configured:
        return NotebookPlace(_absolute(configured), frontend, "NBTRACK_NOTEBOOK")
    if isinstance(path := names.get("__vsc_ipynb_file__"), str) and path:
        return NotebookPlace(path, frontend, "__vsc_ipynb_file__")
    if header is not None and (path := _vscode_path(_cell_id(header))):
        return NotebookPlace(path, frontend, "cell id")
    if isinstance(path := names.get("PAPERMILL_INPUT_PATH"), str) and path:
        return NotebookPlace(_absolute(path), "papermill", "PAPERMILL_INPUT_PATH")
    if frontend in _HEADLESS.values() or frontend == "nbclient":
        path = None if tool is None else _notebook_argument(frontend, *tool)
        return NotebookPlace(path, frontend, "command line" if path else "kernel messages")
    for source, session in (("JPY_SESSION_NAME", environ.get("JPY_SESSION_NAME")), ("__session__", names.get("__session__"))):
        # A console's session has a name that is no file.
        if header is not None and isinstance(session, str) and (session.endswith(".ipynb") or Path(session).is_file()):
            return NotebookPlace(session, frontend, source)
    return NotebookPlace(None, frontend, "front end")


def read_notebook_cells(path: str | os.PathLike[str]) -> dict[str, str] | None:
    """The code cells of a notebook file as it was last saved: id -> source.

    None if the file can't be read: it is missing, larger than 100 MB, no JSON (it may be in the
    middle of being saved) or no notebook. Cells without an id (files from before 2021) are left out.
    """
    try:
        if os.path.getsize(path) > MAX_NOTEBOOK_BYTES:
            return None
        content = json.loads(Path(path).read_text("utf-8"))
        cells = content["cells"]
        found = {}
        for cell in cells:
            source = cell.get("source", "")
            if cell.get("cell_type") == "code" and isinstance(cell.get("id"), str):
                found[cell["id"]] = source if isinstance(source, str) else "".join(source)
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def parent_processes() -> list[ParentProcess]:
    """The nearest processes above this one, as far as the system lets them be read."""
    readers = (_proc_process, _psutil_process)
    found = (next((process for reader in readers if (process := reader(pid))), None) for pid in ancestor_pids()[:_MAX_PARENTS])
    return [process for process in found if process is not None]


def _proc_process(pid: int) -> ParentProcess | None:
    try:
        command = (_PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return None
    try:
        folder = (_PROC / str(pid) / "cwd").readlink()
    except OSError:  # another user's
        folder = None
    return ParentProcess(command, folder) if command else None


def _psutil_process(pid: int) -> ParentProcess | None:
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        return ParentProcess(process.cmdline(), Path(process.cwd()))
    except (psutil.Error, OSError):
        return None


_Tool = tuple[list[str], "Path | None"]  # arguments and working folder of the program that runs the notebook


def _frontend(
    environ: Mapping[str, str],
    user_ns: Mapping[str, object] | None,
    header: Mapping[str, Any] | None,
    connection_file: str | None,
    parents: Sequence[ParentProcess],
) -> tuple[str, _Tool | None]:
    if user_ns is None:
        return "python", None
    programs = [(*program(parent.command), parent.folder) for parent in parents]
    if header is None:
        hosted = next((name for variable, name in _HOSTED.items() if variable in environ), None)
        return hosted or "ipython-terminal", None
    for name, arguments, folder in programs:
        if name in _HEADLESS:
            return _HEADLESS[name], (arguments, folder)
        if name in _SERVERS:
            break  # what is above the server does not run this notebook
    if _is_vscode(user_ns, header, connection_file):
        return "vscode", None
    hosted = next((name for variable, name in _HOSTED.items() if variable in environ), None)
    if hosted:
        return hosted, None
    if _cell_id(header) is None and not dict(header.get("content") or {}).get("allow_stdin", True):
        return ("voila" if any(name == "voila" for name, _, _ in programs) else "nbclient"), None
    return next((_SERVERS[name] for name, _, _ in programs if name in _SERVERS), "jupyterlab"), None


def _is_vscode(user_ns: Mapping[str, object], header: Mapping[str, Any], connection_file: str | None) -> bool:
    return (
        "__vsc_ipynb_file__" in user_ns
        or (_cell_id(header) or "").startswith("vscode-notebook-cell:")
        or re.match(r"kernel-v\d+-", PurePath(connection_file or "").name) is not None
    )


def _cell_id(header: Mapping[str, Any]) -> str | None:
    cell_id = dict(header.get("metadata") or {}).get("cellId")
    return cell_id if isinstance(cell_id, str) else None


def _vscode_path(cell_id: str | None) -> str | None:
    """The file in ``vscode-notebook-cell:/home/ada/a.ipynb#W0...``; remote ones have a host in front of it."""
    found = re.fullmatch(r"vscode-notebook-cell:(?://[^/]*)?(/[^#?]*\.ipynb)(?:[?#].*)?", cell_id or "")
    if found is None:
        return None
    path = unquote(found[1])
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def program(command: Sequence[str]) -> tuple[str, list[str]]:
    """The program that a command line runs and its arguments: through ``python``, ``python -m`` and ``jupyter`` to what they start."""
    words = list(command)
    while words:
        name = re.sub(r"\.(exe|py|pyz?w?)$", "", PurePath(words[0].replace("\\", "/")).name.lower())
        if re.fullmatch(r"python[\d.]*w?|pypy[\d.]*", name):
            words = words[1:]
            while words and words[0].startswith("-"):
                option = words.pop(0)
                if option == "-m":
                    break
                if option in ("-X", "-W"):
                    words = words[1:]
                if option == "-c":
                    return "python", words
            continue
        if name == "jupyter" and len(words) > 1 and not words[1].startswith("-"):
            return f"jupyter-{words[1].lower()}", words[2:]
        return name, words[1:]
    return "", []


def _notebook_argument(frontend: str, arguments: list[str], folder: Path | None) -> str | None:
    """The notebook among the arguments; None if there are several and nothing tells which one runs."""
    positional = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if frontend == "papermill" and word in _PAPERMILL_PAIRS:
            words = words[2:]
        elif word in _OUTPUT_OPTIONS:
            words = words[1:]
        elif not word.startswith("-"):
            positional.append(word)
    if frontend == "papermill":
        notebook = next((word for word in positional if word.endswith(".ipynb")), None)
        return None if notebook is None else notebook if "://" in notebook else _absolute(notebook, folder)
    # nbconvert takes a name without its extension too.
    paths = [Path(_absolute(candidate, folder)) for word in positional for candidate in (word, f"{word}.ipynb")]
    notebooks = {str(path) for path in paths if path.suffix == ".ipynb" and path.is_file()}
    return notebooks.pop() if len(notebooks) == 1 else None


def _absolute(path: str, folder: Path | None = None) -> str:
    return os.path.normpath((folder or Path.cwd()) / path)
