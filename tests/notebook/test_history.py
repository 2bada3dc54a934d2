from __future__ import annotations

from nbtrack.notebook import history
from nbtrack.notebook.history import Execution, SessionHistory


def test_cells_are_numbered_in_the_order_of_execution() -> None:
    cells = SessionHistory()
    first = cells.begin("x = 1", cell_id="a", execution_count=1)
    second = cells.begin("y = x", cell_id="b", execution_count=2)
    assert [cell.position for cell in cells.cells] == [1, 2]
    cells.end(first, duration=0.5, succeeded=True)
    assert [cell.succeeded for cell in cells.cells] == [True, False]
    assert cells.cells[0].duration == 0.5
    assert second.started is not None


def test_cells_before_the_history_began_are_taken_in() -> None:
    cells = SessionHistory()
    cells.adopt(["x = 1", "  ", "y = 2"])
    assert [(cell.position, cell.execution_count, cell.source) for cell in cells.cells] == [(1, 1, "x = 1"), (3, 3, "y = 2")]
    assert cells.begin("z", cell_id=None, execution_count=4).position == 4


def test_the_oldest_cells_go_when_there_are_too_many(monkeypatch) -> None:
    monkeypatch.setattr(history, "MAX_CELLS", 3)
    cells = SessionHistory()
    for number in range(5):
        cells.begin(f"x = {number}", cell_id=None, execution_count=number)
    assert [cell.position for cell in cells.cells] == [3, 4, 5]


def test_long_cells_are_bounded_by_their_text(monkeypatch) -> None:
    monkeypatch.setattr(history, "MAX_CHARS", 10)
    cells = SessionHistory()
    for _ in range(4):
        cells.begin("123456", cell_id=None, execution_count=None)
    assert len(cells.cells) == 1


def test_only_what_changed_is_saved_again() -> None:
    cells = SessionHistory()
    cell = cells.begin("x = 1", cell_id=None, execution_count=1)
    cells.saved(cells.unsaved())
    assert cells.unsaved() == []
    ended = cells.end(cell, duration=1.0, succeeded=True)
    assert cells.unsaved() == [ended]


def test_an_execution_is_told_by_the_id_of_its_cell_or_by_its_text() -> None:
    cells = SessionHistory()

    def key(source: str, cell_id: str | None) -> str:
        return Execution(cells.begin(source, cell_id=cell_id, execution_count=None)).key.rpartition("#")[0]

    assert key("x = 1", "a") == key("x = 2", "a")
    assert key("x = 1", "a") != key("x = 1", "b")
    assert key("x = 1", None) == key("x = 1\n", None) != key("x = 2", None)
