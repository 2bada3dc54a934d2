"""``mlflow.utils.validation``: MLflow's limits. Batches have none here; programs that cut theirs to these work all the same."""

from __future__ import annotations

from nbtrack.ids import MAX_KEY_CHARS as MAX_ENTITY_KEY_LENGTH
from nbtrack.ids import MAX_TITLE_CHARS as MAX_EXPERIMENT_NAME_LENGTH
from nbtrack.mlflow.tracking._writing import MAX_PARAM_CHARS as MAX_PARAM_VAL_LENGTH
from nbtrack.mlflow.tracking._writing import MAX_TAG_CHARS as MAX_TAG_VAL_LENGTH
from nbtrack.registry.names import MAX_ALIAS_CHARS as MAX_REGISTERED_MODEL_ALIAS_LENGTH

MAX_PARAMS_TAGS_PER_BATCH = 100
MAX_METRICS_PER_BATCH = 1000
MAX_ENTITIES_PER_BATCH = 1000

__all__ = [
    "MAX_ENTITIES_PER_BATCH",
    "MAX_ENTITY_KEY_LENGTH",
    "MAX_EXPERIMENT_NAME_LENGTH",
    "MAX_METRICS_PER_BATCH",
    "MAX_PARAMS_TAGS_PER_BATCH",
    "MAX_PARAM_VAL_LENGTH",
    "MAX_REGISTERED_MODEL_ALIAS_LENGTH",
    "MAX_TAG_VAL_LENGTH",
]
