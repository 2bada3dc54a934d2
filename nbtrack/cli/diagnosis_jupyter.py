"""What Jupyter sees: which kernels there are, whether nbtrack is in them, whether its extension loads.

Most often a notebook can't import nbtrack because its kernel is another Python than the one that
nbtrack was installed in; so each kernel's own Python is asked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from nbtrack._version import __version__
from nbtrack.cli.diagnosis import Check, Level

_ANSWER_S = 30
# What jupyter_client replaces by the Python that it runs in.
_THIS_PYTHON = re.compile(r"python(\d+(\.\d+)?)?(\.exe)?")
_ASK_VERSION = "from nbtrack import __version__; print(__version__)"
_LOAD_EXTENSION = """\
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
shell.extension_manager.load_extension("nbtrack")
shell.extension_manager.unload_extension("nbtrack")
"""


def check_jupyter() -> Iterator[Check]:
    """The kernels that Jupyter offers from this environment, and the extension in this Python."""
    yield _check_extension()
    if find_spec("ipykernel") is None:
        fix = "Needed to open notebooks with this Python: pip install ipykernel"
        yield Check("jupyter", Level.NOTE, "ipykernel is not installed here, so this Python is no kernel", fix)
    if find_spec("jupyter_client") is None:
        return
    from jupyter_client.kernelspec import KernelSpecManager

    for name, found in sorted(KernelSpecManager().get_all_specs().items()):
        yield _check_kernel(name, found["spec"], found["resource_dir"])


def _check_kernel(name: str, spec: Mapping[str, Any], folder: str) -> Check:
    place = f"kernel {name!r} ({spec.get('display_name', name)})"
    if spec.get("language", "").lower() != "python":
        return Check("jupyter", Level.OK, f"{place} is not a Python kernel")
    program = (spec.get("argv") or [""])[0]
    python = sys.executable if _THIS_PYTHON.fullmatch(program) else program
    if os.path.abspath(python) == os.path.abspath(sys.executable):
        return Check("jupyter", Level.OK, f"{place} is this Python")
    version, problem = _ask(python, _ASK_VERSION)
    if problem is not None:
        fix = f"If notebooks are to be tracked with it: {python} -m pip install nbtrack"
        return Check("jupyter", Level.WARNING, f"{place} can't import nbtrack: {problem} ({python}, {folder})", fix)
    if version != __version__:
        return Check("jupyter", Level.NOTE, f"{place} has nbtrack {version}, here it is {__version__} ({python})")
    return Check("jupyter", Level.OK, f"{place} has nbtrack {version} ({python})")


def _check_extension() -> Check:
    with tempfile.TemporaryDirectory(prefix="nbtrack-doctor-") as folder:
        _, problem = _ask(sys.executable, _LOAD_EXTENSION, IPYTHONDIR=folder)
    if problem is None:
        return Check("jupyter", Level.OK, "%load_ext nbtrack works in this Python")
    return Check("jupyter", Level.PROBLEM, f"%load_ext nbtrack fails in this Python: {problem}", "Install nbtrack again: pip install --force-reinstall nbtrack")


def _ask(python: str, code: str, **environment: str) -> tuple[str, str | None]:
    """What ``python`` prints, and what went wrong, if something did."""
    with tempfile.TemporaryDirectory(prefix="nbtrack-doctor-") as folder:  # not where a file named nbtrack.py may lie
        try:
            done = subprocess.run(
                [python, "-c", code], capture_output=True, text=True, timeout=_ANSWER_S, check=False, cwd=folder, env={**os.environ, **environment}
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return "", f"it does not start: {error}"
    if done.returncode == 0:
        return done.stdout.strip(), None
    return "", (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
