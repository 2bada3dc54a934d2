"""``mlflow.artifacts``: files of runs and models by their URI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nbtrack._optional import require
from nbtrack.entities import FileInfo
from nbtrack.errors import ArtifactNotFound, InvalidInput, InvalidPath
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.registry.service import Registry
from nbtrack.tracking import models
from nbtrack.tracking.client import Client
from nbtrack.tracking.handle import RunHandle
from nbtrack.tracking.renderings import target_folder

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]


@speaks_mlflow
def list_artifacts(
    artifact_uri: str | None = None, run_id: str | None = None, artifact_path: str | None = None, tracking_uri: str | None = None
) -> list[FileInfo]:
    """The files and folders directly in a folder of artifacts."""
    run, path = _of_run(artifact_uri, run_id, artifact_path, tracking_uri)
    if run is not None:
        return run.list_artifacts(path)
    return _list_local(Path(local_path(str(artifact_uri), tracking_uri)))


@speaks_mlflow
def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | Path | None = None,
    tracking_uri: str | None = None,
) -> str:
    """Copy artifacts to a local folder (a new temporary one by default) and return the local path."""
    run, path = _of_run(artifact_uri, run_id, artifact_path, tracking_uri)
    return run.download_artifacts(path, dst_path) if run is not None else local_path(str(artifact_uri), tracking_uri, dst_path)


@speaks_mlflow
def load_text(artifact_uri: str) -> str:
    """The text of a file."""
    return Path(local_path(artifact_uri)).read_text(encoding="utf-8")


@speaks_mlflow
def load_dict(artifact_uri: str) -> Any:
    """The value of a JSON file, or of a YAML file by its name."""
    path = Path(local_path(artifact_uri))
    try:
        if path.suffix in (".yml", ".yaml"):
            return require("yaml", purpose="load_dict").safe_load(path.read_text(encoding="utf-8"))
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"Unable to form a JSON object from file content of {artifact_uri}: {error}") from None


@speaks_mlflow
def load_image(artifact_uri: str) -> Any:
    """The image of a file, as PIL reads it."""
    return require("PIL.Image", purpose="load_image").open(local_path(artifact_uri))


def local_path(uri: str, tracking_uri: str | None = None, dst_path: str | Path | None = None) -> str:
    """Where the artifacts of a URI are on this machine, copied there if need be; a path means itself.

    Raises
    ------
    NotFound
        There is nothing at the URI.
    InvalidPath
        The URI is of a scheme that is not read here.
    """
    run, path = _of_run(uri, None, None, tracking_uri)
    if run is not None:
        return run.download_artifacts(path, dst_path)
    if uri.startswith("models:"):
        store = Client(tracking_uri).store
        return str(models.model_folder(store, Registry(store, "").resolve(uri), target_folder(dst_path)))
    scheme = urlsplit(uri).scheme if "://" in uri or uri.startswith("file:") else ""
    if scheme not in ("", "file"):
        raise InvalidPath(f"can't read artifacts at {uri!r}: the scheme {scheme!r} is not supported. Use runs:/<run_id>/<path>, models:/..., or a path")
    found = Path(unquote(urlsplit(uri).path)) if scheme else Path(uri)
    if not found.exists():
        raise ArtifactNotFound(f"there is nothing at {uri!r} (looked in {Path.cwd()})")
    return str(found)


def _of_run(artifact_uri: str | None, run_id: str | None, artifact_path: str | None, tracking_uri: str | None) -> tuple[RunHandle | None, str | None]:
    """The run and the path in it; no run for a URI that is about something else."""
    if (artifact_uri is None) == (run_id is None):
        raise InvalidInput("Exactly one of `artifact_uri` or `run_id` must be specified")
    client = Client(tracking_uri)
    if run_id is not None:
        return client.run(client.get_run(run_id).info.run_id), artifact_path
    if artifact_path is not None:
        raise InvalidInput("`artifact_path` cannot be specified if `artifact_uri` is specified")
    text = str(artifact_uri)
    if not text.startswith("runs:"):
        return None, None
    run_id, _, path = text[len("runs:") :].lstrip("/").partition("/")
    if not run_id:
        raise InvalidPath(f"Not a proper runs:/ URI: {text}. Write runs:/<run_id>/<path>, such as runs:/0123abcd/plots/roc.png")
    return client.run(client.get_run(run_id).info.run_id), path or None


def _list_local(folder: Path) -> list[FileInfo]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    return [FileInfo(entry.name, entry.is_dir(), None if entry.is_dir() else entry.stat().st_size) for entry in entries]
