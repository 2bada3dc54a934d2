from __future__ import annotations

from nbtrack.capture.closure import closure
from nbtrack.capture.hidden_state import hidden_state
from nbtrack.entities import Cell, Finding, Severity


def executed(*cells: tuple[str | None, str]) -> list[Cell]:
    """Cells as ``(id, source)`` in the order in which they ran, one second after another from second 1."""
    return [Cell(place, source, cell_id=cell_id, execution_count=place, started=place * 1000) for place, (cell_id, source) in enumerate(cells, start=1)]


def findings(*cells: tuple[str | None, str], notebook: dict[str, str] | None = None, saved_at: int | None = None) -> list[Finding]:
    """The findings on the last cell."""
    *earlier, own = executed(*cells)
    return hidden_state(own, closure(own, earlier), earlier, notebook_cells=notebook, saved_at=saved_at)


def messages(*cells: tuple[str | None, str], notebook: dict[str, str] | None = None, saved_at: int | None = None) -> list[str]:
    return [finding.message for finding in findings(*cells, notebook=notebook, saved_at=saved_at)]


def test_a_notebook_run_in_its_order_has_no_hidden_state() -> None:
    notebook = {"a": "x = 1", "b": "y = x", "c": "print(y)"}
    assert messages(*notebook.items(), notebook=notebook) == []
    assert messages(*notebook.items()) == []


def test_a_name_from_a_cell_that_was_edited_since_is_found() -> None:
    (finding,) = findings(("a", "x = 1"), ("b", "print(x)"), notebook={"a": "x = 2", "b": "print(x)"})
    assert finding.message == "x came from In [1], which was edited since it ran."
    assert (finding.kind, finding.severity, finding.cell) == ("hidden-state", Severity.WARNING, "a")
    assert finding.evidence == {"reason": "edited", "names": ["x"], "cell_id": "a", "execution_count": 1}
    assert finding.fix


def test_a_name_that_the_cells_next_version_does_not_bind_any_more_is_found() -> None:
    assert messages(("a", "x = 1\ny = 2"), ("a", "y = 2"), ("b", "print(x, y)")) == ["x came from In [1], which was edited since it ran."]


def test_a_name_from_an_earlier_version_of_the_cell_itself_is_found() -> None:
    assert messages(("a", "x = 1"), ("a", "print(x)")) == ["x came from an earlier version of this cell (In [1])."]


def test_a_name_from_a_cell_that_is_gone_is_found() -> None:
    (finding,) = findings(("a", "x, y = 1, 2"), ("b", "print(x, y)"), notebook={"b": "print(x, y)"})
    assert finding.message == "x and y came from In [1], which is no longer in the notebook."
    assert finding.evidence["reason"] == "deleted"


def test_edits_that_have_no_part_in_the_name_are_left_alone() -> None:
    executed_source = "import numpy as np\nx = np.mean([1])\nprint('a')"
    edited = "import numpy as np\nimport pandas as pd\n# a comment\nx = np.mean( [1] )\nprint('b')"
    assert messages(("a", executed_source), ("b", "print(x)"), notebook={"a": edited, "b": "print(x)"}) == []


def test_edits_of_what_the_name_was_made_from_are_found() -> None:
    assert messages(("a", "k = 1\nx = k + 1"), ("b", "print(x)"), notebook={"a": "k = 2\nx = k + 1", "b": ""}) == [
        "x came from In [1], which was edited since it ran."
    ]
    source, edited = "def f():\n    return g()\ndef g():\n    return 1", "def f():\n    return g()\ndef g():\n    return 2"
    assert messages(("a", source), ("b", "f()"), notebook={"a": edited, "b": "f()"}) == ["f and g came from In [1], which was edited since it ran."]


def test_a_cell_that_was_edited_and_run_again_before_is_up_to_date() -> None:
    assert messages(("a", "x = 1"), ("a", "x = 2"), ("b", "print(x)"), notebook={"a": "x = 2", "b": "print(x)"}) == []


def test_without_cell_ids_nothing_is_said() -> None:
    assert messages((None, "x = 1"), (None, "print(x)"), notebook={"a": "x = 2"}) == []


def test_a_file_saved_before_the_cell_ran_does_not_judge_it() -> None:
    cells = [("a", "x = 1"), ("b", "print(x)")]
    assert messages(*cells, notebook={"a": "x = 2", "b": ""}, saved_at=500) == []
    assert messages(*cells, notebook={"b": ""}, saved_at=500) == []
    assert len(messages(*cells, notebook={"a": "x = 2", "b": ""}, saved_at=1500)) == 1


def test_a_need_from_below_is_found() -> None:
    notebook = {"a": "print(x)", "b": "x = 1"}
    (finding,) = findings(("b", "x = 1"), ("a", "print(x)"), notebook=notebook)
    assert finding.message == "x came from In [1], which stands below this cell in the notebook."
    assert finding.evidence["reason"] == "order"


def test_a_need_from_below_between_earlier_cells_is_found() -> None:
    notebook = {"a": "y = x", "b": "x = 1", "c": "print(y)"}
    assert messages(("b", "x = 1"), ("a", "y = x"), ("c", "print(y)"), notebook=notebook) == ["x came from In [1], which stands below In [2] in the notebook."]


def test_a_change_from_below_counts_if_it_is_certain() -> None:
    notebook = {"a": "df = f()", "b": "print(df)", "c": "df['x'] = 1", "d": "train(df)"}
    cells = [("a", "df = f()"), ("c", "df['x'] = 1"), ("d", "train(df)"), ("b", "print(df)")]
    assert messages(*cells, notebook=notebook) == ["df came from In [2], which stands below this cell in the notebook."]


def test_a_cell_that_may_only_have_changed_the_object_is_not_blamed_for_edits() -> None:
    assert messages(("a", "df = f()"), ("b", "train(df)"), ("c", "print(df)"), notebook={"a": "df = f()", "c": ""}) == []
