"""Other processes that use a store, as scripts in Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

# What every script can use: ``opened(folder)`` and ``started(store)``, a run.
_PRELUDE = """
import os, signal, sys, time, threading
from pathlib import Path
from nbtrack.entities import Metric, Param
from nbtrack.ids import new_run_id
from nbtrack.store.base import NewRun
from nbtrack.store.open import locate, open_store

def opened(folder="."):
    return open_store(locate(folder))

def started(store, run_id=None):
    return store.runs.create(NewRun(run_id or new_run_id(), "0", "child", "ada", 0)).info.run_id
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Begin a script in the working directory, with pipes to all its streams."""
    command = [sys.executable, "-W", "error", "-c", _PRELUDE + script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs_of(processes: Iterable[subprocess.Popen[str]]) -> list[str]:
    """Wait for all to end well, and return what they printed."""
    outputs = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, ""), errors
        outputs.append(output)
    return outputs


def run(script: str, *arguments: str) -> str:
    """Execute a script to its good end, and return what it printed."""
    return outputs_of([start(script, *arguments)])[0]
