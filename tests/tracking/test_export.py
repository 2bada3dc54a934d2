"""Runs as documents: nothing lost, and JSON that any reader accepts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbtrack
from nbtrack.entities import Cell, CellOutput, CellRole, Dataset, Finding, OutputKind, RunCell, RunCode, Severity
from nbtrack.errors import InvalidPath
from nbtrack.tracking.export import export_folder, folder_name, json_bytes, run_document
from nbtrack.tracking.session import current_session


def read_strictly(data: bytes) -> Any:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    return json.loads(data, parse_constant=refuse)


@pytest.fixture
def full_run() -> str:
    """A run with something of every kind."""
    with nbtrack.start_run(run_name="full 🎲", tags={"team": "sales"}) as run:
        run.log_params({"rate": 0.1, "none": None, "nan": math.nan, "text": "NaN", "nested": [1, math.inf], "big": 2**70})
        run.log_param("rate", 0.2)
        for step, value in enumerate((1.0, math.nan, -math.inf)):
            run.log_metric("loss", value, step=step, timestamp=1000 + step)
        run.log_input(Dataset("X", "d" * 64, schema=[{"name": "a", "type": "double"}], profile={"shape": [2, 1]}), context="train")
        run.log_text("x", "notes/a.txt")
        run.store.cells.set_code(run.run_id, RunCode("session", [RunCell(Cell(1, "X = 1", cell_id="c1"), CellRole.OWN, ("X",))], ("exec",)))
        run.store.cells.add_outputs(run.run_id, [CellOutput(OutputKind.STDOUT, "hello", truncated_chars=3)])
        run.store.facts.set(run.run_id, {"seeds": {"numpy": 0}})
        run.store.facts.add_findings(run.run_id, [Finding("seed", Severity.WARNING, "no seed", line=2, fix="set one")])
        run.store.events.append(actor="ada", action="run.note", subject=run.run_id, details={"text": "fine"})
    return run.run_id


def test_a_document_has_all_there_is(full_run: str) -> None:
    document = read_strictly(json_bytes(run_document(current_session().store(), full_run)))
    params = {param["key"]: (param["type"], param["value"]) for param in document["params"]}
    assert params["rate"] == ("float", 0.2)
    assert params["none"] == ("none", None)
    assert params["nan"] == ("float", "NaN")
    assert params["text"] == ("str", "NaN")
    assert params["big"] == ("int", 2**70)
    assert json.loads(next(param["exact"] for param in document["params"] if param["key"] == "nested")) == [1, math.inf]
    assert [(change["old_value"], change["new_value"]) for change in document["param_changes"]] == [(0.1, 0.2)]
    (loss,) = document["metrics"]
    assert loss["points"] == {"steps": [0, 1, 2], "timestamps": [1000, 1001, 1002], "values": [1.0, "NaN", "-Infinity"]}
    assert document["inputs"][0]["dataset"]["profile"] == {"shape": [2, 1]}
    assert document["code"]["cells"][0]["source"] == "X = 1"
    assert document["code"]["unresolved"] == ["exec"]
    assert document["outputs"][0]["text"] == "hello"
    assert document["facts"]["seeds"] == {"numpy": 0}
    assert document["findings"][0]["fix"] == "set one"
    assert document["artifacts"][0]["path"] == "notes/a.txt"
    assert document["events"][0]["action"] == "run.note"
    assert document["tags"]["team"] == "sales"


def test_points_stand_on_one_line_however_many(full_run: str) -> None:
    with nbtrack.start_run() as run:
        run.log_metrics({"loss": [float(number) for number in range(1000)]})
    assert len(json_bytes(run_document(current_session().store(), run.run_id)).splitlines()) < 60


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_any_value_is_strict_json_that_says_the_same(value: Any) -> None:
    assert read_strictly(json_bytes(value)) == plain(value)


def plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    assert read_strictly(json_bytes({"text": "\ud83d"})) == {"text": "\ud83d"}


@given(st.text(min_size=1))
def test_a_folder_name_is_one_plain_part_of_a_path(name: str) -> None:
    found = folder_name(name, "0123456789abcdef")
    assert found.endswith("-01234567")
    assert not set(found) & set('/\\:*?"<>|\0')
    assert not found.startswith(".")


def test_a_folder_holds_each_run_with_its_artifacts(full_run: str, empty_folder: Path) -> None:
    (target,) = export_folder(current_session().store(), [full_run], empty_folder / "out")
    assert (target / "artifacts" / "notes" / "a.txt").read_text() == "x"
    assert read_strictly((target / "run.json").read_bytes())["info"]["run_id"] == full_run


def test_an_export_never_writes_over_what_is_there(full_run: str, empty_folder: Path) -> None:
    (empty_folder / "file").write_text("")
    with pytest.raises(InvalidPath, match="it is a file"):
        export_folder(current_session().store(), [full_run], empty_folder / "file")
    with pytest.raises(InvalidPath, match="something in it"):
        export_folder(current_session().store(), [full_run], empty_folder)
