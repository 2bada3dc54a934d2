"""The canonical bytes of one Python value, for cells of object columns and for column labels.

A value becomes a tag (one byte, its kind) and a payload. Equal values of the same kind give equal
bytes in every process and on every platform; values of different kinds never do: ``1``, ``1.0``,
``True`` and ``"1"`` are four things. Nothing here calls ``hash()`` or ``repr()``, which vary from
process to process.

====================  ===  =============================================================
None, NaN, NaT, NA    N n T A   nothing; each kind of missing value is itself
bool                  b    one byte
int (numpy's too)     i    two's complement, little endian, as short as possible
float (numpy's too)   f    IEEE double, little endian; ``-0.0`` is not ``0.0``
complex               c    two doubles
str / bytes           s y  UTF-8 (lone surrogates kept) / as they are
date, time, interval  t..  ISO 8601, nanoseconds and UTC offset included
Decimal, UUID, path   d    class and text
list, tuple           L U  items in order
set, dict             S M  items ordered by their own bytes
array, Series, frame  a D  type, shape and values
enum, dataclass       E O  class, and name or fields
class, function       F    module and qualified name
other objects         O    what their own ``__reduce__`` or ``__getstate__`` says
====================  ===  =============================================================

What has no such form (an object with the default ``__reduce__``, a lambda, a lock, a value that
contains itself) raises `NotCovered`, and the caller counts it.
"""

from __future__ import annotations

import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import struct
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nbtrack.capture.data_numbers import canonical_numbers

Encoded = tuple[bytes, bytes]  # tag and payload

MISSING_TAGS = b"NnTA"
UNCOVERED_TAG = b"?"

_MAX_DEPTH = 50
_MAX_NODES = 2_000_000  # of one cell; shared sub-lists count each time they are met

_ITEM = struct.Struct("<cQ")
_DOUBLE = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")


class NotCovered(Exception):
    """A value has no canonical form; ``kind`` names its type, ``reason`` says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason


def encode(value: object) -> Encoded:
    """Tag and payload of ``value``.

    Raises
    ------
    NotCovered
        The value, or one inside it, has no canonical form.
    """
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    try:
        return _Walk().encode(value)
    except NotCovered as problem:
        raise NotCovered(type_name(type(value)), problem.reason) from None
    except Exception as error:
        # Classes of the user run here (__reduce__, utcoffset, a property): they may raise anything, and a
        # digest must not. The caller reports the value as not covered.
        raise NotCovered(type_name(type(value)), f"{type(error).__name__} while reading it") from error


def encode_or_type(value: object) -> Encoded:
    """`encode`, with what has no canonical form told by its type alone."""
    try:
        return encode(value)
    except NotCovered as problem:
        return UNCOVERED_TAG, problem.kind.encode()


def type_name(cls: type) -> str:
    """Module and qualified name, without an address; builtins by their bare name."""
    module = getattr(cls, "__module__", "")
    name = getattr(cls, "__qualname__", cls.__name__)
    return str(name) if module == "builtins" else f"{module}.{name}"


def pack(items: Iterable[Encoded]) -> bytes:
    """Encoded values one after the other, each with its length, so that no two lists look alike."""
    parts: list[bytes] = []
    for tag, payload in items:
        parts.append(_ITEM.pack(tag, len(payload)))
        parts.append(payload)
    return b"".join(parts)


def _int(value: int) -> Encoded:
    # The methods of the class itself: a subclass could override them.
    return b"i", int.to_bytes(value, (int.bit_length(value) + 8) // 8, "little", signed=True)


def _float(value: float) -> Encoded:
    return (b"f", _DOUBLE.pack(value)) if value == value else (b"n", b"")


def _complex(value: complex) -> Encoded:
    return b"c", _COMPLEX.pack(*(part if part == part else math.nan for part in (value.real, value.imag)))


def _text(value: str) -> Encoded:
    return b"s", str.encode(value, "utf-8", "surrogatepass")


_PLAIN: dict[type, Callable[[Any], Encoded]] = {
    str: _text,
    int: _int,
    float: _float,
    bool: lambda value: (b"b", b"\1" if value else b"\0"),
    type(None): lambda value: (b"N", b""),
    bytes: lambda value: (b"y", value),
    complex: _complex,
    np.float64: _float,
    np.int64: lambda value: _int(int(value)),
}


class _Walk:
    """One value and all that it contains; knows where it is, so that it ends."""

    def __init__(self) -> None:
        self.path: set[int] = set()
        self.nodes = 0

    def encode(self, value: Any) -> Encoded:
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            raise NotCovered("", f"it holds more than {_MAX_NODES:,} values")
        plain = _PLAIN.get(type(value))
        if plain is not None:
            return plain(value)
        if id(value) in self.path:
            raise NotCovered("", "it contains itself")
        if len(self.path) >= _MAX_DEPTH:
            raise NotCovered("", f"it is nested more than {_MAX_DEPTH} deep")
        self.path.add(id(value))
        try:
            return self._scalar(value) or self._container(value) or self._object(value)
        finally:
            self.path.discard(id(value))

    def _scalar(self, value: Any) -> Encoded | None:
        """Values without parts: subclasses of the plain ones, numpy's scalars, times."""
        if isinstance(value, enum.Enum):
            return b"E", pack([_named(type(value)), self.encode(value.name or value.value)])
        missing = _pandas_missing(value)
        if missing is not None:
            return missing, b""
        if isinstance(value, np.generic):
            return self._numpy_scalar(value)
        for kind in (str, int, float, complex):
            if isinstance(value, kind):
                return _PLAIN[kind](value)
        if isinstance(value, (bytes, bytearray)):
            return b"y", bytes(value)
        if isinstance(value, (decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath)):
            text = value.as_posix() if isinstance(value, pathlib.PurePath) else str(value)
            return b"d", pack([_text("Path" if isinstance(value, pathlib.PurePath) else type_name(type(value))), _text(text)])
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return _named(value)
        return _time(value)

    def _numpy_scalar(self, value: np.generic) -> Encoded:
        if isinstance(value, (np.datetime64, np.timedelta64)):
            return (b"T", b"") if np.isnat(value) else (b"m", pack([_text(value.dtype.name), _int(int(value.astype(np.int64)))]))
        if isinstance(value, (np.longdouble, np.clongdouble)):
            # Its bytes have padding; the shortest text that reads back is exact.
            return b"g", str(value).encode()
        if isinstance(value, np.void):
            return self._array(np.asarray(value))
        return self.encode(value.item())

    def _container(self, value: Any) -> Encoded | None:
        if isinstance(value, (list, tuple)):
            return b"L" if isinstance(value, list) else b"U", pack(self.encode(item) for item in value)
        if isinstance(value, (set, frozenset)):
            return b"S", b"".join(sorted(pack([self.encode(item)]) for item in value))
        if isinstance(value, (dict, types.MappingProxyType)):
            return b"M", b"".join(sorted(pack([self.encode(key), self.encode(item)]) for key, item in value.items()))
        if isinstance(value, range):
            return b"R", pack([_int(value.start), _int(len(value)), _int(value.step)])
        if isinstance(value, np.ndarray):
            return self._array(value)
        if type_name(type(value)).startswith("pandas.") and hasattr(value, "dtypes") and hasattr(value, "to_numpy"):
            return self._pandas(value)
        return None

    def _array(self, value: np.ndarray[Any, Any]) -> Encoded:
        head = [_text(value.dtype.name), self.encode(value.shape)]
        if value.dtype.kind in "biufcmMSU" and value.dtype.char not in "gG":
            return b"a", pack([*head, (b"y", canonical_numbers(value.reshape(-1)))])
        if value.dtype.names:
            return b"a", pack([*head, *(self.encode(value[name]) for name in value.dtype.names)])
        return b"a", pack([*head, *(self.encode(item) for item in value.reshape(-1).astype(object))])

    def _pandas(self, value: Any) -> Encoded:
        """A Series, Index or frame inside a cell."""
        columns = [value[name] for name in value.columns] if hasattr(value, "columns") else [value]
        labels = value.columns.tolist() if hasattr(value, "columns") else [value.name]
        index = value.index.tolist() if hasattr(value, "index") else []
        cells = (item for column in columns for item in (str(column.dtypes), column.tolist()))
        return b"D", pack(self.encode(item) for item in (labels, index, *cells))

    def _object(self, value: Any) -> Encoded:
        cls = type(value)
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return b"O", pack([_named(cls), self.encode(fields)])
        if not _says_its_state(cls):
            raise NotCovered("", "its class does not say what its value is")
        reduced = value.__reduce_ex__(2)
        if isinstance(reduced, str):
            return b"F", f"{cls.__module__}.{reduced}".encode()
        parts = [list(part) if position > 2 and part is not None else part for position, part in enumerate(reduced[:5])]
        return b"O", pack(self.encode(part) for part in parts)


def _says_its_state(cls: type) -> bool:
    """True where a class defines how it is rebuilt; the default takes in caches and whatever else lies in ``__dict__``."""
    own = (getattr(cls, name, None) is not getattr(object, name, None) for name in ("__reduce_ex__", "__reduce__", "__getstate__"))
    return any(own) or cls in copyreg.dispatch_table


def _named(value: Any) -> Encoded:
    """A class or function by its name, if the name finds it again."""
    name = getattr(value, "__qualname__", value.__name__)
    if "<" in name and not isinstance(value, type):
        raise NotCovered("", f"{name} has no name that finds it again")
    return b"F", f"{value.__module__}.{name}".encode()


def _pandas_missing(value: Any) -> bytes | None:
    """The tag of ``pd.NaT`` (which counts as a datetime) and ``pd.NA``, without importing pandas."""
    name = type(value).__name__
    if name not in ("NaTType", "NAType") or not type(value).__module__.startswith("pandas."):
        return None
    return b"T" if name == "NaTType" else b"A"


def _time(value: Any) -> Encoded | None:
    """Dates, times, time spans; pandas' own carry nanoseconds."""
    for tag, kind in ((b"t", datetime.datetime), (b"o", datetime.date), (b"h", datetime.time)):
        if isinstance(value, kind):
            return tag, value.isoformat().encode()
    if isinstance(value, datetime.timedelta):
        # A pandas Timedelta is a timedelta; its nanoseconds stand beside the others.
        parts = (value.days, value.seconds, value.microseconds, getattr(value, "nanoseconds", 0))
        return b"e", pack(_int(part) for part in parts)
    name = type_name(type(value))
    if name.startswith("pandas.") and name.endswith(".Period"):
        return b"P", pack([_text(value.freqstr), _int(int(value.ordinal))])
    return None
