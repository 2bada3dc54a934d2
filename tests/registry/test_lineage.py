from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from nbtrack.entities import Cell, CellRole, Dataset, DatasetInput, InputTag, RunCell, RunCode
from nbtrack.errors import InvalidInput
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store

DIGEST = "5d" * 32


def data(name: str, digest: str, context: str) -> DatasetInput:
    dataset = Dataset(name, digest, schema=[{"name": "age", "type": "long"}], profile={"num_rows": 398, "shape": [398, 30]})
    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


@pytest.fixture
def told(three: Registry, store: Store) -> Registry:
    """Version 2 comes from a cell with a closure, data, a commit and an environment."""
    run_id = three.get_model_version("churn", 2).run_id or ""
    store.inputs.log(run_id, [data("X_train", DIGEST, "train"), data("X_test", "7e" * 32, "test")])
    load, fit = Cell(1, "X, y = load('<churn> & co')", execution_count=1), Cell(3, "\nmodel.fit(X, y)", cell_id="c3", execution_count=3)
    store.cells.set_code(run_id, RunCode("kernel-1", (RunCell(load, CellRole.CLOSURE), RunCell(fit, CellRole.OWN))))
    packages = {"scikit-learn": "1.6.1", "numpy": "2.1"}
    store.facts.set(run_id, {"git": {"commit": "c0ffee" * 6, "branch": "main", "dirty": True}, "environment": {"python": "3.11.9", "packages": packages}})
    return three


def test_lineage_names_run_cell_closure_data_parent_commit_and_environment(told: Registry) -> None:
    line = told.lineage("churn", 2)
    version = told.get_model_version("churn", 2)
    assert line.run is not None
    assert line.cell is not None
    assert line.code is not None
    assert (line.run.run_id, line.run.experiment, line.run.source) == (version.run_id, "Default", "train.py")
    assert (line.cell.source, line.cell.cell_id, [cell.execution_count for cell in line.closure]) == ("\nmodel.fit(X, y)", "c3", [1])
    assert [(item.name, item.context, item.rows) for item in line.data] == [("X_train", "train", 398), ("X_test", "test", 398)]
    assert (line.parent, line.digest, line.code.commit, line.code.dirty) == (1, version.digest, "c0ffee" * 6, True)
    assert line.environment["packages"]["numpy"] == "2.1"
    assert json.loads(json.dumps(line.to_dict()))["data"][0]["digest"] == DIGEST


def test_lineage_is_drawn_with_all_text_escaped(told: Registry) -> None:
    picture = ElementTree.fromstring(told.lineage("churn", 2).to_svg())
    words = " ".join(picture.itertext())
    for expected in ("X_train", DIGEST, "load('<churn> & co')", "c0ffee", "uncommitted changes", "Python 3.11.9", "version 2", "version 1", "model.fit"):
        assert expected in words
    assert "<svg" in told.lineage("churn", 2)._repr_svg_()


def test_a_version_without_a_run_has_what_is_known(registry: Registry) -> None:
    registry.create_registered_model("plain")
    registry.create_model_version("plain", "s3://elsewhere")
    line = registry.lineage("plain", 1)
    assert (line.run, line.cell, line.data, line.code, line.environment) == (None, None, [], None, {})
    assert "not in this store" in "".join(ElementTree.fromstring(line.to_svg()).itertext())


def test_many_inputs_are_drawn_as_few_boxes(told: Registry, store: Store) -> None:
    run_id = told.get_model_version("churn", 3).run_id or ""
    store.inputs.log(run_id, [data(f"part_{number}", f"{number:064x}", "train") for number in range(30)])
    words = "".join(ElementTree.fromstring(told.lineage("churn", 3).to_svg()).itertext())
    assert "and 25 more" in words


def test_the_versions_that_used_some_data_are_found_by_its_digest(told: Registry, store: Store) -> None:
    store.inputs.log(told.get_model_version("churn", 3).run_id or "", [data("X", DIGEST, "train")])
    for text in (DIGEST, DIGEST[:8]):
        assert {version.version for version in told.versions_using(text)} == {2, 3}
    assert told.versions_using("7e" * 32) == [told.get_model_version("churn", 2)]
    assert told.versions_using("00" * 32) == []
    for text in ("5d5d", "%%%%%%%%", "", None):
        with pytest.raises(InvalidInput, match="a data digest"):
            told.versions_using(text)  # type: ignore[arg-type]
