"""The log of events: read by model, checked, exported.

``verify`` checks two things: that no row of the log was changed, removed or moved, and that the
registry is what the log says, since a stage can be changed past nbtrack by anyone who can write the file.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from nbtrack.entities import Event, ModelVersion
from nbtrack.errors import InvalidInput
from nbtrack.registry.history import PREFIX, ModelState, replay, split_subject
from nbtrack.store.base import Store

FORMATS = ("json", "jsonl", "csv")

_RECORDED = ("run_id", "source", "digest", "model_id", "user_id", "parent")  # of a version, for ever
_ATTEMPTS = 5
_WORDS = ("request.approve", "request.object")


def log(store: Store, name: str | None = None, version: int | None = None, *, limit: int | None = None) -> list[Event]:
    """Events, oldest first: all, those of a model (under its earlier names too), or those of a version; with ``limit`` the latest."""
    if name is None and limit is not None:
        return store.events.list(limit=limit)
    events = store.events.list()
    if name is not None:
        events = [event for event in _of_model(events, name) if version is None or _concerns(event, version)]
    return events if limit is None else events[len(events) - min(limit, len(events)) :]


def verify(store: Store, *, head: str | None = None) -> list[str]:
    """Problems, each a sentence that names the row; empty when log and registry hold.

    Parameters
    ----------
    head
        The hash of an event that someone noted elsewhere. If it is no longer in the log, the log was
        written anew from there on, which its own hashes can't tell.
    """
    problems = store.events.verify()
    if problems:
        return problems
    for _ in range(_ATTEMPTS):  # a change between two reads would look like a difference
        events = store.events.list()
        problems = [*_state_problems(store, replay(events)), *_approval_problems(store, events), *_policy_problems(store, events)]
        if not problems or store.events.list(limit=1) == events[-1:]:
            break
    if head is not None and head not in {event.hash for event in events}:
        problems.append(f"no event has the hash {head}, which was noted: the log was replaced, or cut off and written anew")
    return problems


def event_dict(event: Event) -> dict[str, Any]:
    """An event as JSON values, with its time as text in UTC."""
    return {
        "sequence": event.sequence,
        "time": _utc(event.timestamp),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "details": dict(event.details),
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def export(events: Iterable[Event], format: str = "json") -> str:
    """The events as one text: ``json``, ``jsonl`` (one event on each line) or ``csv``.

    Raises
    ------
    InvalidInput
        There is no such format.
    """
    if format not in FORMATS:
        raise InvalidInput(f"events are exported as {', '.join(FORMATS)}; found {format!r}")
    rows = [event_dict(event) for event in events]
    if format == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if format == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sequence", "time", "actor", "action", "subject", "reason", "details", "previous_hash", "hash"])
    for row in rows:
        details = json.dumps(row["details"], ensure_ascii=False, sort_keys=True)
        reason = row["details"].get("reason") or ""
        writer.writerow([row["sequence"], row["time"], row["actor"], row["action"], row["subject"], reason, details, row["previous_hash"], row["hash"]])
    return text.getvalue()


def _of_model(events: Sequence[Event], name: str) -> list[Event]:
    """The events of every model that has, or had, the name, from its first to its last."""
    identities: dict[str, int] = {}  # of the models by their name at the time
    owners: list[int | None] = []
    wanted: set[int] = set()
    for event in events:
        subject = split_subject(event.subject)[0] if event.subject.startswith(PREFIX) else None
        if subject is not None and event.action == "model.create":
            identities[subject] = event.sequence
        owner = None if subject is None else identities.get(subject)
        owners.append(owner)
        if owner is not None and event.action == "model.rename":
            identities[str((event.details.get("after") or {}).get("name"))] = identities.pop(str(subject))
        wanted.update(identity for model, identity in identities.items() if model == name)
    return [event for event, owner in zip(events, owners, strict=True) if owner in wanted]


def _concerns(event: Event, version: int) -> bool:
    if split_subject(event.subject)[1] == version:
        return True
    parts = [event.details.get(part) or {} for part in ("before", "after")]
    return any(part.get("version") == version or str(version) in (part.get("stages") or {}) for part in parts if isinstance(part, Mapping))


def _state_problems(store: Store, logged: Mapping[str, ModelState]) -> Iterator[str]:
    models = {model.name: model for model in store.registry.models.search()}
    for name in sorted({*models, *logged}):
        if name not in logged:
            yield f"the registered model {name!r} is in the registry, but no event made it"
        elif name not in models:
            yield f"the registered model {name!r} is not in the registry, but no event deleted it"
        else:
            yield from _model_problems(logged[name], store.registry.versions.of_model(name), models[name].aliases)


def _model_problems(state: ModelState, versions: Sequence[ModelVersion], aliases: Mapping[str, int]) -> Iterator[str]:
    found = {version.version: version for version in versions}
    for number in sorted({*found, *state.stages}):
        what = f"version {number} of {state.name!r}"
        if number not in state.stages:
            yield f"{what} is in the registry, but no event made it"
        elif number not in found:
            yield f"{what} is not in the registry, but no event deleted it"
        else:
            version = found[number]
            if version.current_stage is not state.stages[number]:
                yield f"{what} stands in {version.current_stage}, but the log of events says {state.stages[number]}"
            for key in _RECORDED:
                now, then = getattr(version, key), state.records[number].get(key)
                if now != then:
                    yield f"{what} has the {key} {now!r}, but the log of events says {then!r}"
    for alias in sorted({*aliases, *state.aliases}):
        now, then = aliases.get(alias), state.aliases.get(alias)
        if now != then:
            yield f"the alias {alias!r} of {state.name!r} points to {_points(now)}, but the log of events says {_points(then)}"


def _approval_problems(store: Store, events: Sequence[Event]) -> Iterator[str]:
    said: dict[int, list[tuple[str, str]]] = {}
    for event in events:
        if event.action in _WORDS:
            after = event.details.get("after") or {}
            said.setdefault(after.get("request", 0), []).append((event.actor, after.get("verdict", "")))
    for request in store.registry.requests.search():
        found = [(approval.user, approval.verdict.value) for approval in request.approvals]
        wanted = said.get(request.request_id, [])
        if found != wanted:
            yield f"request {request.request_id} has {_words(found)}, but the log of events says {_words(wanted)}"


def _policy_problems(store: Store, events: Sequence[Event]) -> Iterator[str]:
    sets = [event for event in events if event.action == "policy.set"]
    wanted = ((sets[-1].details.get("after") or {}) if sets else {}).get("text")
    if store.registry.policy.get() != wanted:
        yield f"the promotion policy of the store is not the one that {f'event {sets[-1].sequence} set' if sets else 'the log of events says (none)'}"


def _words(said: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{verdict} by {user}" for user, verdict in said) or "no approval"


def _points(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"


def _utc(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
