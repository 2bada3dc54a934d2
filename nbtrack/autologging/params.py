"""Params of models as typed values, and which of them differ from the library's defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from nbtrack.errors import InvalidParam
from nbtrack.ids import MAX_KEY_CHARS
from nbtrack.tracking.values import to_param_value

_MAX_TEXT = 500
_FORBIDDEN = re.compile(r"[^/\w.\- :]")
_MISSING = object()


def plain_key(key: object) -> str:
    """``key`` with what the naming rule forbids replaced: ``ndcg@3`` is ``ndcg_at_3``, as in MLflow."""
    text = _FORBIDDEN.sub("_", str(key).replace("@", "_at_"))
    return re.sub(r"/{2,}", "/", text).strip("/")[:MAX_KEY_CHARS] or "_"


def plain_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params as they can be stored: plain values as they are, all else as its text."""
    return {plain_key(key): plain_value(value) for key, value in params.items()}


def plain_value(value: Any) -> Any:
    """A number, string, boolean, None, list or dict as it is (small arrays as lists); of another object its text."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else f"{value[: _MAX_TEXT - 1]}…"
    try:
        return to_param_value("", value)
    except InvalidParam:
        text = " ".join(repr(value).split())
        return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def changed_params(model: Any) -> dict[str, Any]:
    """Those params of an estimator, and of the estimators in it, that are not what its class sets when nothing is said."""
    params = model.get_params(deep=True)
    changed = {}
    for key, value in params.items():
        owner_key, _, name = key.rpartition("__")
        owner = params.get(owner_key, _MISSING) if owner_key else model
        if not holds_estimators(value) and not same_value(value, _defaults(type(owner)).get(name, _MISSING)):
            changed[key] = value
    return changed


def holds_estimators(value: Any) -> bool:
    """Whether a param is an estimator or a list of them, whose own params are listed beside it."""
    if isinstance(value, (list, tuple)):
        return any(holds_estimators(item) for item in value)
    return hasattr(value, "get_params") and not isinstance(value, type)


def same_value(one: Any, other: Any) -> bool:
    """Equality that arrays and NaN don't break."""
    if one is other:
        return True
    if type(one) is not type(other):
        return isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool) and not isinstance(other, bool) and one == other
    try:
        return bool(one == other) or (isinstance(one, float) and one != one and other != other)
    except (ValueError, TypeError):  # arrays have no single truth
        return repr(one) == repr(other)


def _defaults(kind: type) -> dict[str, Any]:
    """The defaults of the constructor, of base classes too: XGBoost's subclasses take most params as ``**kwargs``."""
    found: dict[str, Any] = {}
    for cls in reversed(kind.__mro__):
        constructor = vars(cls).get("__init__")
        if inspect.isfunction(constructor):
            found.update((name, item.default) for name, item in inspect.signature(constructor).parameters.items() if item.default is not item.empty)
    return found
