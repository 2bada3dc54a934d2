"""Signatures: inferred from data, written and read as the JSON that MLflow 3.17 wrote for the same data."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from nbtrack.errors import ModelError
from nbtrack.models.schema import Array, ColSpec, DataType, Map, Object, Property, Schema, TensorSpec
from nbtrack.models.signature import ModelSignature, infer_signature


def objects(*values: object) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(values, dtype=object)})


FRAME = pd.DataFrame(
    {
        "double": [1.0, 2.0],
        "long": [1, 2],
        "text": ["x", None],
        "flag": [True, False],
        "i32": np.array([1, 2], dtype="int32"),
        "f32": np.array([1, 2], dtype="float32"),
        "time": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "kind": pd.Categorical(["u", "v"]),
        "bytes": [b"a", b"b"],
        "u8": np.array([1, 2], dtype="uint8"),
        "u32": np.array([1, 2], dtype="uint32"),
        "gap": [1.0, np.nan],
    }
)
FRAME_COLUMNS = ["double", "long", "string?", "boolean", "integer", "float", "datetime", "string", "binary", "integer", "long", "double?"]

GOLDEN = {
    "frame": (
        FRAME,
        json.dumps(
            [{"type": kind.rstrip("?"), "name": name, "required": not kind.endswith("?")} for name, kind in zip(FRAME.columns, FRAME_COLUMNS, strict=True)]
        ),
    ),
    "numbered columns": (pd.DataFrame(np.eye(2)), '[{"type": "double", "name": 0, "required": true}, {"type": "double", "name": 1, "required": true}]'),
    "column levels": (
        pd.DataFrame(np.eye(1), columns=pd.MultiIndex.from_tuples([("a", "x")])),
        '[{"type": "double", "name": ["a", "x"], "required": true}]',
    ),
    "nullable dtypes": (
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, False], dtype="boolean")}),
        '[{"type": "long", "name": "a", "required": false}, {"type": "boolean", "name": "b", "required": true}]',
    ),
    "categories of numbers": (pd.DataFrame({"a": pd.Categorical([1, 2])}), '[{"type": "long", "name": "a", "required": true}]'),
    "times with a zone": (
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")}),
        '[{"type": "datetime", "name": "a", "required": true}]',
    ),
    "series": (pd.Series([1, 2], name="y"), '[{"type": "long", "name": "y", "required": true}]'),
    "series without a name": (pd.Series([1.5]), '[{"type": "double", "required": true}]'),
    "lists in cells": (objects([1, 2], [3]), '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}]'),
    "dicts in cells": (
        objects({"x": 1}, {"x": 2, "y": "s"}),
        '[{"type": "object", "properties": {"x": {"type": "long", "required": true}, "y": {"type": "string", "required": false}}, '
        '"name": "a", "required": true}]',
    ),
    "dicts in lists in cells": (
        objects([{"a": 1}], [{"a": 2, "b": 3}]),
        '[{"type": "array", "items": {"type": "object", "properties": {"a": {"type": "long", "required": true}, '
        '"b": {"type": "long", "required": false}}}, "name": "a", "required": true}]',
    ),
    "no values": (objects(None, None), '[{"type": "any", "name": "a", "required": false}]'),
    "whole numbers with a gap": (objects(1, None), '[{"type": "double", "name": "a", "required": false}]'),
    "dates": (objects(datetime.date(2020, 1, 1)), '[{"type": "datetime", "name": "a", "required": true}]'),
    "empty column": (objects(), '[{"type": "string", "name": "a", "required": true}]'),
    "array": (np.zeros((3, 4)), '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]'),
    "array of three dimensions": (np.zeros((2, 3, 4), "uint8"), '[{"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, 3, 4]}}]'),
    "array of texts": (np.array(["a", "bb"]), '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'),
    "array of days": (np.array(["2020-01-01"], "datetime64[D]"), '[{"type": "tensor", "tensor-spec": {"dtype": "datetime64[D]", "shape": [-1]}}]'),
    "sparse": (scipy.sparse.csr_matrix(np.eye(3)), '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}]'),
    "dict of arrays": (
        {"a": np.zeros((2, 3)), "b": np.zeros(2, "int32")},
        '[{"name": "a", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}, '
        '{"name": "b", "type": "tensor", "tensor-spec": {"dtype": "int32", "shape": [-1]}}]',
    ),
    "dict of values": (
        {"a": 1, "b": "x", "c": 2.5, "d": True, "e": None},
        '[{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "b", "required": true}, '
        '{"type": "double", "name": "c", "required": true}, {"type": "boolean", "name": "d", "required": true}, '
        '{"type": "any", "name": "e", "required": false}]',
    ),
    "dict of lists": (
        {"a": [1, 2], "c": [[1]], "d": {"k": [1]}},
        '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}, '
        '{"type": "array", "items": {"type": "array", "items": {"type": "long"}}, "name": "c", "required": true}, '
        '{"type": "object", "properties": {"k": {"type": "array", "items": {"type": "long"}, "required": true}}, "name": "d", "required": true}]',
    ),
    "records": (
        [{"a": 1, "b": "x"}, {"a": 2}],
        '[{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "b", "required": false}]',
    ),
    "list of values": ([1, 2, 3], '[{"type": "long", "required": true}]'),
    "list of lists": ([[1, 2], [3]], '[{"type": "array", "items": {"type": "long"}, "required": true}]'),
    "empty list": ([], '[{"type": "string", "required": true}]'),
    "a text": ("abc", '[{"type": "string", "required": true}]'),
    "a numpy number": (np.int32(4), '[{"type": "integer", "required": true}]'),
    "a time": (datetime.datetime(2020, 1, 1), '[{"type": "datetime", "required": true}]'),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_the_schema_of_data_is_the_one_that_mlflow_writes(case: str):
    data, text = GOLDEN[case]
    signature = infer_signature(data)
    assert signature.to_dict() == {"inputs": text, "outputs": None, "params": None}
    assert ModelSignature.from_dict(signature.to_dict()) == signature


@pytest.mark.parametrize(
    "data",
    [objects(1, "x"), objects((1, 2)), pd.DataFrame({"a": pd.to_timedelta(["1D"])}), pd.DataFrame({"a": np.array([1], dtype="uint64")})],
    ids=["mixed", "tuples", "durations", "unsigned 64 bits"],
)
def test_a_column_without_a_known_type_is_any_and_said(data: pd.DataFrame):
    with pytest.warns(UserWarning, match="the column 'a' of the model's input has no type that a signature knows"):
        signature = infer_signature(data.assign(b=1.0))
    assert [repr(spec) for spec in signature.inputs] == ["'a': Any (required)", "'b': double (required)"]


def test_columns_of_one_name_are_any():
    with pytest.warns(UserWarning, match="columns of one name"):
        assert infer_signature(pd.DataFrame(np.eye(2), columns=["a", "a"])).inputs.to_dict() == [{"type": "any", "required": True}]


def test_frames_of_other_libraries_are_read(monkeypatch: pytest.MonkeyPatch):
    polars = pytest.importorskip("polars")
    assert infer_signature(polars.DataFrame({"a": [1.5], "b": ["x"]})).inputs.input_names() == ["a", "b"]


def test_params_have_their_types_and_defaults():
    params = {"t": 0.5, "n": 1, "s": "x", "b": True, "l": [1, 2], "d": datetime.datetime(2020, 1, 1), "f": np.float32(1.0), "o": {"a": {"b": [1]}}}
    text = infer_signature(params=params).to_dict()["params"]
    assert json.loads(text) == [
        {"name": "t", "default": 0.5, "shape": None, "type": "double"},
        {"name": "n", "default": 1, "shape": None, "type": "long"},
        {"name": "s", "default": "x", "shape": None, "type": "string"},
        {"name": "b", "default": True, "shape": None, "type": "boolean"},
        {"name": "l", "default": [1, 2], "shape": [-1], "type": "long"},
        {"name": "d", "default": "2020-01-01T00:00:00", "shape": None, "type": "datetime"},
        {"name": "f", "default": 1.0, "shape": None, "type": "float"},
        {
            "name": "o",
            "default": {"a": {"b": [1]}},
            "shape": None,
            "type": "object",
            "properties": {"a": {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "long"}, "required": True}}, "required": True}},
        },
    ]


def test_signatures_read_as_what_they_hold():
    signature = infer_signature(pd.DataFrame({"a": [1.5]}), np.zeros(3), {"n": 1})
    assert repr(signature) == ("inputs: \n  ['a': double (required)]\noutputs: \n  [Tensor('float64', (-1,))]\nparams: \n  ['n': long (default: 1)]\n")
    assert signature != infer_signature(pd.DataFrame({"a": [1]}))
    assert hash(signature.inputs) == hash(Schema([ColSpec("double", "a")]))


def test_schemas_can_be_written_by_hand():
    schema = Schema([ColSpec("double", "a"), ColSpec(Array("string"), "b", required=False), ColSpec(Map("long"), "c"), ColSpec(DataType.long, "d")])
    assert Schema.from_json(schema.to_json()) == schema
    assert schema.required_input_names() == ["a", "c", "d"]
    assert schema.optional_input_names() == ["b"]
    tensors = Schema([TensorSpec(np.dtype("float32"), (-1, 2), "x"), TensorSpec("int64", (-1,), "y")])
    assert Schema.from_json(tensors.to_json()) == tensors
    assert tensors.is_tensor_spec()


def test_earlier_versions_say_optional():
    assert not Schema.from_json('[{"type": "double", "name": "a", "optional": true}]').inputs[0].required


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: infer_signature(), "At least one of inputs, outputs or params must be provided"),
        (lambda: ModelSignature(inputs=pd.DataFrame()), "must be a Schema; found DataFrame"),
        (lambda: Schema([]), "at least one column or tensor"),
        (lambda: Schema([ColSpec("double", "a"), ColSpec("double")]), "name all of them or none"),
        (lambda: Schema([ColSpec("double", "a"), ColSpec("long", "a")]), "a name twice: a"),
        (lambda: Schema([ColSpec("double", "a"), TensorSpec("int64", (-1,), "b")]), "found ColSpec, TensorSpec"),
        (lambda: Schema([TensorSpec("int64", (-1,)), TensorSpec("int64", (-1,))]), "several tensors needs their names"),
        (lambda: ColSpec("dubble"), "Did you mean 'double'"),
        (lambda: Object([Property("a", "long"), Property("a", "long")]), "property twice"),
        (lambda: Schema.from_json("[{}]"), "lacks the key 'type'"),
        (lambda: Schema.from_json("{"), "is not JSON"),
        (lambda: Schema.from_json('{"a": 1}'), "a JSON list of objects"),
        (lambda: Schema.from_json('[{"type": "tensor"}]'), "lacks the key 'tensor-spec'"),
        (lambda: infer_signature(params={"x": None}), "no type for the param 'x'"),
        (lambda: infer_signature(params={"x": b"y"}), "found bytes"),
        (lambda: infer_signature(params={"x": [1, "a"]}), "the items of a list have one type; found long, string"),
    ],
)
def test_what_is_no_signature_is_refused(make, message: str):
    with pytest.raises(ModelError, match=message):
        make()
