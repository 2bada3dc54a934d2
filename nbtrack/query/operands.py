"""The part of the grammar that makes operands: references, constants, calculations."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import cast

from nbtrack.errors import did_you_mean
from nbtrack.query.conditions import Conditions
from nbtrack.query.cursor import Cursor
from nbtrack.query.nodes import (
    CONDITIONS,
    Aggregate,
    Attribute,
    Boolean,
    Calculation,
    DatasetField,
    Expression,
    Metric,
    Number,
    Operand,
    Param,
    Reference,
    Tag,
    Text,
)
from nbtrack.query.tokens import Source, Token, TokenKind
from nbtrack.query.vocabulary import DATASET_FIELDS, Entity, Vocabulary

NUMBER = "a number"  # what is wanted where a calculation goes on

_FUNCTIONS = (*(aggregate.value for aggregate in Aggregate), "abs")
_INSTEAD = {"NULL": "write IS NULL or IS NOT NULL", "NAN": "nothing equals NaN; write IS NAN or IS NOT NAN"}


class OperandParser(ABC):
    """Reads operands. With ``value=True`` one stands on the right side of an operator, where "x" is a text."""

    def __init__(self, source: Source, vocabulary: Vocabulary, now: datetime, *, wanted: str) -> None:
        self.cursor = Cursor(source, wanted)
        self.vocabulary = vocabulary
        self.conditions = Conditions(source, vocabulary, now)

    @abstractmethod
    def expression(self) -> Expression | Operand:
        """What may stand in parentheses on the left side."""

    def sum(self, *, value: bool) -> Expression | Operand:
        """``product (("+" | "-") product)*``, or a condition in parentheses."""
        left = self._product(value=value)
        while self.cursor.at("+", "-"):
            left = self._calculation(left, self._product, value=value)
        return left

    def unary(self, *, value: bool) -> Expression | Operand:
        """``("-" | "+") unary | primary``."""
        if not self.cursor.at("-", "+"):
            return self._primary(value=value)
        token = self.cursor.next()
        self.cursor.descend(token)
        operand = self._calculable(self.wanting(NUMBER, lambda: self.unary(value=value)))
        self.cursor.ascend()
        if token.text == "-":
            return self.conditions.negative(operand, token.column)
        self.conditions.number(operand, "'+'")
        return operand

    def wanting(self, wanted: str, rule: Callable[[], Expression | Operand]) -> Expression | Operand:
        """What ``rule`` reads; messages say that ``wanted`` is missing where it can't start."""
        before, self.cursor.wanted = self.cursor.wanted, wanted
        node = rule()
        self.cursor.wanted = before
        return node

    def _product(self, *, value: bool) -> Expression | Operand:
        left = self.unary(value=value)
        while self.cursor.at("*", "/"):
            left = self._calculation(left, self.unary, value=value)
        return left

    def _calculation(self, left: Expression | Operand, rule: Callable[..., Expression | Operand], *, value: bool) -> Operand:
        self.cursor.check_sign()
        sign = self.cursor.next()
        self.cursor.count("calculations", sign)
        right = self.wanting(NUMBER, lambda: rule(value=value))
        return self.conditions.calculate(self._calculable(left), cast(Calculation, sign.text), self._calculable(right), left.column)

    def _calculable(self, node: Expression | Operand) -> Operand:
        if isinstance(node, CONDITIONS):
            raise self.cursor.source.error(node.column, "a condition can't be calculated with")
        return node

    def _primary(self, *, value: bool) -> Expression | Operand:
        token = self.cursor.peek()
        self.cursor.count("values", token)
        if token.kind is TokenKind.NUMBER:
            return Number(token.number, column=self.cursor.next().column)
        if token.kind is TokenKind.TEXT or (token.kind is TokenKind.QUOTED and value):
            return Text(token.text, column=self.cursor.next().column)
        if token.kind is TokenKind.QUOTED:
            return self._attribute(self.cursor.next(), token.text)
        if token.kind is TokenKind.NAME:
            return self._name(self.cursor.next(), value=value)
        if token.text in ("TRUE", "FALSE"):
            return Boolean(token.text == "TRUE", column=self.cursor.next().column)
        if token.text == "INF":
            return Number(math.inf, column=self.cursor.next().column)
        if token.text in _INSTEAD and value:
            self.cursor.fail(token, _INSTEAD[token.text])
        if not self.cursor.at("("):
            self.cursor.missing(token)
        return self._group(self.cursor.next(), value=value)

    def _group(self, opening: Token, *, value: bool) -> Expression | Operand:
        self.cursor.descend(opening)
        node = self.sum(value=True) if value else self.expression()
        self.cursor.close(opening, "')'" if value else "AND, OR or ')'")
        self.cursor.ascend()
        return node

    def _name(self, token: Token, *, value: bool) -> Operand:
        if self.cursor.at("(") and len(token.parts) == 1:
            return self._function(token, value=value)
        if value and self._unknown(token) and self.cursor.wanted != NUMBER:
            self.cursor.fail(token, f"quote text: '{'.'.join(token.parts)}'")
        if value and self._unknown(token):
            self.cursor.missing(token)
        return self._reference(token)

    def _function(self, token: Token, *, value: bool) -> Operand:
        name = token.source.lower()
        if name not in _FUNCTIONS:
            self.cursor.fail(token, f"unknown function {token}; there are {', '.join(_FUNCTIONS)}.{did_you_mean(name, _FUNCTIONS)}")
        opening = self.cursor.next()
        self.cursor.descend(opening)
        operand = self._calculable(self.wanting(NUMBER if name == "abs" else "a metric", lambda: self.sum(value=value)))
        self.cursor.close(opening, "')'")
        self.cursor.ascend()
        if name == "abs":
            return self.conditions.absolute(operand, token.column)
        if not isinstance(operand, Metric) or operand.aggregate is not Aggregate.LAST:
            raise self.cursor.source.error(operand.column, f"{name}(...) takes a metric, such as {name}(metrics.loss), found {operand}")
        return Metric(operand.key, Aggregate(name), column=token.column)

    def _unknown(self, token: Token) -> bool:
        """Whether a name is no reference at all, so that it may be a text without quotes."""
        if len(token.parts) == 1:
            return self.vocabulary.attribute(token.parts[0]) is None
        return self.vocabulary.entity(token.parts[0]) is None

    def _reference(self, token: Token) -> Reference:
        if len(token.parts) == 1:
            return self._attribute(token, token.parts[0])
        return self._of_entity(token, token.parts[0], ".".join(token.parts[1:]))

    def _of_entity(self, token: Token, word: str, key: str) -> Reference:
        entity = self.vocabulary.entity(word)
        if entity is None:
            self.cursor.fail(token, self.vocabulary.unknown_entity(word))
        if not key:
            self.cursor.fail(token, f"the key after '{word}.' is empty")
        if entity is Entity.ATTRIBUTE:
            return self._attribute(token, key)
        if entity is Entity.DATASET:
            return self._dataset_field(token, key)
        node = {Entity.METRIC: Metric, Entity.PARAM: Param, Entity.TAG: Tag}[entity]
        return cast(Reference, node(key, column=token.column))

    def _attribute(self, token: Token, word: str) -> Reference:
        name = self.vocabulary.attribute(word)
        if name is not None:
            return Attribute(name, column=token.column)
        entity, dot, key = word.partition(".")
        if len(token.parts) < 2 and dot and self.vocabulary.entity(entity):  # MLflow reads `metrics.val loss` so
            return self._of_entity(token, entity, key)
        self.cursor.fail(token, self.vocabulary.unknown_attribute(word))

    def _dataset_field(self, token: Token, key: str) -> DatasetField:
        if key.lower() not in DATASET_FIELDS:
            self.cursor.fail(token, f"a dataset has {', '.join(DATASET_FIELDS)}, found {key!r}.{did_you_mean(key, DATASET_FIELDS)}")
        return DatasetField(key.lower(), column=token.column)
