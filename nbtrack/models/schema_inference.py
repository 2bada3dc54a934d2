"""The schema of data: columns of frames, dicts and lists, tensors of arrays.

Types are those that MLflow infers. Two differences: a column without a known type is `any` by
itself, where MLflow gives up the whole schema, and whole numbers among decimal ones count as such.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from nbtrack.models.schema import AnyType, Array, ColSpec, DataType, Object, Property, Schema, TensorSpec, ValueType, tensor_type

_ANY = AnyType()
# numpy's kind and item size; 64-bit unsigned integers have no type here.
_BY_SIZE = {
    "b": {1: DataType.boolean},
    "i": {1: DataType.integer, 2: DataType.integer, 4: DataType.integer, 8: DataType.long},
    "u": {1: DataType.integer, 2: DataType.integer, 4: DataType.long},
    "f": {2: DataType.float, 4: DataType.float, 8: DataType.double},
}
_BY_KIND = {"U": DataType.string, "S": DataType.binary, "M": DataType.datetime}
_WIDER = [{DataType.integer}, {DataType.integer, DataType.long}, {DataType.float}, {DataType.integer, DataType.long, DataType.float, DataType.double}]


def infer_schema(data: Any, *, what: str = "input") -> Schema:
    """The schema of ``data``.

    Parameters
    ----------
    data
        A DataFrame or Series of pandas (or of a library that converts to it), an array, sparse matrix
        or torch tensor, a dict, a list, or a single value.
    what
        How a warning names the data: ``"input"`` or ``"output"``.
    """
    data = to_plain(data)
    if is_frame(data):
        return _frame_schema(data, what)
    if is_series(data):
        return Schema([_column(data, data.name, what)])
    if is_sparse(data):
        return Schema([TensorSpec(tensor_type(data.dtype), (-1, *data.shape[1:]))])
    if isinstance(data, np.ndarray) and data.ndim:
        return Schema([TensorSpec(tensor_type(data.dtype), (-1, *data.shape[1:]))])
    if isinstance(data, dict) and data:
        return _dict_schema(data, what)
    if isinstance(data, list):
        return _list_schema(data, what)
    return Schema([ColSpec(_known(infer_value(data), f"the model's {what}", data))])


def to_plain(data: Any) -> Any:
    """Data of other libraries as pandas or numpy: a torch tensor, a polars or Arrow frame."""
    if hasattr(data, "detach") and hasattr(data, "numpy"):
        return data.detach().cpu().numpy()
    if not is_frame(data) and not is_series(data) and hasattr(data, "to_pandas"):
        return data.to_pandas()
    return data


def is_frame(data: Any) -> bool:
    """True for a pandas DataFrame, without importing pandas."""
    return _is_pandas(data, "DataFrame")


def is_series(data: Any) -> bool:
    """True for a pandas Series, without importing pandas."""
    return _is_pandas(data, "Series")


def is_sparse(data: Any) -> bool:
    """True for a sparse matrix or array of scipy, without importing scipy."""
    return any(kind.__module__.startswith("scipy.sparse") and kind.__name__ in ("spmatrix", "sparray", "_spbase") for kind in type(data).__mro__)


def numpy_dtype(dtype: Any) -> Any:
    """The numpy dtype behind a pandas one: nullable, Arrow and categorical types stand for that of their values."""
    categories = getattr(dtype, "categories", None)
    if categories is not None and not isinstance(dtype, np.dtype):
        return numpy_dtype(categories.dtype) if hasattr(categories, "dtype") else np.dtype(object)
    if str(dtype).startswith(("string", "str", "large_string")) and not isinstance(dtype, np.dtype):
        return np.dtype(str)
    if str(getattr(dtype, "kind", "")) == "M" and not isinstance(dtype, np.dtype):
        return np.dtype("datetime64[ns]")  # with a time zone
    found = getattr(dtype, "numpy_dtype", dtype)
    return found if isinstance(found, np.dtype) else np.dtype(object)


def dtype_to_type(dtype: Any) -> DataType | None:
    """The type of a numpy dtype; None if there is none."""
    return _BY_SIZE.get(dtype.kind, {}).get(dtype.itemsize) or _BY_KIND.get(dtype.kind)


def infer_value(value: Any) -> ValueType | None:
    """The type of one value; None if there is none."""
    if isinstance(value, np.ndarray):
        return infer_value(value.tolist()) if value.dtype == object else _array_type(value)
    if isinstance(value, np.generic):
        return dtype_to_type(value.dtype)
    if isinstance(value, dict):
        return _merge_objects([value])
    if isinstance(value, list):
        items = _merge(value)
        return None if items is None else Array(items)
    if isinstance(value, bool):
        return DataType.boolean
    for kinds, found in (
        (int, DataType.long),
        (float, DataType.double),
        (str, DataType.string),
        ((bytes, bytearray), DataType.binary),
        (date, DataType.datetime),
    ):
        if isinstance(value, kinds):
            return found
    return None


def is_missing(value: Any) -> bool:
    """True for None, NaN, NaT and pandas' NA."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, (np.datetime64, np.timedelta64)) and bool(np.isnat(value)))


def _is_pandas(data: Any, name: str) -> bool:
    return any(kind.__name__ == name and kind.__module__.partition(".")[0] == "pandas" for kind in type(data).__mro__)


def _frame_schema(frame: Any, what: str) -> Schema:
    labels = [_label(name) for name in frame.columns.tolist()]
    if not labels or len(set(labels)) < len(labels):
        return Schema([ColSpec(_known(None, f"the model's {what}", "columns of one name" if labels else "no columns"))])
    return Schema([_column(column, name, what) for name, (_, column) in zip(labels, frame.items(), strict=True)])


def _label(name: Any) -> Any:
    """A column's label as JSON can hold it."""
    if isinstance(name, (str, bool, int, tuple)):
        return name
    return name.item() if isinstance(name, np.integer) else str(name)


def _column(series: Any, name: Any, what: str) -> ColSpec:
    dtype = numpy_dtype(series.dtype)
    required = not bool(series.isna().any())
    found = _object_type(series) if dtype.kind == "O" else dtype_to_type(dtype)
    where = f"the column {name!r} of the model's {what}" if name is not None else f"the model's {what}"
    return ColSpec(_known(found, where, series.dtype), name if name is None else _label(name), required)


def _object_type(series: Any) -> ValueType | None:
    """The type of a column of Python objects, by its values; texts if there are none."""
    from pandas.api.types import infer_dtype

    if infer_dtype(series, skipna=True) == "string":
        return DataType.string  # the usual case, told without a look at each value in Python
    values = [value for value in series.tolist() if not is_missing(value)]
    if not values:
        return _ANY if len(series) else DataType.string
    if values and all(isinstance(value, dict) for value in values):
        return _merge_objects(series.tolist())
    found = _merge(values)
    # Whole numbers beside a missing one are decimal numbers as soon as pandas makes a column of them.
    return DataType.double if found is DataType.long and len(values) < len(series) else found


def _dict_schema(data: Mapping[str, Any], what: str) -> Schema:
    if all(isinstance(value, np.ndarray) for value in data.values()):
        return Schema([TensorSpec(tensor_type(value.dtype), (-1, *value.shape[1:]), str(name)) for name, value in data.items()])
    return Schema([_dict_column(str(name), value, what) for name, value in data.items()])


def _dict_column(name: str, value: Any, what: str) -> ColSpec:
    if value is None:
        return ColSpec(_ANY, name, required=False)
    if isinstance(value, list) and all(is_missing(item) for item in value):
        return ColSpec(_ANY, name)
    return ColSpec(_known(infer_value(value), f"the key {name!r} of the model's {what}", value), name)


def _list_schema(data: Sequence[Any], what: str) -> Schema:
    if not data:
        return Schema([ColSpec(DataType.string)])
    if all(isinstance(item, dict) for item in data):
        merged = _merge_objects(data)
        if isinstance(merged, Object):
            return Schema([ColSpec(item.dtype, item.name, item.required) for item in _in_order(merged, data)])
    return Schema([ColSpec(_known(_merge(data), f"the items of the model's {what}", data[0]))])


def _in_order(merged: Object, data: Sequence[Mapping[str, Any]]) -> list[Property]:
    """Columns in the order in which the records name them."""
    order = {str(key): position for position, key in enumerate(dict.fromkeys(key for record in data for key in record))}
    return sorted(merged.properties, key=lambda item: order[item.name])


def _array_type(array: Any) -> ValueType | None:
    found: ValueType | None = dtype_to_type(array.dtype)
    for _ in range(array.ndim):
        found = None if found is None else Array(found)
    return found


def _merge(values: Iterable[Any]) -> ValueType | None:
    """The one type that all values have, missing ones left out; None if there is none."""
    present = [value for value in values if not is_missing(value)]
    if not present:
        return _ANY
    if all(isinstance(value, dict) for value in present):
        return _merge_objects(present)
    if all(isinstance(value, (list, np.ndarray)) for value in present):
        items = _merge([item for value in present for item in value])
        return None if items is None else Array(items)
    found = [infer_value(value) for value in {type(value): value for value in present}.values()]
    kinds = {kind for kind in found if isinstance(kind, DataType)}
    if None in found or len(kinds) < len(set(map(repr, found))):
        return None
    return next(iter(kinds)) if len(kinds) == 1 else _wider(kinds)


def _wider(kinds: set[DataType]) -> DataType | None:
    return next((max(known, key=list(DataType).index) for known in _WIDER if kinds <= known), None)


def _merge_objects(values: Sequence[Mapping[str, Any] | None]) -> ValueType | None:
    """One object type for all dicts: what one of them lacks, or has as None, is optional."""
    records = [value for value in values if isinstance(value, dict)]
    names = list(dict.fromkeys(str(key) for record in records for key in record))
    if not names:
        return None
    properties = []
    for name in names:
        present = [record.get(name) for record in records]
        found = _merge(present)
        if found is None:
            return None
        properties.append(Property(name, found, required=len(records) == len(values) and not any(is_missing(item) for item in present)))
    return Object(properties)


def _known(found: ValueType | None, where: str, seen: Any) -> ValueType:
    if found is not None:
        return found
    kind = seen if isinstance(seen, str) or hasattr(seen, "kind") else type(seen).__name__
    warnings.warn(f"{where} has no type that a signature knows ({kind}); it is written as 'any' and not checked", stacklevel=5)
    return _ANY
