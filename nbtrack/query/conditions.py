"""Conditions that make sense: each is checked against the kinds of its operands when it is made.

MLflow's strictness stays where a mistake would give no runs in silence (a metric compared with
text, a tag with a number), and goes where it only costs typing (``params.n = 3``).
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from nbtrack.errors import InvalidFilter, did_you_mean
from nbtrack.query.literals import parse_duration, parse_time
from nbtrack.query.nodes import (
    CONSTANTS,
    REFERENCES,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Calculation,
    Comparator,
    Comparison,
    Constant,
    DatasetField,
    Expression,
    In,
    IsNan,
    IsNull,
    Like,
    Metric,
    Number,
    Operand,
    Param,
    Reference,
    Tag,
    Text,
    Unary,
)
from nbtrack.query.tokens import Source, exact
from nbtrack.query.vocabulary import Kind, Vocabulary

MAX_PATTERN = 10_000  # characters; SQLite refuses patterns beyond 50,000 bytes

_MIRRORED: dict[Comparator, Comparator] = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CALCULATE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


@dataclass(frozen=True)
class Conditions:
    """Makes conditions over one vocabulary; ``now`` is what ``'2 days ago'`` counts from."""

    source: Source
    vocabulary: Vocabulary
    now: datetime

    def kind(self, operand: Operand) -> Kind:
        """What values the operand has."""
        if isinstance(operand, Param):
            return Kind.ANY
        if isinstance(operand, (Tag, DatasetField, Text)):
            return Kind.TEXT
        if isinstance(operand, Boolean):
            return Kind.BOOLEAN
        return self.vocabulary.attributes[operand.name] if isinstance(operand, Attribute) else Kind.NUMBER

    def compare(self, left: Operand, comparator: Comparator, right: Operand, column: int) -> Expression:
        """``left comparator right``, with a constant moved to the right side."""
        if isinstance(left, CONSTANTS):
            if isinstance(right, CONSTANTS):
                raise self._error(left, f"both sides of '{comparator}' are constants; name a metric, param, tag or attribute on one")
            left, comparator, right = right, _MIRRORED[comparator], left
        if isinstance(right, CONSTANTS):
            right = self._constant(left, right, f"'{comparator}'")
        if not self._numeric(left, right):
            self._check_texts(left, comparator, right)
        return Comparison(left, comparator, right, column=column)

    def contains(self, operand: Operand, values: list[Constant], column: int, *, negated: bool) -> Expression:
        """``operand [NOT] IN (values)``."""
        self._not_constant(operand, "IN")
        return In(operand, tuple(self._constant(operand, value, "IN") for value in values), negated, column=column)

    def between(self, operand: Operand, low: Operand, high: Operand, column: int, *, negated: bool) -> Expression:
        """``operand [NOT] BETWEEN low AND high``."""
        self._not_constant(operand, "BETWEEN")
        if self.kind(operand) is Kind.TEXT:
            raise self._error(operand, f"BETWEEN compares numbers and times; {operand} holds text")
        low, high = (self._bound(operand, bound) for bound in (low, high))
        return Between(operand, low, high, negated, column=column)

    def like(self, operand: Operand, pattern: str, column: int, *, ignore_case: bool, negated: bool) -> Expression:
        """``operand [NOT] [I]LIKE pattern``."""
        word = "ILIKE" if ignore_case else "LIKE"
        if self.kind(operand) not in (Kind.TEXT, Kind.ANY):
            holds = {Kind.TIME: "holds a time", Kind.DURATION: "is a duration", Kind.BOOLEAN: "is no text"}.get(self.kind(operand), "holds a number")
            raise self._error(operand, f"{word} compares text, and {operand} {holds}; use =, <, > or BETWEEN")
        self._not_constant(operand, word)
        if len(pattern) > MAX_PATTERN:
            raise self.source.error(column, f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed")
        return Like(cast(Reference, operand), pattern, ignore_case, negated, column=column)

    def null(self, operand: Operand, column: int, *, negated: bool) -> Expression:
        """``operand IS [NOT] NULL``."""
        if not isinstance(operand, REFERENCES):
            raise self._error(operand, f"IS NULL asks whether a run has a metric, param, tag or attribute; {operand} is none of these")
        return IsNull(operand, negated, column=column)

    def nan(self, operand: Operand, column: int, *, negated: bool) -> Expression:
        """``metric IS [NOT] NAN``."""
        if not isinstance(operand, Metric):
            raise self._error(operand, f"IS NAN asks about a metric, and {operand} is none")
        return IsNan(operand, negated, column=column)

    def calculate(self, left: Operand, sign: Calculation, right: Operand, column: int) -> Operand:
        """``left sign right``; constants are calculated at once."""
        for operand in (left, right):
            self.number(operand, f"'{sign}'")
        if sign == "/" and right == Number(0):
            raise self._error(right, "this divides by zero")
        if isinstance(left, Number) and isinstance(right, Number):
            return self._folded(exact(_CALCULATE[sign](left.value, right.value)), column)
        return Arithmetic(left, sign, right, column=column)

    def negative(self, operand: Operand, column: int) -> Operand:
        """``-operand``."""
        self.number(operand, "'-'")
        return Number(-operand.value, column=column) if isinstance(operand, Number) else Unary("-", operand, column=column)

    def absolute(self, operand: Operand, column: int) -> Operand:
        """``abs(operand)``."""
        self.number(operand, "abs")
        return Number(abs(operand.value), column=column) if isinstance(operand, Number) else Unary("abs", operand, column=column)

    def number(self, operand: Operand, sign: str) -> None:
        """Raise unless the operand can be calculated with."""
        if not (self.kind(operand).numeric or isinstance(operand, Param)):
            raise self._error(operand, f"{sign} calculates with numbers; {operand} {'is none' if isinstance(operand, CONSTANTS) else 'holds text'}")

    def _folded(self, value: float, column: int) -> Number:
        if math.isnan(value):
            raise self.source.error(column, "this calculation has no result")
        return Number(value, column=column)

    def _constant(self, operand: Operand, value: Constant, after: str) -> Constant:
        """``value`` as ``operand`` can be compared with it."""
        kind = self.kind(operand)
        if kind is Kind.ANY:
            return value
        if kind is Kind.TEXT:
            return self._text(operand, value)
        if isinstance(value, Text) and kind is not Kind.NUMBER:
            return self._time(kind, value, after)
        if not isinstance(value, Number):
            raise self._error(value, f"expected a number after {after}, found {value}{_unquote_hint(value)}")
        return value

    def _time(self, kind: Kind, value: Text, after: str) -> Number:
        number = parse_time(value.value, self.now) if kind is Kind.TIME else parse_duration(value.value)
        if number is None:
            example = "milliseconds or a date such as '2026-03-01 14:30' or '2 days ago'" if kind is Kind.TIME else "seconds or a text such as '5 min'"
            raise self._error(value, f"expected {example} after {after}, found {value}")
        return Number(exact(number), column=value.column)

    def _text(self, operand: Operand, value: Constant) -> Text:
        if not isinstance(value, Text):
            raise self._error(value, f"{operand} holds text; quote the value: '{value}'")
        choices = self.vocabulary.choices.get(operand.name) if isinstance(operand, Attribute) else None
        if choices is None:
            return value
        chosen = next((choice for choice in choices if choice.lower() == value.value.lower()), None)
        if chosen is None:
            raise self._error(value, f"{operand} is never {value}; it is {' or '.join(choices)}.{did_you_mean(value.value.upper(), choices)}")
        return replace(value, value=chosen)

    def _bound(self, operand: Operand, bound: Operand) -> Operand:
        if isinstance(bound, CONSTANTS):
            bound = self._constant(operand, bound, "BETWEEN")
        if not (self.kind(bound).numeric or isinstance(bound, Param)):
            raise self._error(bound, f"expected a number after BETWEEN, found {bound}{_unquote_hint(bound)}")
        return bound

    def _numeric(self, left: Operand, right: Operand) -> bool:
        """Whether numbers are compared. Raises if one side can only be a number and the other can't."""
        for one, other in ((left, right), (right, left)):
            if self.kind(one).numeric and not self.kind(other).numeric and self.kind(other) is not Kind.ANY:
                raise self._error(other, f"{one} is a number, and {other} holds text; they can't be compared")
        return self.kind(left).numeric or self.kind(right).numeric

    def _check_texts(self, left: Operand, comparator: Comparator, right: Operand) -> None:
        """Check a comparison in which no side is surely a number."""
        if isinstance(right, REFERENCES) and DatasetField in (type(left), type(right)):
            raise self._error(left, "a run may have read several datasets; compare them with a text, such as datasets.name = 'train'")
        textual = Kind.TEXT in (self.kind(left), self.kind(right)) or isinstance(right, Boolean)
        if textual and comparator not in ("=", "!="):
            raise self._error(right, f"'{comparator}' compares numbers, found {right}{_unquote_hint(right)}; text is compared with =, !=, LIKE, ILIKE or IN")

    def _not_constant(self, operand: Operand, word: str) -> None:
        if isinstance(operand, CONSTANTS):
            raise self._error(operand, f"{word} needs a metric, param, tag or attribute on its left, found {operand}")

    def _error(self, node: Operand, problem: str) -> InvalidFilter:
        return self.source.error(node.column, problem)


def _unquote_hint(value: Operand) -> str:
    """A hint for a number in quotes."""
    try:
        float(value.value if isinstance(value, Text) else "")
    except ValueError:
        return ""
    return f" (remove the quotes: {value.value.strip()})" if isinstance(value, Text) else ""
