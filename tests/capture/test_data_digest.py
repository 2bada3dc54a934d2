"""The digest of data: equal content, equal digest; anything else, another one."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import decimal
import enum
import os
import pickle
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from nbtrack.capture.data import fingerprint


def digest(obj):
    dataset = fingerprint(obj, "data")
    assert dataset is not None
    return dataset.digest


def not_covered(obj):
    return fingerprint(obj, "data").profile.get("not_covered")


MIXED = {
    "ints": [1, 2, 3],
    "floats": [0.5, float("nan"), -0.0],
    "text": ["a", "β", ""],
    "flags": [True, False, True],
    "when": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
    "kind": pd.Categorical(["x", "y", "x"]),
    "objects": [1, "1", None],
}


def mixed_frame():
    return pd.DataFrame(MIXED).astype({"text": object})


class Point:
    def __init__(self, x):
        self.x = x


class Rebuildable(Point):
    def __reduce__(self):
        return Rebuildable, (self.x,)


@dataclasses.dataclass
class Pixel:
    x: int
    colour: str


class Shade(enum.Enum):
    DARK = 1
    LIGHT = 2


class Angry:
    def __repr__(self):
        raise ValueError("no repr today")

    def __reduce__(self):
        raise RuntimeError("no pickle either")

    def __hash__(self):
        raise TypeError("nor a hash")


# -- golden digests: if one changes, every digest in every store loses its meaning ----------------


def test_golden_digest_of_a_frame_of_numbers():
    frame = pd.DataFrame({"a": np.array([1, 2, 3], "int64"), "b": np.array([0.5, np.nan, -1.0])})
    assert digest(frame) == "ff8be9417817b264a2fd28c7a7c361f236b739634f71ab16d25ef5b76a86aa31"


def test_golden_digest_of_a_frame_of_python_objects():
    cells = [1, 1.0, True, "1", b"1", None, float("nan"), [1, {"k": (2, {3})}], decimal.Decimal("1.50"), datetime.date(2024, 1, 2)]
    assert digest(pd.DataFrame({"cells": pd.Series(cells, dtype=object)})) == "c09aebdcf28f70078d03a667e95ad9fb50d4a86b6dd7c51ab259cbc4bdb25028"


def test_golden_digest_of_a_frame_with_an_index_and_categories():
    kinds = pd.Categorical(["b", None, "a"], categories=pd.Index(["a", "b"], dtype=object))
    frame = pd.DataFrame({"kind": kinds}, index=pd.Index([10, 5, 7], name="row"))
    assert digest(frame) == "a47973460e580048ce40bf21eaee22662d452ded7a4021b655e0e5ab06bb1541"


def test_golden_digest_of_an_array():
    assert digest(np.arange(12, dtype="float32").reshape(3, 4)) == "83063222deef6dbaaa7b2963a8cf786ea2acde28ae1db9f39e0982f258ee949c"


def test_golden_digest_of_text():
    text = pd.Series(["plain", "größe", None, ""], dtype=pd.StringDtype("python"), name="t")
    assert digest(text) == "fdf6b8bf99542e96cb400c7ff87aac3be12445ef22caca9b7a9251529a0607b5"


def test_digest_is_the_same_in_another_process_with_another_hash_seed():
    code = (
        "import numpy as np, pandas as pd; from nbtrack.capture.data import fingerprint;"
        "print(fingerprint(pd.DataFrame({'a': [1.5, 2], 's': pd.Series(['x', frozenset('abc')], dtype=object)}), 'd').digest)"
    )
    here = digest(pd.DataFrame({"a": [1.5, 2], "s": pd.Series(["x", frozenset("abc")], dtype=object)}))
    there = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": "77"}, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


# -- what keeps a digest --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "obj",
    [
        mixed_frame(),
        pd.Series([1, 2], name="s"),
        pd.Index(["a", "b"]),
        pd.MultiIndex.from_product([[1, 2], ["a", "b"]]),
        np.arange(6).reshape(2, 3),
        np.array([(1, (2.0, b"x"))], dtype=[("a", "i4"), ("b", [("c", "f8"), ("d", "S3")])]),
        pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [[1], None]}),
        pa.table({"a": [1, None], "b": ["x", None], "c": [{"k": 1}, None]}),
        sparse.csr_matrix(np.eye(4, 5) * 0.5),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_copies_and_pickles_keep_the_digest(obj):
    assert digest(copy.deepcopy(obj)) == digest(obj) == digest(pickle.loads(pickle.dumps(obj)))


def test_memory_layout_byte_order_and_views_make_no_difference():
    array = np.arange(20, dtype="float64").reshape(4, 5)
    for same in (np.asfortranarray(array), array.astype(">f8"), np.arange(40, dtype="float64").reshape(4, 10)[:, ::2] / 2):
        assert digest(same) == digest(array)


def test_a_frame_over_a_row_major_array_equals_one_built_by_columns():
    values = np.random.default_rng(0).normal(size=(50, 3))
    by_column = pd.DataFrame({name: values[:, position] for position, name in enumerate("abc")})
    assert digest(pd.DataFrame(values, columns=list("abc"), copy=False)) == digest(by_column)


def test_an_index_of_even_steps_equals_the_range_it_spells():
    assert digest(pd.Series([1, 2, 3], index=[0, 1, 2])) == digest(pd.Series([1, 2, 3]))
    assert digest(pd.Series([1, 2, 3], index=[4, 2, 0])) == digest(pd.Series([1, 2, 3], index=range(4, -1, -2)))
    assert digest(pd.Series([1, 2, 3], index=[0, 1, 3])) != digest(pd.Series([1, 2, 3]))
    assert digest(pd.Series([1], index=[7])) != digest(pd.Series([1]))


def test_unordered_categories_count_by_value_and_not_by_code():
    left = pd.Series(pd.Categorical(["a", "b", None], categories=["a", "b"]))
    assert digest(left) == digest(pd.Series(pd.Categorical(["a", "b", None], categories=["b", "a"])))
    assert digest(left) != digest(pd.Series(pd.Categorical(["b", "a", None], categories=["b", "a"])))
    assert digest(left) != digest(pd.Series(pd.Categorical(["a", "b", None], categories=["a", "b"], ordered=True)))


def test_text_has_one_digest_however_pandas_stores_it():
    cells = ["a", None, "größe", "🙂", ""] * 3
    python, arrow = (pd.Series(cells, dtype=pd.StringDtype(storage)) for storage in ("python", "pyarrow"))
    assert digest(python) == digest(arrow)


def test_chunks_and_slices_of_arrow_make_no_difference():
    whole = pa.table({"a": pa.array([1, None, 3, 4]), "t": pa.array(["x", None, "z", ""])})
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3)])
    assert digest(pieces) == digest(whole)
    assert digest(pa.table({"t": pa.array(["x", "y", "z"]).slice(1)})) == digest(pa.table({"t": ["y", "z"]}))


def test_polars_without_pyarrow_has_the_same_digest(monkeypatch):
    frame = pl.DataFrame({"t": ["a", None, "ö"], "c": pl.Series(["x", "y", "x"], dtype=pl.Categorical), "d": [datetime.date(2024, 1, 1), None, None]})
    with_arrow = digest(frame)
    monkeypatch.delitem(sys.modules, "pyarrow")
    assert digest(frame) == with_arrow


def test_every_format_of_a_sparse_matrix_has_one_digest():
    matrix = sparse.coo_matrix(np.random.default_rng(1).integers(0, 3, (30, 20)).astype(float))
    digests = {digest(matrix.asformat(name)) for name in ("coo", "csr", "csc", "lil", "dok")}
    with_zeros = sparse.coo_array((np.append(matrix.data, 0.0), (np.append(matrix.row, 0), np.append(matrix.col, 0))), matrix.shape)
    assert digests == {digest(with_zeros)}
    before = with_zeros.nnz
    digest(with_zeros)
    assert with_zeros.nnz == before


def test_nan_is_one_value_whatever_its_bits():
    odd = np.array([0xFFF8000000000001], dtype=np.uint64).view(np.float64)
    assert digest(odd) == digest(np.array([np.nan]))
    assert digest(odd.astype(complex)) == digest(np.array([complex(np.nan, 0)]))


# -- what changes it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pd.Series([1, 2]), pd.Series([1.0, 2.0])),
        (pd.Series([1, 2]), pd.Series([1, 2], dtype="int32")),
        (pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64")),
        (pd.Series([1, "1"], dtype=object), pd.Series(["1", 1], dtype=object)),
        (pd.Series([1], dtype=object), pd.Series([True], dtype=object)),
        (pd.Series([1], dtype=object), pd.Series([1.0], dtype=object)),
        (pd.Series([None], dtype=object), pd.Series([np.nan], dtype=object)),
        (pd.Series(["ab", "c"]), pd.Series(["a", "bc"])),
        (pd.Series(["ab", "c"], dtype=object), pd.Series(["a", "bc"], dtype=object)),
        (pd.Series([["a", "b"]]), pd.Series([["ab"]])),
        (pd.Series([["a"]]), pd.Series([("a",)])),
        (pd.Series([0.0]), pd.Series([-0.0])),
        (pd.Series(["", None]), pd.Series([None, ""])),
        (pd.Series([1], name="a"), pd.Series([1], name="b")),
        (pd.DataFrame({1: [1]}), pd.DataFrame({"1": [1]})),
        (pd.DataFrame({"a": [1], "b": [1]}), pd.DataFrame({"b": [1], "a": [1]})),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[1, 0])),
        (pd.DataFrame({"a": [1]}, index=pd.Index([0], name="i")), pd.DataFrame({"a": [1]})),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [2, 1]})),
        (pd.Series(pd.to_datetime(["2024-01-01"])), pd.Series(pd.to_datetime(["2024-01-01"]).tz_localize("UTC"))),
        (
            pd.Series(pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Berlin")),
            pd.Series(pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Paris")),
        ),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(3), np.zeros(3, "float32")),
        (np.zeros(3), pd.Series(np.zeros(3))),
        (np.zeros((0, 3)), np.zeros((0, 4))),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 2], mask=[False, False])),
        (np.array(["a"]), np.array([b"a"])),
        (pl.DataFrame({"a": [1, None]}), pl.DataFrame({"a": [1, 0]})),
        (pa.table({"a": [1, None]}), pa.table({"a": [1, 0]})),
        (sparse.eye(3).tocsr(), sparse.eye(4).tocsr()),
    ],
)
def test_different_content_has_different_digests(left, right):
    assert digest(left) != digest(right)


def test_what_lies_under_a_mask_is_no_content():
    assert digest(np.ma.array([1, 2], mask=[False, True])) == digest(np.ma.array([1, 9], mask=[False, True]))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes(),
    st.lists(st.integers() | st.text(max_size=2), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers() | st.none(), max_size=3),
)


def same(left, right):
    """Equal and of one kind, NaN being NaN; a zero's sign counts."""
    return type(left) is type(right) and (repr(left) == repr(right) or (left == right and not isinstance(left, float)))


@given(st.lists(CELLS, min_size=1, max_size=8), CELLS, st.data())
def test_changing_one_cell_of_an_object_column_changes_the_digest(cells, other, data):
    position = data.draw(st.integers(0, len(cells) - 1))
    before = digest(pd.Series(cells, dtype=object))
    changed = [*cells[:position], other, *cells[position + 1 :]]
    assert (digest(pd.Series(changed, dtype=object)) == before) is same(cells[position], other)


@given(st.lists(st.text(max_size=6) | st.none(), min_size=1, max_size=8), st.text(max_size=6), st.data())
def test_changing_one_text_changes_the_digest(cells, other, data):
    position = data.draw(st.integers(0, len(cells) - 1))
    dtype = pd.StringDtype("python")
    before = digest(pd.Series(cells, dtype=dtype))
    changed = [*cells[:position], other, *cells[position + 1 :]]
    assert (digest(pd.Series(changed, dtype=dtype)) == before) is (cells[position] == other)


@given(st.lists(st.floats(width=32), min_size=1, max_size=20), st.floats(width=32), st.data())
@settings(max_examples=50)
def test_changing_one_number_changes_the_digest_of_frame_and_array(values, other, data):
    position = data.draw(st.integers(0, len(values) - 1))
    equal = same(values[position], other)
    changed = [*values[:position], other, *values[position + 1 :]]
    for make in (pd.DataFrame, pd.Series, np.array, lambda column: pl.Series("a", column, dtype=pl.Float64), lambda column: pa.table({"a": column})):
        assert (digest(make(changed)) == digest(make(values))) is equal


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
@settings(max_examples=50)
def test_pickling_a_frame_of_any_cells_keeps_its_digest(rows):
    frame = pd.DataFrame(rows, columns=["a", "a"], dtype=object)
    assert digest(pickle.loads(pickle.dumps(frame))) == digest(frame)


def test_large_columns_are_covered_in_every_segment():
    rows = (1 << 20) + 5
    numbers, text = np.zeros(rows), pd.Series(["x"] * rows)
    before = digest(numbers), digest(text)
    for position in (0, (1 << 20) - 1, 1 << 20, rows - 1):
        numbers[position], text[position] = 1, "y"
        assert digest(numbers) != before[0]
        assert digest(text) != before[1]
        numbers[position], text[position] = 0, "x"
    assert (digest(numbers), digest(text)) == before


# -- hostile input --------------------------------------------------------------------------------


def test_mixed_nested_and_unhashable_cells_are_covered():
    cells = [{"a": [1, {2, 3}]}, [[], [[]]], np.arange(3), pd.Series([1, 2]), pd.DataFrame({"x": [1]}), pd.Timestamp(0), pd.NaT, pd.NA, pd.Interval(0, 1)]
    cells += [pd.Period("2024-01"), uuid.UUID(int=5), Shade.DARK, Pixel(1, "red"), Rebuildable(3), 10**5000, np.float32(1.5), np.longdouble("1.1"), range(3)]
    cells += [np.datetime64("NaT", "s"), np.timedelta64(5, "s"), datetime.timedelta(1), complex(1, float("nan")), int, len, "\ud800"]
    column = pd.Series([None] * len(cells), dtype=object)
    for position, cell in enumerate(cells):
        column.iat[position] = cell
    assert not_covered(column) is None
    assert digest(pickle.loads(pickle.dumps(column))) == digest(column)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Pixel(1, "red"), Pixel(1, "blue")),
        (Shade.DARK, Shade.LIGHT),
        (Rebuildable(1), Rebuildable(2)),
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([[1, 2]]), np.array([1, 2])),
        (pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01")),
        (pd.Timestamp(1), pd.Timestamp(2)),
        (pd.Timedelta(1), pd.Timedelta(2)),
        (pd.Series([1]), pd.Series([2])),
        (pd.Interval(0, 1), pd.Interval(0, 1, closed="left")),
        (decimal.Decimal("1.5"), decimal.Decimal("1.6")),
        (np.longdouble(1) / 3, np.longdouble(1) / 3 * (1 + np.finfo(np.longdouble).eps)),
    ],
)
def test_cells_count_by_their_value(left, right):
    columns = [pd.Series([None, None], dtype=object) for _ in range(2)]
    columns[0].iat[0], columns[1].iat[0] = left, right
    assert digest(columns[0]) != digest(columns[1])


def test_equal_sets_and_dicts_in_another_order_are_equal():
    assert digest(pd.Series([{"a": 1, "b": 2}])) == digest(pd.Series([{"b": 2, "a": 1}]))


def test_cells_without_a_canonical_form_are_named_in_the_profile():
    frame = pd.DataFrame({"bad": pd.Series([Angry(), Point(1), lambda: 0, 5], dtype=object), "good": [1, 2, 3, 4]})
    found = not_covered(frame)
    assert list(found) == ["bad"]
    assert sum(found["bad"].values()) == 3
    assert any(reason.endswith("Angry: RuntimeError while reading it") for reason in found["bad"])
    other = frame.copy()
    other["bad"] = pd.Series([Angry(), Point(2), lambda: 1, 5], dtype=object)
    assert digest(other) == digest(frame)
    other.loc[3, "bad"] = 6
    assert digest(other) != digest(frame)


def test_a_cell_that_contains_itself_is_not_covered():
    loop: list[object] = []
    loop.append(loop)
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    wide: list[object] = [0] * 10
    for _ in range(12):
        wide = [wide] * 10
    found = not_covered(pd.Series([loop, deep, wide], dtype=object))["data"]
    assert set(found) == {"list: it contains itself", "list: it is nested more than 50 deep", "list: it holds more than 2,000,000 values"}


def test_strange_labels_are_no_obstacle():
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=pd.Index(["a", "a", 1, Angry2()], dtype=object))
    names = [entry["name"] for entry in fingerprint(frame, "f").schema]
    assert names == ["a", "a#2", "1", "<Angry2: __repr__ raised ValueError>"]
    multi = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", 1), ("x", 2)]))
    assert [entry["name"] for entry in fingerprint(multi, "f").schema] == ["('x', 1)", "('x', 2)"]


class Angry2:
    def __repr__(self):
        raise ValueError


def test_a_column_whose_extension_type_fails_is_named_in_the_profile():
    class Broken(pd.arrays.IntervalArray):
        def __getitem__(self, item):
            raise OSError("the driver is gone")

    broken = Broken.from_breaks([0, 1, 2])
    series = pd.Series(pd.arrays.IntervalArray.from_breaks([0, 1, 2]), name="s")
    object.__setattr__(series._mgr.blocks[0], "values", broken)
    assert not_covered(series) == {"s": {"OSError while reading it": 2}}
    assert fingerprint(series, "s").schema[0]["type"] == "any"


def test_empty_data_has_a_digest():
    empty = [pd.DataFrame(), pd.DataFrame({"a": []}), pd.Series(dtype=object), np.array([]), pl.DataFrame(), pa.table({}), pd.Series([], dtype="category")]
    assert len({digest(obj) for obj in empty}) == len(empty)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1.5, None], dtype="Float64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(pd.arrays.SparseArray([0, 0, 1])),
        pd.Series(pd.period_range("2024", periods=2, freq="M")),
        pd.Series(pd.interval_range(0, 2)),
        pd.Series([1, None], dtype=pd.ArrowDtype(pa.int64())),
        pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pd.Series([decimal.Decimal("1.10"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
        pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())),
        pd.Series([datetime.date(2024, 1, 1), None], dtype=pd.ArrowDtype(pa.date32())),
        pd.Series([datetime.time(1, 2), None], dtype=pd.ArrowDtype(pa.time64("us"))),
        pd.Series(pd.to_timedelta(["1s", None])),
        pd.Series(np.array([1 + 2j, np.nan])),
        pd.Series(pd.cut([1, 5, 9], 3)),
    ],
    ids=lambda series: str(series.dtype)[:40],
)
def test_extension_types_are_covered(series):
    assert not_covered(series) is None
    assert digest(pickle.loads(pickle.dumps(series))) == digest(series)
    assert digest(series.iloc[::-1].reset_index(drop=True)) != digest(series)
