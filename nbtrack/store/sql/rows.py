"""Rows to entities, and the lookups that every aggregate needs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import Experiment, LifecycleStage, Origin, Param, ParamValue, RunInfo, RunStatus
from nbtrack.errors import InvalidParam, RunNotActive, RunNotFound, did_you_mean
from nbtrack.ids import text_digest
from nbtrack.store.sql.database import Database

# A param longer than this (as text) belongs into an artifact.
MAX_PARAM_CHARS = 500_000

INFO_COLUMNS = "r.id, r.run_id, e.experiment_id, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage, r.parent_run_id, r.status_message"

# Tables of runs make many of them; a dict is faster than calling the enum.
_STATUSES = {status.value: status for status in RunStatus}
_STAGES = {stage.value: stage for stage in LifecycleStage}


def now_ms() -> int:
    """The time, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def to_json(value: Any) -> str:
    """Compact JSON; the keys of objects are sorted, so that equal values are equal texts."""
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    except TypeError:  # keys of several types have no order
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return escaped(text)


def escaped(text: str) -> str:
    """JSON that UTF-8 can hold: half surrogate pairs, as in undecodable file names, become JSON escapes."""
    return text if _is_storable(text) else json.dumps(json.loads(text), separators=(",", ":"))


def storable(text: str) -> str:
    """``text`` as a database can hold it: half surrogate pairs are written out, as ``\\udcff``."""
    return text if _is_storable(text) else text.encode("utf-8", "backslashreplace").decode("utf-8")


def run_info(row: Sequence[Any]) -> RunInfo:
    """A ``RunInfo`` from a row of ``INFO_COLUMNS``."""
    _, run_id, experiment_id, name, user_id, status, start, end, stage, parent, message = row
    return RunInfo(run_id, experiment_id, name, user_id, _STATUSES[status], start, end, _STAGES[stage], f"runs:/{run_id}", parent, message)


def experiment(row: Sequence[Any], tags: Mapping[str, str]) -> Experiment:
    """An ``Experiment`` from ``experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time``."""
    experiment_id, name, location, stage, created, updated = row
    return Experiment(experiment_id, name, location, LifecycleStage(stage), created, updated, tags)


def metric_value(stored: float | None) -> float:
    """A stored value as a float; NULL is NaN."""
    return math.nan if stored is None else stored


def put_text(database: Database, text: str) -> str:
    """Keep a text once for each content; return its digest."""
    digest = text_digest(text)
    database.execute("INSERT INTO texts (digest, text) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", (digest, storable(text)))
    return digest


def run_key(database: Database, run_id: str, *, writable: bool = False) -> int:
    """The integer key of a run.

    Raises
    ------
    RunNotFound
        There is no such run; the message names close ids.
    RunNotActive
        ``writable`` is set and the run is deleted.
    """
    row = database.row("SELECT id, lifecycle_stage FROM runs WHERE run_id = ?", (run_id,))
    if row is None:
        raise run_not_found(database, run_id)
    if writable and row[1] != LifecycleStage.ACTIVE.value:
        raise RunNotActive(f"the run {run_id} is deleted, so it can't be changed. Restore it first: nbtrack runs restore {run_id}")
    return int(row[0])


def run_not_found(database: Database, run_id: object, *, named_by: str = "id") -> RunNotFound:
    """The error for an unknown run, with close ids among the latest thousand: first those that ``run_id`` is the beginning of."""
    known = [row[0] for row in database.rows("SELECT run_id FROM runs ORDER BY id DESC LIMIT 1000")]
    begun = [other for other in known if run_id and other.startswith(str(run_id).lower())][:3]
    close = f" Did you mean {' or '.join(map(repr, begun))}?" if begun else did_you_mean(str(run_id), known)
    return RunNotFound(f"no run has the {named_by} {run_id!r}.{close or ' List the runs with: nbtrack runs list'}")


def encode_param(key: str, value: ParamValue) -> tuple[str, str, float | None, str | None]:
    """``(type, text, number, json)`` as the table ``params`` keeps a value.

    The keys of dicts become text, tuples become lists.

    Raises
    ------
    InvalidParam
        The value is of no kind that a param can have, or too long.
    """
    if isinstance(value, bool):
        return "bool", str(value), float(value), None
    if isinstance(value, int):
        return "int", _integer_text(key, value), _as_real(value), None
    if isinstance(value, float):
        return "float", float.__repr__(value), None if math.isnan(value) else value, None
    if value is None:
        return "none", "None", None, None
    if isinstance(value, str):
        text = _bounded(key, str.__str__(value))  # of a subclass, its plain text
        if _is_storable(text):
            return "str", text, None, None
        return "json", storable(text), None, json.dumps(text)
    if isinstance(value, (list, tuple, dict)):
        try:
            text, encoded = str(value), escaped(json.dumps(value, ensure_ascii=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidParam(f"the param {key!r} holds something that can't be stored: {error}. Log numbers, strings, or lists and dicts of them") from None
        return "json", storable(_bounded(key, text)), None, encoded
    raise InvalidParam(
        f"the param {key!r} is a {type(value).__name__}, which is neither a number, a string, a boolean, None, nor a list or dict of these. "
        f"Log what describes it, for example str(...) of it"
    )


def same_param(one: ParamValue, other: ParamValue) -> bool:
    """Whether two values are stored alike: 1, 1.0 and True differ, NaN equals NaN, the order of a dict's keys does not count."""
    return _canonical(one) == _canonical(other)


def decode_param(kind: str, text: str, encoded: str | None) -> ParamValue:
    """The typed value of a row of ``params``."""
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        return text == "True"
    if kind == "none":
        return None
    return json.loads(encoded) if kind == "json" and encoded is not None else text


def param(row: Sequence[Any]) -> Param:
    """A ``Param`` from ``key, type, text, json, origin, line``."""
    key, kind, text, encoded, origin, line = row
    return Param(key, decode_param(kind, text, encoded), Origin(origin), line)


def encode_change(value: ParamValue) -> str:
    """A param value as one text for the history, with its type."""
    kind, text, _, encoded = encode_param("", value)
    return json.dumps([kind, text, encoded])


def decode_change(stored: str) -> ParamValue:
    """The reverse of ``encode_change``."""
    kind, text, encoded = json.loads(stored)
    return decode_param(kind, text, encoded)


def _canonical(value: ParamValue) -> tuple[str, str]:
    kind, text, _, encoded = encode_param("", value)
    return kind, text if encoded is None else json.dumps(json.loads(encoded), sort_keys=True)


def _integer_text(key: str, value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError:  # Python writes no longer ones
        raise InvalidParam(
            f"the param {key!r} is a whole number of {value.bit_length():,} bits, which is too long to store. Log it as text, in hexadecimal"
        ) from None


def _as_real(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_storable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _bounded(key: str, text: str) -> str:
    if len(text) > MAX_PARAM_CHARS:
        raise InvalidParam(
            f"the param {key!r} has {len(text):,} characters; at most {MAX_PARAM_CHARS:,} fit. Log it as an artifact: log_text(..., '{key}.txt')"
        )
    return text
