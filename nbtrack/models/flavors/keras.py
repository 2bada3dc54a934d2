"""Keras 3, with any of its backends, in its own `.keras` format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrack.errors import ModelError
from nbtrack.models.files import inside
from nbtrack.models.flavors.base import Blocks, LoadOptions, SavedModel, SaveOptions, choose_format, library_version, setting
from nbtrack.models.pickling import has_base
from nbtrack.models.schema_inference import is_frame

NAME = "keras"
ACCEPTS = "a Keras 3 model"
LOADER_MODULE = "mlflow.keras"
_DATA = "data"
_FILE = "model.keras"
_BACKEND_PACKAGES = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax"}


def matches(model: Any) -> bool:
    """True for an instance of ``keras.Model``."""
    return not isinstance(model, type) and has_base(model, "keras", "Model")


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write ``data/model.keras``."""
    choose_format(options.serialization_format, ("keras",), NAME)
    keras = import_module("keras")
    data = folder / _DATA
    data.mkdir()
    model.save(data / _FILE)
    (data / "keras_module.txt").write_text("keras")
    backend = str(keras.config.backend())
    native = {"data": _DATA, "keras_backend": backend, "keras_version": library_version("keras"), "save_exported_model": False}
    pyfunc = {"loader_module": LOADER_MODULE}
    packages = ("keras", "numpy", *((_BACKEND_PACKAGES[backend],) if backend in _BACKEND_PACKAGES else ()))
    return SavedModel(native=native, pyfunc=pyfunc, packages=packages)


def runs_code(blocks: Blocks) -> bool:
    """True: a model may have layers with code of its own in it."""
    return True


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The model."""
    if blocks[NAME].get("save_exported_model"):
        raise ModelError(f"{folder} has a Keras model as an exported graph of TensorFlow, which is not supported; save it with save_exported_model=False")
    data = inside(folder, setting(blocks, NAME, "data"), "the model")
    file = inside(folder, f"{data.name}/{_FILE}", "the model") if data.is_dir() else data
    return import_module("keras").saving.load_model(file)


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> KerasPredictor:
    """The model behind ``predict``."""
    return KerasPredictor(load(folder, blocks, options))


def predictor(model: Any, predict_fn: str) -> KerasPredictor:
    """A model in memory behind ``predict``."""
    return KerasPredictor(model)


@dataclass(frozen=True)
class KerasPredictor:
    """Arrays for arrays, frames for frames, and no progress bar."""

    model: Any

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``."""
        result = self.model.predict(data.to_numpy() if is_frame(data) else data, verbose=0, **(params or {}))
        if not is_frame(data):
            return result
        import pandas as pd

        return pd.DataFrame(result, index=data.index)
