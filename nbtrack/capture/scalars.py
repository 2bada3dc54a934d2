"""Numbers among the objects of a notebook, without importing the libraries that make them."""

from __future__ import annotations

import numbers
import re
import sys

# float32, torch.float32, <dtype: 'float32'>, int64, float8_e4m3fn
_NUMERIC_DTYPE = re.compile(r"(?:.*[.'\s])?(?:b?float|u?int|double|half)\w*'?>?")

# Their 0-d arrays are promises: float() would start a computation.
_LAZY = frozenset({"cubed", "dask", "ibis", "pyspark"})


def as_number(value: object) -> float | None:
    """``value`` as a float if it is a single real number, else None. Booleans are none.

    Numbers are Python's own, ``Fraction`` and ``Decimal``, and what numpy, torch, TensorFlow, JAX
    and others make of one: anything with the shape ``()`` and a numeric dtype. Never raises.
    """
    if isinstance_safe(value, bool) or not (_is_plain(value) or _is_zero_dimensional(value)):
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # what can't be converted raises
    except Exception:  # objects of the notebook run any code of theirs here; a number that is none is no metric
        return None


def isinstance_safe(value: object, kind: type) -> bool:
    """``isinstance`` by the real class: ``__class__`` may be a property that raises, or lies."""
    return kind in type.__getattribute__(type(value), "__mro__")


def _is_plain(value: object) -> bool:
    decimal = sys.modules.get("decimal")  # nobody has a Decimal who has not imported it
    if decimal is not None and isinstance_safe(value, decimal.Decimal):
        return True
    try:
        return issubclass(type(value), numbers.Real)
    except Exception:  # a metaclass may answer with an error
        return False


def _is_zero_dimensional(value: object) -> bool:
    cls = type(value)
    try:
        if not hasattr(cls, "__float__") or str(cls.__module__).partition(".")[0] in _LAZY or tuple(getattr(value, "shape", (None,))) != ():
            return False
        return bool(_NUMERIC_DTYPE.fullmatch(str(getattr(value, "dtype", ""))))
    except Exception:  # attributes of the notebook's objects run their code
        return False
