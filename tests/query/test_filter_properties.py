from __future__ import annotations

from filter_trees import ANY_TREES
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.errors import InvalidFilter
from nbtrack.query import Expression, OrderBy, parse_filter, parse_order_by

WORDS = st.sampled_from(
    "metrics.a params.b tags.c attributes.status datasets.name min( abs( ( ) , ' \" ` = != < > <= >= + - * / AND OR NOT IN BETWEEN LIKE ILIKE IS NULL NAN "
    "TRUE 1 0.5 -3 'x' \"y\" `z` . .. ; && desc asc start_time duration '5 min' inf \\ % é 🙂 \n".split(" ")
)


@given(ANY_TREES.expression())
def test_what_a_tree_writes_is_read_as_the_same_tree(tree: Expression) -> None:
    assert parse_filter(str(tree)) == tree


@given(st.lists(ANY_TREES.order_by(), max_size=3))
def test_what_an_ordering_writes_is_read_as_the_same_ordering(keys: list[OrderBy]) -> None:
    assert parse_order_by([str(key) for key in keys]) == keys
    assert parse_order_by(", ".join(map(str, keys)) if keys else []) == keys


@given(st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join)))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    for parse in (parse_filter, parse_order_by):
        refusal = None
        try:
            parse(text)
        except InvalidFilter as error:
            refusal = error
        assert refusal is None or (refusal.problem and 1 <= refusal.column <= len(text) + 1)
