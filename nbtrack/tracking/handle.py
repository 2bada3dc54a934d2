"""What can be done to one run, active or not: the verbs that the run, the client and the module functions share."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from nbtrack.config import read_settings
from nbtrack.entities import DatasetInput, FileInfo, InputTag, Metric, ModelVersion, Origin, Param, ParamChange, Run, RunCode, RunData, RunInfo, RunInputs
from nbtrack.errors import ArtifactNotFound, InvalidInput
from nbtrack.ids import check_key, check_title
from nbtrack.store.base import Store
from nbtrack.tracking import context, renderings
from nbtrack.tracking.values import MAX_STEP, to_metric_value, to_param_value, to_step

if TYPE_CHECKING:
    from nbtrack.tracking.models import ModelInfo

NOTE_TAG = "mlflow.note.content"
RUN_NAME_TAG = "mlflow.runName"
LOGGED_ARTIFACTS_TAG = "mlflow.loggedArtifacts"
LOGGED_IMAGES_TAG = "mlflow.loggedImages"
CONTEXT_TAG = "mlflow.data.context"
MAX_TAG_CHARS = 100_000

# Metric keys that were found to follow the rule, so that a loop checks each once.
_checked_keys: set[str] = set()
_MAX_CHECKED_KEYS = 10_000


class RunHandle:
    """A run of a store by its id; every write is durable when the call returns."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.run_id = run_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run_id}>"

    # --- reading -------------------------------------------------------------------------------

    def fetch(self) -> Run:
        """The run as it is in the store now."""
        return self.store.runs.get(self.run_id)

    @property
    def data(self) -> RunData:
        """Params, last metric values and tags, read now."""
        return self.fetch().data

    @property
    def inputs(self) -> RunInputs:
        """The data that the run read, read now."""
        return self.fetch().inputs

    @property
    def info(self) -> RunInfo:
        """Name, status, times and ids, read now."""
        return self.fetch().info

    @property
    def code(self) -> RunCode:
        """The run's own cell and the earlier cells that it needs."""
        return self.store.cells.code(self.run_id)

    # --- params --------------------------------------------------------------------------------

    def log_param(self, key: str, value: Any) -> Any:
        """Store one typed param and return ``value``.

        While the run is RUNNING a different value corrects the param and the history keeps both.

        Raises
        ------
        InvalidName, InvalidParam
            The key or the value can't be stored.
        ParamFrozen
            The run has ended and the param had another value.
        """
        self.store.params.log(self.run_id, [Param(check_key(key, "param"), to_param_value(key, value))])
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Store many params, all or none. Raises as ``log_param`` does."""
        self.store.params.log(self.run_id, [Param(check_key(key, "param"), to_param_value(key, value)) for key, value in params.items()])

    def param_history(self) -> list[ParamChange]:
        """The corrections of params, oldest first."""
        return self.store.params.history(self.run_id)

    # --- metrics -------------------------------------------------------------------------------

    def log_metric(self, key: str, value: Any, step: int | None = None, timestamp: int | None = None) -> None:
        """Append a point to the series ``key``; it is committed when this returns.

        Parameters
        ----------
        value
            A number, or what ``float()`` accepts. NaN and the infinities are kept.
        step
            A whole number; 0 by default.
        timestamp
            Milliseconds since the epoch; now by default.

        Raises
        ------
        InvalidName, InvalidMetric
            The key, the value or the step can't be stored.
        RunNotActive
            The run is deleted.
        """
        if key not in _checked_keys:
            _remember(check_key(key, "metric"))
        if type(value) is not float:
            value = to_metric_value(key, value)
        if step is None:
            step = 0
        elif type(step) is not int or not -MAX_STEP <= step <= MAX_STEP:
            step = to_step(key, step)
        self.store.metrics.log(self.run_id, key, value, step, time_ns() // 1_000_000 if timestamp is None else int(timestamp))

    def log_metrics(self, metrics: Mapping[str, Any], step: Any = None, timestamp: Any = None) -> None:
        """Append a point to each series in one commit; or whole arrays, in bulk.

        With arrays (``{"loss": values}, step=steps``) all values have one length; ``step`` is an
        array of that length, or None for 0, 1, 2, ...; ``timestamp`` may be an array too.
        """
        for key in metrics:
            if key not in _checked_keys:
                _remember(check_key(key, "metric"))
        if any(_is_series(value) for value in metrics.values()):
            self._log_arrays(metrics, step, timestamp)
            return
        now = time_ns() // 1_000_000 if timestamp is None else int(timestamp)
        points = [
            Metric(key, value if type(value) is float else to_metric_value(key, value), now, 0 if step is None else to_step(key, step))
            for key, value in metrics.items()
        ]
        if points:
            self.store.metrics.log_batch(self.run_id, points)

    def _log_arrays(self, metrics: Mapping[str, Any], step: Any, timestamp: Any) -> None:
        scalars = [key for key, value in metrics.items() if not _is_series(value)]
        if scalars:
            raise InvalidInput(f"log_metrics got arrays and the single number {scalars[0]!r}; log the numbers in a call of their own")
        series = {key: [value if type(value) is float else to_metric_value(key, value) for value in _items(values)] for key, values in metrics.items()}
        count = max((len(values) for values in series.values()), default=0)
        first = next(iter(metrics))
        steps = list(range(count)) if step is None else [to_step(first, item) for item in _items(step)]
        now = time_ns() // 1_000_000
        timestamps = [now] * count if timestamp is None else [int(item) for item in _items(timestamp)] if _is_series(timestamp) else [int(timestamp)] * count
        self.store.metrics.log_arrays(self.run_id, series, steps, timestamps)

    def metric_history(self, key: str) -> list[Metric]:
        """The points of a series ordered by timestamp, step and value."""
        return self.store.metrics.history(self.run_id, key)

    # --- tags ----------------------------------------------------------------------------------

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag; an existing one is overwritten."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set many tags, all or none."""
        self.store.runs.set_tags(self.run_id, check_tags(tags))

    def delete_tag(self, key: str) -> None:
        """Remove a tag. Raises ``TagNotFound`` if there is none of this name."""
        self.store.runs.delete_tag(self.run_id, key)

    # --- artifacts -----------------------------------------------------------------------------

    def log_artifact(self, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Store a file under its own name (or a folder with all in it), in the folder ``artifact_path`` of the run.

        Raises
        ------
        FileNotFoundError
            There is nothing at ``local_path``.
        InvalidPath
            ``artifact_path`` leaves the run.
        """
        source = Path(local_path)
        if source.is_dir():
            self.log_artifacts(source, _join(artifact_path, source.resolve().name))
            return
        if not source.is_file():
            raise FileNotFoundError(f"log_artifact: there is no file {str(local_path)!r} (looked in {Path.cwd()})")
        self.store.artifacts.put_file(self.run_id, _join(artifact_path, source.name), source, media_type=renderings.media_type(source.name))

    def log_artifacts(self, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Store all files below a folder, by their paths in it; links that lead out of the folder are refused."""
        folder = Path(local_dir)
        if not folder.is_dir():
            raise FileNotFoundError(f"log_artifacts: there is no folder {str(local_dir)!r} (looked in {Path.cwd()})")
        for source in _files_below(folder):
            name = _join(artifact_path, source.relative_to(folder).as_posix())
            self.store.artifacts.put_file(self.run_id, name, source, media_type=renderings.media_type(source.name))

    def log_text(self, text: str, artifact_file: str) -> None:
        """Store text as a file in UTF-8."""
        self._put(artifact_file, str(text).encode("utf-8", "replace"))

    def log_dict(self, dictionary: Any, artifact_file: str) -> None:
        """Store a dict or list as JSON, or as YAML if the name ends in ``.yml`` or ``.yaml``."""
        self._put(artifact_file, renderings.dict_bytes(dictionary, artifact_file))

    def log_figure(self, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
        """Store a figure of matplotlib (by the file's extension), plotly, altair or bokeh (``.html`` or ``.json``).

        Raises
        ------
        TypeError
            The object is no figure of a library that is known.
        """
        self._put(artifact_file, renderings.figure_bytes(figure, artifact_file, save_kwargs or {}))

    def log_image(self, image: Any, artifact_file: str | None = None, *, key: str | None = None, step: int | None = None, timestamp: int | None = None) -> None:
        """Store an image: a PIL image, or a numpy array (height, width[, 1, 3 or 4]) of 0-255 integers or 0-1 floats.

        Give ``artifact_file`` for one image, or ``key`` (with ``step``) for a series of them.

        Raises
        ------
        TypeError
            Both or neither of ``artifact_file`` and ``key`` are given, or the object is no image.
        """
        if (artifact_file is None) == (key is None):
            raise TypeError("log_image needs either artifact_file (one image) or key (a series by step), not both")
        if artifact_file is not None:
            self._put(artifact_file, renderings.image_bytes(image, artifact_file))
            return
        now = time_ns() // 1_000_000 if timestamp is None else int(timestamp)
        name = renderings.series_image_name(check_key(key, "image"), to_step(str(key), step or 0), now)
        self._put(name, renderings.image_bytes(image, name))
        self.set_tag(LOGGED_IMAGES_TAG, "True")

    def log_table(self, data: Any, artifact_file: str) -> None:
        """Store a DataFrame or a dict of columns as a JSON table; a table of this name that is there is appended to.

        A column that one part lacks is filled with None.
        """
        table = renderings.table(data)
        with self.store.transaction():
            try:
                table = renderings.appended(json.loads(self.store.artifacts.read(self.run_id, artifact_file)), table)
            except ArtifactNotFound:
                pass  # the first part
            self._put(artifact_file, renderings.table_bytes(table, artifact_file))
            self._note_table(artifact_file)

    def load_table(self, artifact_file: str) -> Any:
        """The table as a pandas DataFrame."""
        return renderings.table_frame(json.loads(self.store.artifacts.read(self.run_id, artifact_file)))

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """The files and folders directly in ``path`` of the run."""
        return self.store.artifacts.list(self.run_id, path)

    def download_artifacts(self, path: str | None = None, dst_path: str | Path | None = None) -> str:
        """Copy artifacts to ``dst_path`` (by default a new temporary folder) and return the local path of ``path``."""
        return str(self.store.artifacts.download(self.run_id, path, renderings.target_folder(dst_path)))

    # --- data ----------------------------------------------------------------------------------

    def log_input(self, dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None, *, name: str = "dataset") -> None:
        """Record data that the run read: an ``entities.Dataset``, or a frame or array, which is fingerprinted.

        Parameters
        ----------
        context
            The data's role, such as ``"train"`` or ``"test"``.
        name
            The dataset's name, for data that has none of its own.
        """
        all_tags = [InputTag(check_key(key, "tag"), str(value)) for key, value in (tags or {}).items()]
        if context is not None:
            all_tags.append(InputTag(CONTEXT_TAG, context))
        self.store.inputs.log(self.run_id, [DatasetInput(renderings.dataset(dataset, name), all_tags)])

    # --- models --------------------------------------------------------------------------------

    def log_model(self, model: Any, name: str = "model", **options: Any) -> ModelInfo:
        """Save a fitted model with the run, as a folder that nbtrack and MLflow load.

        The flavor is found from the object: scikit-learn, XGBoost, LightGBM, PyTorch, Keras, a
        ``PythonModel``, a function, or any object with ``predict``.

        Parameters
        ----------
        name
            The model's folder among the run's artifacts.
        **options
            ``signature``, ``input_example``, ``registered_model_name``, ``pip_requirements``,
            ``code_paths``, ``metadata``, ``serialization_format`` and the other options of
            `nbtrack.tracking.models.log_model`.

        Raises
        ------
        ModelError
            No flavor saves the model, or it cannot be pickled.
        """
        from nbtrack.tracking import models

        return models.log_model(self.store, self.run_id, model, name, actor=context.user_name(read_settings().user), **options)

    def register_model(self, model_uri: str, name: str) -> ModelVersion:
        """Make a version of the registered model ``name`` from a logged model."""
        from nbtrack.registry.service import Registry

        return Registry(self.store, context.user_name(read_settings().user)).register_model(model_uri, name)

    def log_batch(self, metrics: Iterable[Metric] = (), params: Iterable[Param] = (), tags: Mapping[str, Any] | None = None) -> None:
        """Store metrics, params and tags in one commit, all or none."""
        checked = [Metric(check_key(item.key, "metric"), to_metric_value(item.key, item.value), item.timestamp, item.step) for item in metrics]
        typed = [Param(check_key(item.key, "param"), to_param_value(item.key, item.value), Origin.LOGGED) for item in params]
        clean_tags = check_tags(tags or {})
        with self.store.transaction():
            if typed:
                self.store.params.log(self.run_id, typed)
            if checked:
                self.store.metrics.log_batch(self.run_id, checked)
            if clean_tags:
                self.store.runs.set_tags(self.run_id, clean_tags)

    def _put(self, artifact_file: str, data: bytes) -> None:
        self.store.artifacts.put_bytes(self.run_id, artifact_file, data, media_type=renderings.media_type(artifact_file))

    def _note_table(self, artifact_file: str) -> None:
        """Keep MLflow's tag that lists the logged tables."""
        tags = self.fetch().data.tags
        listed: list[Mapping[str, str]] = json.loads(tags.get(LOGGED_ARTIFACTS_TAG, "[]"))
        entry = {"path": artifact_file, "type": "table"}
        if entry not in listed:
            self.store.runs.set_tags(self.run_id, {LOGGED_ARTIFACTS_TAG: json.dumps([*listed, entry])})


def check_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags with their keys checked and their values as text.

    Raises
    ------
    InvalidName
        A key breaks the naming rule, or ``mlflow.runName`` is no name.
    InvalidInput
        A value is longer than ``MAX_TAG_CHARS`` characters.
    """
    texts = {check_key(key, "tag"): value if isinstance(value, str) else str(value) for key, value in tags.items()}
    for key, text in texts.items():
        if len(text) > MAX_TAG_CHARS:
            raise InvalidInput(f"the tag {key!r} has {len(text):,} characters; at most {MAX_TAG_CHARS:,} fit. Log it as an artifact: log_text(..., 'file.txt')")
    if RUN_NAME_TAG in texts:
        check_title(texts[RUN_NAME_TAG], "run")
    return texts


def _remember(key: str) -> None:
    if len(_checked_keys) >= _MAX_CHECKED_KEYS:
        _checked_keys.clear()
    _checked_keys.add(key)


def _is_series(value: Any) -> bool:
    """Whether ``value`` is a sequence of numbers: a list, tuple, range, or an array of one dimension or more."""
    if isinstance(value, (float, int, str)):
        return False
    shape = getattr(value, "shape", None)
    return len(shape) > 0 if isinstance(shape, Sequence) else isinstance(value, (list, tuple, range))


def _items(values: Any) -> list[Any]:
    if not _is_series(values):
        raise InvalidInput(f"arrays are logged with an array of steps of the same length; found the single step {values!r:.80}")
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) > 1:
        raise InvalidInput(f"a series has one dimension; found an array of shape {tuple(shape)}")
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _join(folder: str | None, name: str) -> str:
    return posixpath.join(folder, name) if folder else name


def _files_below(folder: Path) -> list[Path]:
    root = folder.resolve()
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            if not path.resolve().is_relative_to(root):
                raise InvalidInput(f"{path} is a link that leads out of {folder}; copy what it points to, or log it by itself")
            files.append(path)
    return files
