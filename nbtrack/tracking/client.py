"""``Client``: every operation on any run, experiment or registered model, as MlflowClient has them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from nbtrack.config import read_settings
from nbtrack.entities import Experiment, FileInfo, Metric, PagedList, Param, Run, RunStatus, ViewType
from nbtrack.errors import InvalidInput
from nbtrack.ids import check_key, check_title, new_run_id, random_run_name
from nbtrack.query import parse_experiment_filter, parse_experiment_order_by, parse_filter, parse_order_by
from nbtrack.registry.service import Registry
from nbtrack.store.base import NewRun, RunQuery, Store
from nbtrack.store.registry_base import RegistryStore
from nbtrack.tracking import context, frames
from nbtrack.tracking.handle import RUN_NAME_TAG, RunHandle, check_tags
from nbtrack.tracking.session import Session, current_session

if TYPE_CHECKING:
    from nbtrack.tracking.models import ModelInfo

MAX_PAGE = 50_000


class Client(Registry):
    """Read and write a store without an active run; what concerns registered models is `Registry`'s.

    Parameters
    ----------
    tracking_uri
        The store; by default the session's, which is the nearest ``.nbtrack`` unless it was set.
    user
        In whose name the client acts on registered models; by default ``NBTRACK_USER``, else the system's user.
    """

    def __init__(self, tracking_uri: str | os.PathLike[str] | None = None, *, user: str | None = None) -> None:
        self._session = current_session()
        self._user = user
        if tracking_uri is not None:
            self._session = Session()
            self._session.set_tracking_uri(tracking_uri)

    def __repr__(self) -> str:
        return f"<Client {self.tracking_uri}>"

    @property
    def tracking_uri(self) -> str:
        """Where the store is, or would be made at the first write."""
        return self._session.place().uri

    @property
    def store(self) -> Store:
        """The store, made if there is none yet."""
        return self._session.store()

    @property
    def actor(self) -> str:
        """Who acts."""
        return context.user_name(self._user or read_settings().user)

    @property
    def _reader(self) -> Store:
        return self._session.reader()

    @property
    def _reading(self) -> RegistryStore:
        return self._reader.registry

    # --- experiments ---------------------------------------------------------------------------

    def create_experiment(self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None) -> str:
        """Make an experiment and return its id. Raises ``AlreadyExists`` if the name is taken."""
        created = self.store.experiments.create(check_title(name, "experiment"), artifact_location=artifact_location, tags=check_tags(tags or {}))
        return created.experiment_id

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of this id. Raises ``ExperimentNotFound``."""
        return self._reader.experiments.get(str(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of this name, deleted or not; None if there is none."""
        return self._reader.experiments.get_by_name(name)

    def search_experiments(
        self,
        view_type: ViewType = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Experiments by a filter over name, experiment_id, creation_time, last_update_time and tags; latest changed first."""
        offset = _offset(page_token)
        found = self._reader.experiments.search(
            filter=parse_experiment_filter(filter_string or ""),
            order_by=parse_experiment_order_by(order_by or ()),
            view=ViewType(view_type),
            limit=None if max_results is None else max_results + 1,
            offset=offset,
        )
        more = max_results is not None and len(found) > max_results
        page = found[:max_results] if more else found
        return PagedList(page, token=str(offset + len(page)) if more else None)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        self.store.experiments.rename(str(experiment_id), check_title(new_name, "experiment"))

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        ((name, text),) = check_tags({key: value}).items()
        self.store.experiments.set_tag(str(experiment_id), name, text)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self.store.experiments.delete_tag(str(experiment_id), key)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted; ``restore_experiment`` undoes it."""
        self.store.experiments.delete(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Undo ``delete_experiment``."""
        self.store.experiments.restore(str(experiment_id))

    # --- runs ----------------------------------------------------------------------------------

    def run(self, run_id: str) -> RunHandle:
        """The verbs of a run (``log_metric``, ``log_text`` ...) by its id, the beginning of it, or its name."""
        store = self._reader
        return RunHandle(store, store.runs.resolve(run_id))

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Make a RUNNING run without making it active; end it with ``set_terminated``."""
        clean = check_tags(tags or {})
        if run_name is not None and clean.get(RUN_NAME_TAG, run_name) != run_name:
            raise InvalidInput(f"the run's name is given twice: run_name={run_name!r} and the tag {RUN_NAME_TAG}={clean[RUN_NAME_TAG]!r}")
        name = check_title(run_name if run_name is not None else clean.get(RUN_NAME_TAG, random_run_name()), "run")
        user = context.user_name(read_settings().user)
        parent = clean.get(context.PARENT_TAG)
        new = NewRun(
            run_id=new_run_id(),
            experiment_id=str(experiment_id),
            run_name=name,
            user_id=user,
            start_time=time_ns() // 1_000_000 if start_time is None else int(start_time),
            parent_run_id=parent,
            tags={context.USER_TAG: user, **clean, RUN_NAME_TAG: name},
        )
        return self.store.runs.create(new)

    def get_run(self, run_id: str) -> Run:
        """The run of this id as it is now. Raises ``RunNotFound``."""
        return self._reader.runs.get(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that this one is nested in, if any."""
        parent = self.get_run(run_id).info.parent_run_id
        return None if parent is None else self.get_run(parent)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's status or name."""
        if name is not None:
            check_title(name, "run")
        self.store.runs.update(run_id, status=None if status is None else RunStatus(status), run_name=name)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run (FINISHED by default)."""
        self.store.runs.update(run_id, status=RunStatus(status or RunStatus.FINISHED), end_time=end_time)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted; ``restore_run`` undoes it."""
        self.store.runs.delete(run_id)

    def restore_run(self, run_id: str) -> None:
        """Undo ``delete_run``."""
        self.store.runs.restore(run_id)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: ViewType = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """One page of runs; ``.token`` of the result is the ``page_token`` of the next.

        Raises
        ------
        InvalidFilter
            The filter or the order does not parse; the message shows the place.
        """
        if not 0 < max_results <= MAX_PAGE:
            raise InvalidInput(f"max_results is {max_results}; a page has 1 to {MAX_PAGE:,} runs")
        ids = [experiment_ids] if isinstance(experiment_ids, str) else [str(experiment_id) for experiment_id in experiment_ids]
        return self._reader.runs.search(
            RunQuery(
                ids, parse_filter(filter_string or ""), parse_order_by(order_by or ()), ViewType(run_view_type), limit=max_results, offset=_offset(page_token)
            )
        )

    def best_run(self, metric: str, mode: str = "max", *, experiment_ids: Sequence[str] | None = None, filter_string: str = "") -> Run | None:
        """The run with the highest (or, with ``mode="min"``, lowest) last value of ``metric``; None if no run has it."""
        if mode not in ("max", "min"):
            raise InvalidInput(f"mode is {mode!r}; use 'max' or 'min'")
        check_key(metric, "metric")
        order = parse_order_by([f"metrics.`{metric}` {'DESC' if mode == 'max' else 'ASC'}"])
        query = RunQuery(experiment_ids, parse_filter(filter_string), order, limit=1)
        found = self._reader.runs.search(query)
        return found[0] if found and found[0].data.metrics.get(metric) == found[0].data.metrics.get(metric, float("nan")) else None

    # --- params, metrics, tags -----------------------------------------------------------------

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Store one param of a run. Every write is committed when it returns; ``synchronous`` is MLflow's."""
        return self._writer(run_id).log_param(key, value)

    def log_metric(self, run_id: str, key: str, value: Any, timestamp: int | None = None, step: int | None = None, synchronous: bool | None = None) -> None:
        """Append a point to a series of a run."""
        self._writer(run_id).log_metric(key, value, step, timestamp)

    def log_batch(
        self,
        run_id: str,
        metrics: Iterable[Metric] = (),
        params: Iterable[Param] = (),
        tags: Mapping[str, Any] | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store metrics, params and tags in one commit, all or none."""
        self._writer(run_id).log_batch(metrics, params, tags)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        """Set a tag of a run."""
        self._writer(run_id).set_tag(key, value)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""
        self._writer(run_id).delete_tag(key)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """The points of a series ordered by timestamp, step and value; exact duplicates once."""
        return self._reader.metrics.history(run_id, key)

    def metric_frame(self, run_ids: Sequence[str] | str, keys: Sequence[str] | str | None = None, max_points: int | None = None) -> Any:
        """Metric histories as a DataFrame of run_id, key, step, timestamp and value: the fast way.

        Parameters
        ----------
        keys
            The series; None means all.
        max_points
            Thin each longer series to at most this many points, in the store, so that its
            minima and maxima stay; 4 at least.
        """
        ids = [run_ids] if isinstance(run_ids, str) else list(run_ids)
        wanted = [keys] if isinstance(keys, str) else keys
        return frames.metric_frame(self._reader.metrics.columns(ids, wanted, max_points=max_points))

    # --- artifacts and data --------------------------------------------------------------------

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Store a file or folder with a run."""
        self._writer(run_id).log_artifact(local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Store all files below a folder with a run."""
        self._writer(run_id).log_artifacts(local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store text as a file of a run."""
        self._writer(run_id).log_text(text, artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a dict as JSON or YAML with a run."""
        self._writer(run_id).log_dict(dictionary, artifact_file)

    def log_figure(self, run_id: str, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
        """Store a figure with a run."""
        self._writer(run_id).log_figure(figure, artifact_file, save_kwargs=save_kwargs)

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
        self._writer(run_id).log_image(image, artifact_file, key=key, step=step, timestamp=timestamp)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a table with a run, or append to it."""
        self._writer(run_id).log_table(data, artifact_file)

    def load_table(self, run_id: str, artifact_file: str) -> Any:
        """A run's table as a DataFrame."""
        return RunHandle(self._reader, run_id).load_table(artifact_file)

    def log_inputs(self, run_id: str, datasets: Iterable[Any]) -> None:
        """Record data that a run read: ``DatasetInput`` entities, datasets, frames or arrays."""
        writer = self._writer(run_id)
        with writer.store.transaction():
            for item in datasets:
                inner = getattr(item, "dataset", None)
                if inner is None:
                    writer.log_input(item)
                else:
                    writer.log_input(inner, tags={tag.key: tag.value for tag in item.tags}, context=None)

    def log_model(self, run_id: str, model: Any, name: str = "model", **options: Any) -> ModelInfo:
        """Save a fitted model with a run; the options are those of ``run.log_model``."""
        return self._writer(run_id).log_model(model, name, **options)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and folders directly in ``path`` of a run."""
        return RunHandle(self._reader, run_id).list_artifacts(path)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Copy artifacts of a run to a local folder and return the local path."""
        return RunHandle(self._reader, run_id).download_artifacts(path or None, dst_path)

    def _writer(self, run_id: str) -> RunHandle:
        return RunHandle(self.store, run_id)


def _offset(page_token: str | None) -> int:
    if not page_token:
        return 0
    if not page_token.isdigit():
        raise InvalidInput(f"{page_token!r} is no page token; pass the .token of the page before")
    return int(page_token)
