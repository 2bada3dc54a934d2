"""Models in Python: a `PythonModel`, a function, or any object with ``predict``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import ModelError
from nbtrack.models.files import copy_into, inside
from nbtrack.models.flavors.artifacts import modules_in
from nbtrack.models.flavors.base import Blocks, LoadOptions, SavedModel, SaveOptions, choose_format, setting
from nbtrack.models.manifest import PYFUNC
from nbtrack.models.pickling import CLOUDPICKLE, dump_pickle, has_base, load_pickle
from nbtrack.models.python_model import FunctionModel, ObjectModel, PythonModel, PythonModelContext, takes_context, takes_params

NAME = PYFUNC
ACCEPTS = "a PythonModel, a function, or any object with predict"
LOADER_MODULE = "mlflow.pyfunc.model"
_FILE = "python_model.pkl"
_ARTIFACTS = "artifacts"


def matches(model: Any) -> bool:
    """True for a Python model, for what can be called, and for what has a method ``predict``; not for a class itself."""
    return not isinstance(model, type) and (_predicts(model) or callable(model))


def save(model: Any, folder: Path, options: SaveOptions) -> SavedModel:
    """Write ``python_model.pkl`` and copy the artifacts."""
    choose_format(options.serialization_format, (CLOUDPICKLE,), NAME)
    wrapped = model if _is_python_model(model) else _wrap(model)
    if _is_python_model(model) and type(model).predict is PythonModel.predict:
        raise ModelError(f"{type(model).__name__} does not define predict(self, context, model_input, params=None)")
    modules = dump_pickle(wrapped, folder / _FILE)
    artifacts = _copy_artifacts(options.artifacts, folder)
    for item in artifacts.values():
        modules |= modules_in(folder / item["path"])
    cloudpickle = require("cloudpickle", purpose="saving a model")
    pyfunc: dict[str, Any] = {
        "loader_module": LOADER_MODULE,
        "python_model": _FILE,
        "cloudpickle_version": cloudpickle.__version__,
        "code": None,
        "streamable": False,
    }
    if artifacts:
        pyfunc["artifacts"] = artifacts
    if options.model_config:
        pyfunc["config"] = dict(options.model_config)
    return SavedModel(native=None, pyfunc=pyfunc, packages=("cloudpickle",), modules=modules)


def runs_code(blocks: Blocks) -> bool:
    """True: the model is code."""
    return True


def load(folder: Path, blocks: Blocks, options: LoadOptions) -> Any:
    """The function, object or Python model that was saved; a Python model has had its ``load_context`` called."""
    return load_pyfunc(folder, blocks, options).native


def load_pyfunc(folder: Path, blocks: Blocks, options: LoadOptions) -> PythonPredictor:
    """The model behind ``predict``."""
    block = blocks[PYFUNC]
    if block.get("model_code_path"):
        raise ModelError(f"{folder} has its model as a script ({block['model_code_path']}), which is not supported; log the model itself, or a function")
    model = load_pickle(inside(folder, setting(blocks, PYFUNC, "python_model"), "the model"))
    artifacts = {name: str(inside(folder, item.get("path"), f"the artifact {name!r}").absolute()) for name, item in (block.get("artifacts") or {}).items()}
    config = {**(block.get("config") or {}), **(options.model_config or {})}
    context = PythonModelContext(artifacts, config)
    model.load_context(context)
    return PythonPredictor(model, context, takes_context(model.predict), takes_params(model.predict))


def predictor(model: Any, predict_fn: str) -> PythonPredictor | None:
    """Functions and objects as they are; a Python model may need its artifacts, so it has to be loaded."""
    if _is_python_model(model):
        return None
    return PythonPredictor(_wrap(model), PythonModelContext({}, {}), wants_context=False, wants_params=True)


@dataclass(frozen=True)
class PythonPredictor:
    """A Python model with its context, called with what its ``predict`` takes."""

    python_model: Any
    context: PythonModelContext
    wants_context: bool
    wants_params: bool

    @property
    def model(self) -> Any:
        """The Python model."""
        return self.python_model

    @property
    def native(self) -> Any:
        """What was saved: the function or object behind a wrapper, else the Python model itself."""
        if isinstance(self.python_model, FunctionModel):
            return self.python_model.func
        return self.python_model.model if isinstance(self.python_model, ObjectModel) else self.python_model

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``."""
        arguments = (self.context, data) if self.wants_context else (data,)
        return self.python_model.predict(*arguments, params=params) if self.wants_params else self.python_model.predict(*arguments)


def _is_python_model(model: Any) -> bool:
    """Ours, or MLflow's where a class derives from that."""
    return isinstance(model, PythonModel) or has_base(model, "mlflow", "PythonModel")


def _predicts(model: Any) -> bool:
    return callable(getattr(model, "predict", None))


def _wrap(model: Any) -> FunctionModel | ObjectModel:
    return ObjectModel(model) if _predicts(model) else FunctionModel(model)


def _copy_artifacts(artifacts: Mapping[str, str | Path], folder: Path) -> dict[str, dict[str, str]]:
    copied: dict[str, dict[str, str]] = {}
    taken: set[str] = set()
    for name, source in artifacts.items():
        if not isinstance(name, str) or not isinstance(source, (str, PurePath)):
            raise ModelError(f"artifacts map names to paths; found {name!r:.40}: {source!r:.80}")
        base = Path(source).name or "artifact"
        # Two files of one name from different folders.
        path = f"{_ARTIFACTS}/{base}" if base not in taken else f"{_ARTIFACTS}/{len(taken)}/{base}"
        taken.add(base)
        copy_into(source, folder / path, f"the artifact {name!r}")
        copied[name] = {"path": path, "uri": str(source)}
    return copied
