"""The quiet form: what was fitted, and with which params that differ from the defaults; nothing is written.

It takes part in no call: a patched method hands out the library's own and notes for which object it
was asked. So a traceback is the user's alone, and a fit takes no longer. Whether a fit came of it is seen
at the end, by what the object has become.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from nbtrack.autologging.params import plain_key, plain_params, same_value
from nbtrack.autologging.patching import is_inside_fit
from nbtrack.autologging.switch import switch

MAX_FITS = 5

# Asking for a method from in here is no fit of the user's: ``hasattr(estimator, "fit")`` in a check, say.
_LIBRARIES = frozenset({"imblearn", "joblib", "keras", "lightgbm", "lightning", "pytorch_lightning", "sklearn", "torch", "xgboost"})


@dataclass(frozen=True)
class QuietFit:
    """A fit that was seen."""

    flavor: str
    title: str  # the class of what was fitted
    params: Mapping[str, Any]  # those that differ from the defaults, as they can be stored
    model: Any  # the fitted object; None if nobody holds it any more

    def example_among(self, values: Mapping[str, Any]) -> Any | None:
        """The first frame or array of ``values`` that has the columns which the model was fitted on; None if there is none."""
        names = _feature_names(self.model)
        count = getattr(self.model, "n_features_in_", None)
        for value in values.values():
            columns = getattr(value, "columns", None)
            if names is not None and columns is not None and _plain_names(columns) == names:
                return value
            shape = getattr(value, "shape", None)  # a function, of the module numpy
            if names is None and columns is None and isinstance(shape, tuple) and isinstance(count, int) and shape[1:] == (count,):
                return value
        return None


@dataclass
class _Noted:
    flavor: str
    title: str
    params: Mapping[str, Any]
    receiver: Callable[[], Any]
    state: Any
    model: Callable[[Any], Any]


class QuietCapture:
    """Notes the fits while it is on; `quiet_capture` makes one."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque(maxlen=MAX_FITS * 4)
        self._lock = threading.Lock()

    def fits(self) -> list[QuietFit]:
        """The fits, oldest first, the last ``MAX_FITS``; an object that was fitted again is there once, as it was fitted last."""
        with self._lock:
            noted = list(self._noted)
        found: list[QuietFit] = []
        seen: set[int] = set()
        for item in reversed(noted):
            receiver = item.receiver()
            if receiver is None:
                found.append(QuietFit(item.flavor, item.title, item.params, None))
            elif id(receiver) not in seen and _state(receiver) != item.state:
                seen.add(id(receiver))
                model = item.model(receiver)
                found.append(QuietFit(item.flavor, type(model).__name__, item.params, model))
        return found[:MAX_FITS][::-1]

    def params(self) -> dict[str, Any]:
        """The params of all fits; one that two fits have with different values gets the name of its class before it."""
        found: dict[str, Any] = {}
        fits = self.fits()
        clashing = {key for one in fits for key, value in one.params.items() for other in fits if not same_value(other.params.get(key, value), value)}
        for number, fit in enumerate(fits, start=1):
            for key, value in fit.params.items():
                name = key if key not in clashing else plain_key(f"{fit.title}.{key}")
                if name in found and not same_value(found[name], value):
                    name = plain_key(f"{fit.title} {number}.{key}")
                found[name] = value
        return found

    def note(self, noted: _Noted) -> None:
        """Remember one fit that may follow."""
        with self._lock:
            self._noted.append(noted)


@contextmanager
def quiet_capture() -> Iterator[QuietCapture]:
    """Note the fits inside the block, in all threads. Libraries that are autologged in full are left to that."""
    capture = QuietCapture()
    switch.add_capture(capture)
    try:
        yield capture
    finally:
        switch.remove_capture(capture)


def note_fit(
    flavor: str,
    receiver: Any,
    caller: FrameType,
    *,
    params: Callable[[], Mapping[str, Any]],
    model: Callable[[Any], Any] = lambda receiver: receiver,
    inside: bool = False,
    certain: bool = False,
) -> None:
    """Tell the captures that ``receiver`` is about to be fitted, unless that is part of another fit; never raises.

    Parameters
    ----------
    params
        Gives the params that differ from the defaults.
    model
        Gives the fitted model for the receiver, at the end.
    inside
        The caller is the library's own training function.
    certain
        Being asked for the method is a fit by itself; the object's attributes need not tell.
    """
    captures = switch.captures
    if not captures:
        return
    if not inside and str(caller.f_globals.get("__name__", "")).partition(".")[0] in _LIBRARIES:
        return
    if is_inside_fit(caller.f_back if inside else caller):
        return
    try:
        noted = _Noted(flavor, type(receiver).__name__, plain_params(params()), weakref.ref(receiver), None if certain else _state(receiver), model)
    except Exception:  # an object that can't tell its params, or takes no weak reference, is left out: nothing was promised of it
        return
    for capture in captures:
        capture.note(noted)


def _feature_names(model: Any) -> list[str] | None:
    """The names of the columns that a model was fitted on; None if they had none, which LightGBM numbers."""
    found = getattr(model, "feature_names_in_", None)
    found = getattr(model, "feature_name_", None) if found is None else found
    if found is None or list(found) == [f"Column_{number}" for number in range(len(found))]:
        return None
    return _plain_names(found)


def _plain_names(names: Iterable[Any]) -> list[str]:
    """Names of columns as LightGBM has them, without spaces."""
    return [str(name).replace(" ", "_") for name in names]


def _state(receiver: Any) -> dict[str, int]:
    """What the attributes of an object are, by identity: fitting replaces some."""
    return {name: id(value) for name, value in vars(receiver).items()}
