"""What a dataset's fingerprint says beside its digest: schema and profile, both of bounded size.

The schema uses MLflow's type names. The profile lists what a reader of a run asks first: how many
rows, what is missing, how the classes are balanced, in which range the numbers lie, and, per column,
the head of its digest, so that of two runs it can be said which columns differ.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nbtrack.capture.data_columns import (
    TEXT_ROWS,
    CategoryColumn,
    CellColumn,
    Column,
    ColumnDigest,
    MaskedColumn,
    NumberColumn,
    TextColumn,
)
from nbtrack.capture.data_numbers import Array, Facts
from nbtrack.capture.data_readers import Reading
from nbtrack.capture.outputs import describe

MAX_SCHEMA_COLUMNS = 1000
MAX_PROFILE_COLUMNS = 200
MAX_CLASSES = 50

_MAX_COUNTED_COLUMNS = 20
_MAX_COUNTED_ROWS = 5_000_000  # of numbers
_MAX_COUNTED_CELLS = 1_000_000  # of text and objects, which take ten times as long
_MAX_COUNTED_RANGE = 10_000  # highest minus lowest label
_MAX_LABEL = 2**53  # whole numbers beyond it are no longer exact as floats
_PROBE_ROWS = 1000
_DIGEST_DIGITS = 16

_TARGET_NAME = re.compile(r"(.*[_ .-])?(y|targets?|labels?|class|classes|outcome|response)", re.IGNORECASE)

# MLflow's name for the types of numpy, pandas, polars and Arrow, in lower case and without their parameters.
_SCHEMA_TYPES: Mapping[str, Sequence[str]] = {
    "boolean": ("bool", "boolean"),
    "integer": ("int8", "int16", "int32", "uint8", "uint16"),
    "long": ("int64", "uint32"),
    "float": ("float16", "float32", "halffloat", "float", "bfloat16"),
    "double": ("float64", "double"),
    "string": ("str", "string", "large_string", "string_view", "categorical", "enum", "stringdtype"),
    "binary": ("bytes", "binary", "large_binary", "binary_view"),
    "datetime": ("datetime64", "datetime", "timestamp", "date", "date32", "date64"),
}
_SCHEMA_TYPE = {name: schema_type for schema_type, names in _SCHEMA_TYPES.items() for name in names}
_CELL_TYPES: Mapping[str, str] = {
    "str": "string",
    "bytes": "binary",
    "bool": "boolean",
    "int": "long",
    "float": "double",
    "Timestamp": "datetime",
    "datetime": "datetime",
}


def column_names(reading: Reading, name: str) -> list[str]:
    """A text for each column, all different; a column without a label has the name of the data."""
    seen: Counter[str] = Counter()
    names = []
    for label in reading.labels:
        text = label if isinstance(label, str) and label else name if label is None or label == "" else describe(label, limit=200)
        seen[text] += 1
        names.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return names


def schema_of(reading: Reading, names: Sequence[str], digests: Sequence[ColumnDigest]) -> list[dict[str, Any]]:
    """``name``, MLflow's ``type`` and the library's own ``dtype`` of each column, of at most `MAX_SCHEMA_COLUMNS`.

    The entry of an array of more dimensions has its ``shape``, -1 for the rows.
    """
    entries = []
    for name, column, digest in zip(names, reading.columns[:MAX_SCHEMA_COLUMNS], digests, strict=False):
        entry: dict[str, Any] = {"name": name, "type": _schema_type(column) if digest.is_read else "any", "dtype": _dtype(column)}
        if len(reading.columns) == 1 and len(reading.shape) > 1 and isinstance(column, NumberColumn):
            entry["shape"] = [-1, *reading.shape[1:]]
        entries.append(entry)
    return entries


def profile_of(reading: Reading, names: Sequence[str], digests: Sequence[ColumnDigest]) -> dict[str, Any]:
    """Shape, missing values, classes, ranges and digests of the columns; parts that would be empty are left out."""
    facts = {name: item.facts for name, item in zip(names, digests, strict=True)}
    readable = [(name, column) for name, column, item in zip(names, reading.columns, digests, strict=True) if item.is_read]
    listed = list(facts.items())[:MAX_PROFILE_COLUMNS]
    most_nulls = sorted((item for item in facts.items() if item[1].nulls), key=lambda item: -item[1].nulls)
    parts: dict[str, Any] = {
        "null_counts": {name: item.nulls for name, item in most_nulls[:MAX_PROFILE_COLUMNS]},
        "class_counts": _class_counts(readable, facts, single=len(reading.shape) == 1),
        "stats": {name: stats for name, item in listed if (stats := _stats(item))},
        "column_digests": {name: item.digest.hex()[:_DIGEST_DIGITS] for name, item in list(zip(names, digests, strict=False))[:MAX_PROFILE_COLUMNS]},
        "not_covered": dict(list({name: item.uncovered for name, item in facts.items() if item.uncovered}.items())[:MAX_PROFILE_COLUMNS]),
        "columns_not_listed": max(0, len(names) - MAX_PROFILE_COLUMNS),
    }
    return {
        "kind": reading.kind,
        "shape": list(reading.shape),
        "num_rows": reading.shape[0],
        "num_elements": math.prod(reading.shape),
        "memory_bytes": reading.memory_bytes,
        **{key: value for key, value in parts.items() if value},
    }


def _dtype(column: Column) -> str:
    return "category" if isinstance(column, CategoryColumn) else column.type


def _schema_type(column: Column) -> str:
    if isinstance(column, CellColumn):
        return _cells_type(column.part(0, min(_PROBE_ROWS, column.rows)))
    if isinstance(column, CategoryColumn) and column.type.startswith("category of object"):
        return _cells_type(column.labels[:_PROBE_ROWS])
    name = column.type.lower().removeprefix("category of ")
    name = re.split(r"[\[( ,]", name, maxsplit=1)[0]
    if name not in _SCHEMA_TYPE:
        name = name.rstrip("0123456789")  # str160 and bytes24 are numpy's text of fixed width
    return _SCHEMA_TYPE.get(name, "any") if not name.startswith(("int", "uint", "float")) or name in _SCHEMA_TYPE else "any"


def _cells_type(cells: Sequence[object]) -> str:
    """The type that all of these objects have."""
    kinds = {type(cell).__name__ for cell in cells if not _is_missing(cell)}
    return _CELL_TYPES.get(kinds.pop(), "any") if len(kinds) == 1 else "any"


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or type(cell).__name__ in ("NaTType", "NAType")


def _stats(facts: Facts) -> dict[str, float]:
    values = {"min": facts.low, "max": facts.high, "mean": facts.mean}
    return {key: value for key, value in values.items() if value is not None and math.isfinite(value)}


def _class_counts(columns: Sequence[tuple[str, Column]], facts: Mapping[str, Facts], *, single: bool) -> dict[str, dict[str, int]]:
    """How often each label occurs, in the columns that look like a target; a ``single`` column does."""
    chosen = [
        (name, column)
        for name, column in columns
        if single or isinstance(column, CategoryColumn) or column.type in ("bool", "boolean", "Boolean") or _TARGET_NAME.fullmatch(name)
    ]
    counts = ((name, _count_labels(column, facts[name])) for name, column in chosen[:_MAX_COUNTED_COLUMNS])
    return {name: found for name, found in counts if found}


def _count_labels(column: Column, facts: Facts) -> dict[str, int] | None:
    """Labels with their number, most frequent first; None where there are too many, or too many rows to count."""
    limit = _MAX_COUNTED_CELLS if isinstance(column, (CellColumn, TextColumn)) else _MAX_COUNTED_ROWS
    if not 0 < column.rows <= limit:
        return None
    if isinstance(column, CategoryColumn):
        numbers = np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels))
        pairs = [(column.labels[code], int(numbers[code])) for code in np.flatnonzero(numbers)[: MAX_CLASSES + 1]]
    elif isinstance(column, (NumberColumn, MaskedColumn)):
        pairs = _count_numbers(_present_numbers(column), facts)
    elif isinstance(column, (CellColumn, TextColumn)):
        pairs = _count_cells(column)
    else:
        pairs = []
    if not 0 < len(pairs) <= MAX_CLASSES:
        return None
    return {describe(label, limit=100) if not isinstance(label, str) else label[:100]: number for label, number in sorted(pairs, key=lambda pair: -pair[1])}


def _present_numbers(column: NumberColumn | MaskedColumn) -> Array:
    if isinstance(column, NumberColumn):
        return column.values
    values, mask = column.part(0, column.rows)
    return values if mask is None else values[~mask]


def _count_numbers(values: Array, facts: Facts) -> list[tuple[object, int]]:
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        return []
    if values.dtype.kind == "b":
        true = int(np.count_nonzero(values))
        return [(label, number) for label, number in ((False, len(values) - true), (True, true)) if number]
    if facts.low is None or facts.high is None or max(-facts.low, facts.high) > _MAX_LABEL or not facts.high - facts.low < _MAX_COUNTED_RANGE:
        return []
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
        if not all(bool((part == np.floor(part)).all()) for part in (values[:_PROBE_ROWS], values)):
            return []
    low = int(facts.low)
    numbers = np.bincount(values.astype(np.int64) - low)
    return [(low + int(position), int(numbers[position])) for position in np.flatnonzero(numbers)[: MAX_CLASSES + 1]]


def _count_cells(column: CellColumn | TextColumn) -> list[tuple[object, int]]:
    counts: Counter[object] = Counter()
    starts = [0, *range(_PROBE_ROWS, column.rows, TEXT_ROWS)]  # a short part first: it mostly shows that these are no classes
    for start, stop in zip(starts, [*starts[1:], column.rows], strict=True):
        cells = column.part(start, stop)
        if not isinstance(cells, list):
            counts.update({item["values"]: item["counts"] for item in cells.value_counts().to_pylist() if item["values"] is not None})
        elif set(map(type, cells)) - {str, int, bool, float} and not all(type(cell) in (str, int, bool) or _is_missing(cell) for cell in cells):
            return []
        else:
            counts.update(cell for cell in cells if not _is_missing(cell))
        if len(counts) > MAX_CLASSES:
            return []
    return list(counts.items())
