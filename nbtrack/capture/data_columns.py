"""Columns of data as a digest sees them: a type and the canonical bytes of any range of rows.

A column is hashed in segments of ``SEGMENT_ROWS`` rows, and its digest is the sha256 of its type,
its length and the digests of its segments. Segments make the digest parallel (hashlib and numpy
let go of the interpreter's lock) and independent of how a library cuts its data into chunks.

Bytes of a segment, by kind of column:

- numbers, times, fixed-width text: the values (see `data_numbers`);
- columns with a null mask: ``0``, or ``1`` and the mask as packed bits; then the values, 0 where null;
- text and binary, in blocks of ``TEXT_ROWS`` rows: the lengths in bytes as int32 (-1 for null;
  int64 after a ``0xFF`` mark if one does not fit), then the UTF-8 or the bytes, without separators;
- objects, in blocks of ``TEXT_ROWS`` rows: one tag per cell, the payloads' lengths as int64, the
  payloads (see `data_values`); a cell that has no canonical form counts by its type alone;
- categories: the codes, after the categories went into the type. Categories without an order are
  sorted first, so that only the values matter and not which code each happens to have.
"""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np

from nbtrack.capture.data_numbers import Array, Facts, Sink
from nbtrack.capture.data_values import MISSING_TAGS, UNCOVERED_TAG, NotCovered, encode

SEGMENT_ROWS = 1 << 20
TEXT_ROWS = 1 << 16

_PARALLEL_BYTES = 4 << 20  # less is hashed sooner than threads are started
_MAX_WORKERS = 8
_LENGTH = struct.Struct("<Q")


class Column(Protocol):
    """A column that can be read by ranges of rows, from several threads."""

    @property
    def type(self) -> str:
        """The canonical name of its type; all that tells it from another column with the same bytes."""

    @property
    def rows(self) -> int: ...

    @property
    def row_bytes(self) -> int:
        """About how many bytes a row has, to share out the work."""

    def read(self, start: int, stop: int, sink: Sink) -> None:
        """Give the canonical form of rows ``start`` to ``stop`` to ``sink``."""


@dataclass(frozen=True)
class NumberColumn:
    """Numbers, booleans, times, or text of fixed width; more than one dimension is read row by row."""

    type: str
    values: Array
    missing: int | None = None  # an integer that stands for null

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def row_bytes(self) -> int:
        return max(1, self.values.itemsize * math.prod(self.values.shape[1:]))

    def read(self, start: int, stop: int, sink: Sink) -> None:
        sink.numbers(self.values[start:stop], missing=self.missing)


@dataclass(frozen=True)
class MaskedColumn:
    """Numbers with a mask of nulls, as ``part(start, stop)`` gives them; the mask may be None."""

    type: str
    rows: int
    part: Callable[[int, int], tuple[Array, Array | None]]
    row_bytes: int = 8

    def read(self, start: int, stop: int, sink: Sink) -> None:
        values, mask = self.part(start, stop)
        nulls = 0 if mask is None else int(np.count_nonzero(mask))
        if not nulls or mask is None:
            sink.raw(b"\0")
            sink.numbers(values)
            return
        sink.raw(b"\1")
        sink.raw(np.packbits(mask))
        sink.facts.nulls += nulls
        # The profile is over what is there, the hash over all rows with nothing under the mask.
        sink.numbers(np.where(mask, np.zeros((), values.dtype), values), statistics_of=values[~mask])


@dataclass(frozen=True)
class LazyColumn:
    """Numbers that are made when they are read, such as the dense form of a sparse column."""

    type: str
    rows: int
    part: Callable[[int, int], Array]
    row_bytes: int = 8

    def read(self, start: int, stop: int, sink: Sink) -> None:
        sink.numbers(self.part(start, stop))


@dataclass(frozen=True)
class TextColumn:
    """Text or binary: ``part(start, stop)`` gives an Arrow array (large string or binary) or a list; null is what is neither."""

    type: str
    rows: int
    part: Callable[[int, int], Any]
    row_bytes: int = 32

    def read(self, start: int, stop: int, sink: Sink) -> None:
        for first in range(start, stop, TEXT_ROWS):
            cells = self.part(first, min(first + TEXT_ROWS, stop))
            lengths, text = _list_text(cells) if isinstance(cells, list) else _arrow_text(cells)
            sink.facts.nulls += int(np.count_nonzero(lengths < 0))
            wide = len(lengths) > 0 and int(lengths.max()) > np.iinfo(np.int32).max
            sink.raw(b"\xff" if wide else b"")
            sink.raw(lengths.astype("<i8" if wide else "<i4"))
            sink.raw(text)


@dataclass(frozen=True)
class CellColumn:
    """Python objects of any kind, as ``part(start, stop)`` lists them."""

    type: str
    rows: int
    part: Callable[[int, int], list[Any]]
    row_bytes: int = 64

    def read(self, start: int, stop: int, sink: Sink) -> None:
        for first in range(start, stop, TEXT_ROWS):
            _read_cells(self.part(first, min(first + TEXT_ROWS, stop)), sink)


@dataclass(frozen=True)
class UncoveredColumn:
    """A column that could not be read; only its type and length are in the digest."""

    type: str
    rows: int
    reason: str
    row_bytes: int = 1

    def read(self, start: int, stop: int, sink: Sink) -> None:
        sink.facts.uncovered[self.reason] = stop - start


def _list_text(cells: list[Any]) -> tuple[Array, bytes]:
    """Byte lengths (-1 for what is no text) and all the text of a list of str or bytes."""
    kinds = set(map(type, cells))
    if kinds == {str}:
        text = "".join(cells)
        if text.isascii():
            return np.fromiter(map(len, cells), np.int64, len(cells)), text.encode()
    encoded = [cell.encode("utf-8", "surrogatepass") if isinstance(cell, str) else cell if isinstance(cell, bytes) else None for cell in cells]
    lengths = (-1 if cell is None else len(cell) for cell in encoded)
    return np.fromiter(lengths, np.int64, len(cells)), b"".join(cell for cell in encoded if cell)


def _arrow_text(cells: Any) -> tuple[Array, Any]:
    """The same of an Arrow array, from its buffers."""
    import pyarrow as pa

    if isinstance(cells, pa.ChunkedArray):
        cells = cells.chunk(0) if cells.num_chunks == 1 else pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
    wide = pa.large_string() if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type) or "view" in str(cells.type) else pa.large_binary()
    if cells.type != wide:
        cells = cells.cast(wide)
    _, offset_buffer, data = cells.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[cells.offset : cells.offset + len(cells) + 1] if len(cells) else np.zeros(1, np.int64)
    lengths = np.diff(offsets)
    if cells.null_count:
        null = cells.is_null().to_numpy(zero_copy_only=False)
        if lengths[null].any():  # a null may have bytes of its own; they are no content
            return _list_text(cells.to_pylist())
        lengths[null] = -1
    return lengths, b"" if data is None else memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _read_cells(cells: list[Any], sink: Sink) -> None:
    kinds = set(map(type, cells))
    if kinds == {str}:
        lengths, text = _list_text(cells)
        tags = b"s" * len(cells)
    else:
        tags, lengths, text = _encode_cells(cells, sink)
        sink.facts.nulls += sum(tags.count(tag) for tag in MISSING_TAGS)
    sink.raw(tags)
    sink.raw(lengths.astype("<i8"))
    sink.raw(text)


def _encode_cells(cells: list[Any], sink: Sink) -> tuple[bytes, Array, bytes]:
    tags, payloads = [], []
    uncovered: Counter[str] = Counter()
    for cell in cells:
        try:
            tag, payload = encode(cell)
        except NotCovered as problem:
            tag, payload = UNCOVERED_TAG, problem.kind.encode()
            uncovered[f"{problem.kind}: {problem.reason}"] += 1
        tags.append(tag)
        payloads.append(payload)
    sink.facts.add(Facts(uncovered=dict(uncovered)))
    return b"".join(tags), np.fromiter(map(len, payloads), np.int64, len(payloads)), b"".join(payloads)


@dataclass(frozen=True)
class ColumnDigest:
    """The digest of a column (32 bytes) and what was noted on the way."""

    digest: bytes
    facts: Facts


def digest_columns(columns: Sequence[Column], *, statistics: int) -> list[ColumnDigest]:
    """Digest each column, on several threads where that pays.

    ``statistics`` is the number of columns, from the first, whose minimum, maximum and mean are taken.
    """
    tasks = [
        (position, start, min(start + SEGMENT_ROWS, column.rows))
        for position, column in enumerate(columns)
        for start in range(0, column.rows, _segment_rows(column))
    ]
    return []


def _segment_rows(column: Column) -> int:
    return SEGMENT_ROWS
