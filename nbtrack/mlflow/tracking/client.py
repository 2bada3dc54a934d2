"""``mlflow.tracking.client``: ``MlflowClient``."""

from __future__ import annotations

import os
from typing import NoReturn

from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.mlflow.tracking._registry_methods import VersionMethods
from nbtrack.mlflow.tracking._run_methods import ArtifactMethods
from nbtrack.mlflow.tracking.fluent import check_registry_uri
from nbtrack.tracking.client import Client

__all__ = ["MlflowClient"]


class MlflowClient(ArtifactMethods, VersionMethods):
    """Reads and writes a store without an active run, by MLflow's rules: params are written once and are texts.

    Parameters
    ----------
    tracking_uri
        The store; by default that of the session.
    registry_uri
        Registered models are kept with the runs, so this is the same place or left out.
    """

    @speaks_mlflow
    def __init__(self, tracking_uri: str | os.PathLike[str] | None = None, registry_uri: str | None = None) -> None:
        check_registry_uri(registry_uri, None if tracking_uri is None else os.fspath(tracking_uri))
        self._client = Client(tracking_uri)

    @property
    def tracking_uri(self) -> str:
        """Where the store is, or would be made."""
        return self._client.tracking_uri

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"nbtrack's MlflowClient has no {name!r}; nbtrack.Client has what nbtrack can do beyond MLflow")

    def __repr__(self) -> str:
        return f"<MlflowClient {self._client.tracking_uri}>"
