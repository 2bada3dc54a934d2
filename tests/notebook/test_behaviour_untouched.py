"""A cell behaves with ``%%track_run`` on top exactly as it does without."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from cells import Notebook

CELLS = {
    "last expression": "x = 1\nx + 1",
    "last expression is None": "None",
    "semicolon": "1 + 1;",
    "assignment": "y = [1, 2, 3]",
    "print": "print('out')\nimport sys\nprint('err', file=sys.stderr)",
    "display": "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\ndisplay({'a': 1}, {'b': 2})\n'last'",
    "await": "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "async with and for": "async def numbers():\n    yield 1\n    yield 2\n[n async for n in numbers()]",
    "line magic": "%matplotlib inline\n%pwd\nname = %env HOME\nname",
    "time below": "%%time\nz = 5",
    "capture below": "%%capture captured\nprint('hidden')\n5",
    "timeit below": "%%timeit -n1 -r1 -q\nz = 5",
    "html below": "%%html\n<b>x</b>",
    "shell": "!echo from the shell",
    "help": "len?",
    "exit": "exit()",
    "future import": "from __future__ import annotations\ndef f(x: undefined_name): ...\nf.__annotations__",
    "docstring": "'''doc'''\nx = 1",
    "comment only": "# nothing",
    "no body": "",
    "blank lines on top": "\n\n1 / 0",
    "error": "a = 1\nb = 0\na / b",
    "error in a function": "def f(n):\n    return 1 / n\n\n\n\n\n\nf(0)",
    "chained error": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('chained') from e",
    "unicode error": "raise ValueError('ü🌲')",
    "syntax error": "x = (1,\ny = 2",
    "indentation error": "if True:\nx = 1",
    "name error in a magic": "%run nothing_here.py",
    "unknown magic": "%nonsense",
    "usage error": "%%time -zzz\n1",
    "assertion": "assert 1 == 2, 'no'",
    "system exit": "import sys\nsys.exit(3)",
    "interrupt": "raise KeyboardInterrupt",
    "recursion": "def f(): return f()\nf()",
    "odd repr": "Odd = type('Odd', (), {'__repr__': lambda self: 1 / 0})\nOdd()",
    "redirected": "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as buffer:\n    print('inside')\nbuffer.getvalue()",
    "stdout object": "import sys\n(type(sys.stdout).__name__, sys.stdout is sys.__stdout__, hasattr(sys.stdout, 'buffer'))",
    "nested run_cell": "get_ipython().run_cell('inner = 1\\ninner + 1')\n'outer'",
    "two expressions": "1\n2\n3",
    "lambda and walrus": "(n := 10) + 1",
    "class and globals": "class A:\n    b = 1\nglobals()['made'] = A.b\nmade",
    "frame": "import sys\nsys._getframe().f_lineno",
    "warning": "import warnings\nwarnings.warn('careful', UserWarning)",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CELLS)
def test_a_tracked_cell_behaves_as_an_untracked_one(notebook: Notebook, capfd: pytest.CaptureFixture[str], name: str) -> None:
    cell = CELLS[name]
    # The same number of lines, so that tracebacks can be compared word for word.
    plain = _behaviour(notebook, capfd, f"pass\n{cell}" if not cell.startswith("%%") else f"\n{cell}")
    tracked = _behaviour(notebook, capfd, f"%%track_run --quiet\n{cell}")
    assert tracked == plain
    assert notebook.session.active is None


@pytest.mark.parametrize("name", ["last expression", "print", "display", "error", "no body"])
def test_it_works_below_time_and_capture_too(notebook: Notebook, capfd: pytest.CaptureFixture[str], name: str) -> None:
    for above in ("%%time", "%%capture"):
        plain = _behaviour(notebook, capfd, f"{above}\npass\n{CELLS[name]}")
        tracked = _behaviour(notebook, capfd, f"{above}\n%%track_run --quiet\n{CELLS[name]}")
        assert tracked == plain
    assert len(notebook.runs) == 2


def test_streams_and_display_are_as_before_afterwards(notebook: Notebook) -> None:
    shell = notebook.shell
    owners = (shell.display_formatter, shell.display_pub, shell.displayhook)
    before = (sys.stdout, sys.stderr, [{name for name in vars(owner) if not name.startswith("_")} for owner in owners])
    notebook.run("%%track_run\nprint('x')\n1")
    notebook.run("%%track_run\n1 / 0", fails=True)
    assert (sys.stdout, sys.stderr, [{name for name in vars(owner) if not name.startswith("_")} for owner in owners]) == before
    assert "track" not in repr(vars(sys.stdout))


def test_the_raw_cell_is_what_history_shows(notebook: Notebook) -> None:
    notebook.run("%%track_run forest\nx = 1")
    assert notebook.shell.history_manager.input_hist_raw[-1] == "%%track_run forest\nx = 1"


def test_the_last_result_is_the_users(notebook: Notebook) -> None:
    notebook.run("%%track_run\n40 + 2")
    assert notebook.shell.user_ns["_"] == 42
    notebook.run("%%track_run\npass")
    assert notebook.shell.user_ns["_"] == 42
    assert 42 in notebook.shell.user_ns["Out"].values()


def _behaviour(notebook: Notebook, capfd: pytest.CaptureFixture[str], cell: str) -> dict[str, Any]:
    """Everything that a user could notice of a cell."""
    capfd.readouterr()
    notebook.displayed.clear()
    known = set(notebook.shell.user_ns)
    result = notebook.shell.run_cell(cell, store_history=True)
    captured = capfd.readouterr()
    error = result.error_before_exec or result.error_in_exec
    made = {name: repr(type(value)) for name, value in notebook.shell.user_ns.items() if name not in known and not re.match(r"_i?\d*$|_i+$", name)}
    for name in made:
        del notebook.shell.user_ns[name]
    return {
        "result": _plain(_text(result.result)),
        "error": (type(error), _plain(str(error))),
        "before": result.error_before_exec is not None,
        "stdout": _plain(captured.out),
        "stderr": _plain(captured.err),
        "displayed": [_plain(_text(bundle)) for bundle in notebook.displayed],
        "names": made,
    }


def _text(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"repr raised {error!r}"


def _plain(text: str) -> str:
    """Without what differs between any two executions of one cell, and the cell's own first line."""
    text = re.sub(r"(In|Out)\[\d+\]|In \[\d+\]|<ipython-input-\d+-\w+>|<cell line: \d+>|0x[0-9a-f]+", "", text)
    text = re.sub(r"(?m)^.*(pass|run_line_magic\('track_run'.*|run_cell_magic\(.*)$\n?", "", text)
    text = re.sub(r"(?m)^(CPU times|Wall time).*$\n?", "", text)
    # How deep a recursion gets depends on what Python still had to import on the way.
    text = re.sub(r"\(\d+ times\)", "(many times)", text)
    return re.sub(r"ipykernel_\d+/\d+", "", text)
