"""``nbtrack.mlflow.install()``: what ``import mlflow`` means then."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types

import pytest

import nbtrack.mlflow
from nbtrack.errors import Conflict

MODULES = (
    "artifacts client config data entities entities.model_registry exceptions keras lightgbm models models.model models.signature projects "
    "protos.databricks_pb2 pyfunc pytorch sklearn system_metrics tracking tracking.client tracking.fluent types types.schema "
    "utils.mlflow_tags utils.validation xgboost"
).split()


@pytest.mark.parametrize("name", MODULES)
def test_each_module_path_of_mlflow_is_the_module_of_nbtrack(name):
    nbtrack.mlflow.install(shadow=True)
    ours = importlib.import_module(f"nbtrack.mlflow.{name}")
    assert importlib.import_module(f"mlflow.{name}") is ours
    assert ours.__spec__.name == ours.__name__ == f"nbtrack.mlflow.{name}"


def test_names_are_the_same_objects_however_they_are_imported():
    nbtrack.mlflow.install(shadow=True)
    import mlflow
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc import PythonModel

    from nbtrack.models.python_model import PythonModel as Ours

    assert mlflow is nbtrack.mlflow
    assert mlflow.sklearn is nbtrack.mlflow.sklearn
    assert mlflow.MlflowException is MlflowException is nbtrack.mlflow.exceptions.MlflowException
    assert PythonModel is Ours


def test_a_module_that_there_is_not_is_a_plain_import_error():
    nbtrack.mlflow.install(shadow=True)
    assert importlib.util.find_spec("mlflow.genai") is None
    with pytest.raises(ModuleNotFoundError, match=r"mlflow\.genai"):
        importlib.import_module("mlflow.genai")
    with pytest.raises(AttributeError, match="no mlflow.genai"):
        nbtrack.mlflow.genai


def test_installing_twice_is_installing_once():
    before = len(sys.meta_path)
    nbtrack.mlflow.install(shadow=True)
    nbtrack.mlflow.install(shadow=True)
    assert len(sys.meta_path) == before + 1
    nbtrack.mlflow.uninstall()
    assert len(sys.meta_path) == before
    assert not [name for name in sys.modules if name.partition(".")[0] == "mlflow"]


def test_mlflow_that_is_imported_already_is_left_alone(monkeypatch):
    theirs = types.ModuleType("mlflow")
    theirs.__file__ = "/site-packages/mlflow/__init__.py"
    monkeypatch.setitem(sys.modules, "mlflow", theirs)
    with pytest.raises(Conflict, match=r"imported already, from /site-packages/mlflow.*import nbtrack\.mlflow as mlflow"):
        nbtrack.mlflow.install()
    assert sys.modules["mlflow"] is theirs
    nbtrack.mlflow.uninstall()
    assert sys.modules["mlflow"] is theirs


def test_mlflow_that_is_installed_is_shadowed_only_if_asked(tmp_path, monkeypatch):
    (tmp_path / "mlflow.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Conflict, match="MLflow is installed here.*shadow=True"):
        nbtrack.mlflow.install()
    nbtrack.mlflow.install(shadow=True)
    assert sys.modules["mlflow"] is nbtrack.mlflow


def test_constants_that_programs_import_have_mlflows_values():
    assert mlflow_values("utils.validation", "MAX_PARAM_VAL_LENGTH MAX_TAG_VAL_LENGTH MAX_ENTITY_KEY_LENGTH") == [6000, 8000, 250]
    assert mlflow_values("utils.mlflow_tags", "MLFLOW_RUN_NAME MLFLOW_PARENT_RUN_ID MLFLOW_USER") == ["mlflow.runName", "mlflow.parentRunId", "mlflow.user"]


def mlflow_values(module: str, names: str) -> list[object]:
    return [getattr(importlib.import_module(f"nbtrack.mlflow.{module}"), name) for name in names.split()]


def test_every_public_name_is_there_and_sorted():
    assert nbtrack.mlflow.__all__ == sorted(nbtrack.mlflow.__all__)
    assert all(getattr(nbtrack.mlflow, name) is not None for name in nbtrack.mlflow.__all__)
    assert dir(nbtrack.mlflow) == nbtrack.mlflow.__all__


def test_importing_the_names_loads_no_heavy_library():
    import subprocess

    program = "import sys, nbtrack.mlflow, nbtrack.mlflow.tracking; print({'numpy', 'pandas', 'matplotlib', 'IPython', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
