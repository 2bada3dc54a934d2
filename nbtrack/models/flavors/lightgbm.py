"""LightGBM: boosters, and the estimators with scikit-learn's interface."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrack.models.files import inside
from nbtrack.models.flavors.base import Blocks, LoadOptions, MethodPredictor, SavedModel, SaveOptions, choose_format, library_version, setting
from nbtrack.models.flavors.estimators import FILES, FORMATS, SKOPS, dump_estimator, load_estimator
from nbtrack.models.manifest import PYFUNC
from nbtrack.models.pickling import CLOUDPICKLE, PICKLE, class_module, has_base

NAME = "lightgbm"
ACCEPTS = "a LightGBM booster or estimator"
LOADER_MODULE = "mlflow.lightgbm"
_BOOSTER = "lightgbm.basic.Booster"
_BOOSTER_FILE = "model.lgb"


def matches(model: Any) -> bool:
    """True for a class of LightGBM itself; what the user derived from one is an estimator like any other."""
    return class_module(model) == "lightgbm" and has_base(model, "lightgbm", "Booster", "LGBMModel")


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write a booster as ``model.lgb``, LightGBM's own text, and an estimator like one of scikit-learn."""
    common = {"code": None, "lgb_version": library_version("lightgbm"), "model_class": f"{type(model).__module__}.{type(model).__name__}"}
    if has_base(model, "lightgbm", "Booster"):
        choose_format(options.serialization_format, ("lgb",), f"{NAME} (of a booster)")
        model.save_model(str(folder / _BOOSTER_FILE))
        file, packages, modules = _BOOSTER_FILE, ("lightgbm", "numpy", "scipy"), frozenset[str]()
        native: dict[str, Any] = {**common, "data": file, "model_class": _BOOSTER}
    else:
        chosen = choose_format(options.serialization_format, FORMATS, NAME)
        settings, modules = dump_estimator(model, folder, chosen)
        file = FILES[chosen]
        packages = ("lightgbm", "numpy", "scipy", "scikit-learn", *(() if chosen == PICKLE else (chosen,)))
        native = {**common, "data": file, **settings}
    pyfunc = {"loader_module": LOADER_MODULE, "data": file} | ({"predict_fn": options.predict_fn} if options.predict_fn != "predict" else {})
    return SavedModel(native=native, pyfunc=pyfunc, packages=packages, modules=modules)


def runs_code(blocks: Blocks) -> bool:
    """True but for an estimator in the skops format; the text of a booster is read by a large library in C++."""
    return _is_booster(blocks) or blocks.get(NAME, {}).get("serialization_format") != SKOPS


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The booster or estimator."""
    file = inside(folder, setting(blocks, NAME, "data"), "the model")
    if _is_booster(blocks):
        return import_module("lightgbm").Booster(model_file=str(file))
    return load_estimator(file, blocks[NAME].get("serialization_format", CLOUDPICKLE), options)


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> MethodPredictor:
    """The model behind ``predict``."""
    return predictor(load(folder, blocks, options), str(blocks[PYFUNC].get("predict_fn", "predict")))


def predictor(model: Any, predict_fn: str) -> MethodPredictor:
    """A model in memory behind ``predict``."""
    return MethodPredictor(model, predict_fn)


def _is_booster(blocks: Blocks) -> bool:
    return (blocks.get(NAME, {}).get("model_class") or _BOOSTER) == _BOOSTER
