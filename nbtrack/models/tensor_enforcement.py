"""Make arrays fit a signature of tensors: by shape, and by dtype where no value changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbtrack.errors import SchemaMismatch
from nbtrack.models.casts import cast_array
from nbtrack.models.schema import Schema, TensorSpec
from nbtrack.models.schema_inference import is_frame, is_series, is_sparse


def fit_tensors(data: Any, schema: Schema) -> Any:
    """An array for an unnamed tensor, a dict of arrays for named ones.

    Raises
    ------
    SchemaMismatch
        A tensor is missing, or has another shape, or a dtype that cannot be cast without loss.
    """
    specs = [spec for spec in schema if isinstance(spec, TensorSpec)]
    if not schema.has_input_names():
        return _fit_one(data, specs[0])
    if isinstance(data, np.ndarray) and len(specs) == 1:
        data = {specs[0].name: data}
    if not isinstance(data, dict) and not is_frame(data):
        raise SchemaMismatch(f"a dict of arrays by name, or a DataFrame, is wanted; found {type(data).__name__}")
    present = list(data.columns) if is_frame(data) else list(data)
    if missing := [spec.name for spec in specs if spec.name not in present]:
        raise SchemaMismatch(f"Model is missing inputs {missing}.")
    return {spec.name: _fit_named(data[spec.name], spec) for spec in specs}


def _fit_one(data: Any, spec: TensorSpec) -> Any:
    if is_series(data):
        data = data.to_frame()
    if is_frame(data):
        if not len(data):
            raise SchemaMismatch("Input DataFrame is empty.")
        array = _stack(data.iloc[:, 0], spec) if len(data.columns) == 1 else data.to_numpy()
        return _fit(array, spec)
    if isinstance(data, list):
        array = np.asarray(data)
        return _fit(array.astype(spec.type) if array.dtype.kind == "f" and spec.type.startswith("float") else array, spec)
    if isinstance(data, np.ndarray) or is_sparse(data):
        return _fit(data, spec)
    raise SchemaMismatch(f"an array is wanted, or a DataFrame with its columns; found {type(data).__name__}")


def _fit_named(value: Any, spec: TensorSpec) -> Any:
    if is_series(value):
        return _fit(_stack(value, spec), spec)
    if not isinstance(value, np.ndarray):
        raise SchemaMismatch(f"the input {spec.name!r} is wanted as an array; found {type(value).__name__}")
    return _fit(value, spec)


def _stack(column: Any, spec: TensorSpec) -> Any:
    """A column of numbers, lists or arrays as one array with a row for each cell."""
    first = column.iloc[0] if len(column) else 0.0
    rank = 1 + len(spec.shape[1:])
    if not isinstance(first, (list, np.ndarray)):
        array = column.to_numpy()
        return array.reshape(-1, 1) if spec.shape == (-1, 1) else array
    try:
        array = np.stack([np.asarray(cell) for cell in column])
        if isinstance(first, list) and array.dtype.kind == "f":
            array = array.astype(spec.type)  # Python's numbers have no width of their own
        return array if array.ndim == rank else array.reshape(spec.shape)
    except ValueError as error:
        raise SchemaMismatch(f"the cells of the column {column.name!r} do not make an array of shape {spec.shape}: {error}") from None


def _fit(array: Any, spec: TensorSpec) -> Any:
    if spec.shape == (-1,) and spec.type == "object":
        return array  # a ragged array: nothing can be told
    if array.dtype == object and array.ndim == 1 and len(spec.shape) > 1 and -1 in spec.shape[1:]:
        return array  # rows of different lengths
    fits = len(spec.shape) == len(array.shape) and all(wanted in (-1, found) for wanted, found in zip(spec.shape, array.shape, strict=True))
    if not fits:
        raise SchemaMismatch(f"Shape of input {array.shape} does not match expected shape {spec.shape}.")
    return cast_array(array, np.dtype(spec.type), spec.name)
