"""Whether a statement of a cell can have run, as far as its tests and the values afterwards tell."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from nbtrack.capture.bindings import Place, statements
from nbtrack.capture.code import CellCode
from nbtrack.capture.literals import NotTyped, plain_copy, typed_value


class _Unknown(Exception):
    """The test can't be told from here."""


_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}


class Course:
    """The way that a cell took: which of its statements were passed by.

    ``stopped_at`` is the line at which it raised. Tests count only where they are plain: a name
    or a comparison of names with literals, names that the cell binds at most once.
    """

    def __init__(self, code: CellCode, values: Mapping[str, object], stopped_at: int | None = None) -> None:
        self._values = values
        counts: dict[str, int] = {}
        for binding in code.bindings:
            counts[binding.name] = counts.get(binding.name, 0) + 1
        self._unsteady = {name for name, count in counts.items() if count > 1}
        self._stop = None if stopped_at is None else _statement_at(code, stopped_at)

    def may_have_run(self, place: Place, line: int, *, to_its_end: bool = True) -> bool:
        """Whether a statement at ``place`` can have run; with ``to_its_end`` the one that raised did not."""
        if self._stop is not None:
            top, first, last = self._stop
            if place.top > top or (place.top == top and not place.loop and line >= (first if to_its_end else last + 1)):
                return False
        return not any(self._answer(test) is (not truth) for test, truth in place.guards)

    def came_past(self, place: Place) -> bool:
        """Whether the cell came to the end of the top-level statement at ``place``."""
        return self._stop is None or place.top < self._stop[0]

    def _answer(self, test: ast.expr) -> bool | None:
        try:
            return bool(self._evaluate(test))
        except (_Unknown, TypeError):  # values that do not compare
            return None

    def _evaluate(self, node: ast.expr) -> object:
        match node:
            case ast.Name(id=name) if name in self._values and name not in self._unsteady:
                try:
                    return plain_copy(self._values[name])
                except NotTyped:
                    raise _Unknown from None
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._evaluate(operand)
            case ast.BoolOp(op=op, values=parts):
                answers = [bool(self._evaluate(part)) for part in parts]
                return all(answers) if isinstance(op, ast.And) else any(answers)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return _COMPARISONS[type(op)](self._evaluate(left), self._evaluate(right))
        try:
            return typed_value(node)
        except NotTyped:
            raise _Unknown from None


def _statement_at(code: CellCode, line: int) -> tuple[int, int, int] | None:
    """The innermost statement that covers ``line``: its top-level statement, its first and last own line."""
    found: tuple[int, int, int] | None = None
    for statement, place in statements(code.body):
        if statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            inner = [body[0].lineno - 1 for body in (getattr(statement, "body", None),) if isinstance(body, list) and body]
            last = max(statement.lineno, inner[0]) if inner else statement.end_lineno or statement.lineno
            found = (place.top, statement.lineno, last)
    return found
