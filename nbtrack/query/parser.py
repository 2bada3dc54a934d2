"""The grammar of conditions and sort keys, by recursive descent.

::

    filter     := or END
    order_by   := key ("," key)* END
    key        := sum [ASC | DESC]
    or         := and (OR and)*
    and        := not (AND not)*
    not        := NOT not | condition
    condition  := "(" or ")" | sum test
    test       := comparator sum
                | [NOT] IN "(" constant ("," constant)* [","] ")"
                | [NOT] BETWEEN sum AND sum
                | [NOT] (LIKE | ILIKE) text
                | IS [NOT] (NULL | NAN)
    sum        := product (("+" | "-") product)*
    product    := unary (("*" | "/") unary)*
    unary      := ("-" | "+") unary | primary
    primary    := number | text | TRUE | FALSE | INF | [entity "."] key | function "(" sum ")" | "(" sum ")"

A ``(`` may open a condition or a calculation; both are read by one rule, and what it gave decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn, cast

from nbtrack.query.nodes import CONDITIONS, CONSTANTS, And, Comparator, Constant, DatasetField, Expression, Not, Operand, Or, OrderBy
from nbtrack.query.operands import NUMBER, OperandParser
from nbtrack.query.tokens import Source, TokenKind
from nbtrack.query.vocabulary import Kind, Vocabulary

_COMPARATORS = ("=", "!=", "<", "<=", ">", ">=")
_OPERATORS = "= != < <= > >= IN BETWEEN LIKE ILIKE IS"
_CONDITION = "a condition such as metrics.accuracy > 0.9"
_SORT_KEY = "a metric, param, tag or attribute"
_QUOTED = (TokenKind.TEXT, TokenKind.QUOTED)


class FilterParser(OperandParser):
    """Reads one filter."""

    def __init__(self, source: Source, vocabulary: Vocabulary, now: datetime) -> None:
        super().__init__(source, vocabulary, now, wanted=_CONDITION)

    def filter(self) -> Expression:
        """The whole text as a condition."""
        condition = self._condition(self.expression())
        token = self.cursor.peek()
        if self.cursor.at(")"):
            self.cursor.fail(token, "this ')' closes nothing")
        if token.kind is not TokenKind.END:
            self.cursor.fail(token, f"expected AND or OR before {token}")
        self.cursor.check_nesting(condition)
        return condition

    def expression(self) -> Expression | Operand:
        """``and (OR and)*``; or an operand, if it stands in parentheses."""
        first = self._and()
        if not self.cursor.at("OR"):
            return first
        parts = [self._condition(first)]
        while self.cursor.accept("OR"):
            parts.append(self._condition(self._and()))
        return Or(tuple(parts), column=first.column)

    def _and(self) -> Expression | Operand:
        first = self._not()
        if not self.cursor.at("AND"):
            return first
        parts = [self._condition(first)]
        while self.cursor.accept("AND"):
            parts.append(self._condition(self._not()))
        return And(tuple(parts), column=first.column)

    def _not(self) -> Expression | Operand:
        token = self.cursor.peek()
        if not self.cursor.accept("NOT"):
            return self._tested()
        self.cursor.descend(token)
        condition = self._condition(self._not())
        self.cursor.ascend()
        return Not(condition, column=token.column)

    def _tested(self) -> Expression | Operand:
        left = self.sum(value=False)
        if not isinstance(left, CONDITIONS):
            in_parentheses = self.cursor.depth and self.cursor.at(")")
            return left if in_parentheses else self._test(left)
        if self.cursor.at(*_COMPARATORS):
            self.cursor.fail(self.cursor.peek(), "a condition can't be compared; join conditions by AND or OR")
        return left

    def _condition(self, node: Expression | Operand) -> Expression:
        if isinstance(node, CONDITIONS):
            return node
        self._no_operator(node)

    def _no_operator(self, left: Operand) -> NoReturn:
        token = self.cursor.peek()
        found = "" if token.kind is TokenKind.END else f", found {token}"
        self.cursor.fail(token, f"expected an operator after {left}{found}{self.cursor.spaced_key_hint()}; operators are {_OPERATORS}")

    def _test(self, left: Operand) -> Expression:
        """What follows the left operand, and the condition that they make."""
        self.cursor.count("conditions", self.cursor.peek())
        if self.cursor.at(*_COMPARATORS):
            return self._comparison(left)
        if self.cursor.accept("IS"):
            return self._is(left)
        negated = self.cursor.at("NOT") and self.cursor.peek(1).text in ("IN", "BETWEEN", "LIKE", "ILIKE")
        if negated:
            self.cursor.next()
        if self.cursor.accept("IN"):
            return self.conditions.contains(left, self._list(left), left.column, negated=negated)
        if self.cursor.accept("BETWEEN"):
            return self._between(left, negated=negated)
        if self.cursor.at("LIKE", "ILIKE"):
            ignore_case = self.cursor.at("ILIKE")
            return self.conditions.like(left, self._pattern(), left.column, ignore_case=ignore_case, negated=negated)
        self._no_operator(left)

    def _comparison(self, left: Operand) -> Expression:
        comparator = cast(Comparator, self.cursor.next().text)
        right = self._value(left)
        if self.cursor.at(*_COMPARATORS):
            self.cursor.fail(self.cursor.peek(), "comparisons do not chain; write BETWEEN ... AND ..., or two comparisons with AND")
        return self.conditions.compare(left, comparator, right, left.column)

    def _is(self, left: Operand) -> Expression:
        negated = self.cursor.accept("NOT")
        if self.cursor.accept("NULL"):
            return self.conditions.null(left, left.column, negated=negated)
        if self.cursor.accept("NAN"):
            return self.conditions.nan(left, left.column, negated=negated)
        self.cursor.fail(self.cursor.peek(), f"expected NULL, NOT NULL or NAN after IS, found {self.cursor.peek()}; a value is compared by =")

    def _between(self, left: Operand, *, negated: bool) -> Expression:
        low = self._value(left)
        if not self.cursor.accept("AND"):
            self.cursor.fail(self.cursor.peek(), f"expected AND and the upper end after BETWEEN {low}")
        return self.conditions.between(left, low, self._value(left), left.column, negated=negated)

    def _pattern(self) -> str:
        word, token = self.cursor.next(), self.cursor.peek()
        if token.kind not in _QUOTED:
            self.cursor.fail(token, f"expected a quoted pattern after {word.text}, such as 'forest%', found {token}")
        return self.cursor.next().text

    def _list(self, left: Operand) -> list[Constant]:
        opening = self.cursor.peek()
        if not self.cursor.accept("("):
            self.cursor.fail(opening, f"expected a list in parentheses after IN, such as ('a', 'b'), found {opening}")
        if self.cursor.at(")"):
            self.cursor.fail(opening, "the list after IN is empty; name one value at least")
        values = [self._constant(left)]
        while self.cursor.accept(",") and not self.cursor.at(")"):  # a Python tuple of one ends with a comma
            values.append(self._constant(left))
        self.cursor.close(opening, "',' or ')' in the list")
        return values

    def _constant(self, left: Operand) -> Constant:
        value = self.wanting(self._wanted(left), lambda: self.unary(value=True))
        if not isinstance(value, CONSTANTS):
            raise self.cursor.source.error(value.column, f"a list holds numbers and quoted texts, found {value}")
        return value

    def _value(self, left: Operand) -> Operand:
        """The right side of an operator."""
        return cast(Operand, self.wanting(self._wanted(left), lambda: self.sum(value=True)))

    def _wanted(self, left: Operand) -> str:
        kind = self.conditions.kind(left)
        return NUMBER if kind is Kind.NUMBER else "a quoted text" if kind is Kind.TEXT else f"a value for {left}"


class OrderByParser(FilterParser):
    """Reads one ``order_by``; in parentheses, all that a filter may have can stand, and is then refused."""

    def order_by(self) -> list[OrderBy]:
        """The whole text as sort keys."""
        self.cursor.wanted = _SORT_KEY
        keys = [self._key()]
        while self.cursor.accept(","):
            keys.append(self._key())
        token = self.cursor.peek()
        if token.kind is not TokenKind.END:
            self.cursor.fail(token, f"expected ASC or DESC after {keys[-1].operand}, found {token}{self.cursor.spaced_key_hint()}")
        return keys

    def _key(self) -> OrderBy:
        operand = self.sum(value=False)
        if isinstance(operand, (*CONDITIONS, *CONSTANTS)):
            raise self.cursor.source.error(operand.column, f"expected {_SORT_KEY} to sort by, found {operand}")
        if isinstance(operand, DatasetField):
            raise self.cursor.source.error(operand.column, f"a run may have read several datasets, so {operand} gives no order")
        self.cursor.check_nesting(operand)
        descending = self.cursor.accept("DESC")
        if not descending:
            self.cursor.accept("ASC")
        return OrderBy(cast(Operand, operand), descending, column=operand.column)
