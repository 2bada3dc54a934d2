from __future__ import annotations

import pytest
from cells import Notebook

from nbtrack.notebook.transformer import transform

CALL = "get_ipython().run_line_magic('track_run', {!r})\n"


def transformed(cell: str) -> str:
    return "".join(transform(cell.splitlines(keepends=True)))


def test_the_first_line_becomes_a_call_and_the_lines_keep_their_numbers() -> None:
    assert transformed("%%track_run forest -e churn\nx = 1\n\ny = 2\n") == CALL.format("forest -e churn") + "x = 1\n\ny = 2\n"


def test_a_cell_without_arguments_or_body() -> None:
    assert transformed("%%track_run") == CALL.format("")
    assert transformed("%%track_run   \n") == CALL.format("")


@pytest.mark.parametrize("cell", ["", "x = 1\n", "%%track_run?", "%%track_runs x\n", "%%time\n%%track_run x\ny\n", "x = 1\n%%track_run\n", "%track_run x\n"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert transformed(cell) == cell


def test_a_second_cell_magic_becomes_the_call_that_ipython_makes() -> None:
    assert transformed("%%track_run a\n\n%%time -x\ny = 1\n") == CALL.format("a") + "\n" + "get_ipython().run_cell_magic('time', '-x', 'y = 1\\n')\n"


def test_future_imports_stay_first() -> None:
    cell = "%%track_run a\n# why\nfrom __future__ import annotations\nx = 1\n"
    assert transformed(cell) == "\n# why\nfrom __future__ import annotations; get_ipython().run_line_magic('track_run', 'a')\nx = 1\n"


def test_it_is_pure() -> None:
    lines = ["%%track_run a\n", "x = 1\n"]
    assert transform(lines) == transform(lines)
    assert lines == ["%%track_run a\n", "x = 1\n"]


def test_a_terminal_waits_for_the_body_as_it_does_for_every_cell_magic(notebook: Notebook) -> None:
    asked = notebook.shell.input_transformer_manager.check_complete
    for typed in ("\n", " forest -e churn\n", "\nx = 1"):
        assert asked(f"%%track_run{typed.rstrip()}") == asked(f"%%time{typed.rstrip()}") == ("incomplete", 0)
        assert asked(f"%%track_run{typed}") == asked(f"%%time{typed}")
    assert asked("%%track_run\nx = 1\n\n") == asked("%%time\nx = 1\n\n") == ("complete", None)
