"""The README and the example notebooks do what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

import nbtrack

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = sorted((ROOT / "example_notebooks").glob("*.ipynb"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def cards(notebook: NotebookNode) -> list[str]:
    """The HTML of the cards that are saved in a notebook."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.data["text/html"] for output in outputs if "nbtrack-card" in output.get("data", {}).get("text/html", "")]


@pytest.mark.notebook
def test_readme_runs_as_it_stands(empty_folder: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in blocks("python")]
    assert len(cells) >= 6
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(empty_folder)}}).execute()
    runs = {run.info.run_name: run for run in nbtrack.search_runs(output_format="list", search_all_experiments=True)}
    assert set(runs) == {"forest", "loop", "by hand", "as before"}
    forest = runs["forest"].data
    assert forest.params == {"n_estimators": 300, "max_depth": 8, "class_weight": "balanced", "random_state": 0}
    assert set(forest.metrics) == {"auc", "recall"}
    assert runs["loop"].data.params == {"rate": 0.5}
    assert len(cards(notebook)) == 2
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ nbtrack ")]
    assert len(commands) >= 4
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip()


@pytest.mark.notebook
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_notebook_executes_and_its_cards_are_saved(path: Path, empty_folder: Path) -> None:
    copy = empty_folder / path.name
    copy.write_text(path.read_text())
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", copy.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    assert done.returncode == 0, done.stderr[-3000:]
    notebook = nbformat.read(copy, as_version=4)
    tracked = [cell for cell in notebook.cells if cell.cell_type == "code" and "track_run" in cell.source]
    assert len(cards(notebook)) == len(tracked) > 0
    for run in nbtrack.search_runs(output_format="list", search_all_experiments=True):
        assert run.info.status in ("FINISHED", "FAILED")
        assert run.data.params or run.data.metrics


def test_example_notebooks_are_committed_without_outputs() -> None:
    assert EXAMPLES
    for path in EXAMPLES:
        for cell in nbformat.read(path, as_version=4).cells:
            assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None), path.name


def test_links_in_the_readme_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
