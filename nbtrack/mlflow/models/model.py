"""``mlflow.models.model``: what an ``MLmodel`` file says."""

from __future__ import annotations

from pathlib import Path

from nbtrack.mlflow import _models
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.models.manifest import Manifest
from nbtrack.tracking.models import ModelInfo

__all__ = ["Model", "ModelInfo", "get_model_info"]


class Model(Manifest):
    """The manifest of a model folder."""

    @classmethod
    @speaks_mlflow
    def load(cls, path: str | Path) -> Model:
        """The manifest of the model at a folder or URI."""
        return cls.from_dict(_models.manifest_at(str(path))[0].to_dict())  # type: ignore[return-value]


@speaks_mlflow
def get_model_info(model_uri: str) -> ModelInfo:
    """What is known about the model at a URI, without loading it."""
    manifest, found = _models.manifest_at(model_uri)
    return ModelInfo(
        model_uri=model_uri,
        model_id=manifest.model_id or "",
        run_id=manifest.run_id or "",
        artifact_path=manifest.artifact_path or "",
        flavors=manifest.flavors,
        signature=manifest.signature,
        digest=found.digest or "",
        size=manifest.model_size_bytes or 0,
        utc_time_created=manifest.utc_time_created,
        metadata=manifest.metadata or {},
        registered_model_version=None if found.version is None else found.version.version,
    )
