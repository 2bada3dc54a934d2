"""Numbers as canonical bytes, and what a profile says of them, taken in the same pass.

Canonical: C order, little endian, every NaN the same quiet NaN (its sign and payload carry nothing
that a computation could see), ``-0.0`` kept apart from ``0.0`` (``1 / x`` tells them apart).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Small enough for a processor's cache: the passes over a block (NaN, minimum, maximum, sum, hash) read memory once.
_BLOCK_BYTES = 1 << 20


@dataclass
class Facts:
    """What a pass over (part of) a column noted; parts add up."""

    nulls: int = 0
    low: float | int | None = None
    high: float | int | None = None
    total: float = 0.0
    counted: int = 0  # numbers that ``low``, ``high`` and ``total`` are over
    uncovered: dict[str, int] = field(default_factory=dict)  # type of cell -> cells whose value the digest leaves out

    def add(self, other: Facts) -> None:
        """Take in the facts of another part of the same column."""
        self.nulls += other.nulls
        if other.low is not None and other.high is not None:
            self.low = other.low if self.low is None else min(self.low, other.low)
            self.high = other.high if self.high is None else max(self.high, other.high)
        self.total += other.total
        self.counted += other.counted
        for kind, cells in other.uncovered.items():
            self.uncovered[kind] = self.uncovered.get(kind, 0) + cells

    @property
    def mean(self) -> float | None:
        """The mean of the numbers that are there; None where there are none, or it is not finite."""
        return self.total / self.counted if self.counted and math.isfinite(self.total) else None


class Sink:
    """Takes the canonical form of one segment of a column: hashes it and notes the facts."""

    def __init__(self, *, statistics: bool = True) -> None:
        self.facts = Facts()
        self._statistics = statistics
        self._hash = sha256()

    def raw(self, buffer: Any) -> None:
        """Hash bytes as they are."""
        self._hash.update(buffer)

    def numbers(self, values: Array, *, noted: Array | None = None) -> None:
        """Hash numbers, times or fixed-width text of any shape, in C order; ``noted`` is what the statistics are over, if not ``values``."""
        if noted is not None and self._statistics and noted.dtype.kind in "iuf":
            self._note(noted[~np.isnan(noted)] if noted.dtype.kind == "f" else noted)
        flat = values.reshape(-1) if values.ndim != 1 and values.flags.c_contiguous else values
        row_bytes = max(1, flat.itemsize * math.prod(flat.shape[1:]))
        rows = max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, len(flat), rows):
            self._block(np.ascontiguousarray(flat[start : start + rows]).reshape(-1), note=self._statistics and noted is None)

    def digest(self) -> bytes:
        """The sha256 of all that was taken."""
        return self._hash.digest()

    def _block(self, block: Array, *, note: bool) -> None:
        kind = block.dtype.kind
        null = np.isnan(block) if kind in "fc" else np.isnat(block) if kind in "mM" else None
        nulls = 0 if null is None else int(np.count_nonzero(null))
        self.facts.nulls += nulls
        if note and kind in "iuf":
            self._note(block[~null] if nulls and null is not None else block)
        if nulls and null is not None and kind in "fc":
            block = _same_nan(block)
        self._hash.update(_bytes_of(_little_endian(block)))

    def _note(self, numbers: Array) -> None:
        if not len(numbers):
            return
        with np.errstate(all="ignore"):  # infinities and overflow make a mean that is left out later
            # item() gives Python's own numbers: they never overflow and go into JSON.
            part = Facts(0, numbers.min().item(), numbers.max().item(), float(numbers.sum(dtype=np.float64)), len(numbers))
        self.facts.add(part)


def canonical_numbers(block: Array) -> bytes:
    """The canonical bytes of a contiguous block."""
    if block.dtype.kind in "fc" and np.isnan(block).any():
        block = _same_nan(block)
    return _little_endian(block).tobytes()


def _same_nan(block: Array) -> Array:
    """A copy with one quiet NaN in place of every NaN; each part of a complex number on its own."""
    copy: Array = block.copy()
    for part in (copy.real, copy.imag) if copy.dtype.kind == "c" else (copy,):
        part[np.isnan(part)] = np.nan
    return copy


def _little_endian(block: Array) -> Array:
    order = block.dtype.byteorder
    swapped = order == ">" or (order == "=" and sys.byteorder == "big")
    little: Array = block.astype(block.dtype.newbyteorder("<")) if swapped else block
    return little


def _bytes_of(block: Array) -> Any:
    # hashlib takes no buffer of datetime64, and numpy no view of items without bytes.
    return block.view(np.uint8) if block.dtype.itemsize and block.dtype.kind != "V" else np.frombuffer(block.tobytes(), np.uint8)
