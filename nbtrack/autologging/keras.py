"""Keras 3: ``Model.fit``, on any backend."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FrameType, ModuleType
from typing import Any

from nbtrack.autologging.fit import ObservedFit, infer_model_signature, input_example
from nbtrack.autologging.patching import Observer, Patches
from nbtrack.autologging.quiet import note_fit
from nbtrack.autologging.record import FitRecord, start_record
from nbtrack.autologging.switch import switch

FLAVOR = "keras"
_ARGUMENTS = ("batch_size", "epochs", "validation_split", "shuffle", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_freq", "class_weight")


def install(module: ModuleType, patches: Patches, mode: str) -> None:
    """Patch ``fit`` where the backend's trainer defines it."""
    trainer = next(cls for cls in module.Model.__mro__ if "fit" in vars(cls))
    patches.method(trainer, "fit", KerasHook())


class KerasHook:
    """Observes ``fit``."""

    def wants(self, receiver: Any, /) -> bool:
        return FLAVOR in switch.settings

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        note_fit(FLAVOR, receiver, caller, params=lambda: _changed_params(receiver), certain=True)

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        settings = switch.settings.get(FLAVOR)
        if settings is None:
            return None
        try:
            bound = inspect.signature(original).bind(*args, **kwargs)
        except TypeError:
            return None  # Keras says what is wrong with the call
        record = start_record(FLAVOR, type(args[0]).__name__, settings)
        return None if record is None else KerasFit(record, bound, caller)


class KerasFit(ObservedFit):
    """One call of ``fit``."""

    def __init__(self, record: FitRecord, bound: inspect.BoundArguments, caller: FrameType) -> None:
        self._given = dict(bound.arguments)
        self._signature = bound.signature
        given = self._given.get("callbacks")
        if given is None or isinstance(given, (list, tuple)):
            bound.arguments["callbacks"] = [*(given or []), _callback_class()(record)]
        else:
            record.note(f"metrics by step (callbacks is a {type(given).__name__}, not a list)")
        super().__init__(record, bound.args, bound.kwargs, caller)

    def before(self, caller: FrameType) -> None:
        model, record, given = self.args[0], self.record, self._given
        with record.guard("params"), record.run.store.transaction():
            defaults = {name: self._signature.parameters[name].default for name in _ARGUMENTS if name in self._signature.parameters}
            chosen = {name: given.get(name, default) for name, default in defaults.items()}
            record.params({**{name: value for name, value in chosen.items() if value is not None}, **_optimizer_params(model)})
        named = {name: (given.get(name), "train") for name in "xy"}
        named |= {f"validation_{name}": (value, "eval") for name, value in _pairs(given.get("validation_data")).items()}
        self.read(caller, named)

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        model, record = self.args[0], self.record
        lines: list[str] = []
        with record.guard("the summary of the model"):
            model.summary(print_fn=lambda text, line_break=None: lines.append(text))
            record.params({"trainable_params": sum(_size(weight) for weight in model.trainable_weights), "total_params": int(model.count_params())})
        return lambda: record.files({"model_summary.txt": "\n".join(lines).encode()} if lines else {}, kind="model summary")

    def log_model(self, result: Any) -> None:
        model, data = self.args[0], self._given.get("x")
        array = data if hasattr(data, "shape") else None
        signature = infer_model_signature(self.record, array, lambda sample: model.predict(sample, verbose=0))
        self.record.model(model, signature=signature, input_example=input_example(self.record, array))


def _optimizer_params(model: Any) -> dict[str, Any]:
    """The optimizer's name and settings, under MLflow's names."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return {}
    settings = {f"optimizer_{key}": value for key, value in optimizer.get_config().items() if value is not None}
    return {**settings, "optimizer_name": type(optimizer).__name__}  # Keras numbers its names: adam_1


def _changed_params(model: Any) -> dict[str, Any]:
    """The settings of the optimizer that are not what its class takes by itself."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return {}
    usual = type(optimizer)().get_config()
    changed = {f"optimizer_{key}": value for key, value in optimizer.get_config().items() if value != usual.get(key)}
    return {**changed, "optimizer_name": type(optimizer).__name__}


def _pairs(data: Any) -> Mapping[str, Any]:
    return dict(zip("xy", data, strict=False)) if isinstance(data, (list, tuple)) else {}


def _size(weight: Any) -> int:
    count = 1
    for length in weight.shape:
        count *= int(length)
    return count


@lru_cache(maxsize=1)
def _callback_class() -> Any:
    """Made once Keras is there."""
    base: Any = sys.modules["keras"].callbacks.Callback

    class LogEpochs(base):  # type: ignore[misc]
        """Logs each epoch's metrics as they are computed."""

        def __init__(self, record: FitRecord) -> None:
            super().__init__()
            self._record = record

        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            if logs and epoch % self._record.settings.log_every_n_epoch == 0:
                self._record.step({key: float(value) for key, value in logs.items()}, epoch)

    return LogEpochs
