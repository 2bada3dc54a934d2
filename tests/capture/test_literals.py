from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.literals import MAX_CHARS, MAX_ITEMS, NotTyped, is_typed, plain_copy, same, typed_value


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("+2.5", 2.5),
        ("1e-3", 0.001),
        ("2**10", 1024),
        ("10 * 60", 600),
        ("1 / 3", 1 / 3),
        ("7 // 2", 3),
        ("1_000", 1000),
        ("True", True),
        ("not True", False),
        ("None", None),
        ("'a' 'b'", "ab"),
        ("'a' + 'b'", "ab"),
        ("f'plain'", "plain"),
        ("(64, 32)", (64, 32)),
        ("[1, [2, 'x'], None]", [1, [2, "x"], None]),
        ("{'lr': 0.1, 'layers': [1, 2], 3: None}", {"lr": 0.1, "layers": [1, 2], 3: None}),
        ("float('inf')", math.inf),
        ("-float('inf')", -math.inf),
        ("np.pi", math.pi),
        ("-math.inf", -math.inf),
    ],
)
def test_what_is_typed_has_its_value(text: str, value: object) -> None:
    assert same(typed_value(expression(text)), value)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "f(1)",
        "{1, 2}",
        "b'ab'",
        "1j",
        "...",
        "f'{x}'",
        "[x, 1]",
        "{**other}",
        "{(1, 2): 3}",
        "1 if a else 2",
        "True + 1",
        "'-' * 20",
        "[0] * 3",
        "'%s' % 1",
        "float('1.5x')",
        "float(x)",
        "np.mean",
        "1 / 0",
        "(-1) ** 0.5",
        "10 ** 10 ** 10",
        "2 ** 100000",
        "2.0 ** 5000",
        "~1",
        "-'a'",
    ],
)
def test_what_is_computed_is_not_typed(text: str) -> None:
    assert not is_typed(expression(text))


def test_values_beyond_the_stated_size_are_not_typed() -> None:
    assert is_typed(expression(repr(list(range(MAX_ITEMS)))))
    assert not is_typed(expression(repr(list(range(MAX_ITEMS + 1)))))
    assert is_typed(expression(repr("a" * MAX_CHARS)))
    assert not is_typed(expression(repr("a" * (MAX_CHARS + 1))))
    assert not is_typed(expression("[" * 30 + "]" * 30))
    assert is_typed(expression(repr({str(number): number for number in range(MAX_ITEMS)})))


def test_equal_means_equal_in_type_too() -> None:
    assert not same(1, 1.0)
    assert not same(1, True)
    assert not same([1], (1,))
    assert not same({"a": 1}, {"b": 1})
    assert not same({"a": 1}, {"a": 2})
    assert same(float("nan"), float("nan"))


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare me")

    __hash__ = object.__hash__


def test_comparing_never_calls_the_code_of_other_classes() -> None:
    assert not same(Hostile(), Hostile())
    assert not same([Hostile()], [Hostile()])


def test_only_plain_values_are_copied() -> None:
    original = {"a": [1, (2, None)]}
    copied = plain_copy(original)
    assert same(copied, original)
    assert copied is not original
    for other in (Hostile(), [Hostile()], {Hostile(): 1}, {1}, "a" * (MAX_CHARS + 1)):
        with pytest.raises(NotTyped):
            plain_copy(other)


def test_a_list_that_holds_itself_is_not_copied() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(NotTyped):
        plain_copy(circle)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(values)
def test_the_text_of_any_plain_value_is_typed_and_gives_it_back(value: object) -> None:
    assert same(typed_value(expression(repr(value))), value)
