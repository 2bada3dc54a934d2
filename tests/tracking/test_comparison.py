"""What differs between runs."""

from __future__ import annotations

import math

import pytest

import nbtrack
from nbtrack.entities import Cell, CellRole, Dataset, RunCell, RunCode
from nbtrack.errors import RunNotFound
from nbtrack.tracking.comparison import MISSING, Row, compare, same
from nbtrack.tracking.goals import Goal
from nbtrack.tracking.session import current_session


def rows_of(*run_ids: str) -> dict[tuple[str, str], Row]:
    comparison = compare(current_session().store(), run_ids)
    return {(row.section, row.key): row for row in comparison.rows}


def make_run(name: str, **params: object) -> str:
    with nbtrack.start_run(run_name=name) as run:
        run.log_params(params)
    return run.run_id


def test_values_line_up_key_by_key_and_what_is_missing_is_told_from_none() -> None:
    rows = rows_of(make_run("a", depth=None, rate=0.1), make_run("b", rate=0.1))
    assert list(rows["params", "depth"].values) == [None, MISSING]
    assert rows["params", "depth"].differs
    assert not rows["params", "rate"].differs


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), ("1", 1), (None, MISSING), ([1], [1.0]), ({"a": 1}, {"a": True}), ([1, 2], [1])])
def test_values_of_different_types_are_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("value", [1, 0.1, math.nan, math.inf, "text", None, [1, math.nan], {"a": [1]}])
def test_a_value_is_the_same_as_itself_nan_included(value: object) -> None:
    assert same(value, value)


def test_metrics_know_which_way_they_are_better() -> None:
    with nbtrack.start_run() as run:
        run.log_metrics({"auc": 0.9, "loss": 0.1, "rows": 5})
    rows = rows_of(run.run_id, run.run_id)
    assert [rows["metrics", key].goal for key in ("auc", "loss", "rows")] == [Goal.MAX, Goal.MIN, None]


def test_data_differs_by_its_digest() -> None:
    ids = []
    for digest in ("a" * 64, "b" * 64):
        with nbtrack.start_run() as run:
            run.log_input(Dataset("X_train", digest, profile={"shape": [10, 3]}), context="train")
        ids.append(run.run_id)
    row = rows_of(*ids)["data", "X_train (train)"]
    assert list(row.values) == ["aaaaaaaa, 10 x 3", "bbbbbbbb, 10 x 3"]


def test_code_differs_by_the_cell_and_by_the_cells_before() -> None:
    ids = []
    for number, source in enumerate(("X = 1", "X = 2")):
        with nbtrack.start_run(run_name=f"run {number}") as run:
            cells = [RunCell(Cell(1, source), CellRole.CLOSURE, ("X",)), RunCell(Cell(2, "fit(X)"), CellRole.OWN)]
            run.store.cells.set_code(run.run_id, RunCode(f"session {number}", cells))
        ids.append(run.run_id)
    rows = rows_of(*ids)
    assert not rows["code", "own cell"].differs
    assert rows["code", "earlier cells"].differs
    assert list(compare(current_session().store(), ids).code_diff) == []


def test_only_tags_of_people_are_compared() -> None:
    with nbtrack.start_run(tags={"family": "trees"}) as run:
        pass
    assert [key for section, key in rows_of(run.run_id, run.run_id) if section == "tags"] == ["family"]


def test_an_unknown_run_is_an_error() -> None:
    with pytest.raises(RunNotFound):
        compare(current_session().store(), [make_run("a"), "0" * 32])
