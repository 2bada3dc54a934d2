"""The registry of a command line, and the versions that are named on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack.config import read_settings
from nbtrack.entities import ModelVersion
from nbtrack.errors import InvalidInput, InvalidPath
from nbtrack.registry.service import Registry
from nbtrack.registry.uris import ModelUri, find_version, parse_uri
from nbtrack.tracking.context import user_name

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client


def open_registry(client: Client) -> Registry:
    """The registry of the client's store, for the person at this command line."""
    return Registry(client.store, user_name(read_settings().user))


def find(registry: Registry, text: str) -> ModelVersion:
    """The version that is meant by ``churn/3``, ``churn/Production``, ``churn@champion`` or a ``models:/`` URI.

    Raises
    ------
    InvalidInput
        The text names a model alone.
    """
    try:
        uri = parse_uri(text if text.startswith("models:/") else f"models:/{text}")
    except InvalidPath as error:
        raise InvalidInput(f"{text!r} names no version. Write NAME/3, NAME/Production or NAME@ALIAS") from error
    if not isinstance(uri, ModelUri) or uri.model_id is not None:
        raise InvalidInput(f"{text!r} is no version of a registered model. Write NAME/3, NAME/Production or NAME@ALIAS")
    return find_version(registry.store, uri)


def names_version(text: str) -> bool:
    """Whether a text names a version, and not a model alone."""
    return "/" in text.removeprefix("models:/") or "@" in text


def key_values(pairs: tuple[str, ...], what: str) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dict. Raises ``InvalidInput``."""
    wrong = next((pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair), None)
    if wrong is not None:
        raise InvalidInput(f"{what} is KEY=VALUE; found {wrong!r}")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
