"""How a metric was computed, as short text, and what to call a number that has no name.

The text of a definition keeps what makes two metrics different, and nothing else:
``round(f1_score(y_test, model.predict(X_test), average="macro"), 3)`` is
``f1_score(average='macro')``. Data, rounding and variable names are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbtrack.capture.calls import CALLED, ITEM, Resolver, Target, callee_of
from nbtrack.capture.libraries import CROSS_VALIDATION, DATA_ARGUMENTS, METRIC_FUNCTIONS, is_metric
from nbtrack.capture.literals import NotTyped, is_scalar, typed_value

MAX_CHARS = 200
_MAX_DEPTH = 12

_SAME_NUMBER = frozenset({"float", "int", "round", "around"})  # round(x, 3) is x for a reader
_SAME_NUMBER_METHODS = frozenset({"item", "round", "numpy", "cpu", "detach", "tolist", "astype", "compute", "result"})
_SUMMARIES = frozenset({"mean", "median", "std", "var", "min", "max", "sum", "nanmean", "nanstd", "sqrt", "abs", "log", "average"})
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


@dataclass(frozen=True)
class Definitions:
    """Writes definitions for one cell.

    ``expressions`` has, for each name that the cell binds once, what it binds it to and the place
    within an unpacked value; ``values`` the scalars that names hold.
    """

    resolver: Resolver
    expressions: Mapping[str, tuple[ast.expr, int | None]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)

    def of(self, node: ast.expr, item: int | None = None) -> str | None:
        """The definition of ``node``, or None where no known metric function made it."""
        text = self._text(node, 0)
        if text is None or len(text) > MAX_CHARS:
            return None
        return text if item is None else f"{text}[{item}]"

    def _text(self, node: ast.expr, depth: int) -> str | None:
        if depth > _MAX_DEPTH:
            return None
        match node:
            case ast.Call():
                return self._call(node, depth + 1)
            case ast.Name(id=name) if name in self.expressions:
                expression, item = self.expressions[name]
                text = self._text(expression, depth + 1)
                return text if text is None or item is None else f"{text}[{item}]"
            case ast.Await(value=inner):
                return self._text(inner, depth + 1)
            case ast.Subscript(value=inner, slice=ast.Constant(value=key)):
                return self._after(inner, f"[{key!r}]", depth)
            case ast.Attribute(value=inner, attr=name):
                return self._after(inner, f".{name}", depth)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                text = self._text(inner, depth + 1)
                return None if text is None else f"-{text}"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._arithmetic(left, _OPERATORS[type(op)], right, depth + 1)
        return None

    def _after(self, inner: ast.expr, suffix: str, depth: int) -> str | None:
        text = self._text(inner, depth + 1)
        return None if text is None else text + suffix

    def _arithmetic(self, left: ast.expr, sign: str, right: ast.expr, depth: int) -> str | None:
        texts = [_literal(side) or self._text(side, depth) for side in (left, right)]
        if None in texts or all(_literal(side) for side in (left, right)):
            return None
        sides = [f"({text})" if isinstance(side, ast.BinOp) else text for side, text in zip((left, right), texts, strict=True)]
        return f"{sides[0]} {sign} {sides[1]}"

    def _call(self, node: ast.Call, depth: int) -> str | None:
        target = metric_function(node, self.resolver)
        if target is not None:
            return f"{target.name}({self._keywords(node)})"
        match node.func:
            case ast.Name(id=name):
                if name in _SAME_NUMBER and node.args:
                    return self._text(node.args[0], depth)
                if name in _SUMMARIES and len(node.args) == 1:
                    return self._around(name, node.args[0], depth)
                return self._text(node.func, depth) if name in self.expressions else None  # metric = Accuracy(); metric(p, y)
            case ast.Attribute(value=inner, attr=name):
                return self._method(node, inner, name, depth)
        return None

    def _method(self, node: ast.Call, inner: ast.expr, name: str, depth: int) -> str | None:
        own = self._text(inner, depth)
        if own is not None and (name in _SAME_NUMBER_METHODS or name in _SUMMARIES):
            return own if name in _SAME_NUMBER_METHODS else f"{own}.{name}()"
        if own is None and isinstance(inner, ast.Name) and node.args:  # np.sqrt(mean_squared_error(...))
            if name in _SAME_NUMBER:
                return self._text(node.args[0], depth)
            if name in _SUMMARIES and len(node.args) == 1:
                return self._around(name, node.args[0], depth)
        return None

    def _around(self, name: str, inner: ast.expr, depth: int) -> str | None:
        text = self._text(inner, depth)
        return None if text is None else f"{name}({text})"

    def _keywords(self, node: ast.Call) -> str:
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg and keyword.arg not in DATA_ARGUMENTS}
        return ", ".join(f"{name}={self._argument(given[name])}" for name in sorted(given))

    def _argument(self, node: ast.expr) -> str:
        text = _literal(node)
        if text is None and isinstance(node, ast.Name):
            value = self.values.get(node.id, node)
            text = repr(value) if is_scalar(value) else node.id
        return text if text is not None else ast.unparse(node)


def _literal(node: ast.expr) -> str | None:
    try:
        return repr(typed_value(node))
    except NotTyped:
        return None


def metric_function(node: ast.Call, resolver: Resolver) -> Target | None:
    """The metric function, or metric class, that ``node`` calls; None when it is none that is known."""
    callee = callee_of(node.func)
    target = resolver.target(callee)
    if target is None:
        known = callee.root in METRIC_FUNCTIONS and not callee.parts
        return Target(callee.text, callee.text) if known else None
    measures = (is_metric(target.path) and not target.method) or target.path in CROSS_VALIDATION
    return target if measures else None


def result_name(node: ast.expr, resolver: Resolver) -> str | None:
    """What to call a number that the cell showed without naming it; None for a size of data.

    A call names it (``accuracy_score``, ``model.score``), a name or an attribute does
    (``grid.best_score_``), and arithmetic is ``result``.
    """
    match node:
        case ast.Await(value=inner):
            return result_name(inner, resolver)
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _SAME_NUMBER:
            return result_name(first, resolver)
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in ("item", "round") and not _is_module(inner, resolver):
            return result_name(inner, resolver)
        case ast.Call():
            return _call_name(node, resolver)
        case ast.Name(id=name) | ast.NamedExpr(target=ast.Name(id=name)):
            return name
        case ast.Attribute(attr="size" | "ndim" | "nbytes" | "itemsize" | "shape"):
            return None
        case ast.Attribute(value=inner, attr=name):
            before = result_name(inner, resolver)
            return None if before is None else f"{before}.{name}"
        case ast.Subscript(value=inner, slice=key):
            before = result_name(inner, resolver)
            text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
            return before if before is None or text is None else f"{before}.{text}"
        case ast.Constant():
            return None
    return "result"


def _is_module(node: ast.expr, resolver: Resolver) -> bool:
    return isinstance(node, ast.Name) and node.id in resolver.imports


def _call_name(node: ast.Call, resolver: Resolver) -> str | None:
    callee = callee_of(node.func)
    if callee.text in ("len", "sys.getsizeof", "id", "hash") or callee.text.endswith(".memory_usage.sum"):
        return None  # a size, only displayed
    target = metric_function(node, resolver)
    if target is not None:
        return target.label
    names = [part for part in callee.parts if part not in (CALLED, ITEM, "fit")]  # fit() returns the model itself
    first = [] if callee.root is None else [callee.root]
    return ".".join([*first, *names]) or "result"
