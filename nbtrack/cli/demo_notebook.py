"""The notebook of the demonstration, and how it is executed without a front end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbtrack import config
from nbtrack._optional import require
from nbtrack.cli.commands import Refusal
from nbtrack.errors import InvalidPath

NOTEBOOK = "demo.ipynb"
EXPERIMENT = "tumours"
METRIC = "auc"
_CELL_TIMEOUT_S = 300
_QUIET = ["--log-level=40"]  # of the kernel: errors alone

_TITLE = """\
# A tracked notebook

`%%track_run NAME` on top of a cell makes it a run: what you type is a param, what you compute is a metric.
The card under each cell shows what was captured. Nothing is logged by hand here."""

_SETUP = """\
%load_ext nbtrack

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler"""

_DATA = """\
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
y = 1 - y  # 1 is malignant
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)"""

_LOGISTIC = f"""\
%%track_run logistic -e {EXPERIMENT}
C = 0.5
model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000)).fit(X_train, y_train)
accuracy = accuracy_score(y_test, model.predict(X_test))
recall = recall_score(y_test, model.predict(X_test))
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])"""

_FOREST = f"""\
%%track_run forest -e {EXPERIMENT}
model = RandomForestClassifier(n_estimators=100, max_depth=6, random_state=0).fit(X_train, y_train)
accuracy = accuracy_score(y_test, model.predict(X_test))
recall = recall_score(y_test, model.predict(X_test))
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])"""

_BOOSTING = f"""\
%%track_run boosting -e {EXPERIMENT}
model = GradientBoostingClassifier(n_estimators=60, learning_rate=0.1, random_state=0).fit(X_train, y_train)
accuracy = accuracy_score(y_test, model.predict(X_test))
recall = recall_score(y_test, model.predict(X_test))
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])

RocCurveDisplay.from_estimator(model, X_test, y_test, name="boosting")
plt.title("ROC, boosting")
plt.show()"""

_SEARCH = f"""\
import nbtrack

runs = nbtrack.search_runs(experiment_names=["{EXPERIMENT}"], order_by=["metrics.{METRIC} DESC"])
runs[["tags.mlflow.runName", "metrics.{METRIC}", "metrics.recall", "params.C", "params.max_depth"]]"""


def write_notebook(folder: Path) -> Path:
    """Write the notebook, not executed, into ``folder``, made if it is not there.

    Raises
    ------
    MissingDependency
        What the notebook needs is not installed; nothing is written.
    InvalidPath
        The folder has something in it.
    """
    for module, extra in (("sklearn", "sklearn"), ("ipykernel", "demo")):
        require(module, extra=extra, purpose="the demonstration")
    import nbformat

    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidPath(f"the folder {folder} has something in it. Name a new one with --folder, or look at it: jupyter lab {folder}")
    cells = [nbformat.v4.new_markdown_cell(_TITLE)]
    cells += [nbformat.v4.new_code_cell(source) for source in (_SETUP, _DATA, _LOGISTIC, _FOREST, _BOOSTING, _SEARCH)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    path = folder / NOTEBOOK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    except OSError as error:
        raise Refusal(f"can't make the demonstration in {folder}: {error}") from error
    return path


def execute(path: Path) -> None:
    """Execute the notebook in place, its runs in a store beside it.

    Raises
    ------
    Refusal
        A cell failed; the message is its error.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, km=_kernel(), timeout=_CELL_TIMEOUT_S, extra_arguments=_QUIET, resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute(env=_environment(path), cleanup_kc=True)
    except (CellExecutionError, DeadKernelError) as error:
        raise Refusal(f"the demonstration stopped at a cell:\n{error}") from error
    finally:
        nbformat.write(notebook, path)


def _kernel() -> Any:
    """A kernel of this very Python: a kernel spec called python3 may belong to another one."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def _environment(path: Path) -> dict[str, str]:
    """This process's, with the store and the notebook's path, and no other setting of nbtrack."""
    kept = {name: value for name, value in os.environ.items() if name not in config.set_variables()}
    own = {config.TRACKING_URI: str(path.parent.resolve()), config.NOTEBOOK: str(path.resolve())}
    # Else the debugger of the kernel warns of frozen modules, between the lines of the demonstration.
    return {**kept, **own, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
