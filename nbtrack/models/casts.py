"""Casts of columns and arrays to the types of a schema, as long as no value changes.

Whether whole numbers fit a narrower or a decimal type is told by their values; decimal numbers never
become narrower or whole, since that would hold for one batch of data and fail for the next.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from nbtrack.errors import SchemaMismatch
from nbtrack.models.schema import AnyType, Array, DataType, Map, Object, ValueType
from nbtrack.models.schema_inference import is_missing, numpy_dtype

_EXACT_BITS = {2: 11, 4: 24, 8: 53}  # whole numbers up to 2^bits are exact in a float of so many bytes
_NULLABLE = {DataType.integer: "Int32", DataType.long: "Int64"}
_MISSING_HINT = (
    " Whole numbers with missing values are decimal numbers in pandas: infer the signature from data that has missing values, "
    "so that the column is double, or give the column the dtype 'Int64'."
)


def cast_column(name: object, series: Any, wanted: DataType, *, required: bool = False) -> Any:
    """``series`` in the type that the schema wants, the same object where nothing is to be done.

    Raises
    ------
    SchemaMismatch
        The cast would change a value, or a required column of whole numbers has missing ones; names
        the column, the type found and the type wanted.
    """
    found = numpy_dtype(series.dtype)
    if wanted in (DataType.string, DataType.binary):
        if found.kind in "OUS":
            return series  # as it is: a column of Python objects may hold None beside texts
        raise _refusal(name, series.dtype, wanted)
    if series.dtype == wanted.numpy_name:
        return series
    if found.kind == "O":
        series = series.infer_objects()
        found = numpy_dtype(series.dtype)
    if wanted is DataType.datetime:
        return _datetime(name, series, found)
    if found.kind == "O":
        return _objects(name, series, wanted, required=required)
    if _is_category(series.dtype) and found == np.dtype(wanted.numpy_name):
        return series  # its values have the type; the model may want the categories
    if found.kind == "b" and wanted is DataType.boolean:
        return series if series.isna().any() else series.astype(bool)
    return _numbers(name, series, found, wanted, required=required)


def cast_array(array: Any, wanted: Any, name: object = None) -> Any:
    """An array, or sparse matrix, in another dtype, if no value changes."""
    if array.dtype == wanted or (array.dtype.kind == wanted.kind and wanted.kind in "USMO"):
        return array
    problem = lossy(array if isinstance(array, np.ndarray) else array.data, array.dtype, wanted)
    if problem:
        where = "" if name is None else f" of the input {name!r}"
        raise SchemaMismatch(f"dtype{where}: found {array.dtype}, wanted {wanted}; {problem}")
    return array.astype(wanted)


def lossy(values: Any, found: Any, wanted: Any) -> str:
    """Why ``values`` (without missing ones) cannot be cast from one numpy dtype to the other; empty if they can."""
    if found.kind in "iu" and wanted.kind in "iu":
        limits = np.iinfo(wanted)
        return "" if np.can_cast(found, wanted) else _outside(values, int(limits.min), int(limits.max), str(wanted))
    if found.kind in "iu" and wanted.kind == "f":
        bits = _EXACT_BITS.get(wanted.itemsize, 64)
        exact = found.itemsize * 8 <= bits
        return "" if exact else _outside(values, -(2**bits), 2**bits, f"{wanted}, which is exact up to 2^{bits}")
    if found.kind == "f" and wanted.kind == "f":
        return "" if found.itemsize <= wanted.itemsize else "decimal numbers would lose digits"
    if found.kind == "f" and wanted.kind in "iu":
        return "decimal numbers would lose their fraction"
    return "the kinds differ"


def fit_value(value: Any, wanted: ValueType, *, required: bool = True) -> Any:
    """A nested value (list, dict or plain) in the types that the schema wants.

    Raises
    ------
    SchemaMismatch
        The value does not fit; says which key.
    """
    if isinstance(wanted, AnyType) or (not required and _is_nothing(value)):
        return value
    if isinstance(wanted, DataType):
        return _fit_plain(value, wanted)
    if isinstance(wanted, Array):
        return _fit_list(value, wanted)
    if isinstance(wanted, Map):
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise SchemaMismatch(f"a dict with string keys is wanted; found {_described(value)}")
        return {key: _fit_key(key, item, wanted.value_type, required=True) for key, item in value.items()}
    return _fit_object(value, wanted)


def _fit_plain(value: Any, wanted: DataType) -> Any:
    import pandas as pd

    if isinstance(value, (dict, list, np.ndarray)):
        raise SchemaMismatch(f"a single {wanted!r} is wanted; found {_described(value)}")
    try:
        return cast_column("", pd.Series([value]), wanted).iloc[0]
    except SchemaMismatch:
        raise SchemaMismatch(f"{wanted!r} is wanted; found {_described(value)}") from None


def _fit_list(value: Any, wanted: Array) -> Any:
    import pandas as pd

    if isinstance(wanted.dtype, AnyType) and _is_nothing(value):
        return value
    if not isinstance(value, (list, tuple, np.ndarray)):
        raise SchemaMismatch(f"a list is wanted; found {_described(value)}")
    if not len(value):
        return value
    if isinstance(wanted.dtype, DataType):
        fitted = cast_column("", pd.Series(list(value)), wanted.dtype)
        return fitted.to_numpy() if isinstance(value, np.ndarray) else fitted.tolist()
    items = [fit_value(item, wanted.dtype) for item in value]
    return np.array(items) if isinstance(value, np.ndarray) else items


def _fit_object(value: Any, wanted: Object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SchemaMismatch(f"a dict is wanted; found {_described(value)}")
    known = {item.name: item for item in wanted.properties}
    if missing := sorted(name for name, item in known.items() if item.required and name not in value):
        raise SchemaMismatch(f"Missing required properties: {missing}; found {sorted(map(str, value))}")
    if unknown := sorted(map(str, value.keys() - known.keys())):
        raise SchemaMismatch(f"Invalid properties not defined in the schema found: {unknown}; it has {sorted(known)}")
    return {key: _fit_key(key, item, known[key].dtype, required=known[key].required) for key, item in value.items()}


def _fit_key(key: str, value: Any, wanted: ValueType, *, required: bool) -> Any:
    try:
        return fit_value(value, wanted, required=required)
    except SchemaMismatch as error:
        raise SchemaMismatch(f"the key {key!r}: {error}") from None


def _datetime(name: object, series: Any, found: Any) -> Any:
    import pandas as pd

    if getattr(series.dtype, "tz", None) is not None:
        raise _refusal(name, series.dtype, DataType.datetime, " The times have a time zone: take it off with .dt.tz_convert('UTC').dt.tz_localize(None).")
    if found.kind == "M":
        return series.astype("datetime64[ns]")
    if found.kind not in "OU":
        raise _refusal(name, series.dtype, DataType.datetime)
    try:
        return pd.to_datetime(series).astype("datetime64[ns]")
    except (TypeError, ValueError) as error:
        raise _refusal(name, series.dtype, DataType.datetime, f" {error}.") from None


def _objects(name: object, series: Any, wanted: DataType, *, required: bool) -> Any:
    """A column that stayed one of Python objects: numbers or booleans beside None, or None alone."""
    values = [value for value in series.tolist() if not is_missing(value)]
    if wanted is DataType.boolean and all(isinstance(value, (bool, np.bool_)) for value in values):
        return series
    if all(isinstance(value, (int, float, Decimal, np.number)) and not isinstance(value, bool) for value in values):
        numbers = np.asarray([float(value) if isinstance(value, Decimal) else value for value in values], dtype=None if values else "int64")
        if numbers.dtype.kind in "iuf":
            nullable = series.astype("Float64" if numbers.dtype.kind == "f" else "Int64")
            return _numbers(name, nullable, numbers.dtype, wanted, required=required)
    raise _refusal(name, series.dtype, wanted, f" It holds {_described(values[0])}.")


def _numbers(name: object, series: Any, found: Any, wanted: DataType, *, required: bool) -> Any:
    target = np.dtype(wanted.numpy_name)
    missing = series.isna()
    has_missing = bool(missing.any())
    present = (series[~missing] if has_missing else series).to_numpy(dtype=found)
    problem = "" if found == target else lossy(present, found, target)
    if problem:
        hint = _MISSING_HINT if has_missing and found.kind == "f" and target.kind == "i" and bool((present == np.floor(present)).all()) else ""
        raise _refusal(name, series.dtype, wanted, f" Here {problem}.{hint}")
    if not has_missing:
        return series.astype(target)
    if target.kind == "i" and required:
        raise _refusal(name, series.dtype, wanted, f" {int(missing.sum())} of {len(series)} values are missing, and the signature requires them.")
    return series.astype(_NULLABLE[wanted]) if target.kind == "i" else series.astype("Float64").astype(target)


def _refusal(name: object, found: Any, wanted: DataType, why: str = "") -> SchemaMismatch:
    return SchemaMismatch(f"Incompatible input types for column {name}. Can not safely convert {found} to {wanted.numpy_name}.{why}")


def _outside(values: Any, low: int, high: int, target: str) -> str:
    if not len(values):
        return ""
    flat = values.reshape(-1)
    smallest, largest = int(flat.min()), int(flat.max())
    if low <= smallest and largest <= high:
        return ""
    return f"{smallest if smallest < low else largest} is outside {target}"


def _is_category(dtype: Any) -> bool:
    return getattr(dtype, "categories", None) is not None and not isinstance(dtype, np.dtype)


def _is_nothing(value: Any) -> bool:
    return bool(value == {}) if isinstance(value, dict) else len(value) == 0 if isinstance(value, (list, np.ndarray)) else is_missing(value)


def _described(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__}: {text if len(text) <= 60 else text[:59] + '…'}"
