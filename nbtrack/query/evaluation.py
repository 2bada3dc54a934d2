"""A parsed filter applied to values at hand, with the meaning that the stores' SQL gives it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from nbtrack.query.nodes import (
    And,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Comparison,
    Constant,
    DatasetField,
    Expression,
    In,
    IsNan,
    IsNull,
    Like,
    Not,
    Number,
    Operand,
    Or,
    Param,
    Reference,
    Tag,
    Text,
    Unary,
)
from nbtrack.query.vocabulary import PATH_ATTRIBUTES

# What a run has under a reference: a number, text, boolean or any param value; for a dataset field
# the list of them. A LookupError (KeyError, ...) says that the run lacks it.
Lookup = Callable[[Reference], Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CALCULATE: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_PATTERN_PART = re.compile(r"\\([%_\\])|(%)|(_)|(.)", re.DOTALL)


def evaluate(expression: Expression, lookup: Lookup) -> bool:
    """Whether the condition holds for what ``lookup`` finds."""
    if isinstance(expression, And):
        return all(evaluate(part, lookup) for part in expression.conditions)
    if isinstance(expression, Or):
        return any(evaluate(part, lookup) for part in expression.conditions)
    if isinstance(expression, Not):
        return not evaluate(expression.condition, lookup)
    if isinstance(expression, IsNull):
        return (_find(expression.operand, lookup) is None) is not expression.negated
    if isinstance(expression, IsNan):
        found = _find(expression.operand, lookup)
        return found is not None and math.isnan(found[0]) is not expression.negated
    if isinstance(expression, Comparison):
        return _compare(expression, lookup)
    if isinstance(expression, Between):
        values = [number_of(operand, lookup) for operand in (expression.low, expression.operand, expression.high)]
        low, value, high = values
        return low is not None and value is not None and high is not None and (low <= value <= high) is not expression.negated
    if isinstance(expression, Like):
        fold = str.lower if expression.ignore_case else str
        pattern = _regex(fold(expression.pattern))
        return any((pattern.fullmatch(fold(text)) is not None) is not expression.negated for text in _texts(expression.operand, lookup))
    return _contains(expression, lookup)


def number_of(operand: Operand, lookup: Lookup) -> float | None:
    """The number that an operand is; None if it has none, or NaN."""
    if isinstance(operand, Number):
        return float(operand.value)
    if isinstance(operand, Unary):
        value = number_of(operand.operand, lookup)
        return None if value is None else -value if operand.function == "-" else abs(value)
    if isinstance(operand, Arithmetic):
        left, right = number_of(operand.left, lookup), number_of(operand.right, lookup)
        if left is None or right is None or (operand.operator == "/" and right == 0):
            return None
        return _known(_CALCULATE[operand.operator](left, right))
    if isinstance(operand, (Text, Boolean)):
        return None
    found = _find(operand, lookup)
    return _known(found[0]) if found and isinstance(found[0], (int, float)) else None


def _known(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats, which the stores keep as infinity
        number = math.inf if value > 0 else -math.inf
    return None if math.isnan(number) else number


def _find(reference: Reference, lookup: Lookup) -> list[Any] | None:
    """The values under a reference, one but for datasets; None if there are none."""
    try:
        value = lookup(reference)
    except LookupError:
        return None
    if isinstance(reference, DatasetField):
        return list(value) or None
    return None if value is None and not isinstance(reference, Param) else [value]


def _texts(operand: Operand, lookup: Lookup) -> list[str]:
    if isinstance(operand, Text):
        return [operand.value]
    if not isinstance(operand, (Param, Tag, Attribute, DatasetField)):
        return []
    return [str(value) for value in _find(operand, lookup) or ()]


def _textual(operand: Operand, lookup: Lookup) -> bool:
    if isinstance(operand, Attribute):
        return isinstance((_find(operand, lookup) or [None])[0], str)
    return isinstance(operand, (Text, Tag, DatasetField))


def _compare(expression: Comparison, lookup: Lookup) -> bool:
    left, right, compare = expression.left, expression.right, _COMPARE[expression.operator]
    if isinstance(right, Boolean):
        return any(compare(text in _spellings(right), True) for text in _texts(left, lookup))
    if isinstance(left, Param) and isinstance(right, Param) and expression.operator in ("=", "!="):
        return _same_param(left, right, lookup, equal=expression.operator == "=")
    if _textual(left, lookup) or _textual(right, lookup):
        wanted = _texts(right, lookup)
        return any(compare(_equal_text(left, text, other), True) for text in _texts(left, lookup) for other in wanted)
    if isinstance(left, Param) and isinstance(right, Number) and expression.operator == "!=":
        return _find(left, lookup) is not None and number_of(left, lookup) != right.value
    one, other = number_of(left, lookup), number_of(right, lookup)
    return one is not None and other is not None and compare(one, other)


def _same_param(left: Param, right: Param, lookup: Lookup, *, equal: bool) -> bool:
    one, other = _find(left, lookup), _find(right, lookup)
    if one is None or other is None:
        return False
    numbers = number_of(left, lookup), number_of(right, lookup)
    same = str(one[0]) == str(other[0]) or (numbers[0] is not None and numbers[0] == numbers[1])
    return same is equal


def _contains(expression: In, lookup: Lookup) -> bool:
    operand = expression.operand
    if isinstance(operand, Param) or _textual(operand, lookup):
        value = number_of(operand, lookup)
        found = [any(_matches(operand, text, value, item) for item in expression.values) for text in _texts(operand, lookup)]
        return (not expression.negated) in found
    value = number_of(operand, lookup)
    return value is not None and any(value == item.value for item in expression.values) is not expression.negated


def _matches(operand: Operand, text: str, value: float | None, item: Constant) -> bool:
    if isinstance(item, Number):
        return value == item.value
    return text in _spellings(item) if isinstance(item, Boolean) else _equal_text(operand, text, item.value)


def _spellings(boolean: Boolean) -> tuple[str, str]:
    return (str(boolean.value), str(boolean))


def _equal_text(operand: Operand, text: str, wanted: str) -> bool:
    is_path = isinstance(operand, Attribute) and operand.name in PATH_ATTRIBUTES
    return text == wanted or (is_path and text.endswith("/" + wanted))


def _regex(pattern: str) -> re.Pattern[str]:
    parts = []
    for escaped, anything, single, plain in _PATTERN_PART.findall(pattern):
        parts.append(".*" if anything else "." if single else re.escape(escaped or plain))
    return re.compile("".join(parts), re.DOTALL)
