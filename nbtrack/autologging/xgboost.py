"""XGBoost: ``train``, and what its estimators have beyond scikit-learn's."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FrameType, ModuleType
from typing import Any

from nbtrack.autologging.boosting import MAX_DIGEST_VALUES, TrainHook, UpdateHook, booster_writer, call_params, log_round
from nbtrack.autologging.fit import EXAMPLE_ROWS, ObservedFit
from nbtrack.autologging.inputs import variable_name
from nbtrack.autologging.patching import Patches
from nbtrack.autologging.record import FitRecord
from nbtrack.autologging.switch import FULL

_KINDS = ("weight",)
_ARGUMENTS = ("num_boost_round", "maximize", "early_stopping_rounds", "verbose_eval")
_SAMPLE_ROWS = 100


def install(module: ModuleType, patches: Patches, mode: str) -> None:
    """Patch ``train``; for the quiet form the boosters."""
    if mode == FULL:
        hook = TrainHook("xgboost", XgboostFit)
        patches.function(module, "train", hook)
        patches.function(sys.modules["xgboost.training"], "train", hook)
    else:
        patches.method(module.Booster, "update", UpdateHook("xgboost", sys.modules["xgboost.training"].train), trains=False)


def watch_estimator(record: FitRecord, estimator: Any, kwargs: dict[str, Any]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Have an estimator call us after each round; returns the arguments of ``fit``, and what takes it back."""
    before = getattr(estimator, "callbacks", None)
    if type(estimator).__name__.startswith("XGBRF"):  # one round, and it refuses callbacks
        return kwargs, lambda: None
    estimator.callbacks = [_callback_class()(record), *(before or [])]
    return kwargs, lambda: setattr(estimator, "callbacks", before)


def describe_estimator(record: FitRecord, estimator: Any) -> Callable[[], None]:
    """What writes the facts of a fitted estimator's booster."""
    booster = estimator.get_booster()
    stopping = getattr(estimator, "early_stopping_rounds", None) is not None
    return _describe(record, booster, stopping=stopping)


class XgboostFit(ObservedFit):
    """One call of ``xgboost.train``."""

    def __init__(self, record: FitRecord, bound: inspect.BoundArguments, caller: FrameType) -> None:
        self._given = dict(bound.arguments)
        self._signature = bound.signature
        bound.arguments["callbacks"] = [_callback_class()(record), *(self._given.get("callbacks") or [])]
        super().__init__(record, bound.args, bound.kwargs, caller)

    def before(self, caller: FrameType) -> None:
        with self.record.guard("params"):
            self.record.params(call_params(self._given, _ARGUMENTS, self._signature))
        matrices = [(self._given["dtrain"], "dtrain", "train")]
        matrices += [(matrix, name, "eval") for matrix, name in self._given.get("evals") or () if matrix is not self._given["dtrain"]]
        if self.record.settings.log_datasets:
            with self.record.guard("input data"):
                self.read(
                    None, {key: item for matrix, name, role in matrices for key, item in _contents(matrix, variable_name(caller, matrix, name), role).items()}
                )

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        return _describe(self.record, result, stopping=self._given.get("early_stopping_rounds") is not None)

    def log_model(self, result: Any) -> None:
        signature, example = None, None
        with self.record.guard("the signature"):
            signature, example = _signature(self.record, result, self._given["dtrain"])
        self.record.model(result, signature=signature, input_example=example)


def _describe(record: FitRecord, booster: Any, *, stopping: bool) -> Callable[[], None]:
    iterations: dict[str, Any] = {}
    if stopping:
        with record.guard("the best iteration"):
            iterations = {"best_iteration": booster.best_iteration, "best_score": booster.best_score, "stopped_iteration": booster.num_boosted_rounds() - 1}
    return booster_writer(record, lambda kind: booster.get_score(importance_type=kind), _KINDS, iterations)


def _contents(matrix: Any, name: str, role: str) -> dict[str, tuple[Any, str]]:
    """Values and labels of a matrix, for their digests."""
    if matrix.num_nonmissing() > MAX_DIGEST_VALUES:
        return {}
    return {name: (matrix.get_data(), role), f"{name}.label": (matrix.get_label(), role)}


def _signature(record: FitRecord, booster: Any, matrix: Any) -> tuple[Any, Any]:
    """Signature and example from the first rows of the training matrix."""
    if not (record.settings.log_model_signatures or record.settings.log_input_examples):
        return None, None
    from nbtrack.models.signature import infer_signature

    part = matrix.slice(list(range(min(_SAMPLE_ROWS, matrix.num_row()))))
    data = part.get_data().toarray()
    if part.feature_names:
        import pandas as pd

        data = pd.DataFrame(data, columns=part.feature_names)
    return infer_signature(data, booster.predict(part)), data[:EXAMPLE_ROWS]


@lru_cache(maxsize=1)
def _callback_class() -> Any:
    """Made once XGBoost is there, since it takes only callbacks of its own class."""
    base: Any = sys.modules["xgboost.callback"].TrainingCallback

    class LogRounds(base):  # type: ignore[misc]
        """Logs each round's metrics as they are computed."""

        def __init__(self, record: FitRecord) -> None:
            super().__init__()
            self._record = record

        def __reduce__(self) -> tuple[Any, ...]:
            return base, ()  # an estimator that is pickled while it is fitted takes no record along

        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:
            latest = {f"{data}-{metric}": values[-1] for data, metrics in evals_log.items() for metric, values in metrics.items()}
            log_round(self._record, {key: value[0] if isinstance(value, tuple) else value for key, value in latest.items()}, epoch)
            return False

    return LogRounds
