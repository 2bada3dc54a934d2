"""What a tracked cell keeps of the models that it fits."""

from __future__ import annotations

import pytest
from cells import Notebook

import nbtrack
from nbtrack.entities import Origin
from nbtrack.notebook import fitted

SETUP = """
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = StandardScaler().set_output(transform="pandas").fit_transform(X)
"""


@pytest.fixture
def book(notebook: Notebook) -> Notebook:
    notebook.run(SETUP)
    return notebook


def test_fitted_model_is_kept_and_loads_with_its_signature(book: Notebook) -> None:
    book.run("%%track_run\nmodel = LogisticRegression(C=0.5).fit(X, y)\naccuracy = model.score(X, y)")
    run = book.last
    (logged,) = book.store.registry.logged_models.of_run(run.info.run_id)
    assert (logged.name, list(logged.flavors)) == ("model", ["python_function", "sklearn"])
    assert logged.signature is not None
    model, X = nbtrack.load_model(f"runs:/{run.info.run_id}/model"), book.shell.user_ns["X"]
    assert (model.predict(X) == book.shell.user_ns["model"].predict(X)).all()
    assert "model LogisticRegression" in book.cards[-1]
    assert run.data.metrics.keys() == {"accuracy"}


def test_params_that_differ_from_the_defaults_are_added_to_what_the_cell_says(book: Notebook) -> None:
    book.run("options = dict(C=0.5, max_iter=300)")
    book.run("%%track_run\nLogisticRegression(**options, random_state=3).fit(X, y)")
    params = {param.key: param for param in book.store.params.all(book.last.info.run_id)}
    assert {key: param.value for key, param in params.items()} == {"random_state": 3, "C": 0.5, "max_iter": 300}
    assert params["random_state"].origin is Origin.INFERRED
    assert params["max_iter"].origin is Origin.AUTOLOG


def test_register_makes_a_version_of_the_fitted_model(book: Notebook) -> None:
    for _ in range(2):
        book.run("%%track_run --register churn\nmodel = LogisticRegression().fit(X, y)")
    versions = nbtrack.Client().search_model_versions("name = 'churn'")
    assert sorted(version.version for version in versions) == [1, 2]
    assert "churn version 2" in str(book.displayed[-1])


def test_register_without_a_fitted_model_is_a_finding_and_no_version(book: Notebook) -> None:
    book.run("%%track_run --register churn\nx = 1")
    (finding,) = book.store.facts.findings(book.last.info.run_id)
    assert "fitted no model that could be registered as 'churn'" in finding.message
    assert not nbtrack.Client().search_registered_models()


@pytest.mark.parametrize(
    "cell",
    ["%%track_run --register churn/2\nran = True", "import nbtrack\nwith nbtrack.track_run(register='churn/2'):\n    ran = True"],
    ids=["magic", "block"],
)
def test_a_name_that_no_model_can_have_is_refused_before_the_code_runs(book: Notebook, cell: str) -> None:
    result = book.run(cell, fails=True)
    assert "'churn/2' has '/'" in str(result.error_before_exec or result.error_in_exec)
    assert "ran" not in book.shell.user_ns
    assert book.runs == []


@pytest.mark.parametrize(
    "cell",
    [
        "%%track_run --no-models\nmodel = LogisticRegression().fit(X, y)",
        "%%track_run\nscaler = StandardScaler().fit(X)",
        "%%track_run\nmodel = LogisticRegression()",
    ],
    ids=["switched off", "a transformer", "not fitted"],
)
def test_no_model_is_kept(book: Notebook, cell: str) -> None:
    book.run(cell)
    assert book.store.registry.logged_models.of_run(book.last.info.run_id) == []


def test_model_that_the_cell_logs_itself_is_not_kept_twice(book: Notebook) -> None:
    book.run("import nbtrack")
    book.run("%%track_run --register churn\nmodel = LogisticRegression().fit(X, y)\ninfo = nbtrack.log_model(model, 'mine')")
    assert [model.name for model in book.store.registry.logged_models.of_run(book.last.info.run_id)] == ["mine"]
    assert len(nbtrack.Client().search_model_versions("name = 'churn'")) == 1


def test_failed_cell_keeps_no_model(book: Notebook) -> None:
    book.run("%%track_run\nmodel = LogisticRegression().fit(X, y)\n1 / 0", fails=True)
    assert book.store.registry.logged_models.of_run(book.last.info.run_id) == []


def test_model_that_is_too_large_is_left_to_the_user(book: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "MAX_MODEL_BYTES", 1000)
    book.run("%%track_run\nmodel = LogisticRegression().fit(X, y)")
    (finding,) = book.store.facts.findings(book.last.info.run_id)
    assert "at most 1.0 kB are kept unasked" in finding.message
    assert book.store.artifacts.all(book.last.info.run_id) == []


def test_block_keeps_the_model_too(book: Notebook) -> None:
    book.run("import nbtrack\nwith nbtrack.track_run('block', register='churn'):\n    model = LogisticRegression().fit(X, y)")
    assert [model.name for model in book.store.registry.logged_models.of_run(book.last.info.run_id)] == ["model"]
    assert len(nbtrack.Client().search_model_versions("name = 'churn'")) == 1


def test_modules_among_the_names_are_no_data(book: Notebook) -> None:
    book.run("import numpy as np\nimport pandas as pd\nA = X.to_numpy()")
    book.run("%%track_run\nmodel = LogisticRegression().fit(A, y)")
    assert book.store.facts.findings(book.last.info.run_id) == []
    (logged,) = book.store.registry.logged_models.of_run(book.last.info.run_id)
    assert logged.signature is not None


def test_params_of_a_pipelines_steps_are_not_said_twice(book: Notebook) -> None:
    book.run("from sklearn.pipeline import make_pipeline\nmore = dict(tol=0.01)")
    book.run("%%track_run\nmodel = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, **more)).fit(X, y)")
    assert book.last.data.params == {"C": 0.5, "logisticregression__tol": 0.01}
