"""``mlflow.tracking.fluent``: where things are kept, experiments, runs and the search for them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from nbtrack import config
from nbtrack._optional import require
from nbtrack.entities import RunStatus
from nbtrack.errors import InvalidInput
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.mlflow.entities import Experiment, Run, RunInfo, ViewType
from nbtrack.mlflow.entities.constants import status_of, view_of
from nbtrack.mlflow.entities.runs import RunData
from nbtrack.mlflow.tracking._writing import fitting_tags, switches
from nbtrack.tracking import fluent
from nbtrack.tracking import run as tracked
from nbtrack.tracking.client import Client
from nbtrack.tracking.session import current_session

# --- where -----------------------------------------------------------------------------------------


@speaks_mlflow
def set_tracking_uri(uri: str | os.PathLike[str]) -> None:
    """Keep runs at ``uri``: a folder, or ``sqlite:///file.db``; an empty text goes back to the nearest ``.nbtrack``.

    ``MLFLOW_TRACKING_URI`` is set with it, for processes that are started from here.
    """
    text = os.fspath(uri) if uri is not None else ""
    fluent.set_tracking_uri(text or None)
    config.publish_to_children(config.MLFLOW_TRACKING_URI, fluent.get_tracking_uri() if text else None)


@speaks_mlflow
def get_tracking_uri() -> str:
    """Where runs are kept, or will be made at the first write."""
    return fluent.get_tracking_uri()


def is_tracking_uri_set() -> bool:
    """Whether the place was chosen, here or by the environment."""
    return current_session().chosen_uri is not None


@speaks_mlflow
def set_registry_uri(uri: str) -> None:
    """Registered models are kept beside the runs, so this accepts only the place of the runs, or an empty text."""
    check_registry_uri(uri)


def get_registry_uri() -> str:
    """Where registered models are kept: beside the runs."""
    return get_tracking_uri()


def check_registry_uri(uri: str | None, tracking_uri: str | None = None) -> None:
    """Refuse a registry that is not beside the runs. Raises ``InvalidInput``."""
    if not uri:
        return
    here = Client(tracking_uri).tracking_uri
    if Client(uri).tracking_uri != here:
        raise InvalidInput(f"registered models are kept with the runs, at {here}; found the registry URI {uri!r}. Set the tracking URI to it, or leave it out")


# --- experiments -----------------------------------------------------------------------------------


@speaks_mlflow
def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment:
    """Choose the experiment of the next runs by name (made if there is none) or by id."""
    found = fluent.set_experiment(experiment_name, experiment_id)
    config.publish_to_children(config.MLFLOW_EXPERIMENT_ID, found.experiment_id)
    config.publish_to_children(config.MLFLOW_EXPERIMENT_NAME, None)  # which might name another one
    return Experiment.of(found)


@speaks_mlflow
def create_experiment(name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None) -> str:
    """Make an experiment and return its id."""
    return fluent.create_experiment(name, artifact_location, tags)


@speaks_mlflow
def get_experiment(experiment_id: str) -> Experiment:
    """The experiment of this id."""
    return Experiment.of(Client().get_experiment(experiment_id))


@speaks_mlflow
def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of this name, or None."""
    found = Client().get_experiment_by_name(name)
    return None if found is None else Experiment.of(found)


@speaks_mlflow
def search_experiments(
    view_type: int | str = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Experiments by a filter; latest changed first."""
    return [Experiment.of(found) for found in fluent.search_experiments(view_of(view_type), max_results, filter_string, order_by)]


@speaks_mlflow
def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted."""
    Client().delete_experiment(experiment_id)


@speaks_mlflow
def restore_experiment(experiment_id: str) -> None:
    """Undo ``delete_experiment``."""
    Client().restore_experiment(experiment_id)


@speaks_mlflow
def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag of the active experiment."""
    session = current_session()
    Client().set_experiment_tag(session.experiment_id(session.store()), key, value)


@speaks_mlflow
def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the active experiment."""
    for key, value in tags.items():
        set_experiment_tag(key, value)


@speaks_mlflow
def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the active experiment."""
    session = current_session()
    Client().delete_experiment_tag(session.experiment_id(session.store()), key)


# --- runs ------------------------------------------------------------------------------------------


class ActiveRun(Run):
    """A started run, to be used as a context manager; info, data and inputs are read when they are asked for."""

    def __init__(self, run: tracked.ActiveRun) -> None:
        self._run = run

    @property
    def info(self) -> RunInfo:
        """Ids, name, status and times."""
        return RunInfo.of(self._run.info)

    @property
    def data(self) -> RunData:
        """Params, last metric values and tags."""
        return RunData.of(self._run.data)

    @property
    def inputs(self) -> Any:
        """The data that the run read."""
        return Run.of(self._run.fetch()).inputs

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run.__exit__(kind, error, trace)


@speaks_mlflow
def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run (or resume the one of ``run_id`` or ``MLFLOW_RUN_ID``) and make it the active one."""
    wanted = log_system_metrics
    if wanted is None:
        wanted = config.read_mlflow_options().system_metrics if switches.system_metrics is None else switches.system_metrics
    return ActiveRun(
        fluent.start_run(
            run_id, experiment_id, run_name, nested, parent_run_id, None if tags is None else fitting_tags(tags), description, log_system_metrics=wanted
        )
    )


@speaks_mlflow
def end_run(status: str | int = RunStatus.FINISHED.value) -> None:
    """End the active run; nothing if there is none."""
    fluent.end_run(status_of(status))


def active_run() -> ActiveRun | None:
    """The run that log calls go to, or None."""
    active = fluent.active_run()
    return None if active is None else ActiveRun(active)


@speaks_mlflow
def last_active_run() -> Run | None:
    """The active run, else the one that ended last, as it is now."""
    last = fluent.last_active_run()
    return None if last is None else Run.of(last)


@speaks_mlflow
def get_run(run_id: str) -> Run:
    """The run of this id as it is now."""
    return Run.of(fluent.get_run(run_id))


@speaks_mlflow
def get_parent_run(run_id: str) -> Run | None:
    """The run that this one is nested in, if any."""
    parent = Client().get_parent_run(run_id)
    return None if parent is None else Run.of(parent)


@speaks_mlflow
def delete_run(run_id: str) -> None:
    """Mark a run as deleted."""
    fluent.delete_run(run_id)


@speaks_mlflow
def restore_run(run_id: str) -> None:
    """Undo ``delete_run``."""
    fluent.restore_run(run_id)


@speaks_mlflow
def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int | str = ViewType.ACTIVE_ONLY,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """Runs of the active experiment (or those named) as a DataFrame with params as strings, or as a list of ``Run``."""
    if output_format not in ("pandas", "list"):
        raise ValueError(f"Unsupported output format: {output_format}. Supported string values are 'pandas' or 'list'")
    view = view_of(run_view_type)
    if output_format == "list":
        found = fluent.search_runs(
            experiment_ids,
            filter_string,
            view,
            max_results,
            order_by,
            output_format="list",
            search_all_experiments=search_all_experiments,
            experiment_names=experiment_names,
        )
        return [Run.of(run) for run in found]
    return _with_text_params(fluent.search_runs(experiment_ids, filter_string, view, max_results, order_by, "pandas", search_all_experiments, experiment_names))


def _with_text_params(frame: Any) -> Any:
    pandas = require("pandas", purpose="search_runs as a DataFrame")
    for column in frame.columns:
        if column.startswith("params."):
            frame[column] = pandas.Series([None if value is None else str(value) for value in frame[column].tolist()], dtype=object)
    return frame
