"""What counts as typed: literals, arithmetic on them, and the containers that hold them.

A literal is a number, a string, a boolean or None; a tuple, list or dict of these, at any depth,
up to `MAX_ITEMS` values and `MAX_CHARS` characters in all. Arithmetic of numbers alone
(``1e-3``, ``-1``, ``2**10``, ``10 * 60``), joined strings, ``float("inf")`` and the constants
``math.inf`` and ``np.pi`` are typed as well: nobody computes them. Sets, bytes, complex numbers
and f-strings with a placeholder are not.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

MAX_ITEMS = 100  # scalars of one value, at any depth
MAX_CHARS = 6000  # of all its strings; MLflow's limit for a param

_MAX_BITS = 2048  # of an integer that arithmetic may make: 10**10**10 would never end
_MAX_DEPTH = 20


class NotTyped(Exception):
    """The expression is no literal."""


_OPERATORS: Mapping[type[ast.operator], Callable[[int | float, int | float], int | float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_CONSTANTS = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e}
_CONSTANT_MODULES = frozenset({"math", "np", "numpy"})
_SPECIAL_FLOATS = frozenset({"inf", "+inf", "-inf", "infinity", "-infinity", "nan"})


def typed_value(node: ast.expr) -> object:
    """The value of a literal expression.

    Raises
    ------
    NotTyped
        ``node`` is no literal, or one beyond the stated size.
    """
    value = _value(node, 0)
    items, chars = size_of(value)
    if items > MAX_ITEMS or chars > MAX_CHARS:
        raise NotTyped
    return value


def is_typed(node: ast.expr) -> bool:
    """Whether ``node`` is a literal of a size that a param may have."""
    try:
        typed_value(node)
    except NotTyped:
        return False
    return True


def is_scalar(value: object) -> bool:
    """Whether ``value`` is a plain number, string, boolean or None."""
    return value is None or type(value) in (bool, int, float, str)


def same(first: object, second: object) -> bool:
    """Whether two values are equal and of the same types; never calls code of the user's classes."""
    if type(first) is not type(second):
        return False
    if isinstance(first, float) and isinstance(second, float):
        return first == second or (first != first and second != second)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(same(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, dict) and isinstance(second, dict):
        return len(first) == len(second) and all(same(a, b) and same(first[a], second[b]) for a, b in zip(first, second, strict=True))
    return is_scalar(first) and first == second


def plain_copy(value: object) -> object:
    """A copy of ``value`` when it is made of plain scalars and containers within the size.

    Raises
    ------
    NotTyped
        It holds anything else, or is too large.
    """
    items, chars = size_of(value)
    if items > MAX_ITEMS or chars > MAX_CHARS:
        raise NotTyped
    return _copied(value)


def _copied(value: object) -> object:
    if is_scalar(value):
        return value
    if type(value) is tuple:
        return tuple(_copied(item) for item in value)
    if type(value) is list:
        return [_copied(item) for item in value]
    if type(value) is dict and all(map(is_scalar, value)):
        return {key: _copied(item) for key, item in value.items()}
    raise NotTyped


def size_of(value: object) -> tuple[int, int]:
    """Scalars and characters in ``value``; counting stops once either is over its limit."""
    items = chars = visits = 0
    waiting = [value]
    while waiting and items <= MAX_ITEMS and chars <= MAX_CHARS:
        item = waiting.pop()
        visits += 1
        if visits > 10 * MAX_ITEMS:  # containers of nothing but containers; a list may hold itself
            return MAX_ITEMS + 1, chars
        if type(item) is dict and isinstance(item, dict):
            waiting += [*item, *item.values()]
            items -= len(item)  # a key and its value are one
        elif type(item) in (list, tuple) and isinstance(item, (list, tuple)):
            waiting += item
        else:
            items += 1
            chars += len(item) if type(item) is str and isinstance(item, str) else 0
    return items, chars


def _value(node: ast.expr, depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise NotTyped
    match node:
        case ast.Constant(value=value) if is_scalar(value) and _bits(value) <= _MAX_BITS:
            return value
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, _value(operand, depth + 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _value(left, depth + 1), _value(right, depth + 1))
        case ast.Tuple(elts=items):
            return tuple(_value(item, depth + 1) for item in items)
        case ast.List(elts=items):
            return [_value(item, depth + 1) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key, depth): _value(value, depth + 1) for key, value in zip(keys, values, strict=True)}
        case ast.JoinedStr(values=parts) if all(isinstance(part, ast.Constant) for part in parts):
            return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _CONSTANT_MODULES and name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]) if text.strip().lower() in _SPECIAL_FLOATS:
            return float(text)
    raise NotTyped


def _key(node: ast.expr | None, depth: int) -> object:
    key = None if node is None else _value(node, depth + 1)
    if node is None or not is_scalar(key):  # {**other}, or a tuple as key
        raise NotTyped
    return key


def _unary(op: ast.unaryop, value: object) -> object:
    if isinstance(op, ast.Not) and is_scalar(value):
        return not value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(op, ast.USub):
            return -value
        if isinstance(op, ast.UAdd):
            return value
    raise NotTyped


def _binary(op: ast.operator, left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add):
        return left + right
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if not numbers or isinstance(left, bool) or isinstance(right, bool) or type(op) not in _OPERATORS:
        raise NotTyped
    return _computed(op, left, right)  # type: ignore[arg-type]  # both are numbers, checked above


def _computed(op: ast.operator, left: int | float, right: int | float) -> int | float:
    if isinstance(op, ast.Pow) and (abs(right) > _MAX_BITS or _bits(left) * abs(right) > _MAX_BITS):
        raise NotTyped
    try:
        result = _OPERATORS[type(op)](left, right)
    except ArithmeticError:  # 1 / 0, 2.0 ** 5000
        raise NotTyped from None
    if isinstance(result, complex) or _bits(result) > _MAX_BITS:  # (-1) ** 0.5 is complex
        raise NotTyped
    return result


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 1
