"""The module functions on models: ``nbtrack.log_model(...)``, ``load_model``, ``register_model``, ``model_card``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.entities import ModelVersion
from nbtrack.tracking.client import Client
from nbtrack.tracking.fluent import target
from nbtrack.tracking.session import current_session

if TYPE_CHECKING:
    from nbtrack.registry.card import ModelCard
    from nbtrack.tracking.models import ModelInfo


def log_model(model: Any, name: str = "model", *, run_id: str | None = None, **options: Any) -> ModelInfo:
    """Save a fitted model with the run; see ``run.log_model`` for the options.

    ``nbtrack.log_model(forest, "model", input_example=X_train.head())``.
    """
    return target(run_id).log_model(model, name, **options)


def load_model(
    model_uri: str,
    *,
    flavor: Literal["native", "pyfunc"] = "native",
    trusted: bool = False,
    dst_path: str | Path | None = None,
    model_config: Mapping[str, Any] | None = None,
) -> Any:
    """Load a model by ``runs:/<run_id>/model``, ``models:/name/3``, ``models:/name@champion``, ... or from a folder.

    Parameters
    ----------
    flavor
        ``"native"`` for the model as its library made it, ``"pyfunc"`` for an object with one
        ``predict`` that holds data to the signature.
    trusted
        Load a folder that no run of this store logged, although loading a pickle runs what it says.

    Raises
    ------
    UntrustedModel
        The bytes are not what was logged, or nobody vouches for them.
    """
    from nbtrack.tracking import models

    return models.load_model(current_session().reader(), model_uri, flavor=flavor, trusted=trusted, dst_path=dst_path, model_config=model_config)


def register_model(
    model_uri: str, name: str, await_registration_for: int | None = None, *, tags: Mapping[str, Any] | None = None, description: str | None = None
) -> ModelVersion:
    """Make a version of the registered model ``name`` from a logged model; a failed call leaves nothing."""
    return Client().register_model(model_uri, name, await_registration_for, tags=tags, description=description)


def model_card(name: str, version: int | str) -> ModelCard:
    """The card of a model version, filled from what is known about it; it shows itself in a notebook."""
    return Client().model_card(name, version)
