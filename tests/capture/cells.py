"""Runs the text of cells as a kernel would, and hands the outcome to the capture rule."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nbtrack.capture.code import CellCode, SessionNames, analyse_cell
from nbtrack.capture.inference import NOTHING, Inferred, infer
from nbtrack.capture.ipython_syntax import parse_cell


class Shell:
    """What magics talk to; they do nothing here."""

    def run_line_magic(self, *_: str) -> None:
        pass


def execute(source: str, namespace: dict[str, object]) -> object:
    """Run a cell; the value of its last expression, or `NOTHING`."""
    namespace.setdefault("get_ipython", Shell)
    body = list(parse_cell(source).tree.body)
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, type_ignores=[]), "<cell>", "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return NOTHING
    value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    return NOTHING if value is None else value


def inferred(source: str, *earlier: str, given: dict[str, object] | None = None) -> Inferred:
    """What the rule finds in ``source`` after the ``earlier`` cells, with the names of ``given`` set before."""
    namespace: dict[str, object] = dict(given or {})
    for cell in earlier:
        execute(cell, namespace)
    code = analyse_cell(source)
    before = {name: id(namespace[name]) for name in code.bound_names if name in namespace}
    result = execute(source, namespace)
    return infer(code, values=namespace, earlier=SessionNames(earlier), before=before, result=result)


def params(source: str, *earlier: str, given: dict[str, object] | None = None) -> dict[str, object]:
    """The inferred params."""
    return {param.key: param.value for param in inferred(source, *earlier, given=given).params}


def metrics(source: str, *earlier: str, given: dict[str, object] | None = None) -> dict[str, float]:
    """The inferred metrics."""
    return {metric.key: metric.value for metric in inferred(source, *earlier, given=given).metrics}


def definitions(source: str, *earlier: str, given: dict[str, object] | None = None) -> dict[str, str]:
    """The definitions of the inferred metrics, where known."""
    return {metric.key: metric.definition for metric in inferred(source, *earlier, given=given).metrics if metric.definition is not None}


def code_after(source: str, earlier: Sequence[str]) -> tuple[CellCode, SessionNames]:
    """A cell and what the cells before it said, none of them run."""
    return analyse_cell(source), SessionNames(earlier)
