"""The public face: one list of names, nothing heavy behind the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack

ROOT = Path(__file__).parent.parent
HEAVY = {"IPython", "click", "ipywidgets", "matplotlib", "numpy", "pandas", "rich", "sklearn", "sqlite_utils"}


def python(source: str) -> str:
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout


def test_names_are_sorted_and_all_there() -> None:
    assert nbtrack.__all__ == sorted(nbtrack.__all__)
    assert all(getattr(nbtrack, name) is not None for name in nbtrack.__all__)
    assert dir(nbtrack) == sorted(nbtrack.__all__)
    with pytest.raises(AttributeError, match="no attribute 'log_metrik'"):
        _ = nbtrack.log_metrik  # type: ignore[attr-defined]


def test_no_public_function_has_the_name_of_a_sub_package() -> None:
    modules = {path.stem for path in (ROOT / "nbtrack").iterdir() if path.suffix in ("", ".py")}
    assert not modules & set(nbtrack.__all__)


@pytest.mark.parametrize("statement", ["import nbtrack", "import nbtrack; nbtrack.start_run; nbtrack.Client"])
def test_import_loads_nothing_heavy(statement: str) -> None:
    loaded = python(f"{statement}; import sys; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))").split()
    assert not HEAVY & set(loaded)


def test_first_run_loads_nothing_heavy(empty_folder: Path) -> None:
    loaded = python(
        "import nbtrack, sys\nwith nbtrack.start_run():\n    nbtrack.log_metric('m', 1.0)\n    nbtrack.log_param('p', 1)\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    ).split()
    assert not HEAVY & set(loaded)


def test_version_is_said_in_one_place() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in pyproject
    assert 'path = "nbtrack/_version.py"' in pyproject
    assert f"## {nbtrack.__version__}" in (ROOT / "CHANGELOG.md").read_text()
