"""The module functions: what ``nbtrack.log_metric(...)`` and its siblings do, on the session's run.

Every write is committed when the call returns; the argument ``synchronous`` is MLflow's and
changes nothing. A log call without an active run goes to the run of a parent process if there is
one, else it starts a run, which ends with its cell, or with the process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from nbtrack.entities import Experiment, PagedList, Run, RunStatus, ViewType
from nbtrack.errors import ExperimentNotFound, InvalidInput
from nbtrack.query import parse_filter, parse_order_by
from nbtrack.store.base import RunQuery
from nbtrack.tracking import frames
from nbtrack.tracking.client import Client
from nbtrack.tracking.handle import RunHandle
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import current_session

# --- where and what --------------------------------------------------------------------------------


def set_tracking_uri(uri: str | os.PathLike[str] | None) -> None:
    """Keep runs at ``uri``: a folder, or ``sqlite:///file.db``. None goes back to the nearest ``.nbtrack``.

    Runs that are active go on where they are.
    """
    current_session().set_tracking_uri(uri)


def get_tracking_uri() -> str:
    """Where runs are kept, or will be made at the first write."""
    return current_session().place().uri


def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment:
    """Choose the experiment of the next runs by name (made if there is none) or by id.

    Raises
    ------
    InvalidInput
        Both or neither are given.
    Conflict
        The experiment is deleted.
    """
    return current_session().set_experiment(experiment_name, experiment_id=experiment_id)


def create_experiment(name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None) -> str:
    """Make an experiment and return its id. Raises ``AlreadyExists`` if the name is taken."""
    return Client().create_experiment(name, artifact_location, tags)


def search_experiments(
    view_type: ViewType = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Experiments by a filter; latest changed first."""
    return list(Client().search_experiments(view_type, max_results, filter_string, order_by))


# --- runs ------------------------------------------------------------------------------------------


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
    """Start a run (or resume the one of ``run_id``) and make it the active one; use it as a context manager.

    Parameters
    ----------
    nested
        Start a child of the active run.
    log_system_metrics
        Sample CPU, memory, disk and GPU every 10 s while the run goes.

    Raises
    ------
    RunAlreadyActive
        Another run is active, and ``nested`` is not set.
    """
    return current_session().start_run(
        run_id=run_id,
        experiment_id=experiment_id,
        run_name=run_name,
        nested=nested,
        parent_run_id=parent_run_id,
        tags=tags,
        description=description,
        log_system_metrics=log_system_metrics,
    )


def end_run(status: str = RunStatus.FINISHED.value) -> None:
    """End the active run; nothing if there is none."""
    current_session().end_run(status)


def active_run() -> ActiveRun | None:
    """The run that log calls go to, or None."""
    return current_session().active


def last_active_run() -> Run | None:
    """The active run, else the one that ended last in this process, as it is in the store now."""
    last = current_session().last
    return None if last is None else last.fetch()


def get_run(run_id: str) -> Run:
    """The run of this id as it is now. Raises ``RunNotFound``, naming close ids."""
    return Client().get_run(run_id)


def delete_run(run_id: str) -> None:
    """Mark a run as deleted; ``restore_run`` undoes it."""
    Client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Undo ``delete_run``."""
    Client().restore_run(run_id)


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: ViewType = ...,
    max_results: int = ...,
    order_by: Sequence[str] | None = ...,
    output_format: Literal["pandas"] = ...,
    search_all_experiments: bool = ...,
    experiment_names: Sequence[str] | None = ...,
) -> Any: ...


@overload
def search_runs(
    experiment_ids: Sequence[str] | None = ...,
    filter_string: str = ...,
    run_view_type: ViewType = ...,
    max_results: int = ...,
    order_by: Sequence[str] | None = ...,
    *,
    output_format: Literal["list"],
    search_all_experiments: bool = ...,
    experiment_names: Sequence[str] | None = ...,
) -> list[Run]: ...


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: ViewType = ViewType.ACTIVE_ONLY,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """Runs of the active experiment (or those named) as a DataFrame, or as a list of ``Run``.

    Parameters
    ----------
    filter_string
        The search grammar: ``metrics.auc > 0.9 AND (params.lr <= 0.1 OR tags.team = 'vision')``.
    order_by
        ``["metrics.auc DESC", "params.lr"]``; the latest run first by default.

    Returns
    -------
    pandas.DataFrame
        Columns ``run_id experiment_id status artifact_uri start_time end_time``, then ``metrics.*``,
        ``params.*`` (typed) and ``tags.*``.

    Raises
    ------
    InvalidFilter
        The filter or the order does not parse; the message shows the place.
    """
    if output_format not in ("pandas", "list"):
        raise InvalidInput(f"output_format is {output_format!r}; use 'pandas' or 'list'")
    store = current_session().reader()
    query = RunQuery(
        _experiment_ids(experiment_ids, experiment_names, search_all=search_all_experiments),
        parse_filter(filter_string or ""),
        parse_order_by(order_by or ()),
        ViewType(run_view_type),
        limit=max_results,
    )
    if output_format == "list":
        found: PagedList[Run] = store.runs.search(query)
        return list(found)
    return frames.runs_frame(store.runs.table(query))


def best_run(metric: str, mode: str = "max", *, filter_string: str = "", search_all_experiments: bool = False) -> Run | None:
    """The run of the active experiment with the highest (``mode="min"``: lowest) last value of ``metric``."""
    return Client().best_run(metric, mode, experiment_ids=_experiment_ids(None, None, search_all=search_all_experiments), filter_string=filter_string)


def _experiment_ids(experiment_ids: Sequence[str] | None, names: Sequence[str] | None, *, search_all: bool) -> list[str] | None:
    if experiment_ids and names:
        raise InvalidInput("search_runs got both experiment_ids and experiment_names; give one of them")
    session = current_session()
    store = session.reader()
    if names:
        found = {name: store.experiments.get_by_name(name) for name in names}
        missing = [name for name, experiment in found.items() if experiment is None]
        if missing:
            known = ", ".join(repr(experiment.name) for experiment in store.experiments.search(limit=10))
            raise ExperimentNotFound(f"no experiment is named {missing[0]!r}; there are {known}")
        return [experiment.experiment_id for experiment in found.values() if experiment is not None]
    if experiment_ids:
        return [experiment_ids] if isinstance(experiment_ids, str) else [str(experiment_id) for experiment_id in experiment_ids]
    return None if search_all else [session.experiment_id(store)]


# --- logging ---------------------------------------------------------------------------------------


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Store one typed param of the active run and return ``value``.

    While the run is RUNNING a different value corrects the param, and the history keeps both.
    """
    return current_session().current().log_param(key, value)


def log_params(params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None) -> None:
    """Store many params, all or none."""
    target(run_id).log_params(params)


def log_metric(
    key: str,
    value: Any,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Append a point to the series ``key``; it is committed when this returns.

    ``step`` is a whole number (0 by default), ``timestamp`` milliseconds since the epoch (now by default).
    """
    (current_session().current() if run_id is None else target(run_id)).log_metric(key, value, step, timestamp)


def log_metrics(
    metrics: Mapping[str, Any],
    step: Any = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: Any = None,
) -> None:
    """Append a point to each series in one commit, or whole arrays: ``log_metrics({"loss": values}, step=steps)``."""
    target(run_id).log_metrics(metrics, step, timestamp)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> None:
    """Set a tag of the active run."""
    current_session().current().set_tag(key, value)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> None:
    """Set many tags of the active run, all or none."""
    current_session().current().set_tags(tags)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run. Raises ``TagNotFound`` if there is none of this name."""
    current_session().current().delete_tag(key)


def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store a file (or a folder) with the run, in its folder ``artifact_path``."""
    target(run_id).log_artifact(local_path, artifact_path)


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store all files below a folder with the run."""
    target(run_id).log_artifacts(local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as a file of the run."""
    target(run_id).log_text(text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dict or list as JSON, or YAML by the name, with the run."""
    target(run_id).log_dict(dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
    """Store a figure of matplotlib, plotly, altair or bokeh with the active run."""
    current_session().current().log_figure(figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = None,
) -> None:
    """Store an image (PIL, or an array) with the active run: one by ``artifact_file``, or a series by ``key`` and ``step``."""
    current_session().current().log_image(image, artifact_file, key=key, step=step, timestamp=timestamp)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a DataFrame or a dict of columns as a JSON table with the run; a table that is there is appended to."""
    target(run_id).log_table(data, artifact_file)


def load_table(artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None) -> Any:
    """The tables of this name of the runs (by default those of the active experiment that have one), as one DataFrame.

    ``extra_columns`` may add ``run_id`` and ``experiment_id`` or other columns of ``search_runs``.
    """
    from nbtrack.tracking.tables import load_tables

    store = current_session().reader()
    query = RunQuery(None if run_ids is not None else _experiment_ids(None, None, search_all=False))
    return load_tables(store, artifact_file, store.runs.table(query), run_ids, extra_columns or ())


def log_input(dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None, *, name: str = "dataset") -> None:
    """Record data that the run read, with its role (``"train"``, ``"test"``): a dataset, or a frame or array."""
    current_session().current().log_input(dataset, context, tags, name=name)


def target(run_id: str | None) -> RunHandle:
    """The run of this id, else the one that log calls go to."""
    session = current_session()
    return session.current() if run_id is None else RunHandle(session.store(), run_id)
