"""XGBoost: boosters, and the estimators with scikit-learn's interface."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrack.errors import ModelError
from nbtrack.models.files import inside
from nbtrack.models.flavors.base import (
    Blocks,
    LoadOptions,
    MethodPredictor,
    Predictor,
    SavedModel,
    SaveOptions,
    accepted,
    choose_format,
    library_version,
    setting,
)
from nbtrack.models.manifest import PYFUNC
from nbtrack.models.pickling import class_module, has_base

NAME = "xgboost"
ACCEPTS = "an XGBoost booster or estimator"
LOADER_MODULE = "mlflow.xgboost"
_FORMATS = ("ubj", "json")


def matches(model: Any) -> bool:
    """True for a class of XGBoost itself; what the user derived from one is an estimator like any other."""
    return class_module(model) == "xgboost" and has_base(model, "xgboost", "Booster", "XGBModel")


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write ``model.ubj`` or ``model.json``."""
    chosen = choose_format(options.serialization_format, _FORMATS, NAME)
    file = f"model.{chosen}"
    model.save_model(folder / file)
    kind = f"{type(model).__module__}.{type(model).__name__}"
    native = {"code": None, "data": file, "model_class": kind, "model_format": chosen, "xgb_version": library_version("xgboost")}
    pyfunc = {"loader_module": LOADER_MODULE, "data": file} | ({"predict_fn": options.predict_fn} if options.predict_fn != "predict" else {})
    packages = ("xgboost", "numpy", "scipy") if has_base(model, "xgboost", "Booster") else ("xgboost", "numpy", "scipy", "scikit-learn")
    return SavedModel(native=native, pyfunc=pyfunc, packages=packages)


def runs_code(blocks: Blocks) -> bool:
    """Only the skops format is taken from strangers; this one is read by a large library in C++."""
    return True


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The booster or estimator."""
    name = str(blocks[NAME].get("model_class") or "xgboost.core.Booster")
    module, _, attribute = name.rpartition(".")
    kind = getattr(import_module(module), attribute, None) if module.partition(".")[0] == "xgboost" else None
    if not inspect.isclass(kind):
        raise ModelError(f"the MLmodel file says that the model is a {name}, which is no class of XGBoost")
    model: Any = kind()
    model.load_model(inside(folder, setting(blocks, NAME, "data"), "the model"))
    return model


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> Predictor:
    """The model behind ``predict``."""
    return predictor(load(folder, blocks, options), str(blocks[PYFUNC].get("predict_fn", "predict")))


def predictor(model: Any, predict_fn: str) -> Predictor:
    """A model in memory behind ``predict``."""
    return _BoosterPredictor(model) if has_base(model, "xgboost", "Booster") else MethodPredictor(model, predict_fn)


@dataclass(frozen=True)
class _BoosterPredictor:
    """A booster takes XGBoost's own matrix only."""

    model: Any

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        xgboost = import_module("xgboost")
        matrix = data if isinstance(data, xgboost.DMatrix) else xgboost.DMatrix(data)
        return self.model.predict(matrix, **accepted(self.model.predict, params))
