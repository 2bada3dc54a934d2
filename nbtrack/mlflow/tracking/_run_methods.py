"""The methods of ``MlflowClient`` on experiments and runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrack.entities import DatasetInput, FileInfo, Metric, PagedList, Param
from nbtrack.mlflow._errors import methods_speak_mlflow
from nbtrack.mlflow.data import stored_dataset
from nbtrack.mlflow.entities import Experiment, ExperimentTag, Run, RunTag, ViewType
from nbtrack.mlflow.entities.constants import status_of, view_of
from nbtrack.mlflow.tracking import _writing
from nbtrack.mlflow.tracking._writing import RunOperations, operations
from nbtrack.query import parse_filter
from nbtrack.store.base import RunQuery
from nbtrack.tracking.client import Client
from nbtrack.tracking.handle import RunHandle
from nbtrack.tracking.tables import load_tables


@methods_speak_mlflow
class ExperimentMethods:
    """Experiments."""

    _client: Client

    def create_experiment(self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | Sequence[ExperimentTag] | None = None) -> str:
        """Make an experiment and return its id."""
        return self._client.create_experiment(name, artifact_location, tag_dict(tags))

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of this id."""
        return Experiment.of(self._client.get_experiment(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of this name, or None."""
        found = self._client.get_experiment_by_name(name)
        return None if found is None else Experiment.of(found)

    def search_experiments(
        self,
        view_type: int | str = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """A page of experiments; latest changed first."""
        found = self._client.search_experiments(view_of(view_type), max_results, filter_string, order_by, page_token)
        return PagedList([Experiment.of(item) for item in found], found.token)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        self._client.rename_experiment(experiment_id, new_name)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        self._client.set_experiment_tag(experiment_id, key, value)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self._client.delete_experiment_tag(experiment_id, key)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        self._client.delete_experiment(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Undo ``delete_experiment``."""
        self._client.restore_experiment(experiment_id)


@methods_speak_mlflow
class RunMethods(ExperimentMethods):
    """Runs: made, ended, found."""

    def create_run(self, experiment_id: str, start_time: int | None = None, tags: Mapping[str, Any] | None = None, run_name: str | None = None) -> Run:
        """Make a RUNNING run without making it active; end it with ``set_terminated``."""
        return Run.of(self._client.create_run(experiment_id, start_time, _writing.fitting_tags(tags or {}), run_name))

    def get_run(self, run_id: str) -> Run:
        """The run of this id as it is now."""
        return Run.of(self._client.get_run(run_id))

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that this one is nested in, if any."""
        parent = self._client.get_parent_run(run_id)
        return None if parent is None else Run.of(parent)

    def update_run(self, run_id: str, status: str | int | None = None, name: str | None = None) -> None:
        """Change a run's status or name."""
        self._client.update_run(run_id, None if status is None else status_of(status), name)

    def set_terminated(self, run_id: str, status: str | int | None = None, end_time: int | None = None) -> None:
        """End a run (FINISHED by default)."""
        self._client.set_terminated(run_id, None if status is None else status_of(status), end_time)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._client.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Undo ``delete_run``."""
        self._client.restore_run(run_id)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: int | str = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """A page of runs; ``.token`` of the result is the ``page_token`` of the next."""
        found = self._client.search_runs(experiment_ids, filter_string, view_of(run_view_type), max_results, order_by, page_token)
        return PagedList([Run.of(item) for item in found], found.token)


@methods_speak_mlflow
class LogMethods(RunMethods):
    """Params, metrics, tags and artifacts of runs."""

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Store one param and return ``value``; another value later is refused."""
        _writing.log_params(self._run(run_id), {key: value})
        return operations(synchronous) or value

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: Any,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> RunOperations | None:
        """Append a point to a series. A metric is its run's: the data set and the model change nothing."""
        self._client.log_metric(run_id, key, value, timestamp, step)
        return operations(synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Iterable[Metric] = (),
        params: Iterable[Param] = (),
        tags: Iterable[RunTag] | Mapping[str, Any] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Store metrics, params and tags in one commit, all or none."""
        run, given = self._run(run_id), list(params)
        _writing.check_unique(item.key for item in given)
        with run.store.transaction():
            _writing.log_params(run, {item.key: item.value for item in given})
            run.log_batch(metrics, (), _writing.fitting_tags(tag_dict(tags) or {}))
        return operations(synchronous)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
        """Set a tag of a run."""
        _writing.set_tags(self._run(run_id), {key: value})
        return operations(synchronous)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""
        self._client.delete_tag(run_id, key)

    def get_metric_history(self, run_id: str, key: str) -> PagedList[Metric]:
        """The points of a series ordered by timestamp, step and value."""
        return PagedList(self._client.get_metric_history(run_id, key))

    def log_inputs(self, run_id: str, datasets: Sequence[Any] | None = None) -> None:
        """Record data that a run read."""
        self._client.log_inputs(run_id, [_stored_input(item) for item in datasets or ()])

    def _run(self, run_id: str) -> RunHandle:
        return RunHandle(self._client.store, run_id)


@methods_speak_mlflow
class ArtifactMethods(LogMethods):
    """Files of runs."""

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Store a file or folder with a run."""
        self._client.log_artifact(run_id, local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Store all files below a folder with a run."""
        self._client.log_artifacts(run_id, local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store text as a file of a run."""
        self._client.log_text(run_id, text, artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a dict as JSON or YAML with a run."""
        self._client.log_dict(run_id, dictionary, artifact_file)

    def log_figure(self, run_id: str, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
        """Store a figure with a run."""
        self._client.log_figure(run_id, figure, artifact_file, save_kwargs=save_kwargs)

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store an image with a run."""
        self._client.log_image(run_id, image, artifact_file, key, step, timestamp)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a table with a run, or append to it."""
        self._client.log_table(run_id, data, artifact_file)

    def load_table(self, experiment_id: str, artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None) -> Any:
        """The tables of this name of an experiment's runs, or of those of ``run_ids``, as one DataFrame."""
        store = self._client.store
        table = store.runs.table(RunQuery([experiment_id], parse_filter("")))
        return load_tables(store, artifact_file, table, run_ids, extra_columns or ())

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and folders directly in ``path`` of a run."""
        return self._client.list_artifacts(run_id, path)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Copy artifacts of a run to a local folder and return the local path."""
        return self._client.download_artifacts(run_id, path, dst_path)


def tag_dict(tags: Any) -> dict[str, Any] | None:
    """Tags as a dict, from a dict or from MLflow's list of tag entities."""
    if tags is None or isinstance(tags, Mapping):
        return None if tags is None else dict(tags)
    return {tag.key: tag.value for tag in tags}


def _stored_input(item: Any) -> Any:
    dataset = getattr(item, "dataset", None)
    return stored_dataset(item) if dataset is None else DatasetInput(stored_dataset(dataset), item.tags or ())
