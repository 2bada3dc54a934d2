"""What a registry accepts as the name of a model, an alias, a stage, a version."""

from __future__ import annotations

import re

from nbtrack.entities import ModelStage
from nbtrack.errors import InvalidInput, InvalidName, InvalidStage
from nbtrack.ids import check_title

ACTIVE_STAGES = (ModelStage.STAGING, ModelStage.PRODUCTION)

MAX_ALIAS_CHARS = 255
_ALIAS = re.compile(r"[\w\-]+")
_RESERVED_ALIAS = re.compile(r"latest|v[0-9]+", re.IGNORECASE)
_STAGES = {stage.value.lower(): stage for stage in ModelStage}


def check_model_name(name: object) -> str:
    """Return ``name`` if it can name a registered model: one line of text without ``/`` and ``:``.

    Raises
    ------
    InvalidName
        It is no string, blank, too long, or has a character that URIs need.
    """
    text = check_title(name, "registered model")
    bad = next((character for character in text if character in "/:"), None)
    if bad is not None:
        raise InvalidName(f"Invalid model name: {text!r} has {bad!r}, which separates the parts of models:/name/version. Write {_plain(text)!r}, for example")
    return text


def check_alias(alias: object) -> str:
    """Return ``alias`` if it can be one: letters, digits, ``_`` and ``-``, and neither ``latest`` nor ``v3``.

    Raises
    ------
    InvalidName
        It breaks the rule.
    """
    if not isinstance(alias, str) or not alias:
        raise InvalidName(f"Invalid alias name: {alias!r}. An alias is a text such as 'champion'")
    if len(alias) > MAX_ALIAS_CHARS:
        raise InvalidName(f"Invalid alias name: {alias[:40]!r}... has {len(alias)} characters; at most {MAX_ALIAS_CHARS} are allowed")
    if not _ALIAS.fullmatch(alias):
        raise InvalidName(f"Invalid alias name: {alias!r}. An alias may only contain alphanumerics, underscores (_) and dashes (-)")
    if _RESERVED_ALIAS.fullmatch(alias):
        what = "means the highest version" if alias.lower() == "latest" else "reads as the number of a version"
        raise InvalidName(f"Invalid alias name: {alias!r} is reserved, since it {what}. Choose another one, such as 'champion'")
    return alias


def parse_stage(stage: object) -> ModelStage:
    """The stage that ``stage`` names, whatever its case; None is the stage ``None``.

    Raises
    ------
    InvalidStage
        There is no such stage.
    """
    found = _STAGES.get(str(stage).strip().lower())
    if found is None:
        raise InvalidStage(f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(item.value for item in ModelStage)}.")
    return found


def check_archives(stage: ModelStage) -> None:
    """Refuse to archive what stands in a stage that versions don't stand in to be used.

    Raises
    ------
    InvalidStage
        The stage is ``None`` or ``Archived``.
    """
    if stage not in ACTIVE_STAGES:
        raise InvalidStage(
            f"Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. "
            f"Valid stages are {[item.value for item in ACTIVE_STAGES]}"
        )


def parse_version(version: object) -> int:
    """A version's number from a number or its digits.

    Raises
    ------
    InvalidInput
        It is neither.
    """
    text = str(version)
    if isinstance(version, bool) or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InvalidInput(f"Parameter 'version' must be an integer, got {version!r}.")
    return int(text)


def _plain(name: str) -> str:
    return re.sub("[/:]+", "-", name).strip("-") or "model"
