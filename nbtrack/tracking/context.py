"""What a run records of where it runs: user, source, git, environment."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from nbtrack.capture.environment import python_environment
from nbtrack.capture.git import GitState, git_state

USER_TAG = "mlflow.user"
SOURCE_NAME_TAG = "mlflow.source.name"
SOURCE_TYPE_TAG = "mlflow.source.type"
PARENT_TAG = "mlflow.parentRunId"
_MAX_DIFF_CHARS = 100_000
_KERNEL_LAUNCHERS = frozenset({"ipykernel_launcher.py", "colab_kernel_launcher.py"})
_SHELLS = frozenset({"ipython", "ipython3"})


def user_name(configured: str | None = None) -> str:
    """Who logs: the configured name, else the system's user."""
    if configured:
        return configured
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id, as in some containers
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def source_tags(notebook: str | None) -> dict[str, str]:
    """MLflow's tags for the source: the notebook, else the script, with the commit of its folder."""
    if notebook is not None:
        name, kind = notebook, "NOTEBOOK"
    elif Path(sys.argv[0] if sys.argv else "").name in _KERNEL_LAUNCHERS:  # a kernel that nothing told the notebook's path
        name, kind = "notebook", "NOTEBOOK"
    else:
        script = _script()
        name, kind = (os.path.abspath(script), "LOCAL") if script and Path(script).is_file() else (script or "python", "LOCAL")
    tags = {SOURCE_NAME_TAG: name, SOURCE_TYPE_TAG: kind}
    git = git_state(source_folder(notebook), diff=False)
    if git is not None:
        found = {"commit": git.commit, "branch": git.branch, "repoURL": git.repo_url}
        tags.update({f"mlflow.source.git.{key}": value for key, value in found.items() if value})
    return tags


def source_folder(notebook: str | None) -> Path:
    """The folder whose git state belongs to the run: the notebook's or script's, else the working directory."""
    name = notebook or _script()
    folder = Path(name).parent if name else Path.cwd()
    return folder if folder.is_dir() else Path.cwd()


def _script() -> str:
    """What was started, "" where that is a kernel or a shell, whose place says nothing about the user's work."""
    script = sys.argv[0] if sys.argv else ""
    return "" if Path(script).name in _KERNEL_LAUNCHERS | _SHELLS else script


def closing_facts(notebook: str | None) -> dict[str, Any]:
    """What is read when a run ends, since it takes longer or changes while it goes: git with its diff, packages."""
    facts: dict[str, Any] = {"environment": python_environment()}
    git = git_state(source_folder(notebook), diff=True)
    if git is not None:
        facts["git"] = _git_fact(git)
    return facts


def _git_fact(git: GitState) -> dict[str, Any]:
    return {"commit": git.commit, "branch": git.branch, "repo_url": git.repo_url, "dirty": git.dirty, "diff": (git.diff or "")[:_MAX_DIFF_CHARS]}
