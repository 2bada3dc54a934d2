"""What a cell with ``%%track_run`` on top leaves in the store."""

from __future__ import annotations

import pytest
from cells import Notebook

from nbtrack.entities import CellRole, Origin, OutputKind, RunStatus

TRAINING = """%%track_run forest -e iris -t team=red --notes "first try"
n_estimators, max_depth = 5, 3
model = RandomForestClassifier(n_estimators, max_depth=max_depth, random_state=0, criterion="entropy")
model.fit(X_train, y_train)
predicted = model.predict(X_test)
accuracy = accuracy_score(y_test, predicted)
f1 = f1_score(y_test, predicted, average="macro")
"""

PREPARATION = """from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
unrelated = 5
X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
"""


def test_a_training_cell_becomes_a_run(notebook: Notebook) -> None:
    notebook.run(PREPARATION)
    notebook.run("other = 1")
    notebook.run(TRAINING)
    run = notebook.last
    assert (run.info.run_name, run.info.status) == ("forest", RunStatus.FINISHED)
    assert notebook.store.experiments.get(run.info.experiment_id).name == "iris"
    assert run.data.params == {"n_estimators": 5, "max_depth": 3, "random_state": 0, "criterion": "entropy"}
    assert set(run.data.metrics) == {"accuracy", "f1"}
    assert run.data.tags["team"] == "red"
    assert run.data.tags["mlflow.note.content"] == "first try"


def test_each_value_knows_its_line_and_origin(notebook: Notebook) -> None:
    notebook.run(PREPARATION)
    notebook.run(TRAINING)
    params = {param.key: param for param in notebook.store.params.all(notebook.last.info.run_id)}
    metrics = {metric.key: metric for metric in notebook.store.metrics.summaries(notebook.last.info.run_id)}
    assert (params["max_depth"].line, params["max_depth"].origin) == (2, Origin.INFERRED)
    assert params["criterion"].line == 3
    assert (metrics["f1"].line, metrics["f1"].origin) == (7, Origin.INFERRED)
    assert metrics["f1"].definition == "f1_score(average='macro')"


def test_data_is_told_as_it_was_before_the_cell_ran(notebook: Notebook) -> None:
    from nbtrack.capture.data import fingerprint

    notebook.run("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3]})\nX_train = df")
    before = fingerprint(notebook.shell.user_ns["df"], "df")
    notebook.run("%%track_run\ntotal = df['a'].sum()\ndf['b'] = 1\nmean_train = X_train['a'].mean()")
    inputs = {item.dataset.name: item for item in notebook.last.inputs.dataset_inputs}
    assert before is not None
    assert inputs["df"].dataset.digest == before.digest
    assert inputs["df"].dataset.profile["shape"] == [3, 1]
    assert inputs["df"].context is None
    assert inputs["X_train"].context == "train"


def test_data_that_the_cell_loads_and_reads_is_an_input_and_what_it_computes_is_not(notebook: Notebook) -> None:
    notebook.run("%%track_run\nfrom sklearn.datasets import load_iris\nX, y = load_iris(return_X_y=True)\ncentred = X - X.mean()\nspread = centred.std()")
    assert {item.dataset.name for item in notebook.last.inputs.dataset_inputs} == {"X"}


def test_the_run_has_its_cell_and_the_earlier_cells_that_it_needs(notebook: Notebook) -> None:
    notebook.run("a = 1", cell_id="one")
    notebook.run("unrelated = 2", cell_id="two")
    notebook.run("b = a + 1", cell_id="three")
    notebook.run("%%track_run\nc = b * 2", cell_id="four")
    code = notebook.store.cells.code(notebook.last.info.run_id)
    assert [(item.cell.cell_id, item.role) for item in code.cells] == [("one", CellRole.CLOSURE), ("three", CellRole.CLOSURE), ("four", CellRole.OWN)]
    assert code.own is not None
    assert code.own.source == "%%track_run\nc = b * 2"
    assert code.own.succeeded
    assert (code.own.execution_count, code.unresolved) == (4, ())


def test_all_cells_of_the_session_are_recorded_with_the_run(notebook: Notebook) -> None:
    notebook.run("a = 1")
    notebook.run("b = 1 / 0", fails=True)
    notebook.run("%%track_run\nc = a * 2")
    session_id = notebook.store.cells.code(notebook.last.info.run_id).session_id
    assert session_id is not None
    assert [(cell.source, cell.succeeded) for cell in notebook.store.cells.history(session_id)] == [
        ("a = 1", True),
        ("b = 1 / 0", False),
        ("%%track_run\nc = a * 2", True),
    ]


def test_cells_from_before_the_extension_was_loaded_are_known(notebook: Notebook) -> None:
    from nbtrack.notebook import extension

    extension.unload(notebook.shell)
    notebook.run("a = 1")
    notebook.run("%load_ext nbtrack")
    notebook.run("%%track_run\nb = a + 1.5")
    code = notebook.store.cells.code(notebook.last.info.run_id)
    assert [cell.source for cell in code.closure] == ["a = 1"]
    assert code.unresolved == ()


def test_printed_text_displays_and_the_result_are_kept(notebook: Notebook) -> None:
    notebook.run("import sys, pandas as pd\nfrom IPython.display import display")
    notebook.run("%%track_run\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\ndisplay(pd.DataFrame({'a': [1, 2]}))\nscore = 0.5 + 0.25\n{'x': 1}")
    run_id = notebook.last.info.run_id
    outputs = notebook.store.cells.outputs(run_id)
    assert [(output.kind, output.media_type) for output in outputs] == [
        (OutputKind.STDOUT, "text/plain"),
        (OutputKind.STDERR, "text/plain"),
        (OutputKind.DISPLAY, "application/json"),
        (OutputKind.RESULT, "text/plain"),
    ]
    assert outputs[0].text == "to stdout\n"
    assert outputs[1].text == "to stderr\n"
    assert outputs[3].text == "{'x': 1}"
    table = notebook.store.artifacts.read(run_id, outputs[2].artifact or "")
    assert b'"rows": 2' in table


def test_text_without_an_end_is_bounded(notebook: Notebook) -> None:
    notebook.run("%%track_run\nfor i in range(50_000):\n    print(i, 'some text')")
    output = notebook.store.cells.outputs(notebook.last.info.run_id)[0]
    assert output.truncated_chars > 100_000
    assert len(output.text) < 200_000
    assert output.text.startswith("0 some text")
    assert output.text.rstrip().endswith("49999 some text")


def test_a_metric_that_the_cell_ends_with_is_named_by_its_call(notebook: Notebook) -> None:
    notebook.run("from sklearn.metrics import accuracy_score")
    notebook.run("%%track_run\naccuracy_score([1, 0, 1], [1, 1, 1])")
    assert notebook.last.data.metrics == {"accuracy_score": pytest.approx(2 / 3)}


def test_explicit_logging_wins_over_inference(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run\nlr = 0.1\nnbtrack.log_param('lr', 'tuned')\nloss = len('a') / 4\nnbtrack.log_metric('loss', 9.5)\ngain = len('a') / 2")
    assert notebook.last.data.params == {"lr": "tuned"}
    assert notebook.last.data.metrics == {"loss": 9.5, "gain": 0.5}


def test_inference_can_be_turned_off(notebook: Notebook) -> None:
    notebook.run("import nbtrack")
    notebook.run("%%track_run --no-infer\nlr = 0.1\nloss = len('a') / 4\nnbtrack.log_metric('logged', 1)")
    assert notebook.last.data.params == {}
    assert notebook.last.data.metrics == {"logged": 1.0}


def test_outputs_can_be_turned_off(notebook: Notebook) -> None:
    notebook.run("%%track_run --no-outputs\nprint('x')\n1 + 1")
    assert notebook.store.cells.outputs(notebook.last.info.run_id) == []


def test_params_and_metrics_asked_for_are_worked_out_after_the_cell(notebook: Notebook) -> None:
    notebook.run("%%track_run -p rows=len(data) -p name -m best=max(data) -m total\ndata = [1, 5, 3]\nname = 'abc'.upper()\ntotal = sum(data)")
    run_id = notebook.last.info.run_id
    params = {param.key: (param.value, param.origin) for param in notebook.store.params.all(run_id)}
    assert params["rows"] == (3, Origin.LOGGED)
    assert params["name"] == ("ABC", Origin.LOGGED)
    metrics = {metric.key: (metric.last, metric.origin) for metric in notebook.store.metrics.summaries(run_id)}
    assert metrics == {"best": (5.0, Origin.LOGGED), "total": (9.0, Origin.LOGGED)}


def test_what_was_asked_for_and_is_not_there_is_a_finding(notebook: Notebook) -> None:
    notebook.run("%%track_run -p missing -m text\ntext = 'a'.upper()\nx = len(text) / 6")
    run_id = notebook.last.info.run_id
    messages = [finding.message for finding in notebook.store.facts.findings(run_id) if finding.kind == "capture"]
    assert messages == ["the param 'missing': NameError: name 'missing' is not defined", "the metric 'text' is a str, and no number"]
    assert notebook.last.data.metrics == {"x": pytest.approx(1 / 6)}


def test_name_and_values_take_expressions(notebook: Notebook) -> None:
    notebook.run("depth, who = 3, {'team': 'red'}")
    notebook.run("%%track_run \"depth {depth + 1}\" -t team={who['team']} -e trees-{depth}\nx = 1")
    assert notebook.last.info.run_name == "depth 4"
    assert notebook.last.data.tags["team"] == "red"
    assert notebook.store.experiments.get(notebook.last.info.experiment_id).name == "trees-3"


def test_seeds_hidden_state_and_the_kernel_are_on_record(notebook: Notebook) -> None:
    notebook.run("import numpy as np\nnp.random.seed(7)")
    notebook.run("a = 1.5", cell_id="a")
    notebook.run("b = a * 2", cell_id="b")
    notebook.run("a = 2.5", cell_id="a")
    notebook.run("%%track_run\nnoise = np.random.rand()\nc = b + 1", cell_id="c")
    run_id = notebook.last.info.run_id
    facts = notebook.store.facts.all(run_id)
    assert facts["seeds"] == {"numpy.random.seed": 7}
    assert facts["kernel"]["frontend"] == "ipython-terminal"
    assert {"environment", "kernel"} <= set(facts)
    assert any(finding.kind == "hidden-state" for finding in notebook.store.facts.findings(run_id))


def test_an_object_whose_repr_raises_costs_nothing(notebook: Notebook) -> None:
    notebook.run("class Bad:\n    def __repr__(self):\n        raise ValueError('no repr')\nbad = Bad()")
    notebook.run("%%track_run\ny = bad\nx = len('a') / 4")
    assert notebook.last.data.metrics == {"x": 0.25}
    assert notebook.last.info.status is RunStatus.FINISHED


def test_a_frame_with_mixed_and_unhashable_cells_is_an_input(notebook: Notebook) -> None:
    notebook.run("import pandas as pd\ndf = pd.DataFrame({'a': [[1], {'b': 2}, None], 'c': [1, 'x', 2.5]}, dtype=object)")
    notebook.run("%%track_run\nrows = len(df) / 1")
    assert [item.dataset.name for item in notebook.last.inputs.dataset_inputs] == ["df"]


def test_unicode_and_emoji_in_names_and_values(notebook: Notebook) -> None:
    notebook.run("%%track_run 'été 🌲' -e 'Größe' -t 'team=日本'\nαλφα = 0.5\nμ = len('a') / 3")
    assert notebook.last.info.run_name == "été 🌲"
    assert notebook.last.data.params == {"αλφα": 0.5}
    assert notebook.last.data.metrics == {"μ": pytest.approx(1 / 3)}


def test_a_cell_of_another_language_is_tracked_without_inference(notebook: Notebook) -> None:
    notebook.run("%%track_run\n%%html\n<b>x = 1</b>")
    assert notebook.last.info.status is RunStatus.FINISHED
    assert notebook.last.data.params == {}


def test_a_cell_without_a_body_is_a_run(notebook: Notebook) -> None:
    notebook.run("%%track_run nothing")
    assert notebook.last.info.run_name == "nothing"
    assert notebook.last.info.status is RunStatus.FINISHED
