"""What the environment says; the only module that reads ``NBTRACK_*`` variables, and MLflow's where its names are used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from nbtrack.errors import InvalidInput

TRACKING_URI = "NBTRACK_TRACKING_URI"
RUN_ID = "NBTRACK_RUN_ID"
EXPERIMENT_ID = "NBTRACK_EXPERIMENT_ID"
EXPERIMENT_NAME = "NBTRACK_EXPERIMENT_NAME"
DURABILITY = "NBTRACK_DURABILITY"
NOTEBOOK = "NBTRACK_NOTEBOOK"
USER = "NBTRACK_USER"

MLFLOW_TRACKING_URI = "MLFLOW_TRACKING_URI"
MLFLOW_RUN_ID = "MLFLOW_RUN_ID"
MLFLOW_EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
MLFLOW_EXPERIMENT_NAME = "MLFLOW_EXPERIMENT_NAME"


class Durability(str, Enum):
    """What a commit survives."""

    NORMAL = "normal"  # a killed process; a power cut may take the last instants, never the file
    FULL = "full"  # a power cut too: one fsync for each commit

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Settings:
    """The environment's settings; None where a variable is unset or empty."""

    tracking_uri: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    experiment_name: str | None = None
    durability: Durability = Durability.NORMAL
    notebook: str | None = None  # path of the notebook, where nothing else can tell it
    user: str | None = None  # who logs, where it is not the system's user


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (by default the process's environment).

    Raises
    ------
    InvalidInput
        ``NBTRACK_DURABILITY`` is neither ``normal`` nor ``full``.
    """
    variables = os.environ if environ is None else environ
    mlflow = variables if _honoured else {}
    durability = (variables.get(DURABILITY) or Durability.NORMAL.value).lower()
    if durability not in tuple(level.value for level in Durability):
        raise InvalidInput(f"{DURABILITY} is {durability!r}; set it to 'normal' or 'full', or unset it")
    return Settings(
        tracking_uri=variables.get(TRACKING_URI) or mlflow.get(MLFLOW_TRACKING_URI) or None,
        run_id=variables.get(RUN_ID) or mlflow.get(MLFLOW_RUN_ID) or None,
        experiment_id=variables.get(EXPERIMENT_ID) or mlflow.get(MLFLOW_EXPERIMENT_ID) or None,
        experiment_name=variables.get(EXPERIMENT_NAME) or mlflow.get(MLFLOW_EXPERIMENT_NAME) or None,
        durability=Durability(durability),
        notebook=variables.get(NOTEBOOK) or None,
        user=variables.get(USER) or None,
    )


def clear_run_id() -> None:
    """Forget ``NBTRACK_RUN_ID``: the run that it names was resumed, so the next one is a new one."""
    os.environ.pop(RUN_ID, None)
    if _honoured:
        os.environ.pop(MLFLOW_RUN_ID, None)


# --- MLflow's variables ----------------------------------------------------------------------------

_honoured = False


def honour_mlflow_variables(honour: bool = True) -> None:
    """Let ``MLFLOW_TRACKING_URI``, ``_RUN_ID``, ``_EXPERIMENT_ID`` and ``_EXPERIMENT_NAME`` count where ours are unset.

    It holds for the whole process, so that both names for one function mean one store.
    """
    global _honoured
    _honoured = honour


@dataclass(frozen=True)
class MlflowOptions:
    """MLflow's variables that only its names heed."""

    truncate_long_values: bool = True
    async_logging: bool = False
    system_metrics: bool = False
    allow_pickle: bool = False  # of folders that nobody else vouches for; MLflow's own default is True


def read_mlflow_options(environ: Mapping[str, str] | None = None) -> MlflowOptions:
    """Read the options from ``environ`` (by default the process's environment)."""
    variables = os.environ if environ is None else environ

    def flag(name: str, default: bool) -> bool:
        return variables.get(name, str(default)).strip().lower() in ("1", "true", "yes", "on")

    return MlflowOptions(
        truncate_long_values=flag("MLFLOW_TRUNCATE_LONG_VALUES", True),
        async_logging=flag("MLFLOW_ENABLE_ASYNC_LOGGING", False),
        system_metrics=flag("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", False),
        allow_pickle=flag("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", False),
    )


def publish_to_children(name: str, value: str | None) -> None:
    """Set one of MLflow's variables, as MLflow does, so that processes started from here use the same store and experiment."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


KNOWN_VARIABLES = (TRACKING_URI, RUN_ID, EXPERIMENT_ID, EXPERIMENT_NAME, DURABILITY, NOTEBOOK, USER)


def set_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The ``NBTRACK_*`` variables that are set, those that nbtrack does not know included."""
    variables = os.environ if environ is None else environ
    return {name: value for name, value in sorted(variables.items()) if name.startswith("NBTRACK_")}
