"""PyTorch Lightning: ``Trainer.fit``, of the package ``lightning`` and of ``pytorch_lightning``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from types import FrameType, ModuleType
from typing import Any

from nbtrack.autologging.fit import EXAMPLE_ROWS, ObservedFit
from nbtrack.autologging.inputs import head, variable_name
from nbtrack.autologging.patching import Observer, Patches
from nbtrack.autologging.quiet import note_fit
from nbtrack.autologging.record import FitRecord, start_record
from nbtrack.autologging.switch import switch

FLAVOR = "lightning"
_SAMPLE_ROWS = 100


def install(module: ModuleType, patches: Patches, mode: str) -> None:
    """Patch ``Trainer.fit``."""
    patches.method(module.Trainer, "fit", LightningHook(module))


class LightningHook:
    """Observes ``fit``."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def wants(self, receiver: Any, /) -> bool:
        return FLAVOR in switch.settings

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        note_fit(FLAVOR, receiver, caller, params=lambda: _changed_params(receiver, self._module), model=lambda trainer: trainer.lightning_module)

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        settings = switch.settings.get(FLAVOR)
        if settings is None or getattr(args[0], "global_rank", 0) != 0:
            return None  # of several processes that train one model the first logs
        try:
            bound = inspect.signature(original).bind(*args, **kwargs)
        except TypeError:
            return None  # Lightning says what is wrong with the call
        record = start_record(FLAVOR, type(bound.arguments["model"]).__name__, settings)
        return None if record is None else LightningFit(record, bound, caller, self._module)


class LightningFit(ObservedFit):
    """One call of ``Trainer.fit``."""

    def __init__(self, record: FitRecord, bound: inspect.BoundArguments, caller: FrameType, module: ModuleType) -> None:
        self._given = dict(bound.arguments)
        self._callback = _callback_class(module.Callback)(record)
        super().__init__(record, bound.args, bound.kwargs, caller)

    def before(self, caller: FrameType) -> None:
        trainer, record, model = self.args[0], self.record, self._given["model"]
        with record.guard("params"), record.run.store.transaction():
            record.params({**dict(getattr(model, "hparams", {})), "epochs": trainer.max_epochs})
            record.params(_stopping_params(trainer))
        with record.guard("metrics by step"):
            trainer.callbacks.append(self._callback)
            self.afterwards(lambda: trainer.callbacks.remove(self._callback))
        loaders = {"train_dataloaders": "train", "val_dataloaders": "eval"}
        named: dict[str, tuple[Any, str]] = {}
        with record.guard("input data"):
            for argument, role in loaders.items():
                loader = self._given.get(argument)
                named |= {f"{variable_name(caller, loader, argument)}.{number}": (tensor, role) for number, tensor in enumerate(_tensors(loader))}
        self.read(None, named)

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        trainer, record, model = self.args[0], self.record, self._given["model"]
        params: dict[str, Any] = {}
        with record.guard("the optimizer"):
            params |= _optimizer_params(trainer)
        with record.guard("the size of the model"):
            sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
            params |= {"total_params": sum(size for size, _ in sizes), "trainable_params": sum(size for size, trained in sizes if trained)}

        def write() -> None:
            record.params(params)
            record.files({"model_summary.txt": str(model).encode()}, kind="model summary")

        return write

    def log_model(self, result: Any) -> None:
        record, model = self.record, self._given["model"]
        tensors = _tensors(self._given.get("train_dataloaders"))
        signature, sample = None, None
        if tensors and (record.settings.log_model_signatures or record.settings.log_input_examples):
            with record.guard("the signature"):
                sample = head(tensors[0], _SAMPLE_ROWS)
                signature = _signature(model, sample)
        record.model(model, signature=signature, input_example=None if sample is None else sample[:EXAMPLE_ROWS].cpu().numpy())


def _signature(model: Any, sample: Any) -> Any:
    """From what the network gives for a sample; it is left in the mode that it was in."""
    import torch

    from nbtrack.models.signature import infer_signature

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            output = model(sample.to(model.device))
    finally:
        model.train(was_training)
    return infer_signature(sample.cpu().numpy(), output.cpu().numpy())


def _tensors(loader: Any) -> tuple[Any, ...]:
    """The tensors that a loader reads from, where its dataset has them in memory."""
    return tuple(getattr(getattr(loader, "dataset", None), "tensors", ()))


def _optimizer_params(trainer: Any) -> dict[str, Any]:
    """The name and settings of the first optimizer."""
    if not trainer.optimizers:
        return {}
    optimizer = trainer.optimizers[0]
    plain = {key: value for key, value in optimizer.defaults.items() if value is not None}
    return {"optimizer_name": type(optimizer).__name__, **plain}


def _stopping_params(trainer: Any) -> dict[str, Any]:
    stopping = next((callback for callback in trainer.callbacks if type(callback).__name__ == "EarlyStopping"), None)
    if stopping is None:
        return {}
    return {f"early_stopping_{name}": getattr(stopping, name) for name in ("monitor", "mode", "patience", "min_delta") if hasattr(stopping, name)}


def _changed_params(trainer: Any, module: ModuleType) -> dict[str, Any]:
    """The limits that the trainer was given; its other arguments say how to compute, not what."""
    usual = inspect.signature(module.Trainer.__init__).parameters
    found = {name: getattr(trainer, name, None) for name in ("max_epochs", "max_steps", "gradient_clip_val", "accumulate_grad_batches")}
    return {name: value for name, value in found.items() if value is not None and name in usual and value != usual[name].default}


@lru_cache(maxsize=2)
def _callback_class(base: Any) -> Any:
    """Made once for each of the two packages."""

    class LogEpochs(base):  # type: ignore[misc]
        """Logs the metrics of each epoch as they are computed."""

        def __init__(self, record: FitRecord) -> None:
            super().__init__()
            self._record = record

        def __reduce__(self) -> tuple[Any, ...]:
            return base, ()  # a trainer that is sent to other processes takes no record along

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch % self._record.settings.log_every_n_epoch == 0:
                self._record.step({key: float(value) for key, value in trainer.callback_metrics.items()}, trainer.current_epoch)

    return LogEpochs
