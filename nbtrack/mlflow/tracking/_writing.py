"""What MLflow's rules change about writing to a run: params are written once and are texts, long values are cut."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.config import read_mlflow_options
from nbtrack.entities import Origin, Param
from nbtrack.errors import InvalidInput, ParamFrozen
from nbtrack.ids import check_key
from nbtrack.tracking.handle import RunHandle

MAX_PARAM_CHARS = 6000
MAX_TAG_CHARS = 8000

_ADVICE = (
    " The params of a run can't be changed under MLflow's names. Log the new value under another name or in a new run, each fit in a run of its own; "
    "nbtrack.log_param lets the params of a running run be corrected."
)


class RunOperations:
    """What a call with ``synchronous=False`` returns. There is nothing to wait for: every write is committed when the call returns."""

    def wait(self) -> None:
        """Return at once."""

    def __repr__(self) -> str:
        return "<RunOperations: done>"


@dataclass
class Switches:
    """What ``mlflow.config`` turned on or off; None leaves it to the environment."""

    async_logging: bool | None = None
    system_metrics: bool | None = None


switches = Switches()


def operations(synchronous: bool | None) -> RunOperations | None:
    """What a log call returns: MLflow's object to wait with if it was called as asynchronous, else None."""
    if synchronous is None:
        synchronous = not (read_mlflow_options().async_logging if switches.async_logging is None else switches.async_logging)
    return None if synchronous else RunOperations()


def log_params(run: RunHandle, params: Mapping[str, Any]) -> None:
    """Store params, all or none. One that has another value already is refused, the same value again is no change.

    A number or boolean keeps its type in the store, so that it can be searched as such; anything else
    is stored as its text.
    """
    new = {check_key(key, "param"): param_value(key, value) for key, value in params.items()}
    with run.store.transaction():
        known = {item.key: str(item.value) for item in run.store.params.all(run.run_id) if item.origin is Origin.LOGGED}
        changed = [{"key": key, "old_value": known[key], "new_value": str(value)} for key, value in new.items() if known.get(key, str(value)) != str(value)]
        if changed:
            raise ParamFrozen(_conflict(run.run_id, changed) + _ADVICE)
        run.store.params.log(run.run_id, [Param(key, value) for key, value in new.items() if key not in known], write_once=True)


def param_value(key: str, value: Any) -> Any:
    """What is stored for ``value``, whose text is MLflow's: ``str(value)``, cut to its limit."""
    text = str(value)
    typed = value.item() if hasattr(value, "item") and hasattr(value, "dtype") and getattr(value, "ndim", 0) == 0 else value
    if type(typed) in (bool, int, float) and str(typed) == text:
        return typed
    return fitting(text, MAX_PARAM_CHARS, f"the value of the param {key!r}")


def check_unique(keys: Iterable[str]) -> None:
    """Refuse a batch that has a param twice. Raises ``InvalidInput``."""
    twice = sorted(key for key, count in Counter(keys).items() if count > 1)
    if twice:
        raise InvalidInput(f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request contains only one param value per param key.")


def set_tags(run: RunHandle, tags: Mapping[str, Any]) -> None:
    """Set tags, all or none, each cut to MLflow's limit."""
    run.set_tags(fitting_tags(tags))


def fitting_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as texts that fit."""
    return {key: fitting(str(value), MAX_TAG_CHARS, f"the value of the tag {key!r}") for key, value in tags.items()}


def fitting(text: str, limit: int, what: str) -> str:
    """``text``, cut to ``limit`` characters with a warning; refused where ``MLFLOW_TRUNCATE_LONG_VALUES`` is false."""
    if len(text) <= limit:
        return text
    if not read_mlflow_options().truncate_long_values:
        raise InvalidInput(f"{what} exceeds the maximum length of {limit} characters: it has {len(text):,}")
    warnings.warn(f"{what} has {len(text):,} characters; it is truncated to {limit:,}. Log what is longer as an artifact: log_text(...)", stacklevel=5)
    return text[:limit]


def _conflict(run_id: str, changed: list[dict[str, str]]) -> str:
    if len(changed) > 1:
        return f"Changing param values is not allowed. Params were already logged='{changed}' for run ID='{run_id}'."
    only = changed[0]
    return (
        f"Changing param values is not allowed. Param with key='{only['key']}' was already logged with value='{only['old_value']}' for run ID='{run_id}'. "
        f"Attempted logging new value '{only['new_value']}'."
    )
