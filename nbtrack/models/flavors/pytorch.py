"""PyTorch: modules (those of Lightning included), pickled whole or as an exported graph."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import ModelError, SchemaMismatch
from nbtrack.models.files import inside
from nbtrack.models.flavors.base import Blocks, LoadOptions, SavedModel, SaveOptions, accepted, choose_format, library_version, setting
from nbtrack.models.manifest import PYFUNC
from nbtrack.models.pickling import has_base, traced_cloudpickle
from nbtrack.models.schema_inference import is_frame
from nbtrack.models.unpicklable import find_unpicklable

NAME = "pytorch"
ACCEPTS = "a PyTorch module"
LOADER_MODULE = "mlflow.pytorch"
_FORMATS = ("pickle", "pt2")
_DATA = "data"
_PICKLED = "model.pth"
_EXPORTED = "model.pt2"
_PICKLE_MODULE = "pickle_module_info.txt"  # names the module that loads the pickle


def matches(model: Any) -> bool:
    """True for an ``nn.Module``."""
    return not isinstance(model, type) and has_base(model, "torch", "Module")


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write ``data/model.pth``, or ``data/model.pt2`` with the graph that the input example takes."""
    chosen = choose_format(options.serialization_format, _FORMATS, NAME)
    data = folder / _DATA
    data.mkdir()
    modules = _pickle(model, data) if chosen == "pickle" else _export(model, data, options.input_example)
    native = {"code": None, "model_data": _DATA, "pytorch_version": library_version("torch")}
    pyfunc = {"loader_module": LOADER_MODULE, "data": _DATA, "config": {"device": None, **(options.model_config or {})}}
    needed = ("cloudpickle",) if chosen == "pickle" else ()
    return SavedModel(native=native, pyfunc=pyfunc, packages=("torch", "numpy", *needed), modules=modules)


def runs_code(blocks: Blocks) -> bool:
    """True: modules are pickled, and an exported graph may have pickles in it."""
    return True


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The module, on the device that ``model_config`` names; where it was saved, or else the CPU, without one."""
    torch = import_module("torch")
    data = inside(folder, setting(blocks, NAME, "model_data"), "the model")
    device = _device(blocks, options)
    if (data / _EXPORTED).exists():
        return torch.export.load(inside(folder, f"{data.name}/{_EXPORTED}", "the model")).module()
    file = inside(folder, f"{data.name}/{_PICKLED}", "the model") if data.is_dir() else data
    where = device or (None if torch.cuda.is_available() else "cpu")
    model = torch.load(file, map_location=where, weights_only=False, pickle_module=pickle)
    model.eval()
    return model


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> TensorPredictor:
    """The module behind ``predict``."""
    return TensorPredictor(load(folder, blocks, options))


def predictor(model: Any, predict_fn: str) -> TensorPredictor:
    """A module in memory behind ``predict``."""
    return TensorPredictor(model)


@dataclass(frozen=True)
class TensorPredictor:
    """Takes arrays and frames of numbers, gives what it was given: arrays for arrays, frames for frames."""

    model: Any

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions without gradients and in evaluation mode, which is left again afterwards."""
        torch = import_module("torch")
        array = data.to_numpy(dtype="float32") if is_frame(data) else data
        if not hasattr(array, "dtype"):
            raise SchemaMismatch(f"a PyTorch model takes an array or a DataFrame of numbers; found {type(data).__name__}")
        tensor = array if hasattr(array, "detach") else torch.from_numpy(array if array.flags.writeable else array.copy())
        with _evaluating(self.model), torch.no_grad():
            result = self.model(tensor.to(_device_of(self.model)), **accepted(self.model.forward, params))
        if not hasattr(result, "detach"):
            raise ModelError(f"the model gives a {type(result).__name__}, where the pyfunc of a PyTorch model is one tensor; wrap it in a PythonModel")
        return _frame_like(data, result.detach().cpu().numpy())


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Dropout and the like off. An exported graph has no other mode, and refuses to be asked for one."""
    training = bool(model.training) and type(model).__name__ != "GraphModule"
    if training:
        model.eval()
    try:
        yield
    finally:
        if training:
            model.train()


def _frame_like(data: Any, result: Any) -> Any:
    """Predictions for a frame as a frame with its index."""
    if not is_frame(data):
        return result
    import pandas as pd

    return pd.DataFrame(result, index=data.index)


def _device_of(model: Any) -> Any:
    first = next(model.parameters(), None)
    return "cpu" if first is None else first.device


def _device(blocks: Blocks, options: LoadOptions) -> Any:
    config = {**(blocks.get(PYFUNC, {}).get("config") or {}), **(options.model_config or {})}
    return config.get("device")


def _pickle(model: Any, data: Path) -> frozenset[str]:
    torch = import_module("torch")
    pickling, modules = traced_cloudpickle()
    try:
        torch.save(model, data / _PICKLED, pickle_module=pickling)
    except OSError:
        raise  # of the disk, not of the model
    except Exception as error:  # whatever a __reduce__ or __getstate__ of the model raises
        cloudpickle = require("cloudpickle", purpose="saving a model")
        path, kind = find_unpicklable(model, "model", cloudpickle.dumps)
        raise ModelError(f"the model cannot be pickled: {path} is a {kind} ({type(error).__name__}: {error}). Remove it before you log the model") from error
    # What cloudpickle wrote, the standard library's pickle loads.
    (data / _PICKLE_MODULE).write_text("pickle")
    return frozenset(modules)


def _export(model: Any, data: Path, example: Any) -> frozenset[str]:
    torch = import_module("torch")
    if example is None:
        raise ModelError("serialization_format='pt2' needs an input_example, which the graph of the model is traced with")
    array = example.to_numpy(dtype="float32") if is_frame(example) else example
    tensors = tuple(torch.as_tensor(item) for item in array) if isinstance(array, tuple) else (torch.as_tensor(array),)
    batch = torch.export.Dim("batch")
    with _evaluating(model):  # an exported graph keeps dropout as it was when it was traced
        exported = torch.export.export(model, tensors, dynamic_shapes=[{0: batch} for _ in tensors])
    torch.export.save(exported, data / _EXPORTED)
    return frozenset()
