"""What may be logged as a param, a metric or a step, made plain."""

from __future__ import annotations

import datetime
import enum
import math
import os
from decimal import Decimal
from typing import Any

from nbtrack.entities import ParamValue
from nbtrack.errors import InvalidMetric, InvalidParam

_MAX_DEPTH = 20
_MAX_ARRAY_ITEMS = 1000
MAX_STEP = 2**63 - 1  # what a column of 64 bits holds


def to_metric_value(key: str, value: Any) -> float:
    """``value`` as a float: numbers, booleans, numeric text, 0-d arrays and tensors.

    Raises
    ------
    InvalidMetric
        It is none of these.
    """
    if value is None:
        raise InvalidMetric(f"the metric {key!r} has the value None; a metric is a number. Log NaN (float('nan')) for a missing one")
    if isinstance(value, (complex, bytes)):
        raise InvalidMetric(f"the metric {key!r} has the value {value!r:.80} ({type(value).__name__}), which is no real number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError) as error:
        shape = getattr(value, "shape", None)
        hint = f", an array of shape {tuple(shape)}: log one number, or use log_metrics({{{key!r}: values}}, step=steps) for a series" if shape else ""
        raise InvalidMetric(f'Invalid value "{_short(value)}" for the metric {key!r}: found {type(value).__name__}{hint}. Specify a number') from error


def to_step(key: str, step: Any) -> int:
    """``step`` as a whole number.

    Raises
    ------
    InvalidMetric
        It is a fraction, no number, or beyond 64 bits.
    """
    try:
        whole = int(step)
        same = whole == step
    except (TypeError, ValueError, OverflowError):
        whole, same = 0, False
    if not same or isinstance(step, str) or abs(whole) > MAX_STEP:
        raise InvalidMetric(f"the step of the metric {key!r} is {step!r:.80}; a step is a whole number of 64 bits")
    return whole


def to_param_value(key: str, value: Any) -> ParamValue:
    """``value`` as a plain number, string, boolean, None, list or dict; what has an obvious text becomes that.

    numpy and torch scalars become numbers, small arrays lists, enums their values, paths and dates
    their usual text, classes and functions their qualified names.

    Raises
    ------
    InvalidParam
        It has no obvious plain form, is nested too deeply, or holds itself.
    """
    return _plain(key, value, 0)


def _plain(key: str, value: Any, depth: int) -> ParamValue:
    if depth > _MAX_DEPTH:
        raise InvalidParam(f"the param {key!r} is nested more than {_MAX_DEPTH} deep, or holds itself; log it with log_dict(..., '{key}.json')")
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (list, tuple):
        return [_plain(key, item, depth + 1) for item in value]
    if kind is dict:
        return {str(name): _plain(key, item, depth + 1) for name, item in value.items()}
    return _plain_object(key, value, depth)


def _plain_object(key: str, value: Any, depth: int) -> ParamValue:
    """The plain form of what is no plain kind itself: subclasses, scalars of libraries, paths, dates."""
    if isinstance(value, enum.Enum):
        return _plain(key, value.value, depth + 1)
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(key, item, depth + 1) for item in value), key=str)
    if isinstance(value, (list, tuple, range)):
        return [_plain(key, item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(key, item, depth + 1) for name, item in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Decimal):
        return float(value)
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{getattr(value, '__module__', '')}.{value.__qualname__}".removeprefix("builtins.")
    return _plain_array(key, value, depth)


def _plain_array(key: str, value: Any, depth: int) -> ParamValue:
    """numpy, pandas and torch scalars by ``item()``, small arrays by ``tolist()``."""
    size = getattr(value, "size", None)
    count = size() if callable(size) and not isinstance(size, int) else size
    if hasattr(value, "tolist") and isinstance(count, int):
        if count > _MAX_ARRAY_ITEMS:
            raise InvalidParam(
                f"the param {key!r} is an array of {count:,} items; at most {_MAX_ARRAY_ITEMS:,} fit. Log it as data (log_input) or as an artifact"
            )
        return _plain(key, value.tolist(), depth + 1)
    if hasattr(value, "item") and callable(value.item):
        try:
            return _plain(key, value.item(), depth + 1)
        except (TypeError, ValueError, RuntimeError):
            pass  # more than one item: refused below with the type's name
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise InvalidParam(
        f"the param {key!r} is a {type(value).__module__}.{type(value).__qualname__}, which is neither a number, a string, a boolean, None, nor a list or dict "
        "of these. Log what describes it, for example str(...) of it"
    )


def _short(value: Any) -> str:
    try:
        return f"{value!s:.80}"
    except Exception:  # foreign __str__; the message goes without it
        return f"<{type(value).__name__}>"
