"""Frames and arrays of each library as columns (see `data_columns`).

Nothing is imported that is not loaded: an object of a library is only met when the library is. What
a library's lazy or chunked form hides (polars' lazy frames, dask) is not data yet and not read here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from nbtrack.capture.data_columns import CategoryColumn, CellColumn, Column, LazyColumn, MaskedColumn, NumberColumn, RangeColumn, TextColumn
from nbtrack.capture.data_numbers import Array
from nbtrack.capture.data_values import encode_or_type, pack

_MASKED_DTYPES = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean"})


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Data taken apart: labelled columns, the columns of the index, and all names."""

    kind: str  # library and type, such as "pandas.DataFrame"
    shape: tuple[int, ...]
    columns: Sequence[Column]
    labels: Sequence[Hashable]
    index: Sequence[Column] = ()
    names: Sequence[object] = ()  # of the series, the index levels, the column levels
    memory_bytes: int = 0


def read_numpy(array: Array) -> Reading:
    """An array of any dimension; a structured one has a column for each field, a masked one its mask."""
    fields = _fields(array, ())
    return Reading(
        kind="numpy.ma.MaskedArray" if isinstance(array, np.ma.MaskedArray) else "numpy.ndarray",
        shape=array.shape,
        columns=[column for _, column in fields],
        labels=[".".join(path) for path, _ in fields],
        memory_bytes=array.nbytes,
    )


def _fields(array: Array, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Column]]:
    if array.dtype.names is None:
        return [(path, array_column(array))]
    return [field for name in array.dtype.names for field in _fields(array[name], (*path, name))]


def array_column(array: Array, *, type: str | None = None) -> Column:
    """The column of an array without fields."""
    name = type or array.dtype.name
    if array.dtype.char in "gG" or array.dtype.kind in "OT":
        flat = array.reshape(-1)  # padded long doubles and Python objects go value by value
        return CellColumn(type=name, rows=flat.size, row_bytes=64, part=lambda start, stop: list(flat[start:stop].astype(object)))
    if isinstance(array, np.ma.MaskedArray):
        data, mask = array.data.reshape(-1), np.ma.getmaskarray(array).reshape(-1)
        return MaskedColumn(type=name, rows=data.size, row_bytes=array.itemsize, part=lambda start, stop: (data[start:stop], mask[start:stop]))
    return NumberColumn.of(np.asarray(array), type=name)


def read_pandas_frame(frame: Any) -> Reading:
    """A DataFrame: its columns by position (labels may repeat), its index, all names."""
    labels = frame.columns.tolist()
    return Reading(
        kind="pandas.DataFrame",
        shape=frame.shape,
        columns=[_pandas_column(column.array) for _, column in frame.items()],
        labels=labels,
        index=_pandas_index(frame.index),
        names=[list(frame.index.names), list(frame.columns.names)],
        memory_bytes=int(frame.memory_usage(index=True, deep=False).sum()),
    )


def read_pandas_series(series: Any) -> Reading:
    """A Series with its index and name."""
    return Reading(
        kind="pandas.Series",
        shape=series.shape,
        columns=[_pandas_column(series.array)],
        labels=[series.name],
        index=_pandas_index(series.index),
        names=[list(series.index.names)],
        memory_bytes=int(series.memory_usage(index=True, deep=False)),
    )


def read_pandas_index(index: Any) -> Reading:
    """An Index by its values; a MultiIndex has a column for each level."""
    return Reading(
        kind="pandas.Index",
        shape=(len(index),),
        columns=_pandas_index(index),
        labels=list(index.names),
        memory_bytes=int(index.memory_usage(deep=False)),
    )


def _pandas_index(index: Any) -> list[Column]:
    """The levels of an index. Whole numbers at even steps are one range, whether pandas stored them or not."""
    if index.nlevels > 1:
        return [column for level in range(index.nlevels) for column in _pandas_index(index.get_level_values(level))]
    steps = _even_steps(index)
    return [_pandas_column(index.array) if steps is None else RangeColumn.of(*steps, len(index))]


def _even_steps(index: Any) -> tuple[int, int] | None:
    """First value and step of an int64 index that is an arithmetic progression."""
    rows = len(index)
    if index.dtype != np.int64:
        return None
    if rows < 2:
        return (int(index[0]), 1) if rows else (0, 1)
    first, step = int(index[0]), int(index[1]) - int(index[0])
    if type(index).__name__ == "RangeIndex":
        return first, step
    if int(index[-1]) - first != step * (rows - 1):
        return None
    values = index.to_numpy()
    return (first, step) if bool((values[1:] - values[:-1] == step).all()) else None


def _pandas_column(array: Any) -> Column:
    """The column of a pandas array, by the kind of its dtype."""
    dtype, rows, name = array.dtype, len(array), str(array.dtype)
    kind = type(dtype).__name__
    if isinstance(dtype, np.dtype) or kind in ("NumpyEADtype", "PandasDtype"):  # the second is its name before pandas 2.1
        return array_column(array.to_numpy())
    if kind == "CategoricalDtype":
        return _category_column(array.codes, array.categories, ordered=bool(array.ordered))
    if kind == "DatetimeTZDtype":
        return NumberColumn.of(array.to_numpy(dtype=np.dtype(f"datetime64[{dtype.unit}]")), type=name)
    if kind == "StringDtype":
        return TextColumn(type=name.partition("[")[0], rows=rows, row_bytes=32, part=_text_reader(array))
    if name in _MASKED_DTYPES:
        return MaskedColumn(type=name, rows=rows, row_bytes=dtype.numpy_dtype.itemsize, part=_masked_reader(array))
    if kind == "ArrowDtype":
        return arrow_column(array.__arrow_array__(), type=name)
    if kind == "SparseDtype" and dtype.subtype.kind not in "OgG":
        return LazyColumn(type=name, rows=rows, part=lambda start, stop: np.asarray(array[start:stop]))
    return CellColumn(type=name, rows=rows, row_bytes=64, part=lambda start, stop: list(array[start:stop].astype(object)))


def _category_column(codes: Array, categories: Any, *, ordered: bool) -> Column:
    """Codes into the categories: as they are ordered, or else as they sort, so that only the values matter."""
    labels = categories.tolist()
    keys = [pack([encode_or_type(label)]) for label in labels]
    order = list(range(len(keys))) if ordered else sorted(range(len(keys)), key=keys.__getitem__)
    table = np.full(len(keys) + 1, -1, np.int32)  # the code of a missing value, -1, picks the last one
    table[order] = np.arange(len(keys), dtype=np.int32)
    name = str(categories.dtype).partition("[")[0]
    digest = sha256(b"".join(keys[code] for code in order)).hexdigest()
    return CategoryColumn(
        type=f"category of {name}{', ordered' if ordered else ''} {digest}",
        rows=len(codes),
        row_bytes=4,
        codes=table[codes],
        labels=[labels[code] for code in order],
    )


def _text_reader(array: Any) -> Callable[[int, int], Any]:
    """Reads pandas text from Arrow's buffers where it lies in them, else cell by cell."""
    if getattr(array.dtype, "storage", "") == "pyarrow":
        return _arrow_text_reader(array.__arrow_array__())
    return lambda start, stop: array[start:stop].to_numpy(dtype=object).tolist()


def _masked_reader(array: Any) -> Callable[[int, int], tuple[Array, Array | None]]:
    dtype = array.dtype.numpy_dtype

    def part(start: int, stop: int) -> tuple[Array, Array | None]:
        values = array[start:stop]
        return values.to_numpy(dtype=dtype, na_value=dtype.type(0)), np.asarray(values.isna())

    return part


def read_arrow(table: Any) -> Reading:
    """A pyarrow Table or RecordBatch."""
    return Reading(
        kind="pyarrow.Table",
        shape=(table.num_rows, table.num_columns),
        columns=[arrow_column(table.column(position)) for position in range(table.num_columns)],
        labels=list(table.schema.names),
        memory_bytes=int(table.nbytes),
    )


def arrow_column(array: Any, *, type: str | None = None) -> Column:
    """The column of an Arrow array, chunked or not; how it is chunked makes no difference."""
    import pyarrow as pa

    kinds, dtype, rows, name = pa.types, array.type, len(array), type or str(array.type)
    if kinds.is_dictionary(dtype):
        return arrow_column(array.cast(dtype.value_type), type=name)
    if kinds.is_string(dtype) or kinds.is_large_string(dtype) or kinds.is_binary(dtype) or kinds.is_large_binary(dtype) or "_view" in str(dtype):
        return TextColumn(type=name, rows=rows, row_bytes=32, part=_arrow_text_reader(array))
    if kinds.is_boolean(dtype) or kinds.is_integer(dtype) or kinds.is_floating(dtype):
        return MaskedColumn(type=name, rows=rows, part=_arrow_number_reader(array, None))
    if kinds.is_temporal(dtype) and not kinds.is_interval(dtype):
        whole = pa.int32() if dtype.bit_width == 32 else pa.int64()
        return MaskedColumn(type=name, rows=rows, part=_arrow_number_reader(array, whole))
    return CellColumn(type=name, rows=rows, row_bytes=64, part=lambda start, stop: array.slice(start, stop - start).to_pylist())


def _arrow_part(array: Any, start: int, stop: int) -> Any:
    """Rows of an Arrow array as one plain array."""
    import pyarrow as pa

    part = array.slice(start, stop - start)
    return pa.concat_arrays(part.chunks) if isinstance(part, pa.ChunkedArray) else part


def _arrow_text_reader(array: Any) -> Callable[[int, int], Any]:
    import pyarrow as pa

    binary = pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type) or str(array.type) == "binary_view"
    wide = pa.large_binary() if binary else pa.large_string()
    return lambda start, stop: _arrow_part(array, start, stop).cast(wide)


def _arrow_number_reader(array: Any, whole: Any) -> Callable[[int, int], tuple[Array, Array | None]]:
    """Numbers and mask; times are read as the ``whole`` numbers that they are stored as."""

    def part(start: int, stop: int) -> tuple[Array, Array | None]:
        values = _arrow_part(array, start, stop)
        values = values if whole is None else values.view(whole)
        if not values.null_count:
            return values.to_numpy(zero_copy_only=False), None
        mask = values.is_null().to_numpy(zero_copy_only=False)
        return values.fill_null(False if str(values.type) == "bool" else 0).to_numpy(zero_copy_only=False), mask

    return part


def read_polars(data: Any) -> Reading:
    """A polars DataFrame or Series."""
    series = data.get_columns() if hasattr(data, "get_columns") else [data]
    return Reading(
        kind="polars.DataFrame" if hasattr(data, "get_columns") else "polars.Series",
        shape=data.shape,
        columns=[_polars_column(column) for column in series],
        labels=[column.name for column in series],
        memory_bytes=int(data.estimated_size()),
    )


def _polars_column(series: Any) -> Column:
    # By polars' own means: the digest must be the same whether or not pyarrow is there.
    import polars as pl

    dtype, rows, name = series.dtype, len(series), str(series.dtype)
    base = name.partition("(")[0]
    if base in ("String", "Categorical", "Enum"):
        return TextColumn(type=base if base == "Categorical" else name, rows=rows, row_bytes=32, part=_polars_text_reader(series.cast(pl.String)))
    if dtype.is_temporal():
        return MaskedColumn(type=name, rows=rows, part=_polars_number_reader(series.to_physical()))
    if base == "Boolean" or (dtype.is_numeric() and base not in ("Decimal", "Int128", "UInt128")):
        return MaskedColumn(type=name, rows=rows, part=_polars_number_reader(series))
    return CellColumn(type=name, rows=rows, row_bytes=64, part=lambda start, stop: series.slice(start, stop - start).to_list())


def _polars_text_reader(series: Any) -> Callable[[int, int], Any]:
    if "pyarrow" in sys.modules:  # the same text without a Python string for each row
        return _arrow_text_reader(series.to_arrow())
    return lambda start, stop: series.slice(start, stop - start).to_list()


def _polars_number_reader(series: Any) -> Callable[[int, int], tuple[Array, Array | None]]:
    def part(start: int, stop: int) -> tuple[Array, Array | None]:
        values = series.slice(start, stop - start)
        if not values.null_count():
            return values.to_numpy(), None
        return values.fill_null(value=False if str(values.dtype) == "Boolean" else 0).to_numpy(), values.is_null().to_numpy()

    return part


def read_scipy(matrix: Any) -> Reading:
    """A sparse matrix or array of any format: shape, type, and the entries that are not zero, row by row."""
    flat = matrix if matrix.ndim == 2 else matrix.reshape((-1, matrix.shape[-1]))
    rows = flat.tocsr()
    if not rows.has_canonical_format or not rows.data.all():
        rows = rows.copy()  # the user's own stays as it is
        rows.sum_duplicates()
        rows.eliminate_zeros()
    parts = (rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data)
    return Reading(
        kind="scipy.sparse",
        shape=tuple(int(size) for size in matrix.shape),
        columns=[array_column(part) for part in parts],
        labels=["row starts", "columns", "values"],
        memory_bytes=sum(part.nbytes for part in parts),
    )


def read_torch(tensor: Any) -> Reading:
    """A dense tensor in the processor's memory."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    name = str(tensor.dtype).removeprefix("torch.")
    if name.startswith(("bfloat", "float8")):
        plain = plain.float()  # numpy has no such numbers; single precision holds them exactly
    array = plain.numpy()
    return Reading(kind="torch.Tensor", shape=array.shape, columns=[array_column(array, type=name)], labels=[None], memory_bytes=array.nbytes)


def read_tensorflow(tensor: Any) -> Reading:
    """An eager tensor."""
    array = np.asarray(tensor.numpy())
    return Reading(kind="tensorflow.Tensor", shape=array.shape, columns=[array_column(array)], labels=[None], memory_bytes=array.nbytes)


READERS: dict[str, Callable[[Any], Reading]] = {
    "numpy.ndarray": read_numpy,
    "pandas.DataFrame": read_pandas_frame,
    "pandas.Series": read_pandas_series,
    "pandas.Index": read_pandas_index,
    "polars.DataFrame": read_polars,
    "polars.Series": read_polars,
    "pyarrow.Table": read_arrow,
    "pyarrow.RecordBatch": read_arrow,
    "scipy.sparse": read_scipy,
    "torch.Tensor": read_torch,
    "tensorflow.Tensor": read_tensorflow,
}
