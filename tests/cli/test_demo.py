"""``nbtrack demo``: a tracked notebook without a front end."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import nbtrack
from cli.conftest import NbtrackCommand, make_run


@pytest.mark.notebook
def test_the_demonstration_executes_its_notebook_and_shows_the_runs(call: NbtrackCommand, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_TRACKING_URI", str(empty_folder / "elsewhere"))
    result = call("demo", "--folder", "try")
    assert result.exit_code == 0, result.output
    assert all(name in result.stdout for name in ("logistic", "forest", "boosting", "highest auc of 3 runs", "jupyter lab try/demo.ipynb"))
    assert not (empty_folder / "elsewhere").exists()
    notebook = nbformat.read(empty_folder / "try" / "demo.ipynb", as_version=4)
    cards = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.startswith("%%track_run") and cell.outputs]
    assert len(cards) == 3
    forest = nbtrack.Client(empty_folder / "try").run("forest")
    assert forest.data.params == {"n_estimators": 100, "max_depth": 6, "random_state": 0}
    assert set(forest.data.metrics) == {"accuracy", "recall", "auc"}
    assert forest.data.tags["mlflow.source.name"] == str(empty_folder / "try" / "demo.ipynb")


def test_a_folder_with_something_in_it_is_left_alone(call: NbtrackCommand, empty_folder: Path) -> None:
    make_run("mine")
    result = call("demo", "--folder", ".")
    assert result.exit_code == 1
    assert "--folder" in result.stderr
    assert not (empty_folder / "demo.ipynb").exists()
