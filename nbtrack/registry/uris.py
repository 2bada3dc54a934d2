"""``runs:/`` and ``models:/`` URIs: what they say, and what they mean, now or as of a date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from nbtrack.entities import LoggedModel, ModelStage, ModelVersion
from nbtrack.errors import AliasNotFound, ArtifactNotFound, InvalidPath, LoggedModelNotFound, ModelVersionNotFound, RegisteredModelNotFound, did_you_mean
from nbtrack.formatting import plural
from nbtrack.ids import check_artifact_path
from nbtrack.query.literals import parse_time
from nbtrack.registry.history import ModelState, replay
from nbtrack.registry.names import parse_stage
from nbtrack.store.base import Store

MODEL_FILE = "MLmodel"

_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_AS_OF = "as_of="
_MODEL_FORMS = "models:/name/3, models:/name/Production, models:/name@champion, models:/name/latest or models:/m-<id>"


@dataclass(frozen=True)
class RunUri:
    """``runs:/run_id/path``: what a run logged under a path."""

    run_id: str
    path: str


@dataclass(frozen=True)
class ModelUri:
    """A ``models:/`` URI: a name with one of version, stage, alias or latest; or the id of a logged model alone.

    ``as_of`` is in milliseconds; None means now.
    """

    name: str = ""
    version: int | None = None
    stage: ModelStage | None = None
    alias: str | None = None
    latest: bool = False
    model_id: str | None = None
    as_of: int | None = None


@dataclass(frozen=True)
class ResolvedModel:
    """What a URI means: a model folder among a run's artifacts, or one that lies elsewhere.

    ``digest`` is what the bytes must have; None where nobody recorded one. ``run_id`` and ``path`` are
    None for a folder that no run of this store logged; ``source`` then says where it is.
    """

    uri: str
    source: str
    run_id: str | None = None
    path: str | None = None
    digest: str | None = None
    version: ModelVersion | None = None
    logged: LoggedModel | None = None


def parse_uri(uri: str) -> RunUri | ModelUri | None:
    """What a ``runs:/`` or ``models:/`` URI says; None for a path or a URI of another scheme.

    Raises
    ------
    InvalidPath
        The URI is not of the right form, or its date can't be read.
    InvalidStage
        It names a stage that there is not.
    """
    if uri.startswith("runs:"):
        run_id, _, path = uri[len("runs:") :].lstrip("/").partition("/")
        if not run_id or not path.strip("/"):
            raise InvalidPath(f"Not a proper runs:/ URI: {uri}. Write runs:/<run_id>/<path>, such as runs:/0123abcd/model")
        return RunUri(run_id, check_artifact_path(path.strip("/")))
    return _parse_model_uri(uri) if uri.startswith("models:") else None


def resolve(store: Store, uri: str) -> ResolvedModel:
    """The model that a URI means.

    Raises
    ------
    NotFound
        There is no such run, model, version, alias or stage, or there was none then.
    InvalidPath
        The URI is not of the right form.
    """
    parsed = parse_uri(uri)
    if isinstance(parsed, RunUri):
        return _of_run(store, parsed, uri)
    if parsed is None:
        return ResolvedModel(uri, uri)
    if parsed.model_id is not None:
        return _of_logged(store.registry.logged_models.get(parsed.model_id), uri, parsed.as_of)
    return of_version(store, find_version(store, parsed), uri)


def find_version(store: Store, uri: ModelUri) -> ModelVersion:
    """The version that a URI with a name means, now or as of its date."""
    if uri.as_of is not None:
        return _find_version_then(store, uri, uri.as_of)
    versions = store.registry.versions
    if uri.version is not None:
        return versions.get(uri.name, uri.version)
    if uri.alias is not None:
        found = store.registry.models.get(uri.name).aliases.get(uri.alias)
        if found is None:
            raise _no_alias(uri.name, uri.alias, list(store.registry.models.get(uri.name).aliases))
        return versions.get(uri.name, found)
    heads = [version for version in store.registry.models.get(uri.name).latest_versions if uri.latest or version.current_stage is uri.stage]
    if not heads:
        raise _no_version(uri.name, uri.stage)
    return max(heads, key=lambda version: version.version)


def of_version(store: Store, version: ModelVersion, uri: str) -> ResolvedModel:
    """Where the folder of a version is."""
    logged = None
    if version.model_id is not None:
        try:
            logged = store.registry.logged_models.get(version.model_id)
        except LoggedModelNotFound:
            raise LoggedModelNotFound(
                f"version {version.version} of {version.name!r} was registered from the logged model {version.model_id}, which is no longer in this store"
            ) from None
    parsed = parse_uri(version.source) if version.source.startswith("runs:") else None
    run_id, path = (parsed.run_id, parsed.path) if isinstance(parsed, RunUri) else (None, None)
    if logged is not None:
        run_id, path = logged.run_id, logged.name
    return ResolvedModel(uri, version.source, run_id, path, version.digest, version, logged)


def parse_as_of(text: str, *, now: datetime | None = None) -> int:
    """The moment that ``text`` means, in milliseconds: a day at its end, or a time; local, unless it has a zone.

    Raises
    ------
    InvalidPath
        It is neither, or lies in the future.
    """
    present = now or datetime.now()
    moment = parse_time(text, present)
    if moment is None:
        raise InvalidPath(f"as_of={text!r} is no time. Write a day, as in ?as_of=2026-03-01, or a time, as in ?as_of=2026-03-01T14:30 or 2026-03-01T14:30Z")
    present_ms = round(present.timestamp() * 1000)
    if moment > present_ms:
        raise InvalidPath(f"as_of={text!r} lies in the future; leave it out to mean now")
    # The end of the day, so that a day includes what was done on it.
    return _end_of_day(text) if _DATE.fullmatch(text.strip()) else moment


def _end_of_day(text: str) -> int:
    day = datetime.fromisoformat(text.strip())
    return round((day + timedelta(days=1)).timestamp() * 1000) - 1


def _parse_model_uri(uri: str) -> ModelUri:
    body, as_of = uri[len("models:") :], None
    if not body.startswith("/") or body.startswith("//"):
        raise _improper(uri)
    body, query = _split_query(body[1:])
    if query:
        if not query.startswith(_AS_OF):
            raise InvalidPath(f"Not a proper models:/ URI: {uri}. After '?' only as_of=<time> may stand")
        as_of = parse_as_of(unquote(query[len(_AS_OF) :]))
    if _MODEL_ID.fullmatch(body):
        return ModelUri(model_id=body, as_of=as_of)
    name, slash, suffix = body.partition("/")
    if slash:
        if not name or not suffix or "/" in suffix:
            raise _improper(uri)
        if suffix.isascii() and suffix.isdigit():
            return ModelUri(name, version=int(suffix), as_of=as_of)
        if suffix.lower() == "latest":
            return ModelUri(name, latest=True, as_of=as_of)
        return ModelUri(name, stage=parse_stage(suffix), as_of=as_of)
    name, at, alias = body.rpartition("@")
    if not at or not name or not alias:
        raise _improper(uri)
    return ModelUri(name, alias=alias, as_of=as_of)


def _split_query(body: str) -> tuple[str, str]:
    """What stands before and after the ``?`` of a date; one within a name is part of it."""
    place = body.rfind(f"?{_AS_OF}")
    if place < 0:
        place = body.rfind("?") if body.rfind("?") > max(body.rfind("/"), body.rfind("@")) else len(body)
    return body[:place], body[place + 1 :]


def _improper(uri: str) -> InvalidPath:
    return InvalidPath(f"Not a proper models:/ URI: {uri}. Write {_MODEL_FORMS}")


def _of_run(store: Store, uri: RunUri, text: str) -> ResolvedModel:
    run_id = store.runs.get(uri.run_id).info.run_id
    logged = store.registry.logged_models.find(run_id, uri.path)
    if logged is not None:
        return ResolvedModel(text, text, run_id, uri.path, logged.digest, None, logged)
    try:
        store.artifacts.get(run_id, f"{uri.path}/{MODEL_FILE}")
    except ArtifactNotFound:
        names = [model.name for model in store.registry.logged_models.of_run(run_id)]
        there = f"The run logged {', '.join(map(repr, names))}.{did_you_mean(uri.path, names)}" if names else "The run logged no model"
        raise LoggedModelNotFound(f"Unable to find a logged_model with artifact_path {uri.path} under run {run_id}. {there}") from None
    return ResolvedModel(text, text, run_id, uri.path)


def _of_logged(logged: LoggedModel, uri: str, as_of: int | None) -> ResolvedModel:
    if as_of is not None and logged.created_time > as_of:
        raise LoggedModelNotFound(f"{uri}: the model {logged.model_id} was not logged yet then, but {_when(logged.created_time)}")
    return ResolvedModel(uri, f"runs:/{logged.run_id}/{logged.name}", logged.run_id, logged.name, logged.digest, None, logged)


def _find_version_then(store: Store, uri: ModelUri, moment: int) -> ModelVersion:
    events = store.events.list()
    present = replay(events)
    state = _state_then(present, replay(events, until_ms=moment), uri.name)
    if state is None:
        raise RegisteredModelNotFound(f"Registered Model with name={uri.name} not found as of {_when(moment)}: no model had that name then")
    number = _number_then(state, uri, moment)
    now = next((model for model in present.values() if model.identity == state.identity), None)
    if now is None or number not in now.stages:
        raise ModelVersionNotFound(f"as of {_when(moment)} this meant version {number} of {state.name!r}, which has been deleted since; see: nbtrack audit log")
    return store.registry.versions.get(now.name, number)


def _state_then(now: dict[str, ModelState], then: dict[str, ModelState], name: str) -> ModelState | None:
    """The model that had the name then, else the one that has it now, under the name that it had."""
    if name in then:
        return then[name]
    present = now.get(name)
    return next((state for state in then.values() if present is not None and state.identity == present.identity), None)


def _number_then(state: ModelState, uri: ModelUri, moment: int) -> int:
    if uri.version is not None:
        if uri.version not in state.stages:
            has = f"it had {plural(len(state.stages), 'version')}" + (f", up to {state.latest}" if state.stages else "")
            raise ModelVersionNotFound(f"Model Version (name={uri.name}, version={uri.version}) not found as of {_when(moment)}: {has}")
        return uri.version
    if uri.alias is not None:
        if uri.alias not in state.aliases:
            raise _no_alias(uri.name, uri.alias, list(state.aliases), moment)
        return state.aliases[uri.alias]
    number = state.latest if uri.stage is None else state.head(uri.stage)
    if number is None:
        raise _no_version(uri.name, uri.stage, moment)
    return number


def _no_alias(name: str, alias: str, known: list[str], moment: int | None = None) -> AliasNotFound:
    then = "" if moment is None else f" as of {_when(moment)}"
    there = f"{name!r} has {', '.join(known)}.{did_you_mean(alias, known)}" if known else f"{name!r} has no alias"
    return AliasNotFound(f"Registered model alias {alias} not found{then}. {there}")


def _no_version(name: str, stage: ModelStage | None, moment: int | None = None) -> ModelVersionNotFound:
    then = "" if moment is None else f" as of {_when(moment)}"
    place = "" if stage is None else f" and stage '{stage}'"
    return ModelVersionNotFound(f"No versions of model with name '{name}'{place} found{then}")


def _when(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000).strftime("%Y-%m-%d %H:%M:%S")
