"""What is passed to a model is made to fit its signature, or refused with the column, the type found and the type wanted."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.errors import SchemaMismatch
from nbtrack.models.enforcement import enforce, enforce_input
from nbtrack.models.schema import ColSpec, Schema, TensorSpec
from nbtrack.models.signature import infer_signature

AB = Schema([ColSpec("double", "a"), ColSpec("string", "b"), ColSpec("long", "c", required=False)])


def column(kind: str, values: object, dtype: object = None, *, required: bool = True) -> pd.Series:
    """The column after it was fitted to one of type ``kind``."""
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype)})
    return enforce_input(frame, Schema([ColSpec(kind, "a", required)]))["a"]


def test_missing_columns_are_named_and_extra_ones_too():
    with pytest.raises(SchemaMismatch) as caught:
        enforce_input(pd.DataFrame({"x": [1.0], "a": [2.0]}), AB)
    assert "Model is missing inputs ['b']. Note that there were extra inputs: ['x']." in str(caught.value)
    assert str(caught.value).startswith(
        "Failed to enforce schema of data 'DataFrame of shape (1, 2) with columns ['x', 'a']' with schema '['a': double (required)"
    )


def test_values_of_the_data_are_not_in_the_message():
    with pytest.raises(SchemaMismatch) as caught:
        enforce_input(pd.DataFrame({"patient": ["Ada Lovelace"]}), AB)
    assert "Ada" not in str(caught.value)


def test_columns_are_put_in_order_and_extra_ones_left_out_with_a_warning():
    frame = pd.DataFrame({"x": [0], "b": ["t"], "a": [1.5]})
    with pytest.warns(UserWarning, match=r"not in the model's signature: \['x'\]"):
        fitted = enforce_input(frame, AB)
    assert list(fitted.columns) == ["a", "b"]
    assert list(frame.columns) == ["x", "b", "a"]


def test_a_model_may_write_into_what_it_gets():
    frame = pd.DataFrame({"a": [1.5], "b": ["t"]})
    fitted = enforce_input(frame, AB)
    fitted.loc[0, "a"] = 99.0
    fitted["new"] = 1
    assert frame.to_dict("list") == {"a": [1.5], "b": ["t"]}


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1))
def test_whole_numbers_pass_as_double_exactly_where_each_keeps_its_value(values: list[int]):
    if all(abs(value) <= 2**53 for value in values):
        assert column("double", values, "int64").tolist() == values
    else:
        with pytest.raises(SchemaMismatch, match=r"Can not safely convert int64 to float64.*2\^53"):
            column("double", values, "int64")


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "expected"),
    [
        ("double", [1, 2], "int32", "float64"),
        ("double", [1.5], "float32", "float64"),
        ("double", [1, 2], object, "float64"),
        ("double", [1, None], object, "float64"),
        ("double", [None, None], object, "float64"),
        ("double", [1, None], "Int64", "float64"),
        ("double", [Decimal("1.5")], object, "float64"),
        ("float", [1, 2**24], "int64", "float32"),
        ("long", [1], "int8", "int64"),
        ("long", [1], "uint64", "int64"),
        ("integer", [1, -(2**31)], "int64", "int32"),
        ("boolean", [True, False], "boolean", "bool"),
        ("boolean", [True, None], object, "object"),
        ("string", ["a", None], object, "object"),
        ("string", ["a"], "category", "category"),
        ("binary", [b"a"], object, "object"),
        ("datetime", ["2020-01-01T10:00"], object, "datetime64[ns]"),
        ("datetime", [datetime.date(2020, 1, 1)], object, "datetime64[ns]"),
        ("datetime", np.array(["2020-01-01"], "datetime64[s]"), None, "datetime64[ns]"),
    ],
)
def test_casts_that_keep_every_value_pass(kind: str, values: object, dtype: object, expected: str):
    assert str(column(kind, values, dtype).dtype) == expected


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "message"),
    [
        ("double", ["x"], object, "Can not safely convert (str|object).* to float64"),
        ("double", [True], None, "Can not safely convert bool to float64"),
        ("float", [1.5], "float64", "Can not safely convert float64 to float32. Here decimal numbers would lose digits"),
        ("float", [2**24 + 1], "int64", "16777217 is outside float32, which is exact up to 2.24"),
        ("long", [1.0, 2.0], "float64", "Can not safely convert float64 to int64. Here decimal numbers would lose their fraction"),
        ("long", [1.0, np.nan], "float64", "Whole numbers with missing values are decimal numbers in pandas"),
        ("long", [1, None], "Int64", "1 of 2 values are missing, and the signature requires them"),
        ("long", [2**63], "uint64", "9223372036854775808 is outside int64"),
        ("integer", [2**31], "int64", "2147483648 is outside int32"),
        ("string", [1], "int64", "Can not safely convert int64 to str"),
        ("boolean", [[1]], object, "It holds list"),
        ("datetime", ["yesterday at noon"], object, "to datetime64"),
        ("datetime", pd.to_datetime(["2020-01-01"]).tz_localize("UTC"), None, "have a time zone"),
        ("datetime", [5], "int64", "Can not safely convert int64 to datetime64"),
    ],
)
def test_casts_that_would_change_values_are_refused(kind: str, values: object, dtype: object, message: str):
    with pytest.raises(SchemaMismatch, match=f"Incompatible input types for column a.*{message}"):
        column(kind, values, dtype)


def test_missing_whole_numbers_pass_where_the_column_is_optional():
    assert column("long", [1, None], "Int64", required=False).tolist() == [1, pd.NA]


def test_many_columns_of_whole_numbers_are_cast_at_once_and_the_bad_one_is_named():
    schema = Schema([ColSpec("double", name) for name in "abc"] + [ColSpec("string", "d")])
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3], "d": ["x"]})
    assert [str(dtype) for dtype in enforce_input(frame, schema).dtypes[:3]] == ["float64"] * 3
    with pytest.raises(SchemaMismatch, match="column b"):
        enforce_input(frame.assign(b=2**60 + 1), schema)


def test_dicts_and_lists_are_rows_and_columns():
    assert enforce_input({"a": 1.5, "b": "t"}, AB).to_dict("records") == [{"a": 1.5, "b": "t"}]
    assert enforce_input({"a": [1, 2], "b": ["s", "t"]}, AB)["a"].tolist() == [1.0, 2.0]
    assert enforce_input([{"a": 1.5, "b": "t"}], AB).shape == (1, 2)
    assert enforce_input(pd.Series([1.5], name="a"), Schema([ColSpec("double", "a")]))["a"].tolist() == [1.5]
    with pytest.raises(SchemaMismatch, match="Expected input to be DataFrame. Found: set"):
        enforce_input({1}, AB)


def test_unnamed_columns_are_counted_only():
    schema = Schema([ColSpec("double"), ColSpec("double")])
    assert enforce_input(np.array([[1, 2], [3, 4]]), schema).to_numpy().tolist() == [[1, 2], [3, 4]]
    assert enforce_input(pd.DataFrame({"p": [1.0], "q": [2.0], "r": [3.0]}), schema).columns.tolist() == ["p", "q"]
    with pytest.raises(SchemaMismatch, match="declares 2 inputs but the provided value only has 1 inputs"):
        enforce_input([1.5], schema)


def test_nested_values_are_checked_key_by_key():
    schema = infer_signature(pd.DataFrame({"a": [{"x": 1.5, "tags": ["p"]}, {"x": 2.5, "tags": [], "note": "n"}]})).inputs
    fitted = enforce_input(pd.DataFrame({"a": [{"x": 3, "tags": ["q"]}]}), schema)
    assert fitted["a"].tolist() == [{"x": 3.0, "tags": ["q"]}]
    for cell, message in (
        ({"tags": []}, "Missing required properties: \\['x'\\]"),
        ({"x": 1.0, "tags": [], "y": 1}, "not defined in the schema found: \\['y'\\]"),
        ({"x": "1", "tags": []}, "the key 'x': double is wanted; found str: '1'"),
        ({"x": 1.0, "tags": "p"}, "the key 'tags': a list is wanted; found str"),
        (5, "a dict is wanted; found int: 5"),
    ):
        with pytest.raises(SchemaMismatch, match=message):
            enforce_input(pd.DataFrame({"a": [cell]}), schema)


def test_tensors_are_checked_by_shape_and_dtype():
    schema = Schema([TensorSpec("float64", (-1, 3))])
    assert enforce_input(np.ones((2, 3), "int64"), schema).dtype == "float64"
    assert enforce_input(np.ones((2, 3), "float32"), schema).dtype == "float64"
    assert enforce_input([[1.0, 2.0, 3.0]], schema).shape == (1, 3)
    assert enforce_input(pd.DataFrame(np.ones((2, 3))), schema).shape == (2, 3)
    with pytest.raises(SchemaMismatch, match=r"Shape of input \(2, 4\) does not match expected shape \(-1, 3\)"):
        enforce_input(np.ones((2, 4)), schema)
    with pytest.raises(SchemaMismatch, match="found float64, wanted float32"):
        enforce_input(np.ones((2, 3)), Schema([TensorSpec("float32", (-1, 3))]))
    with pytest.raises(SchemaMismatch, match="an array is wanted"):
        enforce_input("abc", schema)


def test_named_tensors_come_as_a_dict_or_in_columns():
    schema = Schema([TensorSpec("float64", (-1, 2), "x"), TensorSpec("int64", (-1,), "y")])
    fitted = enforce_input({"x": np.ones((1, 2)), "y": np.array([1])}, schema)
    assert {name: array.shape for name, array in fitted.items()} == {"x": (1, 2), "y": (1,)}
    columns = pd.DataFrame({"x": [[1.0, 2.0], [3.0, 4.0]], "y": [1, 2]})
    assert enforce_input(columns, schema)["x"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(SchemaMismatch, match="Model is missing inputs \\['y'\\]"):
        enforce_input({"x": np.ones((1, 2))}, schema)


def test_params_are_filled_checked_and_unknown_ones_left_out():
    signature = infer_signature(params={"t": 0.5, "names": ["a"], "n": 3})
    with pytest.warns(UserWarning, match=r"\['typo'\] are ignored"):
        assert enforce(None, {"t": 1, "typo": 2}, signature)[1] == {"t": 1.0, "names": ["a"], "n": 3}
    with pytest.raises(SchemaMismatch, match="Invalid parameters found: .*'t': .double is wanted; found str: 'x'.*'names'"):
        enforce(None, {"t": "x", "names": "a"}, signature)
    with pytest.raises(SchemaMismatch, match="long is wanted; found float"):
        enforce(None, {"n": 1.5}, signature)
    with pytest.raises(SchemaMismatch, match="params are a dict"):
        enforce(None, [1], signature)


def test_params_of_a_model_without_any_are_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="the model's signature has none"):
        assert enforce([1], {"t": 1}, None) == ([1], {})
