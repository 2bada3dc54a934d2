"""``mlflow.utils.mlflow_tags``: the names of tags that have a meaning."""

from __future__ import annotations

from nbtrack.tracking.context import PARENT_TAG as MLFLOW_PARENT_RUN_ID
from nbtrack.tracking.context import SOURCE_NAME_TAG as MLFLOW_SOURCE_NAME
from nbtrack.tracking.context import SOURCE_TYPE_TAG as MLFLOW_SOURCE_TYPE
from nbtrack.tracking.context import USER_TAG as MLFLOW_USER
from nbtrack.tracking.handle import CONTEXT_TAG as MLFLOW_DATASET_CONTEXT
from nbtrack.tracking.handle import LOGGED_ARTIFACTS_TAG as MLFLOW_LOGGED_ARTIFACTS
from nbtrack.tracking.handle import NOTE_TAG as MLFLOW_RUN_NOTE
from nbtrack.tracking.handle import RUN_NAME_TAG as MLFLOW_RUN_NAME

MLFLOW_GIT_COMMIT = "mlflow.source.git.commit"
MLFLOW_GIT_BRANCH = "mlflow.source.git.branch"
MLFLOW_GIT_REPO_URL = "mlflow.source.git.repoURL"

__all__ = [
    "MLFLOW_DATASET_CONTEXT",
    "MLFLOW_GIT_BRANCH",
    "MLFLOW_GIT_COMMIT",
    "MLFLOW_GIT_REPO_URL",
    "MLFLOW_LOGGED_ARTIFACTS",
    "MLFLOW_PARENT_RUN_ID",
    "MLFLOW_RUN_NAME",
    "MLFLOW_RUN_NOTE",
    "MLFLOW_SOURCE_NAME",
    "MLFLOW_SOURCE_TYPE",
    "MLFLOW_USER",
]
