"""The shape of a parsed filter: frozen dataclasses, whose text parses to an equal tree.

A node keeps the 1-based column where it starts, for messages that come later; columns do not
count when nodes are compared.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Literal

Comparator = Literal["=", "!=", "<", "<=", ">", ">="]
Calculation = Literal["+", "-", "*", "/"]

_PLAIN_KEY = re.compile(r"\w+(\.\w+)*")


class Aggregate(str, enum.Enum):
    """Which number of a metric's series is meant."""

    LAST = "last"
    MIN = "min"
    MAX = "max"
    COUNT = "count"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Node:
    """What all nodes have."""

    column: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Number(Node):
    """A number; a time in milliseconds, a duration in seconds."""

    value: float

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True)
class Text(Node):
    """A quoted text."""

    value: str

    def __str__(self) -> str:
        return _quoted(self.value)


@dataclass(frozen=True)
class Boolean(Node):
    """``true`` or ``false``."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class Metric(Node):
    """One number of a metric's series."""

    key: str
    aggregate: Aggregate = Aggregate.LAST

    def __str__(self) -> str:
        name = f"metrics.{_key(self.key)}"
        return name if self.aggregate is Aggregate.LAST else f"{self.aggregate}({name})"


@dataclass(frozen=True)
class Param(Node):
    """A param, read as number or as text by what it is compared with."""

    key: str

    def __str__(self) -> str:
        return f"params.{_key(self.key)}"


@dataclass(frozen=True)
class Tag(Node):
    """A tag's text."""

    key: str

    def __str__(self) -> str:
        return f"tags.{_key(self.key)}"


@dataclass(frozen=True)
class Attribute(Node):
    """A fact of the run (or experiment, ...) itself, by its main name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class DatasetField(Node):
    """``name``, ``digest`` or ``context`` of the datasets that a run read; any of them may match."""

    name: str

    def __str__(self) -> str:
        return f"datasets.{self.name}"


@dataclass(frozen=True)
class Arithmetic(Node):
    """A calculation with two numbers."""

    left: Operand
    operator: Calculation
    right: Operand

    def __str__(self) -> str:
        return f"{_term(self.left)} {self.operator} {_term(self.right)}"


@dataclass(frozen=True)
class Unary(Node):
    """The negative or the absolute value of a number."""

    function: Literal["-", "abs"]
    operand: Operand

    def __str__(self) -> str:
        return f"-{_term(self.operand)}" if self.function == "-" else f"abs({self.operand})"


@dataclass(frozen=True)
class Comparison(Node):
    """``left operator right``; a literal stands on the right."""

    left: Operand
    operator: Comparator
    right: Operand

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class In(Node):
    """``operand [NOT] IN (values)``."""

    operand: Operand
    values: tuple[Constant, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.operand} {_not(self.negated)}IN ({', '.join(map(str, self.values))})"


@dataclass(frozen=True)
class Between(Node):
    """``operand [NOT] BETWEEN low AND high``, both ends included."""

    operand: Operand
    low: Operand
    high: Operand
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.operand} {_not(self.negated)}BETWEEN {self.low} AND {self.high}"


@dataclass(frozen=True)
class Like(Node):
    r"""``operand [NOT] [I]LIKE pattern``; ``%`` is any text, ``_`` one character, ``\%`` and ``\_`` themselves."""

    operand: Reference
    pattern: str
    ignore_case: bool = False
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.operand} {_not(self.negated)}{'I' if self.ignore_case else ''}LIKE {_quoted(self.pattern)}"


@dataclass(frozen=True)
class IsNull(Node):
    """``operand IS [NOT] NULL``: whether the run has it at all."""

    operand: Reference
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.operand} IS {_not(self.negated)}NULL"


@dataclass(frozen=True)
class IsNan(Node):
    """``metrics.x IS [NOT] NAN``, of a metric that the run has."""

    operand: Metric
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.operand} IS {_not(self.negated)}NAN"


@dataclass(frozen=True)
class Not(Node):
    """The opposite of a condition."""

    condition: Expression

    def __str__(self) -> str:
        return f"NOT {_part(self.condition)}"


@dataclass(frozen=True)
class And(Node):
    """All of two or more conditions."""

    conditions: tuple[Expression, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_part, self.conditions))


@dataclass(frozen=True)
class Or(Node):
    """Any of two or more conditions."""

    conditions: tuple[Expression, ...]

    def __str__(self) -> str:
        return " OR ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.conditions)


@dataclass(frozen=True)
class OrderBy(Node):
    """One key of an ordering. What a run lacks sorts last in both directions, after NaN."""

    operand: Operand
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.operand} {'DESC' if self.descending else 'ASC'}"


Constant = Number | Text | Boolean
Reference = Metric | Param | Tag | Attribute | DatasetField
Operand = Number | Text | Boolean | Metric | Param | Tag | Attribute | DatasetField | Arithmetic | Unary
Expression = Comparison | In | Between | Like | IsNull | IsNan | Not | And | Or

CONSTANTS = (Number, Text, Boolean)
REFERENCES = (Metric, Param, Tag, Attribute, DatasetField)
CONDITIONS = (Comparison, In, Between, Like, IsNull, IsNan, Not, And, Or)


def nesting(node: Expression | Operand) -> int:
    """How deeply a tree is nested, weighed by what its SQL costs a parser: a calculation in a calculation counts seven."""
    if isinstance(node, (And, Or)):
        return 1 + max(map(nesting, node.conditions))
    if isinstance(node, Not):
        return 1 + nesting(node.condition)
    if isinstance(node, Arithmetic):
        nested = isinstance(node.right, (Arithmetic, Unary))
        return max(nesting(node.left), 7 + nesting(node.right) if nested else 0)
    if isinstance(node, Unary):
        return 7 + nesting(node.operand)
    if isinstance(node, Comparison):
        return max(nesting(node.left), nesting(node.right))
    return max(map(nesting, (node.operand, node.low, node.high))) if isinstance(node, Between) else nesting(node.operand) if isinstance(node, In) else 0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else "`" + key.replace("`", "``") + "`"


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


def _term(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, Arithmetic) else str(operand)


def _part(condition: Expression) -> str:
    return f"({condition})" if isinstance(condition, (And, Or)) else str(condition)
