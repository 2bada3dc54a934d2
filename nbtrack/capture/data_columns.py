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
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from nbtrack.capture.data_numbers import Array, Facts, Sink
from nbtrack.capture.data_values import MISSING_TAGS, UNCOVERED_TAG, NotCovered, encode, pack

SEGMENT_ROWS = 1 << 20
TEXT_ROWS = 1 << 16

_BATCH_BYTES = 4 << 20  # less is hashed sooner than a thread is started
_MAX_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class Column(ABC):
    """A column that can be read by ranges of rows, from several threads at once.

    ``type`` is the canonical name of its type: all that tells it from another column with the same
    bytes. ``row_bytes`` is about what a row takes, to share out the work.
    """

    type: str
    rows: int
    row_bytes: int = 8
    segment_rows: int = SEGMENT_ROWS

    @abstractmethod
    def read(self, start: int, stop: int, sink: Sink) -> None:
        """Give the canonical form of rows ``start`` to ``stop`` (within one segment) to ``sink``."""


@dataclass(frozen=True, kw_only=True)
class NumberColumn(Column):
    """Numbers, booleans, times, or text of fixed width, of any number of dimensions."""

    values: Array

    @classmethod
    def of(cls, values: Array, *, type: str | None = None) -> NumberColumn:
        """The column of an array; its rows are those of the first dimension."""
        width = max(1, math.prod(values.shape[1:]))
        return cls(
            type=type or values.dtype.name,
            rows=len(values),
            row_bytes=width * values.itemsize,
            segment_rows=max(1, SEGMENT_ROWS // width),
            values=values,
        )

    def read(self, start: int, stop: int, sink: Sink) -> None:
        sink.numbers(self.values[start:stop])


@dataclass(frozen=True, kw_only=True)
class CategoryColumn(Column):
    """Codes into labels, -1 for null; the type holds the digest of the labels."""

    codes: Array
    labels: Sequence[object]

    def read(self, start: int, stop: int, sink: Sink) -> None:
        codes = self.codes[start:stop]
        sink.facts.nulls += int(np.count_nonzero(codes < 0))
        sink.raw(codes.astype("<i4", copy=False))


@dataclass(frozen=True, kw_only=True)
class LazyColumn(Column):
    """Numbers that are made as they are read, such as the dense form of a sparse column."""

    part: Callable[[int, int], Array]

    def read(self, start: int, stop: int, sink: Sink) -> None:
        sink.numbers(self.part(start, stop))


@dataclass(frozen=True, kw_only=True)
class MaskedColumn(Column):
    """Numbers with a mask of nulls (or None), as ``part(start, stop)`` gives them."""

    part: Callable[[int, int], tuple[Array, Array | None]]

    def read(self, start: int, stop: int, sink: Sink) -> None:
        values, mask = self.part(start, stop)
        if mask is None or not mask.any():
            sink.raw(b"\0")
            sink.numbers(values)
            return
        sink.raw(b"\1")
        sink.raw(np.packbits(mask))
        sink.facts.nulls += int(np.count_nonzero(mask))
        # What lies under the mask is no content; what is there makes the statistics.
        sink.numbers(np.where(mask, np.zeros((), values.dtype), values), noted=values[~mask])


@dataclass(frozen=True, kw_only=True)
class TextColumn(Column):
    """Text or binary: ``part(start, stop)`` gives an Arrow array or a list, where null is what is neither."""

    part: Callable[[int, int], Any]

    def read(self, start: int, stop: int, sink: Sink) -> None:
        for first in range(start, stop, TEXT_ROWS):
            cells = self.part(first, min(first + TEXT_ROWS, stop))
            lengths, text = _list_text(cells) if isinstance(cells, list) else _arrow_text(cells)
            sink.facts.nulls += int(np.count_nonzero(lengths < 0))
            wide = bool(lengths.max() > np.iinfo(np.int32).max)
            sink.raw(b"\xff" if wide else b"")
            sink.raw(lengths.astype("<i8" if wide else "<i4"))
            sink.raw(text)


@dataclass(frozen=True, kw_only=True)
class CellColumn(Column):
    """Python objects of any kind, as ``part(start, stop)`` lists them."""

    part: Callable[[int, int], list[Any]]

    def read(self, start: int, stop: int, sink: Sink) -> None:
        for first in range(start, stop, TEXT_ROWS):
            cells = self.part(first, min(first + TEXT_ROWS, stop))
            if set(map(type, cells)) == {str}:
                lengths, payload = _list_text(cells)
                tags = b"s" * len(cells)
            else:
                tags, lengths, payload = _encode_cells(cells, sink)
                sink.facts.nulls += sum(tags.count(tag) for tag in MISSING_TAGS)
            sink.raw(tags)
            sink.raw(lengths.astype("<i8"))
            sink.raw(payload)


@dataclass(frozen=True, kw_only=True)
class RangeColumn(Column):
    """Whole numbers at even steps: the type says it all."""

    @classmethod
    def of(cls, first: int, step: int, rows: int) -> RangeColumn:
        """The column ``first, first + step, ...``"""
        return cls(type=f"range from {first} by {step}", rows=rows, segment_rows=max(1, rows))

    def read(self, start: int, stop: int, sink: Sink) -> None:
        """Nothing to add."""


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


def _arrow_text(cells: Any) -> tuple[Array, bytes | memoryview]:
    """The same of an Arrow array of large strings or large binaries, from its buffers."""
    lengths = np.diff(np.frombuffer(cells.buffers()[1], np.int64)[cells.offset : cells.offset + len(cells) + 1])
    if cells.null_count:
        null = cells.is_null().to_numpy(zero_copy_only=False)
        if lengths[null].any():  # a null may have bytes of its own, which are no content
            return _list_text(cells.to_pylist())
        lengths[null] = -1
    data = cells.buffers()[2]
    first = int(np.frombuffer(cells.buffers()[1], np.int64)[cells.offset])
    return lengths, b"" if data is None else memoryview(data)[first : first + int(lengths[lengths > 0].sum())]


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
    """The digest of a column (32 bytes) and what was noted on the way; one that could not be read counts by type and length."""

    digest: bytes
    facts: Facts
    is_read: bool = True


@dataclass(frozen=True)
class _Segment:
    position: int  # of its column
    start: int
    stop: int


def digest_columns(columns: Sequence[Column], *, statistics: int) -> list[ColumnDigest]:
    """Digest each column, on several threads where that pays.

    ``statistics`` is the number of columns, from the first, whose minimum, maximum and mean are taken.
    """
    segments = [
        _Segment(position, start, min(start + column.segment_rows, column.rows))
        for position, column in enumerate(columns)
        for start in range(0, column.rows, column.segment_rows)
    ]

    def digest(batch: list[_Segment]) -> list[tuple[bytes, Facts] | str]:
        return [_digest_segment(columns[item.position], item, statistics=item.position < statistics) for item in batch]

    batches = _batches(columns, segments)
    workers = min(_MAX_WORKERS, _processors(), len(batches))
    if workers < 2:
        results = [digest(batch) for batch in batches]
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="nbtrack-digest") as pool:
            results = list(pool.map(digest, batches))
    by_column: list[list[tuple[bytes, Facts] | str]] = [[] for _ in columns]
    for item, result in zip(segments, (result for batch in results for result in batch), strict=True):
        by_column[item.position].append(result)
    return [_digest_column(column, parts) for column, parts in zip(columns, by_column, strict=True)]


def _batches(columns: Sequence[Column], segments: list[_Segment]) -> list[list[_Segment]]:
    """Segments in groups worth a thread's while; one segment at least."""
    batches: list[list[_Segment]] = []
    room = 0
    for item in segments:
        size = (item.stop - item.start) * columns[item.position].row_bytes
        if not batches or size > room:
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(item)
        room -= size
    return batches


def _digest_segment(column: Column, item: _Segment, *, statistics: bool) -> tuple[bytes, Facts] | str:
    sink = Sink(statistics=statistics)
    try:
        column.read(item.start, item.stop, sink)
    except Exception as error:
        # Extension types run their own code here and may raise anything; the profile reports the column as not covered.
        return f"{type(error).__name__} while reading it"
    return sink.digest(), sink.facts


def _digest_column(column: Column, parts: list[tuple[bytes, Facts] | str]) -> ColumnDigest:
    facts = Facts()
    digest = sha256(pack([encode(column.type), encode(column.rows)]))
    reason = next((part for part in parts if isinstance(part, str)), None)
    if reason is not None:
        return ColumnDigest(digest.digest(), Facts(uncovered={reason: column.rows}), is_read=False)
    for part in parts:
        if not isinstance(part, str):
            digest.update(part[0])
            facts.add(part[1])
    return ColumnDigest(digest.digest(), facts)


def _processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
