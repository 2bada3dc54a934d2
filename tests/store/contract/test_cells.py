from __future__ import annotations

import pytest

from nbtrack.entities import Cell, CellOutput, CellRole, OutputKind, RunCell, RunCode
from nbtrack.errors import RunNotFound
from nbtrack.store.base import Store

from ..builders import new_run

LOAD = Cell(1, "X, y = load()", cell_id="a1", execution_count=1, started=1_000, duration=0.5)
SPLIT = Cell(2, "X_train, X_test = split(X)", execution_count=2)
FIT = Cell(4, "model.fit(X_train)  # 🌲", cell_id="c3", execution_count=4, started=3_000, duration=2.0)


def test_the_code_of_a_run_is_its_cell_and_its_closure_in_executed_order(store: Store, run_id: str) -> None:
    code = RunCode("kernel-1", (RunCell(LOAD, CellRole.CLOSURE, ("X",)), RunCell(FIT, CellRole.OWN)), unresolved=("exec(...)",))
    store.cells.set_code(run_id, code)
    found = store.cells.code(run_id)
    assert found == code
    assert (found.own, found.closure) == (FIT, [LOAD])


def test_setting_the_code_again_replaces_it(store: Store, run_id: str) -> None:
    store.cells.set_code(run_id, RunCode("kernel-1", (RunCell(LOAD, CellRole.CLOSURE), RunCell(FIT, CellRole.OWN))))
    store.cells.set_code(run_id, RunCode("kernel-1", (RunCell(SPLIT, CellRole.CLOSURE, ("X_train",)), RunCell(FIT, CellRole.OWN))))
    assert store.cells.code(run_id).closure == [SPLIT]
    assert store.cells.code(run_id).unresolved == ()


def test_a_run_outside_a_kernel_has_code_of_its_own(store: Store, run_id: str) -> None:
    other = new_run(store)
    for run, source in ((run_id, "first"), (other, "other"), (run_id, "second")):
        store.cells.set_code(run, RunCode(None, (RunCell(Cell(1, source), CellRole.OWN),)))
    assert store.cells.code(run_id) == RunCode(None, (RunCell(Cell(1, "second"), CellRole.OWN),))
    own = store.cells.code(other).own
    assert own is not None
    assert own.source == "other"


def test_a_run_without_code_has_none(store: Store, run_id: str) -> None:
    assert store.cells.code(run_id) == RunCode()
    with pytest.raises(RunNotFound):
        store.cells.code("unknown")


def test_a_session_remembers_its_cells_in_executed_order(store: Store) -> None:
    store.cells.record("kernel-1", [FIT, LOAD], facts={"front_end": "JupyterLab"})
    store.cells.record("kernel-1", [SPLIT])
    store.cells.record("kernel-2", [Cell(1, "other")])
    assert store.cells.history("kernel-1") == [LOAD, SPLIT, FIT]
    assert store.cells.history("unknown") == []


def test_a_cell_keeps_its_source_and_learns_how_it_ended(store: Store) -> None:
    store.cells.record("kernel-1", [Cell(1, "fit()", started=5)])
    store.cells.record("kernel-1", [Cell(1, "edited", started=9, duration=3.0, succeeded=False)])
    store.cells.record("kernel-1", [Cell(1, "fit()", succeeded=False)])
    assert store.cells.history("kernel-1") == [Cell(1, "fit()", started=5, duration=3.0, succeeded=False)]


def test_outputs_are_added_in_order(store: Store, run_id: str) -> None:
    first = [CellOutput(OutputKind.STDOUT, "epoch 1\n"), CellOutput(OutputKind.RESULT, "<table>", "text/html", "tables/1.json", 12)]
    last = CellOutput(OutputKind.ERROR, "ValueError")
    store.cells.add_outputs(run_id, first)
    store.cells.add_outputs(run_id, [])
    store.cells.add_outputs(run_id, [last])
    assert store.cells.outputs(run_id) == [*first, last]


def test_half_surrogate_pairs_are_written_out(store: Store, run_id: str) -> None:
    store.cells.set_code(run_id, RunCode("k", (RunCell(Cell(1, "print('\ud83d')"), CellRole.OWN, ("\udcff",)),), ("\udcff",)))
    store.cells.add_outputs(run_id, [CellOutput(OutputKind.STDOUT, "\ud83d")])
    code = store.cells.code(run_id)
    assert code.cells[0].cell.source == "print('\\ud83d')"
    assert (code.cells[0].names, code.unresolved) == (("\udcff",), ("\udcff",))
    assert store.cells.outputs(run_id)[0].text == "\\ud83d"
