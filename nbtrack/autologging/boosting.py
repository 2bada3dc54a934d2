"""What XGBoost and LightGBM have in common: params of a training call, metrics by round, importance of features."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from nbtrack.autologging.fit import ObservedFit
from nbtrack.autologging.params import same_value
from nbtrack.autologging.patching import Observer
from nbtrack.autologging.plots import importance_files
from nbtrack.autologging.quiet import note_fit
from nbtrack.autologging.record import FitRecord, start_record
from nbtrack.autologging.switch import switch

MAX_DIGEST_VALUES = 20_000_000  # of a library's own matrix, which is copied for its digest

FitMaker = Callable[[FitRecord, inspect.BoundArguments, FrameType], ObservedFit]


class TrainHook:
    """Observes a ``train`` function."""

    def __init__(self, flavor: str, make: FitMaker) -> None:
        self._flavor = flavor
        self._make = make

    def wants(self, receiver: Any, /) -> bool:
        return False  # functions have no receiver

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        """Nothing: in the quiet form functions are not patched."""

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        settings = switch.settings.get(self._flavor)
        if settings is None:
            return None
        try:
            bound = inspect.signature(original).bind(*args, **kwargs)
        except TypeError:
            return None  # the library says what is wrong with the call
        record = start_record(self._flavor, "Booster", settings)
        return None if record is None else self._make(record, bound, caller)


class UpdateHook:
    """Notes boosters for the quiet form, when their first round is computed."""

    def __init__(self, flavor: str, train: Callable[..., Any]) -> None:
        self._flavor = flavor
        self._signature = inspect.signature(train)
        self._train: CodeType = inspect.unwrap(train).__code__
        self._last: Callable[[], Any] = lambda: None

    def wants(self, receiver: Any, /) -> bool:
        return False

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        return None

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        if self._last() is receiver:
            return  # a later round
        self._last = weakref.ref(receiver)
        inside = caller.f_code is self._train
        note_fit(self._flavor, receiver, caller, params=lambda: self._params(caller) if inside else {}, inside=inside, certain=True)

    def _params(self, train: FrameType) -> dict[str, Any]:
        """What the training function was given and would not take by itself; its frame tells, as long as it runs."""
        params = dict(train.f_locals.get("params") or {})
        rounds = train.f_locals.get("num_boost_round")
        if params.get("num_iterations") == rounds:
            params.pop("num_iterations", None)  # LightGBM adds it
        if rounds is not None and rounds != self._signature.parameters["num_boost_round"].default:
            params["num_boost_round"] = rounds
        return params


def call_params(arguments: Mapping[str, Any], names: Sequence[str], signature: inspect.Signature) -> dict[str, Any]:
    """The params that boosters are trained with, and of the other arguments ``names``: their values or defaults, but for None."""
    others = {name: arguments.get(name, signature.parameters[name].default) for name in names if name in signature.parameters}
    return {**dict(arguments.get("params") or {}), **{name: value for name, value in others.items() if value is not None}}


def log_round(record: FitRecord, results: Mapping[str, float], step: int) -> None:
    """The metrics of one round."""
    if results and step % record.settings.log_every_n_epoch == 0:
        record.step(results, step)


def booster_writer(
    record: FitRecord,
    importance: Callable[[str], Mapping[str, float]],
    kinds: Sequence[str],
    iterations: Mapping[str, Any],
) -> Callable[[], None]:
    """What writes the importance of features, and the iterations at which the training stopped and was best."""
    files: dict[str, bytes] = {}
    for kind in record.settings.importance_types or kinds:
        with record.guard(f"feature importance ({kind})"):
            found = importance(kind)
            files.update(importance_files(kind, found) if found else {})

    def write() -> None:
        record.metrics({key: value for key, value in iterations.items() if value is not None and not same_value(value, -1)})
        record.files(files, kind="files of feature importance")

    return write
