"""LightGBM: ``train``, and what its estimators have beyond scikit-learn's."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType
from typing import Any

from nbtrack.autologging.boosting import TrainHook, UpdateHook, booster_writer, call_params, log_round
from nbtrack.autologging.fit import ObservedFit, infer_model_signature, input_example
from nbtrack.autologging.inputs import head, variable_name
from nbtrack.autologging.patching import Patches
from nbtrack.autologging.record import FitRecord
from nbtrack.autologging.switch import FULL

_KINDS = ("split", "gain")
_ARGUMENTS = ("num_boost_round",)
_SAMPLE_ROWS = 100
_ORDER = 20  # among the callbacks of a round: before early stopping, which has 30 and ends the round


def install(module: ModuleType, patches: Patches, mode: str) -> None:
    """Patch ``train``; for the quiet form the boosters."""
    if mode == FULL:
        hook = TrainHook("lightgbm", LightgbmFit)
        patches.function(module, "train", hook)
        patches.function(sys.modules["lightgbm.engine"], "train", hook)
    else:
        patches.method(module.Booster, "update", UpdateHook("lightgbm", sys.modules["lightgbm.engine"].train), trains=False)


def watch_estimator(record: FitRecord, estimator: Any, kwargs: dict[str, Any]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Have an estimator call us after each round; returns the arguments of ``fit``, and what takes it back."""
    return {**kwargs, "callbacks": [*(kwargs.get("callbacks") or []), _log_rounds(record)]}, lambda: None


def describe_estimator(record: FitRecord, estimator: Any) -> Callable[[], None]:
    """What writes the facts of a fitted estimator's booster."""
    return _describe(record, estimator.booster_)


class LightgbmFit(ObservedFit):
    """One call of ``lightgbm.train``."""

    def __init__(self, record: FitRecord, bound: inspect.BoundArguments, caller: FrameType) -> None:
        self._given = dict(bound.arguments)
        self._signature = bound.signature
        self._sample: Any = None
        bound.arguments["callbacks"] = [*(self._given.get("callbacks") or []), _log_rounds(record)]
        super().__init__(record, bound.args, bound.kwargs, caller)

    def before(self, caller: FrameType) -> None:
        with self.record.guard("params"):
            self.record.params(call_params(self._given, _ARGUMENTS, self._signature))
        train = self._given["train_set"]
        with self.record.guard("input data"):
            self._sample = head(train.data, _SAMPLE_ROWS)  # the training frees the data
            named = _contents(train, variable_name(caller, train, "train_set"), "train")
            names = self._given.get("valid_names") or ()
            for number, valid in enumerate(_listed(self._given.get("valid_sets"))):
                if valid is not train:
                    default = names[number] if number < len(_listed(names)) else f"valid_{number}"
                    named |= _contents(valid, variable_name(caller, valid, default), "eval")
            self.read(None, named)

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        return _describe(self.record, result)

    def log_model(self, result: Any) -> None:
        signature = infer_model_signature(self.record, self._sample, result.predict)
        self.record.model(result, signature=signature, input_example=input_example(self.record, self._sample))


def _describe(record: FitRecord, booster: Any) -> Callable[[], None]:
    iterations: dict[str, Any] = {}
    if booster.best_iteration > 0:
        iterations = {"best_iteration": booster.best_iteration, "stopped_iteration": booster.current_iteration()}

    def importance(kind: str) -> Mapping[str, float]:
        return dict(zip(booster.feature_name(), map(float, booster.feature_importance(kind)), strict=True))

    return booster_writer(record, importance, _KINDS, iterations)


def _contents(dataset: Any, name: str, role: str) -> dict[str, tuple[Any, str]]:
    """Values and labels of a dataset that still has them, for their digests."""
    from nbtrack.capture.data import is_data

    parts = {name: dataset.data, f"{name}.label": dataset.label}
    return {key: (value, role) for key, value in parts.items() if value is not None and is_data(value)}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _log_rounds(record: FitRecord) -> Callable[[Any], None]:
    """A callback that logs each round's metrics as they are computed."""

    def log(environment: Any) -> None:
        results = environment.evaluation_result_list or ()
        log_round(record, {f"{item[0]}-{item[1]}": float(item[2]) for item in results}, environment.iteration)

    log.order = _ORDER  # type: ignore[attr-defined]
    log.before_iteration = False  # type: ignore[attr-defined]
    return log
