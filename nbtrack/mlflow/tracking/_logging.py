"""``mlflow.log_*`` and ``mlflow.set_*``: what goes to the active run, or to the one of ``run_id``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidInput
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.mlflow.data import stored_dataset
from nbtrack.mlflow.tracking import _writing
from nbtrack.mlflow.tracking._writing import RunOperations, operations
from nbtrack.tracking import fluent
from nbtrack.tracking.handle import RunHandle
from nbtrack.tracking.session import current_session


@speaks_mlflow
def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Store one param and return ``value``; another value later is refused."""
    _writing.log_params(_target(None), {key: value})
    return operations(synchronous) or value


@speaks_mlflow
def log_params(params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None) -> RunOperations | None:
    """Store many params, all or none."""
    _writing.log_params(_target(run_id), params)
    return operations(synchronous)


@speaks_mlflow
def log_metric(
    key: str,
    value: Any,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Append a point to a series. A metric is its run's: ``model_id`` and ``dataset`` change nothing."""
    _target(run_id).log_metric(key, value, step, timestamp)
    return operations(synchronous)


@speaks_mlflow
def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Append a point to each series in one commit. A metric is its run's: ``model_id`` and ``dataset`` change nothing."""
    _target(run_id).log_metrics(metrics, step, timestamp)
    return operations(synchronous)


@speaks_mlflow
def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set a tag of the active run."""
    _writing.set_tags(_target(None), {key: value})
    return operations(synchronous)


@speaks_mlflow
def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set many tags of the active run, all or none."""
    _writing.set_tags(_target(None), tags)
    return operations(synchronous)


@speaks_mlflow
def delete_tag(key: str) -> None:
    """Remove a tag of the active run."""
    fluent.delete_tag(key)


@speaks_mlflow
def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store a file (or a folder) with the run."""
    fluent.log_artifact(local_path, artifact_path, run_id)


@speaks_mlflow
def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store all files below a folder with the run."""
    fluent.log_artifacts(local_dir, artifact_path, run_id)


@speaks_mlflow
def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as a file of the run."""
    fluent.log_text(text, artifact_file, run_id)


@speaks_mlflow
def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dict or list as JSON, or YAML by the name, with the run."""
    fluent.log_dict(dictionary, artifact_file, run_id)


@speaks_mlflow
def log_figure(figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
    """Store a figure with the active run."""
    fluent.log_figure(figure, artifact_file, save_kwargs=save_kwargs)


@speaks_mlflow
def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store an image with the active run: one by ``artifact_file``, or a series by ``key`` and ``step``."""
    fluent.log_image(image, artifact_file, key, step, timestamp)


@speaks_mlflow
def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a DataFrame or a dict of columns as a JSON table, or append to the one that is there."""
    fluent.log_table(data, artifact_file, run_id)


@speaks_mlflow
def load_table(artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None) -> Any:
    """The tables of this name of the runs, as one DataFrame."""
    return fluent.load_table(artifact_file, run_ids, extra_columns)


@speaks_mlflow
def log_input(dataset: Any = None, context: str | None = None, tags: Mapping[str, str] | None = None) -> None:
    """Record data that the run read, with its role."""
    _target(None).log_input(stored_dataset(dataset), context, tags)


@speaks_mlflow
def log_inputs(
    datasets: Sequence[Any] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
) -> None:
    """Record several data sets that the run read; ``contexts`` and ``tags_list`` are as long as ``datasets``."""
    given = list(datasets or ())
    roles, tags = list(contexts or [None] * len(given)), list(tags_list or [None] * len(given))
    if not len(given) == len(roles) == len(tags):
        raise InvalidInput(f"`contexts` and `tags_list` must be of the same length as `datasets`; found {len(roles)} and {len(tags)} for {len(given)} datasets")
    for dataset, role, tag in zip(given, roles, tags, strict=True):
        _target(None).log_input(stored_dataset(dataset), role, tag)


@speaks_mlflow
def get_artifact_uri(artifact_path: str | None = None) -> str:
    """The URI of the active run's artifacts, or of one of them."""
    run = _target(None)
    return f"runs:/{run.run_id}" + (f"/{artifact_path.strip('/')}" if artifact_path else "")


def flush_async_logging() -> None:
    """Return at once: every write is committed when its call returns."""


def flush_artifact_async_logging() -> None:
    """Return at once: every write is committed when its call returns."""


def _target(run_id: str | None) -> RunHandle:
    session = current_session()
    return session.current() if run_id is None else RunHandle(session.store(), run_id)
