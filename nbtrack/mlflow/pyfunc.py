"""``mlflow.pyfunc``: models behind one ``predict``, and models written in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.mlflow import _models
from nbtrack.mlflow._errors import methods_speak_mlflow
from nbtrack.models import pyfunc
from nbtrack.models.manifest import PYFUNC, Manifest
from nbtrack.models.python_model import PythonModel, PythonModelContext
from nbtrack.tracking.models import ModelInfo

__all__ = ["FLAVOR_NAME", "PyFuncModel", "PythonModel", "PythonModelContext", "get_model_dependencies", "load_model", "log_model", "save_model"]

FLAVOR_NAME = PYFUNC


@methods_speak_mlflow
class PyFuncModel:
    """A loaded model: ``predict(data, params=None)``, and ``metadata``, the manifest."""

    def __init__(self, model: pyfunc.PyFuncModel) -> None:
        self._model = model

    @property
    def metadata(self) -> Manifest:
        """What the ``MLmodel`` file says."""
        return self._model.metadata

    @property
    def model_id(self) -> str | None:
        """The id that the store gave the model."""
        return self._model.model_id

    @property
    def input_example(self) -> Any:
        """The data of the input example that the model was saved with; None without one."""
        return self._model.input_example

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``, made to fit the model's signature first."""
        return self._model.predict(data, params)

    def unwrap_python_model(self) -> Any:
        """The ``PythonModel`` that was saved."""
        return self._model.unwrap_python_model()

    def get_raw_model(self) -> Any:
        """The model as its library made it."""
        return self._model.get_raw_model()

    def __repr__(self) -> str:
        return repr(self._model)


def log_model(
    artifact_path: str | None = None,
    loader_module: None = None,
    data_path: None = None,
    code_paths: Any = None,
    infer_code_paths: bool = False,
    conda_env: Any = None,
    python_model: Any = None,
    artifacts: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    **options: Any,
) -> ModelInfo:
    """Save a ``PythonModel`` or a function with the active run, with copies of its ``artifacts``.

    The further options are MLflow's: ``signature``, ``input_example``, ``registered_model_name``,
    ``pip_requirements``, ``extra_pip_requirements``, ``metadata``, ``model_config``.
    """
    given = {"loader_module": loader_module, "data_path": data_path, "code_paths": code_paths, "conda_env": conda_env, "artifacts": artifacts, **options}
    return _models.log_model(PYFUNC, python_model, artifact_path, name, given)


def save_model(path: str | Path, *, python_model: Any = None, **options: Any) -> None:
    """Save a ``PythonModel`` or a function as a folder; the options are those of ``log_model`` without the registration."""
    _models.save_model(PYFUNC, python_model, path, options)


def load_model(
    model_uri: str,
    suppress_warnings: bool = False,
    dst_path: str | Path | None = None,
    model_config: Mapping[str, Any] | None = None,
    *,
    trusted: bool = False,
) -> PyFuncModel:
    """Load a model of any flavor behind one ``predict``, by ``runs:/``, ``models:/`` or from a folder.

    ``trusted`` vouches for a folder that neither a run nor this process wrote.
    """
    return PyFuncModel(_models.load_model(model_uri, flavor="pyfunc", wanted=PYFUNC, dst_path=dst_path, model_config=model_config, trusted=trusted))


def get_model_dependencies(model_uri: str, format: str = "pip") -> str:
    """The path of the model's requirements file (its ``conda.yaml`` for ``format="conda"``)."""
    return _models.requirements_path(model_uri, format)
