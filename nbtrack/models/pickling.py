"""Pickle models: with a trace of the modules that they need, and the name of what cannot be pickled.

The base classes of `python_model` are looked up when a pickle is loaded and, where nbtrack is not
installed, come with it. Models that MLflow pickled load without MLflow: its base classes are read as ours.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
import types
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import ModelError
from nbtrack.models import python_model
from nbtrack.models.requirements import imports_of_code
from nbtrack.models.unpicklable import find_unpicklable

PICKLE = "pickle"
CLOUDPICKLE = "cloudpickle"

_PORTABLE = (python_model.PythonModel, python_model.FunctionModel, python_model.ObjectModel, python_model.PythonModelContext, python_model.TypeHints)
_TEMPLATE_LOCK = threading.Lock()


def dump_pickle(model: Any, file: Path, *, serialization_format: str = CLOUDPICKLE, name: str = "model") -> frozenset[str]:
    """Pickle ``model`` into ``file``; returns the names of the modules that its bytes refer to.

    Raises
    ------
    ModelError
        Something in the model cannot be pickled; the message has its path, such as ``model.steps[1][1].callback``.
    """
    make = _cloud_pickler() if serialization_format == CLOUDPICKLE else _plain_pickler()
    with file.open("wb") as target:
        pickler = make(target)
        try:
            pickler.dump(model)
        except OSError:
            raise  # of the disk, not of the model
        except Exception as error:  # whatever a __reduce__ or __getstate__ of the model raises
            path, kind = find_unpicklable(model, name, lambda part: make(io.BytesIO()).dump(part))
            raise ModelError(
                f"the model cannot be pickled: {path} is a {kind} ({type(error).__name__}: {error}). Remove it before you log the model, "
                "leave it out in __getstate__, or make it in load_context of a PythonModel"
            ) from error
    return frozenset(pickler.modules)


def load_pickle(file: Path) -> Any:
    """Load what `dump_pickle`, or MLflow, wrote. This runs what the bytes say: the caller has made sure of them.

    Raises
    ------
    ModelError
        The file is damaged, or a class that it needs does not exist here.
    """
    with file.open("rb") as source:
        try:
            return _Unpickler(source).load()
        except (pickle.UnpicklingError, EOFError) as error:
            raise ModelError(f"{file} is no complete pickle: {error}") from error
        except AttributeError as error:
            raise ModelError(
                f"{file} needs something that is not here: {error}. A class of a notebook or script is only in the folder with "
                "serialization_format='cloudpickle'; one of a module needs that module in the version that it was logged with"
            ) from error


def traced_cloudpickle() -> tuple[Any, set[str]]:
    """A pickle module for `torch.save`, which makes its own picklers, and the set that they note modules in."""
    modules: set[str] = set()

    class Pickler(_cloud_pickler()):  # type: ignore[misc]
        def __init__(self, file: Any, protocol: int | None = None) -> None:
            super().__init__(file)
            self.modules = modules

    return types.SimpleNamespace(Pickler=Pickler, __name__="cloudpickle", dumps=pickle.dumps, dump=pickle.dump), modules


def class_module(model: Any) -> str:
    """The top-level package of the class of ``model``."""
    return type(model).__module__.partition(".")[0]


def has_base(model: Any, package: str, *names: str) -> bool:
    """True if a class of ``package`` with one of the ``names`` is a base of the model's class. Imports nothing."""
    return any(kind.__name__ in names and kind.__module__.partition(".")[0] == package for kind in type(model).__mro__)


def _note(modules: set[str], value: Any) -> None:
    """Note the module that a value on its way into a pickle has to be imported from."""
    if isinstance(value, types.CodeType):
        modules |= imports_of_code(value)  # imports that a function of a notebook does when it runs
    elif isinstance(value, types.ModuleType):
        modules.add(value.__name__)
    elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)) and _is_importable(value):
        modules.add(value.__module__)


def _is_importable(value: Any) -> bool:
    """False for what is written with its code: classes and functions of a notebook, or made by a function."""
    found: Any = sys.modules.get(value.__module__ or "")
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


@lru_cache(maxsize=1)
def _cloud_pickler() -> Any:
    cloudpickle = require("cloudpickle", purpose="saving a model")

    class CloudPickler(cloudpickle.Pickler):  # type: ignore[misc, name-defined]
        """cloudpickle's, with the trace."""

        def __init__(self, file: Any) -> None:
            super().__init__(file)
            self.modules: set[str] = set()

        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, type) and value in _PORTABLE:
                return _finder(), (value.__module__, value.__name__, _template(value))
            _note(self.modules, value)
            return super().reducer_override(value)

    return CloudPickler


@lru_cache(maxsize=1)
def _plain_pickler() -> Any:
    class PlainPickler(pickle.Pickler):
        """The standard library's, with the trace."""

        def __init__(self, file: Any) -> None:
            super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
            self.modules: set[str] = set()

        def reducer_override(self, value: Any) -> Any:
            _note(self.modules, value)
            return NotImplemented

    return PlainPickler


def _find_class(module: str, name: str, template: bytes) -> Any:
    """Pickled by value, so it imports what it uses and knows nothing of this module."""
    import importlib
    import pickle

    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        return pickle.loads(template)


@lru_cache(maxsize=1)
def _finder() -> Any:
    """`_find_class` as a function of ``__main__``, which cloudpickle writes with its code."""
    found = types.FunctionType(_find_class.__code__, {"__builtins__": __builtins__}, _find_class.__name__)
    found.__module__ = "__main__"
    return found


@lru_cache(maxsize=len(_PORTABLE))
def _template(kind: type) -> bytes:
    """A class with its code, for places where nbtrack is not installed."""
    cloudpickle = require("cloudpickle", purpose="saving a model")
    with _TEMPLATE_LOCK:
        cloudpickle.register_pickle_by_value(python_model)
        try:
            return bytes(cloudpickle.dumps(kind))
        finally:
            cloudpickle.unregister_pickle_by_value(python_model)


class _Stub:
    """Stands for an object of MLflow that a model carries and does not need, such as its signature."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state


_MLFLOW_CLASSES = {
    ("mlflow.pyfunc.model", "PythonModel"): python_model.PythonModel,
    ("mlflow.pyfunc.model", "PythonModelContext"): python_model.PythonModelContext,
    ("mlflow.pyfunc.model", "_FunctionPythonModel"): python_model.FunctionModel,
}
_MLFLOW_DATA = ("mlflow.models.", "mlflow.types.")


class _Unpickler(pickle.Unpickler):
    """Reads MLflow's base classes as ours, so that its models load without it."""

    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith("mlflow."):
            return super().find_class(module, name)
        if (module, name) in _MLFLOW_CLASSES:
            return _MLFLOW_CLASSES[module, name]
        if module.startswith(_MLFLOW_DATA) and not hasattr(sys.modules.get(module), name):
            return _Stub
        return super().find_class(module, name)
