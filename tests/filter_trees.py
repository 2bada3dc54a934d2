"""Filters at random, as trees that the grammar can write."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from nbtrack.query import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Comparison,
    DatasetField,
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
    Tag,
    Text,
    Unary,
)

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
COMPARATORS = ("=", "!=", "<", "<=", ">", ">=")


class Trees:
    """Strategies over given keys, texts and numbers."""

    def __init__(self, *, keys: st.SearchStrategy[str], texts: st.SearchStrategy[str], numbers: st.SearchStrategy[float]) -> None:
        self.number = numbers.map(Number)
        self.text = texts.map(Text)
        self.param, self.tag = keys.map(Param), keys.map(Tag)
        self.metric = st.builds(Metric, keys, st.sampled_from(Aggregate))
        self.text_attribute = st.sampled_from(["run_id", "run_name", "user_id", "notebook", "experiment", "experiment_id", "parent_run_id"]).map(Attribute)
        self.number_attribute = st.sampled_from(["start_time", "end_time", "duration"]).map(Attribute)
        self.dataset = st.sampled_from(["name", "digest", "context"]).map(DatasetField)
        self.measured = st.one_of(self.metric, self.param, self.number_attribute)
        self.written = st.one_of(self.tag, self.text_attribute, self.dataset)

    def calculation(self) -> st.SearchStrategy[Operand]:
        """Numbers that are found or calculated; constants alone are not among them."""
        return st.recursive(self.measured, self._calculated, max_leaves=4)

    def condition(self) -> st.SearchStrategy[Expression]:
        """One condition."""
        status = st.builds(Comparison, st.just(Attribute("status")), st.sampled_from(("=", "!=")), st.sampled_from(STATUSES).map(Text))
        anything = st.one_of(self.metric, self.param, self.tag, self.text_attribute, self.number_attribute, self.dataset)
        return st.one_of(
            self._comparison(), self._membership(), status, st.builds(IsNull, anything, st.booleans()), st.builds(IsNan, self.metric, st.booleans())
        )

    def expression(self) -> st.SearchStrategy[Expression]:
        """Conditions joined."""
        return st.recursive(
            self.condition(),
            lambda inner: st.one_of(
                inner.map(Not),
                st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
                st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
            ),
            max_leaves=5,
        )

    def order_by(self) -> st.SearchStrategy[OrderBy]:
        """One sort key."""
        return st.builds(OrderBy, st.one_of(self.metric, self.param, self.tag, self.text_attribute, self.number_attribute, self.calculation()), st.booleans())

    def _calculated(self, inner: st.SearchStrategy[Operand]) -> st.SearchStrategy[Operand]:
        side = st.one_of(inner, self.number)
        two = st.builds(Arithmetic, side, st.sampled_from("+-*/"), side).filter(_writable)
        return st.one_of(two, st.builds(Unary, st.sampled_from(("-", "abs")), inner))

    def _comparison(self) -> st.SearchStrategy[Expression]:
        equal = st.sampled_from(("=", "!="))
        return st.one_of(
            st.builds(Comparison, self.calculation(), st.sampled_from(COMPARATORS), st.one_of(self.number, self.calculation())),
            st.builds(Comparison, self.param, equal, st.one_of(self.text, st.booleans().map(Boolean), self.param)),
            st.builds(Comparison, self.written, equal, self.text),
            st.builds(Comparison, st.one_of(self.tag, self.text_attribute), equal, st.one_of(self.tag, self.text_attribute, self.param)),
        )

    def _membership(self) -> st.SearchStrategy[Expression]:
        def tuples(values: st.SearchStrategy[Number | Text | Boolean]) -> st.SearchStrategy[tuple[Number | Text | Boolean, ...]]:
            return st.lists(values, min_size=1, max_size=3).map(tuple)

        constant = st.one_of(self.number, self.text, st.booleans().map(Boolean))
        bound = st.one_of(self.number, self.measured)
        return st.one_of(
            st.builds(In, self.param, tuples(constant), st.booleans()),
            st.builds(In, self.written, tuples(self.text), st.booleans()),
            st.builds(In, self.calculation().filter(lambda operand: not isinstance(operand, Param)), tuples(self.number), st.booleans()),
            st.builds(Between, self.calculation(), bound, bound, st.booleans()),
            st.builds(Like, st.one_of(self.param, self.written), self.text.map(lambda text: text.value), st.booleans(), st.booleans()),
        )


def _writable(operand: Arithmetic) -> bool:
    """Constants are calculated while they are read, and division by one of them, zero, is refused."""
    constants = isinstance(operand.left, Number) and isinstance(operand.right, Number)
    return not constants and not (operand.operator == "/" and operand.right == Number(0))


ANY_TREES = Trees(
    keys=st.one_of(
        st.sampled_from(["a", "val loss", "x-y", "layer.0.units", "größe", "IN", "it's", 'a"b', "a`b"]), st.text("ab._-/: é0", min_size=1, max_size=6)
    ),
    texts=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    numbers=st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.just(math.inf)),
)
