"""Filters and orderings as parameterised SQL that SQLite and PostgreSQL both run.

Every condition compiles to SQL that is true or false and never NULL, so that NOT is plain. Names
and values only ever travel as ``?`` parameters.

Text patterns: LIKE tells cases apart and ILIKE does not, for all letters. PostgreSQL's LIKE and
LOWER do so by themselves; a SQLite connection has to be prepared by ``prepare_sqlite``.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nbtrack.query import (
    CONSTANTS,
    REFERENCES,
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Comparison,
    Constant,
    Expression,
    In,
    IsNan,
    IsNull,
    Like,
    Metric,
    Not,
    Number,
    Operand,
    Or,
    OrderBy,
    Param,
    Reference,
    Tag,
    Text,
    Unary,
)
from nbtrack.query.vocabulary import PATH_ATTRIBUTES
from nbtrack.store.sql.fragments import TRUE, Sql, among, any_of, followed, joined, wrapped
from nbtrack.store.sql.subjects import RUN_SUBJECT, Subject

_LONE_BACKSLASH = re.compile(r"(\\[%_\\])|\\")
_TRUE_OR_FALSE = "COALESCE({}, FALSE)"
_REAL = "CAST({} AS DOUBLE PRECISION)"


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Make LIKE case-sensitive and LOWER aware of all letters, as PostgreSQL has them."""
    connection.execute("PRAGMA case_sensitive_like = ON")
    connection.create_function("lower", 1, _lower, deterministic=True)


def compile_filter(expression: Expression | None, *, now_ms: int, subject: Subject = RUN_SUBJECT) -> Sql:
    """The condition over ``subject.alias``; true for everything where there is no expression.

    ``now_ms`` ends the duration of what is still running.
    """
    return TRUE if expression is None else Compiler(subject, now_ms).condition(expression)


class OrderTerm(NamedTuple):
    """One term of an ORDER BY; its text has NULLS LAST only where there can be any, so that an index can give the order."""

    sql: str
    params: tuple[object, ...]
    descending: bool
    nullable: bool = True

    def as_sql(self) -> Sql:
        """The term with its direction."""
        return Sql(f"{self.sql} {'DESC' if self.descending else 'ASC'}{' NULLS LAST' if self.nullable else ''}", self.params)


def compile_order_by(order_by: Sequence[OrderBy], *, now_ms: int, subject: Subject = RUN_SUBJECT) -> list[OrderTerm]:
    """The terms of an ORDER BY over ``subject.alias``, without the default order at its end.

    Numbers of a param come before its texts in both directions, NaN after all numbers, and what a
    run lacks last.
    """
    compiler = Compiler(subject, now_ms)
    return [term for key in order_by for term in compiler.order(key)]


@dataclass(frozen=True)
class Compiler:
    """Compiles the nodes of one search."""

    subject: Subject
    now_ms: int

    def condition(self, expression: Expression) -> Sql:
        """A condition, true or false for every thing."""
        if isinstance(expression, (And, Or)):
            # The deepest first: SQLite's parser has a stack of 100, which then holds nothing but parentheses.
            parts = [self.condition(part) for part in sorted(expression.conditions, key=_depth, reverse=True)]
            return wrapped("({})", joined(parts, " AND " if isinstance(expression, And) else " OR "))
        if isinstance(expression, Not):
            inner = expression.condition
            if isinstance(inner, Not):
                return self.condition(inner.condition)
            return wrapped("NOT {}" if isinstance(inner, (And, Or)) else "NOT ({})", self.condition(inner))
        if isinstance(expression, IsNull):
            return self._is_null(expression)
        reference = tested(expression)
        if reference is None:
            return self._calculated(expression)
        rows = self.subject.rows(reference)
        if rows is not None:
            return wrapped("EXISTS ({})", rows.of(self.subject.key, self.test(expression, rows.alias)))
        test = self.test(expression, "")
        if isinstance(reference, Attribute) and reference.name in self.subject.nullable:
            return Sql(f"({self._column(reference).sql} IS NOT NULL AND {test.sql})", test.params)
        return test

    def owners(self, expression: Expression) -> Sql | None:
        """SELECT the keys of the things that meet a condition, some of them twice; None where it takes more than other tables' rows."""
        if isinstance(expression, Or):
            parts = [self.owners(part) for part in expression.conditions]
            known = [part for part in parts if part is not None]
            return joined(known, " UNION ALL ") if len(known) == len(parts) else None
        reference = tested(expression)
        rows = None if reference is None else self.subject.rows(reference)
        return None if rows is None else rows.owners(self.test(expression, rows.alias))

    def test(self, expression: Expression, alias: str) -> Sql:
        """What the row of ``tested(expression)`` must meet; ``alias`` is that of its table."""
        if isinstance(expression, Comparison) and isinstance(expression.left, REFERENCES) and isinstance(expression.right, CONSTANTS):
            if expression.operator in ("=", "!="):
                return self._equal(expression.left, alias, [expression.right], negated=expression.operator == "!=")
            return followed(self._column(expression.left, alias), f" {expression.operator} ?", _parameter(expression.left, expression.right))
        if isinstance(expression, In) and isinstance(expression.operand, REFERENCES):
            return self._equal(expression.operand, alias, expression.values, negated=expression.negated)
        if isinstance(expression, Between) and isinstance(expression.operand, REFERENCES):
            ends = (_parameter(expression.operand, end) for end in (expression.low, expression.high))
            return followed(self._column(expression.operand, alias), f" {_not(expression)}BETWEEN ? AND ?", *ends)
        if isinstance(expression, IsNan):
            return followed(self._column(expression.operand, alias), f" IS {'NOT ' if expression.negated else ''}NULL")
        if isinstance(expression, Like):
            column = self._column(expression.operand, alias, textual=True)
            form, pattern = ("LOWER({})", "LOWER(?)") if expression.ignore_case else ("{}", "?")
            return followed(wrapped(form, column), f" {_not(expression)}LIKE {pattern} ESCAPE '\\'", _strict(expression.pattern))
        raise TypeError(f"{expression} is not decided by one row")

    def order(self, key: OrderBy) -> list[OrderTerm]:
        """The terms that one sort key becomes."""
        operand, descending = key.operand, key.descending
        if isinstance(operand, Attribute):
            return [OrderTerm(*self._column(operand), descending, operand.name in self.subject.nullable)]
        if isinstance(operand, Param):
            text = self._value(operand, "CASE WHEN p.number IS NULL THEN p.text END")
            return [OrderTerm(*self._value(operand, "p.number"), descending), OrderTerm(*text, descending)]
        if isinstance(operand, Tag):
            return [OrderTerm(*self._value(operand, "t.value"), descending)]
        if isinstance(operand, Metric):
            terms = [OrderTerm(*self._value(operand, f"m.{operand.aggregate}"), descending)]
            # NaN, which is stored as NULL, comes before what has no such metric at all.
            return terms if operand.aggregate is Aggregate.COUNT else [*terms, OrderTerm(*self._value(operand, "1"), descending=False)]
        return [OrderTerm(*self._number(operand), descending)]

    def _is_null(self, expression: IsNull) -> Sql:
        rows = self.subject.rows(expression.operand)
        if rows is None:
            return followed(self._column(expression.operand), f" IS {'NOT ' if expression.negated else ''}NULL")
        return wrapped("EXISTS ({})" if expression.negated else "NOT EXISTS ({})", rows.of(self.subject.key))

    def _equal(self, reference: Reference, alias: str, values: Sequence[Constant], *, negated: bool) -> Sql:
        """Whether the reference is one of the values; a param is compared as each value's own kind."""
        texts = [text for value in values for text in _texts(value)]
        numbers = [_parameter(reference, value) for value in values if isinstance(value, Number)]
        parts = [among(self._column(reference, alias, textual=True), texts)] if texts else []
        if isinstance(reference, Attribute) and reference.name in PATH_ATTRIBUTES:
            parts += [followed(self._column(reference), " LIKE ? ESCAPE '\\'", "%/" + _literally(text)) for text in texts]
        if numbers:
            equal = among(self._column(reference, alias), numbers)
            # A text in a param differs from every number; a metric that is NaN neither equals nor differs.
            parts.append(wrapped(_TRUE_OR_FALSE, equal) if negated and isinstance(reference, Param) else equal)
        either = any_of(parts)
        return wrapped("NOT ({})", either) if negated else either

    def _calculated(self, expression: Expression) -> Sql:
        """A condition on results of calculations, or on several references; false where a value is missing."""
        if isinstance(expression, Comparison):
            if isinstance(expression.left, Param) and isinstance(expression.right, Param) and expression.operator in ("=", "!="):
                return self._equal_params(expression.left, expression.right, negated=expression.operator == "!=")
            textual = self.subject.textual(expression.left) or self.subject.textual(expression.right)
            side: Callable[[Operand], Sql] = self._text if textual else self._number
            return wrapped(_TRUE_OR_FALSE, joined([side(expression.left), side(expression.right)], f" {expression.operator} "))
        if isinstance(expression, Between):
            low, high = self._number(expression.low), self._number(expression.high)
            test = joined([self._number(expression.operand), joined([low, high], " AND ")], f" {_not(expression)}BETWEEN ")
            if expression.negated:  # one end alone may say that a number is outside, but both must be there
                test = joined([test, wrapped("({}) IS NOT NULL", joined([low, high], " <= "))], " AND ")
            return wrapped(_TRUE_OR_FALSE, test)
        if isinstance(expression, In):
            values = [float(value.value) for value in expression.values if isinstance(value, Number)]
            equal = among(self._number(expression.operand), values)
            return wrapped(_TRUE_OR_FALSE, wrapped("NOT ({})", equal) if expression.negated else equal)
        raise TypeError(f"{expression} is no condition")

    def _equal_params(self, left: Param, right: Param, *, negated: bool) -> Sql:
        """Whether two params are equal as numbers or as texts."""
        same = Sql(f"{'NOT ' if negated else ''}(COALESCE(p.number = q.number, FALSE) OR p.text = q.text)")
        rows = [self.subject.rows(param, alias) for param, alias in ((left, "p"), (right, "q"))]
        for each in reversed(rows):
            same = wrapped("EXISTS ({})", each.of(self.subject.key, same)) if each else same
        return same

    def _text(self, operand: Operand) -> Sql:
        if isinstance(operand, Text):
            return Sql("?", (operand.value,))
        if isinstance(operand, Attribute):
            return self._column(operand)
        return self._value(operand, "p.text" if isinstance(operand, Param) else "t.value")

    def _number(self, operand: Operand) -> Sql:
        """An expression of type double precision, NULL where there is no number."""
        if isinstance(operand, Number):
            return Sql(_REAL.format("?"), (float(operand.value),))
        if isinstance(operand, (Arithmetic, Unary)):
            # Infinity minus infinity is NULL for SQLite, and for PostgreSQL NaN, greater than all.
            return wrapped("NULLIF({}, 'NaN')", self._result(operand))
        if isinstance(operand, Attribute):
            return wrapped(_REAL, self._column(operand))
        return wrapped(_REAL, self._value(operand, f"m.{operand.aggregate}" if isinstance(operand, Metric) else "p.number"))

    def _result(self, operand: Operand) -> Sql:
        """A calculation; one that goes from left to right has no parentheses."""
        if isinstance(operand, Unary):
            return wrapped("(-({}))" if operand.function == "-" else "ABS({})", self._result(operand.operand))
        if not isinstance(operand, Arithmetic):
            return self._number(operand)
        left, right = self._result(operand.left), self._result(operand.right)
        if isinstance(operand.left, Arithmetic) and operand.operator in "*/" and operand.left.operator in "+-":
            left = wrapped("({})", left)
        if operand.operator == "/":
            right = wrapped("NULLIF({}, 0)", right)  # no error, and no result
        elif isinstance(operand.right, Arithmetic):
            right = wrapped("({})", right)
        return joined([left, right], f" {operand.operator} ")

    def _value(self, operand: Operand, column: str) -> Sql:
        """The one value under a reference, NULL if there is none."""
        rows = self.subject.rows(operand) if isinstance(operand, (Metric, Param, Tag)) else None
        if rows is None:
            raise TypeError(f"{operand} has no single row")
        return wrapped("({})", rows.of(self.subject.key, column=column))

    def _column(self, reference: Reference, alias: str = "", *, textual: bool = False) -> Sql:
        return self.subject.column(reference, alias, now_ms=self.now_ms, textual=textual)


def tested(expression: Expression) -> Reference | None:
    """The reference that a condition compares with constants alone, so that one row decides it."""
    operand: Operand
    if isinstance(expression, Comparison):
        operand, others = expression.left, [expression.right]
    elif isinstance(expression, Between):
        operand, others = expression.operand, [expression.low, expression.high]
    elif isinstance(expression, (In, Like, IsNan)):
        operand, others = expression.operand, []
    else:
        return None
    return operand if isinstance(operand, REFERENCES) and all(isinstance(other, CONSTANTS) for other in others) else None


def _depth(expression: Expression) -> int:
    if isinstance(expression, Not):
        return 1 + _depth(expression.condition)
    return 1 + max(map(_depth, expression.conditions)) if isinstance(expression, (And, Or)) else 0


def _not(expression: Between | Like) -> str:
    return "NOT " if expression.negated else ""


def _texts(value: Constant) -> list[str]:
    """How a constant is written in a text: a boolean as Python and as JSON write it."""
    if isinstance(value, Boolean):
        return [str(value.value), str(value)]
    return [value.value] if isinstance(value, Text) else []


def _parameter(reference: Reference, value: Operand) -> object:
    """A constant as a parameter; milliseconds stay integers, as in the index that finds them."""
    if isinstance(value, Number):
        return value.value if isinstance(reference, Attribute) else float(value.value)
    raise TypeError(f"{value} is no number")


def _strict(pattern: str) -> str:
    """The pattern with each backslash that escapes nothing doubled, since ``ESCAPE`` is strict about them."""
    return _LONE_BACKSLASH.sub(lambda found: found.group(1) or r"\\", pattern)


def _literally(text: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", text)


def _lower(text: str | None) -> str | None:
    return text.lower() if isinstance(text, str) else text
