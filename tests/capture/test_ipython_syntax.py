from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.ipython_syntax import magic_call, parse_cell, plain_python


def lines_of_names(source: str) -> dict[str, int]:
    return {node.id: node.lineno for node in ast.walk(parse_cell(source).tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "%load_ext autoreload",
        "!pip install x",
        "!!ls",
        "?len",
        "len?",
        "df.head??",
        "%timeit?",
        "files = !ls",
        "files = %sx ls -l",
        "a, b = !ls",
        "%%time",
        "%%track_run forest -e churn",
        "%%capture out",
    ],
)
def test_ipython_syntax_is_read_and_the_line_after_it_keeps_its_number(line: str) -> None:
    assert parse_cell(f"{line}\nx = 1").problem is None
    assert lines_of_names(f"{line}\nx = 1")["x"] == 2


def test_magics_inside_blocks_keep_the_block() -> None:
    assert lines_of_names("if True:\n    %matplotlib inline\n    !ls\nx = 1") == {"x": 4}


def test_a_percent_sign_inside_brackets_or_strings_is_python() -> None:
    assert lines_of_names("x = (7\n%3)\n!ls\ny = 1") == {"x": 1, "y": 4}
    assert lines_of_names('text = """\n%time a = 1\n!ls\n"""\n%time y = f()') == {"text": 1, "y": 5}
    assert lines_of_names("x = 7 \\\n%3\n!ls") == {"x": 1}
    assert lines_of_names("x = 'it''s' # (\n!ls\ny = 1") == {"x": 1, "y": 3}


def test_a_time_magic_on_a_line_runs_its_statement() -> None:
    assert lines_of_names("a = 1\n%time y = f(a)\nb = 2") == {"a": 1, "y": 2, "b": 3}


def test_a_shell_command_over_several_lines_takes_as_many_lines() -> None:
    assert lines_of_names("!pip install a \\\n  b \\\n  c\nx = 1") == {"x": 4}


def test_stacked_cell_magics_are_read_through() -> None:
    assert lines_of_names("%%track_run forest\n%%time\n\nx = 1") == {"x": 4}


@pytest.mark.parametrize("head", ["%%bash", "%%html", "%%writefile a.py", "%%javascript", "%%sql"])
def test_the_body_of_a_foreign_cell_magic_is_not_python(head: str) -> None:
    parsed = parse_cell(f"{head}\nx = 1")
    assert parsed.problem is None
    assert lines_of_names(f"{head}\nx = 1") == {}


def test_timeit_keeps_its_names_to_itself() -> None:
    assert parse_cell("%%timeit\nx = 1").own_scope
    assert not parse_cell("%%time\nx = 1").own_scope


def test_an_indented_cell_is_read_as_ipython_reads_it() -> None:
    assert lines_of_names("    x = 1\n    y = 2\n") == {"x": 1, "y": 2}


def test_top_level_await_is_python() -> None:
    assert parse_cell("x = await f()\nasync with a as b:\n    pass\nasync for i in c: pass").problem is None


def test_what_ipython_made_of_a_timed_cell_is_read_through_with_its_lines() -> None:
    assert lines_of_names("get_ipython().run_cell_magic('time', '', 'x = 1\\ny = 2\\n')\n") == {"x": 2, "y": 3}


def test_what_ipython_made_of_a_timed_line_is_its_statement() -> None:
    assert lines_of_names("x = 1\nif x:\n    get_ipython().run_line_magic('time', 'y = f(x)')\nz = 2") == {"x": 1, "y": 3, "z": 4}


def test_the_transformed_text_is_read_when_the_source_can_not_be() -> None:
    assert parse_cell(">>> x = 1", transformed="x = 1\n").problem is None
    assert parse_cell("x = 1", transformed="y = = 1").problem is None
    assert parse_cell("x = = 1", transformed="y = = 1").problem == "line 1: invalid syntax"


@pytest.mark.parametrize("source", ["x = ", "def f(:", "a b", "x = 1\x00", "'\ud800'", "(" * 5000, "%", "x = = 1"])
def test_a_cell_that_is_no_python_gives_an_empty_tree_and_a_reason(source: str) -> None:
    parsed = parse_cell(source)
    assert parsed.tree.body == []
    assert parsed.problem


def test_invalid_escapes_do_not_warn_a_second_time() -> None:
    assert parse_cell("pattern = '\\d'").problem is None  # the test suite turns warnings into errors


def test_magic_calls_are_told_by_method_name_and_texts() -> None:
    (statement,) = parse_cell("%run other.ipynb --fast").tree.body
    assert isinstance(statement, ast.Expr)
    assert magic_call(statement.value) == ("run_line_magic", "run", ("other.ipynb --fast",))


@given(st.text(alphabet="%!?xyz=.()'\"\\\n #[]", max_size=60))
def test_the_number_of_lines_never_changes(source: str) -> None:
    assert plain_python(source)[0].count("\n") == source.count("\n")


@given(st.text(max_size=80))
def test_no_text_makes_parsing_raise(source: str) -> None:
    parse_cell(source)
    parse_cell("%%time\n" + source, transformed=source)
