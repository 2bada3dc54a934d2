"""A notebook that only imports nbtrack, or MLflow's names: its runs end with their cells all the same."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import nbtrack


def execute(folder: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for cell in cells:
        cell.metadata["tags"] = ["raises-exception"]
    NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=60, resources={"metadata": {"path": str(folder)}}).execute()


@pytest.mark.notebook
@pytest.mark.parametrize("statement", ["import nbtrack", "import nbtrack.mlflow as nbtrack"])
def test_failed_cell_leaves_no_run_active(empty_folder: Path, statement: str) -> None:
    execute(
        empty_folder,
        f"{statement}\nnbtrack.start_run(run_name='first')\nnbtrack.log_param('lr', 0.1)\n1 / 0",
        "nbtrack.start_run(run_name='second')\nnbtrack.log_metric('auc', 0.9)\nnbtrack.end_run()",
        "nbtrack.log_metric('implicit', 1.0)",
        "raise ValueError",
    )
    runs = list(reversed(nbtrack.search_runs(output_format="list")))
    assert [(run.info.status, run.data.metrics) for run in runs] == [("FAILED", {}), ("FINISHED", {"auc": 0.9}), ("FINISHED", {"implicit": 1.0})]
    assert runs[0].info.status_message == "ZeroDivisionError: division by zero"
