"""Make what is passed to a model fit its signature, or say why it does not.

The rules are MLflow's, except that a cast passes wherever no value changes (see `casts`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrack.errors import SchemaMismatch
from nbtrack.models.casts import cast_column, fit_value, lossy
from nbtrack.models.param_schema import enforce_params
from nbtrack.models.schema import Array, ColSpec, DataType, Map, Object, Schema
from nbtrack.models.schema_inference import is_frame, is_series, to_plain
from nbtrack.models.signature import ModelSignature
from nbtrack.models.tensor_enforcement import fit_tensors

_MAX_SCHEMA_CHARS = 500  # of a schema in a message


def enforce(data: Any, params: Mapping[str, Any] | None, signature: ModelSignature | None) -> tuple[Any, dict[str, Any]]:
    """Data and params as the signature wants them; without a signature the data are passed as they are.

    Raises
    ------
    SchemaMismatch
        They do not fit.
    """
    fitted = data if signature is None or signature.inputs is None else enforce_input(data, signature.inputs)
    return fitted, enforce_params(params, None if signature is None else signature.params)


def enforce_input(data: Any, schema: Schema) -> Any:
    """``data`` with the columns (in order) or tensors of ``schema``, cast where no value changes.

    Columns that the schema does not have are left out with a warning. The data passed are not changed.

    Raises
    ------
    SchemaMismatch
        Something is missing, or would lose values by the cast.
    """
    try:
        plain = to_plain(data)
        if schema.is_tensor_spec():
            return fit_tensors(plain, schema)
        frame = _as_frame(plain, schema)
        return _fit_named(frame, schema) if schema.has_input_names() else _fit_unnamed(frame, schema)
    except SchemaMismatch as error:
        text = repr(schema)
        cut = text if len(text) <= _MAX_SCHEMA_CHARS else f"{text[:_MAX_SCHEMA_CHARS]}…"
        raise SchemaMismatch(f"Failed to enforce schema of data '{_outline(data)}' with schema '{cut}'. Error: {error}") from None


def check_columns(found: list[Any], schema: Schema) -> None:
    """Refuse what lacks a column of the schema, and warn of columns that it does not have."""
    known, present = {spec.name for spec in schema}, set(found)
    missing = [name for name in schema.required_input_names() if name not in present]
    extra = [name for name in found if name not in known]
    if missing:
        also = f" Note that there were extra inputs: {extra}." if extra else ""
        raise SchemaMismatch(f"Model is missing inputs {missing}.{also}")
    if extra:
        warnings.warn(f"Found extra inputs that are not in the model's signature: {extra}. They are ignored.", stacklevel=6)


def _as_frame(data: Any, schema: Schema) -> Any:
    if is_frame(data):
        return data
    import pandas as pd

    if is_series(data):
        return pd.DataFrame(data)
    if isinstance(data, dict):
        return _dict_frame(data, schema)
    if data is not None and not isinstance(data, (list, tuple, np.ndarray, str, bytes, int, float, np.generic)):
        raise SchemaMismatch(f"Expected input to be DataFrame. Found: {type(data).__name__}")
    try:
        return pd.DataFrame(data if isinstance(data, (list, np.ndarray)) and np.ndim(data) else [data])
    except ValueError as error:
        raise SchemaMismatch(f"the data cannot be made a DataFrame, which a signature of columns needs: {error}") from None


def _dict_frame(data: Mapping[str, Any], schema: Schema) -> Any:
    """One row of plain or nested values, or columns of several rows."""
    import pandas as pd

    nested = any(isinstance(spec.type, (Array, Object, Map)) for spec in schema)
    plain = {name: value.tolist() if isinstance(value, np.ndarray) and value.ndim != 1 else value for name, value in data.items()}
    single = nested or not any(isinstance(value, (list, tuple, np.ndarray)) or is_series(value) for value in plain.values())
    try:
        return pd.DataFrame([plain]) if single else pd.DataFrame(plain)
    except ValueError as error:
        raise SchemaMismatch(f"the dict cannot be made a DataFrame, which a signature of columns needs: {error}") from None


def _fit_named(frame: Any, schema: Schema) -> Any:
    labels = list(frame.columns)
    if labels != schema.input_names():
        check_columns(labels, schema)
        present = set(labels)
        frame = frame[[name for name in schema.input_names() if name in present]]
    specs = {spec.name: spec for spec in schema if isinstance(spec, ColSpec)}
    return _fit_columns(frame, [specs[name] for name in frame.columns])


def _fit_unnamed(frame: Any, schema: Schema) -> Any:
    found = len(frame.columns)
    if found < len(schema):
        raise SchemaMismatch(
            f"Model inference is missing inputs. The model signature declares {len(schema)} inputs but the provided value only has {found} inputs. "
            "Note: the inputs were not named in the signature so we can only verify their count."
        )
    return _fit_columns(frame.iloc[:, : len(schema)], [spec for spec in schema if isinstance(spec, ColSpec)])


def _fit_columns(frame: Any, specs: list[ColSpec]) -> Any:
    """Cast the columns that need it; always a new frame, so that a model may write into it."""
    import pandas as pd

    numbers: dict[tuple[Any, DataType], list[int]] = {}
    others: dict[int, Any] = {}
    for position, (spec, dtype) in enumerate(zip(specs, frame.dtypes.tolist(), strict=True)):
        if isinstance(spec.type, DataType) and str(dtype) == spec.type.numpy_name:
            continue
        if isinstance(spec.type, DataType) and isinstance(dtype, np.dtype) and dtype.kind in "iu":
            numbers.setdefault((dtype, spec.type), []).append(position)
            continue
        column = frame.iloc[:, position]
        fitted = _fit_column(column, spec)
        if fitted is not column:
            others[position] = fitted
    # From pandas 3 on a shallow copy is copied as soon as somebody writes into it.
    result = frame.copy(deep=int(pd.__version__.partition(".")[0]) < 3)
    for (dtype, wanted), positions in numbers.items():
        result = _cast_numbers(result, dtype, wanted, positions)
    for position, fitted in others.items():
        result.isetitem(position, fitted)
    return result


def _cast_numbers(frame: Any, dtype: Any, wanted: DataType, positions: list[int]) -> Any:
    """Whole numbers of one dtype at a time: one column after the other takes a hundred times as long."""
    block = frame if len(positions) == len(frame.columns) else frame.iloc[:, positions]
    target = np.dtype(wanted.numpy_name)
    if lossy(block.to_numpy(), dtype, target):
        for position in positions:
            cast_column(frame.columns[position], frame.iloc[:, position], wanted)  # raises for the one that loses values
    if block is frame:
        return frame.astype(target)
    casted = block.to_numpy().astype(target)
    for index, position in enumerate(positions):
        frame.isetitem(position, casted[:, index])
    return frame


def _fit_column(column: Any, spec: ColSpec) -> Any:
    if isinstance(spec.type, DataType):
        return cast_column(column.name, column, spec.type, required=spec.required)
    if not isinstance(spec.type, (Array, Object, Map)):
        return column
    import pandas as pd

    try:
        values = [fit_value(value, spec.type, required=spec.required) for value in column]
    except SchemaMismatch as error:
        raise SchemaMismatch(f"Incompatible input types for column {column.name}: {error}") from None
    return pd.Series(values, index=column.index, name=column.name, dtype=object)


def _outline(data: Any) -> str:
    """What was passed, without its values: they may be nobody's business in a log."""
    shape = getattr(data, "shape", None)
    kind = type(data).__name__
    if is_frame(data):
        return f"{kind} of shape {shape} with columns {list(data.columns)}"[:300]
    if isinstance(data, dict):
        return f"dict with keys {list(data)}"[:300]
    if shape is not None:
        return f"{kind} of shape {tuple(shape)}" + (f" and dtype {data.dtype}" if hasattr(data, "dtype") else "")
    return f"{kind} of {len(data)} items" if isinstance(data, (list, tuple)) else kind
