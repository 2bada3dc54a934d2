"""Models of runs: logged as folders among the run's artifacts, loaded when their bytes are what was logged."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time_ns
from typing import Any, Literal

from nbtrack.entities import LoggedModel, ModelVersion
from nbtrack.errors import Conflict, ModelError, UntrustedModel
from nbtrack.formatting import format_size
from nbtrack.ids import check_artifact_path
from nbtrack.models.files import FolderFile, check_files, folder_digest, list_files
from nbtrack.models.folder import load_model as load_folder
from nbtrack.models.folder import save_model as save_folder
from nbtrack.models.manifest import Manifest
from nbtrack.models.signature import ModelSignature
from nbtrack.query import parse_filter
from nbtrack.query.registered import MODEL_VERSIONS
from nbtrack.registry.service import Registry
from nbtrack.registry.uris import ResolvedModel
from nbtrack.store.base import Store

Flavor = Literal["native", "pyfunc"]

# Folders of models that this process loaded, by digest; they stay, since a model may read its files late.
_loaded: dict[str, Path] = {}
_folders: list[tempfile.TemporaryDirectory[str]] = []


@dataclass(frozen=True)
class ModelInfo:
    """A model that was logged, under MLflow's names.

    ``model_uri`` (``models:/m-...``) names exactly these bytes; ``runs:/<run_id>/<artifact_path>`` names
    what the run has under this path.
    """

    model_uri: str
    model_id: str
    run_id: str
    artifact_path: str
    flavors: Mapping[str, Mapping[str, Any]]
    signature: ModelSignature | None
    digest: str
    size: int
    utc_time_created: str | None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    registered_model_version: int | None = None

    @property
    def model_uuid(self) -> str:
        """The model's id, under its older name."""
        return self.model_id

    @property
    def name(self) -> str:
        """The name that the model was logged under."""
        return self.artifact_path


def log_model(
    store: Store,
    run_id: str,
    model: Any,
    name: str = "model",
    *,
    actor: str,
    flavor: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    registered_model_name: str | None = None,
    pip_requirements: Sequence[str] | str | Path | None = None,
    extra_pip_requirements: Sequence[str] | str | Path | None = None,
    conda_env: Mapping[str, Any] | str | Path | None = None,
    code_paths: Sequence[str | Path] | None = None,
    metadata: Mapping[str, Any] | None = None,
    serialization_format: str | None = None,
    artifacts: Mapping[str, str | Path] | None = None,
    model_config: Mapping[str, Any] | None = None,
    pyfunc_predict_fn: str = "predict",
    max_bytes: int | None = None,
) -> ModelInfo:
    """Save a model, store its folder with the run, and record its digest: all of it or nothing.

    The arguments are those of `nbtrack.models.folder.save_model`; ``registered_model_name`` makes a
    version of that registered model too, and a model whose folder has more than ``max_bytes`` is refused.

    Raises
    ------
    ModelError
        No flavor saves the model, it cannot be pickled (the message names the attribute), or it is too large.
    Conflict
        The run has a model of this name that a registered version points to.
    """
    path = check_artifact_path(name)
    _refuse_registered(store, run_id, path)
    model_id = f"m-{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory(prefix="nbtrack-model-") as temporary:
        folder = Path(temporary) / "model"
        manifest = save_folder(
            model,
            folder,
            flavor=flavor,
            signature=signature,
            input_example=input_example,
            pip_requirements=pip_requirements,
            extra_pip_requirements=extra_pip_requirements,
            conda_env=conda_env,
            code_paths=code_paths,
            metadata=metadata,
            serialization_format=serialization_format,
            artifacts=artifacts,
            model_config=model_config,
            pyfunc_predict_fn=pyfunc_predict_fn,
            model_id=model_id,
            run_id=run_id,
            artifact_path=path,
        )
        if max_bytes is not None and (size := sum((folder / file).stat().st_size for file in list_files(folder))) > max_bytes:
            raise ModelError(f"the model has {format_size(size)}; at most {format_size(max_bytes)} are kept unasked. Log it with log_model(model)")
        with store.transaction():
            logged = _store_folder(store, run_id, path, folder, manifest, model_class=f"{type(model).__module__}.{type(model).__qualname__}")
            version = _register(store, actor, logged, registered_model_name)
    return ModelInfo(
        model_uri=f"models:/{model_id}",
        model_id=model_id,
        run_id=run_id,
        artifact_path=path,
        flavors=manifest.flavors,
        signature=manifest.signature,
        digest=logged.digest,
        size=logged.size,
        utc_time_created=manifest.utc_time_created,
        metadata=manifest.metadata or {},
        registered_model_version=None if version is None else version.version,
    )


def load_model(
    store: Store,
    model_uri: str,
    *,
    flavor: Flavor = "native",
    trusted: bool = False,
    dst_path: str | Path | None = None,
    model_config: Mapping[str, Any] | None = None,
) -> Any:
    """Load the model that a ``runs:/`` or ``models:/`` URI or a folder means.

    A model of this store must have the digest that was recorded when it was logged. A folder that
    lies elsewhere needs ``trusted=True``, since loading a pickle runs what it says.

    Raises
    ------
    NotFound
        There is no such run, model, version, alias or stage.
    UntrustedModel
        The bytes were changed since they were logged, or nobody vouches for them.
    """
    found = Registry(store, "").resolve(model_uri)
    if found.run_id is None or found.path is None:
        return load_folder(found.source.removeprefix("file://"), trusted=trusted, digest=found.digest, flavor=flavor, model_config=model_config)
    folder = model_folder(store, found, dst_path)
    try:
        return load_folder(folder, trusted=trusted, digest=found.digest, flavor=flavor, model_config=model_config)
    except UntrustedModel as error:
        refusal = error
    _loaded.pop(found.digest or "", None)  # a copy of the files, once restored, is another one
    prefix = f"{found.path}/"
    recorded = {artifact.path.removeprefix(prefix): artifact.digest for artifact in store.artifacts.all(found.run_id) if artifact.path.startswith(prefix)}
    check_files(folder, recorded, called=model_uri)
    raise refusal


def model_folder(store: Store, found: ResolvedModel, dst_path: str | Path | None = None) -> Path:
    """A local copy of a model's folder; one for each content and process, unless ``dst_path`` says where."""
    if found.run_id is None or found.path is None:
        return Path(found.source.removeprefix("file://"))
    if dst_path is not None:
        return store.artifacts.download(found.run_id, found.path, Path(dst_path).absolute())
    known = _loaded.get(found.digest or "")
    if known is not None and known.exists():
        return known
    holder = tempfile.TemporaryDirectory(prefix="nbtrack-loaded-", ignore_cleanup_errors=True)
    _folders.append(holder)
    folder = store.artifacts.download(found.run_id, found.path, Path(holder.name))
    if found.digest is not None:
        _loaded[found.digest] = folder
    return folder


def _refuse_registered(store: Store, run_id: str, path: str) -> None:
    """A registered version points to a path of the run; other bytes there would break it."""
    earlier = store.registry.logged_models.find(run_id, path)
    if earlier is None:
        return
    for version in store.registry.versions.search(filter=parse_filter(f"run_id = '{run_id}'", vocabulary=MODEL_VERSIONS)):
        if version.digest == earlier.digest:
            raise Conflict(
                f"the run {run_id} has a model {path!r}, which version {version.version} of {version.name!r} points to. "
                "Log this one under another name, or in a new run"
            )


def _store_folder(store: Store, run_id: str, path: str, folder: Path, manifest: Manifest, *, model_class: str) -> LoggedModel:
    _remove_earlier(store, run_id, path)
    files = []
    for name in list_files(folder):
        artifact = store.artifacts.put_file(run_id, f"{path}/{name}", folder / name)
        files.append(FolderFile(name, artifact.digest, artifact.size))
    signature = manifest.signature
    return store.registry.logged_models.add(
        LoggedModel(
            model_id=str(manifest.model_id),
            run_id=run_id,
            name=path,
            digest=folder_digest(files),
            flavors=tuple(manifest.flavors),
            size=sum(file.size for file in files),
            created_time=time_ns() // 1_000_000,
            signature=None if signature is None else signature.to_dict(),
            has_input_example=manifest.saved_input_example_info is not None,
            metadata=manifest.metadata or {},
            model_class=model_class,
        )
    )


def _remove_earlier(store: Store, run_id: str, path: str) -> None:
    """Files of a model of this name that was logged before must not mix with the new one's."""
    for artifact in store.artifacts.all(run_id):
        if artifact.path.startswith(f"{path}/"):
            store.artifacts.delete(run_id, artifact.path)


def _register(store: Store, actor: str, logged: LoggedModel, name: str | None) -> ModelVersion | None:
    return None if name is None else Registry(store, actor).register_model(f"models:/{logged.model_id}", name)
