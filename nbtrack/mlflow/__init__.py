"""MLflow's names over nbtrack: ``import nbtrack.mlflow as mlflow``, or ``nbtrack.mlflow.install()`` and then ``import mlflow``.

Module paths, functions, arguments and return types are MLflow's, and so are its rules: a param is written
once, its value is a text, errors are ``MlflowException`` with MLflow's codes. Runs go to the same
store and the same session as those of ``nbtrack`` itself. MLflow's variables (``MLFLOW_TRACKING_URI``,
``MLFLOW_RUN_ID``, ``MLFLOW_EXPERIMENT_NAME``, ``MLFLOW_EXPERIMENT_ID``) count once this module is imported,
where nbtrack's own are unset.

Different on purpose: every write is committed when its call returns, ``synchronous=False`` included;
infinities stay infinities; a step is a whole number; an interrupted run is KILLED; a worker thread
logs to the session's run; stages and ``artifact_path`` warn of nothing; the search grammar has more;
a failed registration leaves nothing, and a version in use is not deleted; the bytes of a model are
checked before it is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nbtrack.config import honour_mlflow_variables

if TYPE_CHECKING:
    from nbtrack.mlflow import (
        artifacts,
        client,
        config,
        data,
        entities,
        exceptions,
        keras,
        lightgbm,
        models,
        projects,
        pyfunc,
        pytorch,
        sklearn,
        system_metrics,
        tracking,
        types,
        utils,
        xgboost,
    )
    from nbtrack.mlflow._autolog import autolog
    from nbtrack.mlflow._install import install, uninstall
    from nbtrack.mlflow.config import disable_system_metrics_logging, enable_system_metrics_logging
    from nbtrack.mlflow.exceptions import MlflowException
    from nbtrack.mlflow.models import evaluate
    from nbtrack.mlflow.projects import run
    from nbtrack.mlflow.tracking._logging import (
        delete_tag,
        flush_artifact_async_logging,
        flush_async_logging,
        get_artifact_uri,
        load_table,
        log_artifact,
        log_artifacts,
        log_dict,
        log_figure,
        log_image,
        log_input,
        log_inputs,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        log_table,
        log_text,
        set_tag,
        set_tags,
    )
    from nbtrack.mlflow.tracking._registry import register_model, search_model_versions, search_registered_models, set_model_version_tag
    from nbtrack.mlflow.tracking.client import MlflowClient
    from nbtrack.mlflow.tracking.fluent import (
        ActiveRun,
        active_run,
        create_experiment,
        delete_experiment,
        delete_experiment_tag,
        delete_run,
        end_run,
        get_experiment,
        get_experiment_by_name,
        get_parent_run,
        get_registry_uri,
        get_run,
        get_tracking_uri,
        is_tracking_uri_set,
        last_active_run,
        restore_experiment,
        restore_run,
        search_experiments,
        search_runs,
        set_experiment,
        set_experiment_tag,
        set_experiment_tags,
        set_registry_uri,
        set_tracking_uri,
        start_run,
    )

# The version of MLflow whose names these are; programs compare it.
__version__ = "3.17.2"

_HOMES = {
    "_autolog": "autolog",
    "_install": "install uninstall",
    "config": "disable_system_metrics_logging enable_system_metrics_logging",
    "exceptions": "MlflowException",
    "models": "evaluate",
    "projects": "run",
    "tracking._logging": (
        "delete_tag flush_artifact_async_logging flush_async_logging get_artifact_uri load_table log_artifact log_artifacts log_dict "
        "log_figure log_image log_input log_inputs log_metric log_metrics log_param log_params log_table log_text set_tag set_tags"
    ),
    "tracking._registry": "register_model search_model_versions search_registered_models set_model_version_tag",
    "tracking.client": "MlflowClient",
    "tracking.fluent": (
        "ActiveRun active_run create_experiment delete_experiment delete_experiment_tag delete_run end_run get_experiment "
        "get_experiment_by_name get_parent_run get_registry_uri get_run get_tracking_uri is_tracking_uri_set last_active_run "
        "restore_experiment restore_run search_experiments search_runs set_experiment set_experiment_tag set_experiment_tags "
        "set_registry_uri set_tracking_uri start_run"
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = frozenset(
    "artifacts client config data entities exceptions keras lightgbm models projects pyfunc pytorch sklearn system_metrics tracking types utils xgboost".split()
)

__all__ = [
    "ActiveRun",
    "MlflowClient",
    "MlflowException",
    "__version__",
    "active_run",
    "artifacts",
    "autolog",
    "client",
    "config",
    "create_experiment",
    "data",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_run",
    "delete_tag",
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "end_run",
    "entities",
    "evaluate",
    "exceptions",
    "flush_artifact_async_logging",
    "flush_async_logging",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_parent_run",
    "get_registry_uri",
    "get_run",
    "get_tracking_uri",
    "install",
    "is_tracking_uri_set",
    "keras",
    "last_active_run",
    "lightgbm",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "models",
    "projects",
    "pyfunc",
    "pytorch",
    "register_model",
    "restore_experiment",
    "restore_run",
    "run",
    "search_experiments",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_model_version_tag",
    "set_registry_uri",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "sklearn",
    "start_run",
    "system_metrics",
    "tracking",
    "types",
    "uninstall",
    "utils",
    "xgboost",
]

honour_mlflow_variables()


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"nbtrack.mlflow.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"nbtrack.mlflow.{name}")
    raise AttributeError(f"nbtrack's MLflow names have no mlflow.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
