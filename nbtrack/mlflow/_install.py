"""Making ``import mlflow`` mean nbtrack's MLflow names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from nbtrack.errors import Conflict

_OURS = "nbtrack.mlflow"
_THEIRS = "mlflow"


class _Alias(Loader):
    """Gives a module of ours for the import of one of MLflow's."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(f"nbtrack.{spec.name}")
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has given the module the spec of the other name; with it, imports inside the package would go astray.
        module.__spec__ = self._own_spec


class _Finder(MetaPathFinder):
    """Finds ``mlflow.x`` where there is a ``nbtrack.mlflow.x``."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{_THEIRS}."):
            return None
        found = importlib.util.find_spec(f"nbtrack.{fullname}")
        return None if found is None else ModuleSpec(fullname, _Alias(), is_package=found.submodule_search_locations is not None)


_finder = _Finder()


def install(*, shadow: bool = False) -> None:
    """Let ``import mlflow`` and ``import mlflow.sklearn`` mean nbtrack's modules in this process.

    Parameters
    ----------
    shadow
        Do it although MLflow is installed.

    Raises
    ------
    Conflict
        MLflow is imported already, or it is installed and ``shadow`` is not set. Nothing is changed.
    """
    ours, there = importlib.import_module(_OURS), sys.modules.get(_THEIRS)
    if there is ours:
        return
    if there is not None:
        raise Conflict(
            f"MLflow is imported already, from {getattr(there, '__file__', None)}, so its name can't mean nbtrack in this process. "
            "Call nbtrack.mlflow.install() before the first import of mlflow, or write: import nbtrack.mlflow as mlflow"
        )
    if not shadow and importlib.util.find_spec(_THEIRS) is not None:
        raise Conflict("MLflow is installed here. Write: import nbtrack.mlflow as mlflow; or nbtrack.mlflow.install(shadow=True) to put its name over MLflow's")
    sys.meta_path.insert(0, _finder)
    sys.modules[_THEIRS] = ours


def uninstall() -> None:
    """Undo ``install``; modules that were imported under MLflow's names stay with those who imported them."""
    if sys.modules.get(_THEIRS) is not importlib.import_module(_OURS):
        return
    sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name == _THEIRS or name.startswith(f"{_THEIRS}.")]:
        del sys.modules[name]
