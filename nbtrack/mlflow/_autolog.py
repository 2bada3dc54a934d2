"""``mlflow.autolog``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbtrack.autologging import api
from nbtrack.mlflow._errors import speaks_mlflow

# Flavors of MLflow's under other names here; those that nbtrack has no autologging of need no exclusion.
_NAMES = {"pytorch": "lightning", "tensorflow": "keras", "sklearn": "sklearn", "xgboost": "xgboost", "lightgbm": "lightgbm", "keras": "keras"}


@speaks_mlflow
def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, str] | None = None,
    exclude_flavors: Sequence[str] | None = None,
) -> None:
    """Log every fit of the libraries that are known. There are no traces, so ``log_traces`` changes nothing."""
    api.autolog(
        log_input_examples=log_input_examples,
        log_model_signatures=log_model_signatures,
        log_models=log_models,
        log_datasets=log_datasets,
        disable=disable,
        exclusive=exclusive,
        disable_for_unsupported_versions=disable_for_unsupported_versions,
        silent=silent,
        extra_tags=extra_tags,
        exclude_flavors=[_NAMES[name] for name in exclude_flavors or () if name in _NAMES],
    )
