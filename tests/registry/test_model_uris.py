"""What URIs mean, now and as of a date: the replay of events against pictures that were taken at the time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import ModelStage
from nbtrack.errors import AliasNotFound, InvalidPath, InvalidStage, ModelVersionNotFound, NbtrackError, NotFound, RegisteredModelNotFound
from nbtrack.registry.service import Registry
from nbtrack.registry.uris import ModelUri, RunUri, parse_as_of, parse_uri
from nbtrack.store.open import locate, open_store

from .conftest import MakeRun

ID = "m-" + "0a" * 16
NOW = datetime(2026, 3, 5, 12, 0)


def ms(*parts: int) -> int:
    return round(datetime(*parts).timestamp() * 1000)


def moment() -> str:
    """The present time as ``as_of`` takes it, with what was done before it in it and what comes later not."""
    time.sleep(0.002)
    now = datetime.now(timezone.utc)
    time.sleep(0.002)
    return now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("models:/churn/3", ModelUri("churn", version=3)),
        ("models:/churn/latest", ModelUri("churn", latest=True)),
        ("models:/churn/LATEST", ModelUri("churn", latest=True)),
        ("models:/churn/production", ModelUri("churn", stage=ModelStage.PRODUCTION)),
        ("models:/churn/None", ModelUri("churn", stage=ModelStage.NONE)),
        ("models:/churn@champion", ModelUri("churn", alias="champion")),
        ("models:/a@b/3", ModelUri("a@b", version=3)),
        ("models:/who leaves?/3", ModelUri("who leaves?", version=3)),
        ("models:/why?@best?as_of=2001-02-03T04:05Z", ModelUri("why?", alias="best", as_of=981173100000)),
        (f"models:/{ID}", ModelUri(model_id=ID)),
        ("runs:/abc/model", RunUri("abc", "model")),
        ("runs:/abc/models/best", RunUri("abc", "models/best")),
        ("some/folder", None),
        ("s3://bucket/model", None),
    ],
)
def test_uris_say(text: str, meaning: object) -> None:
    assert parse_uri(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "models:/",
        "models:/churn",
        "models:/churn/",
        "models:/churn@",
        "models:/@x",
        "models:/churn/3/4",
        "models://churn/3",
        "models:churn",
        "models:/m-12",
        "models:/c/1?x=2",
    ],
)
def test_model_uris_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidPath, match="Not a proper models:/ URI"):
        parse_uri(text)


@pytest.mark.parametrize("text", ["runs:/", "runs:/abc", "runs:/abc/", "runs:", "runs:/abc/../x"])
def test_run_uris_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidPath):
        parse_uri(text)


def test_a_word_that_is_no_stage_is_told(three: Registry) -> None:
    with pytest.raises(InvalidStage, match="Invalid Model Version stage: Prod"):
        three.resolve("models:/churn/Prod")


def test_uris_find_the_version_of_now(three: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production")
    three.transition_model_version_stage("churn", 2, "Production")
    three.set_registered_model_alias("churn", "champion", 1)

    def found(uri: str) -> int | None:
        version = three.resolve(uri).version
        return None if version is None else version.version

    uris = ("models:/churn/1", "models:/churn/Production", "models:/churn/none", "models:/churn@champion", "models:/churn/latest")
    assert [found(uri) for uri in uris] == [1, 2, 3, 1, 3]
    by_version = three.resolve("models:/churn/1")
    by_run = three.resolve(by_version.source)
    by_id = three.resolve(f"models:/{by_version.logged.model_id}" if by_version.logged else "")
    assert (by_version.run_id, by_version.path, by_version.digest) == (by_run.run_id, by_run.path, by_run.digest) == (by_id.run_id, by_id.path, by_id.digest)
    assert three.resolve("some/folder").source == "some/folder"


def test_uris_of_what_is_not_there_say_what_is(three: Registry) -> None:
    for uri, error, message in (
        ("models:/churn/Staging", ModelVersionNotFound, "No versions of model with name 'churn' and stage 'Staging' found"),
        ("models:/churn@nope", AliasNotFound, r"Registered model alias nope not found\."),
        ("models:/other/3", RegisteredModelNotFound, "Registered Model with name=other not found"),
        ("models:/other/latest", RegisteredModelNotFound, "Registered Model with name=other not found"),
        ("models:/churn/8", ModelVersionNotFound, r"Model Version \(name=churn, version=8\) not found"),
    ):
        with pytest.raises(error, match=message):
            three.resolve(uri)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-01", ms(2026, 3, 2) - 1),
        ("2026-03-05", ms(2026, 3, 6) - 1),
        ("2026-03-01T14:30", ms(2026, 3, 1, 14, 30)),
        ("2026-03-01 14:30:15", ms(2026, 3, 1, 14, 30, 15)),
        ("2026-03-01T14:30Z", round(datetime(2026, 3, 1, 14, 30, tzinfo=timezone.utc).timestamp() * 1000)),
        ("2026-03-01T14:30+02:00", round(datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc).timestamp() * 1000)),
        ("2 days ago", ms(2026, 3, 3, 12)),
    ],
)
def test_a_day_is_meant_with_its_end_and_a_time_as_it_is(text: str, found: int) -> None:
    assert parse_as_of(text, now=NOW) == found


@pytest.mark.parametrize("text", ["", "then", "2026-02-30", "2026-03-06", "2099-01-01", "03/01/2026", "2026-03-05T12:01"])
def test_what_is_no_time_or_lies_ahead_is_refused(text: str) -> None:
    with pytest.raises(InvalidPath, match="as_of="):
        parse_as_of(text, now=NOW)


def test_every_uri_can_be_asked_as_of_a_moment(three: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production")
    three.set_registered_model_alias("churn", "champion", 1)
    then = moment()
    three.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    three.set_registered_model_alias("churn", "champion", 2)

    def found(uri: str) -> int | None:
        version = three.resolve(uri).version
        return None if version is None else version.version

    for uri in ("models:/churn/Production", "models:/churn@champion"):
        assert (found(f"{uri}?as_of={then}"), found(uri), found(f"{uri}?as_of={datetime.now():%Y-%m-%d}")) == (1, 2, 2)
    assert found(f"models:/churn/latest?as_of={then}") == 3
    assert three.resolve(f"models:/churn/1?as_of={then.replace(':', '%3A')}").version == three.get_model_version("churn", 1)


def test_what_was_not_there_yet_is_not_found(three: Registry, make_run: MakeRun) -> None:
    then = moment()
    three.register_model(f"runs:/{make_run()}/model", "churn")
    three.register_model(f"runs:/{make_run()}/model", "other")
    for uri, message in (
        ("models:/churn/4", "not found as of .*: it had 3 versions, up to 3"),
        ("models:/churn/Production", "stage 'Production' found as of"),
        ("models:/churn@champion", "alias champion not found as of"),
        ("models:/other/1", "no model had that name then"),
    ):
        with pytest.raises(NotFound, match=message):
            three.resolve(f"{uri}?as_of={then}")
    before = (datetime.now() - timedelta(days=400)).strftime("%Y-%m-%d")
    with pytest.raises(RegisteredModelNotFound, match="as of"):
        three.resolve(f"models:/churn/1?as_of={before}")


def test_a_version_that_was_deleted_since_is_named(three: Registry) -> None:
    three.transition_model_version_stage("churn", 2, "Production")
    then = moment()
    three.delete_model_version("churn", 2, force=True, reason="wrong data")
    with pytest.raises(ModelVersionNotFound, match="this meant version 2 of 'churn', which has been deleted since"):
        three.resolve(f"models:/churn/Production?as_of={then}")


def test_a_renamed_model_is_found_by_the_name_of_then_and_of_now(three: Registry) -> None:
    three.transition_model_version_stage("churn", 2, "Production")
    then = moment()
    three.rename_registered_model("churn", "leavers")
    three.transition_model_version_stage("leavers", 3, "Production")
    for name in ("churn", "leavers"):
        version = three.resolve(f"models:/{name}/Production?as_of={then}").version
        assert version is not None
        assert (version.name, version.version) == ("leavers", 2)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.sampled_from("ab")),
        st.tuples(st.just("move"), st.sampled_from("ab"), st.integers(1, 4), st.sampled_from(list(ModelStage)), st.booleans()),
        st.tuples(st.just("alias"), st.sampled_from("ab"), st.integers(1, 4), st.sampled_from("xy")),
        st.tuples(st.just("unalias"), st.sampled_from("ab"), st.sampled_from("xy")),
        st.tuples(st.just("rollback"), st.sampled_from("ab")),
        st.tuples(st.just("delete"), st.sampled_from("ab"), st.integers(1, 4)),
        st.tuples(st.just("delete model"), st.sampled_from("ab")),
        st.tuples(st.just("rename"), st.sampled_from("ab"), st.sampled_from("ab")),
    ),
    max_size=14,
)


def act(registry: Registry, action: tuple[object, ...]) -> None:
    """Do one thing; what the registry refuses does not happen."""
    verb, name, *rest = action
    arguments: list[object] = [name, *rest]
    verbs = {
        "move": lambda name, version, stage, archive: registry.transition_model_version_stage(
            name, version, stage, archive and stage in (ModelStage.STAGING, ModelStage.PRODUCTION)
        ),
        "alias": lambda name, version, alias: registry.set_registered_model_alias(name, alias, version),
        "unalias": registry.delete_registered_model_alias,
        "rollback": registry.rollback,
        "delete": lambda name, version: registry.delete_model_version(name, version, force=True, reason="test"),
        "delete model": lambda name: registry.delete_registered_model(name, force=True, reason="test"),
        "rename": registry.rename_registered_model,
        "register": lambda name: (
            (registry.search_registered_models(f"name = '{name}'") or [registry.create_registered_model(name)])
            and registry.create_model_version(name, "s3://m")
        ),
    }
    try:
        verbs[str(verb)](*arguments)  # type: ignore[operator]
    except NbtrackError:
        pass


def picture(registry: Registry, suffix: str = "") -> dict[str, object]:
    """What each URI means."""
    found: dict[str, object] = {}
    for name in "ab":
        for end in ("/1", "/2", "/3", "/latest", "/Staging", "/Production", "/None", "/Archived", "@x", "@y"):
            try:
                version = registry.resolve(f"models:/{name}{end}{suffix}").version
                found[f"{name}{end}"] = None if version is None else version.version
            except NotFound:
                found[f"{name}{end}"] = "nothing"
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ACTIONS, after=ACTIONS.filter(lambda actions: not any(action[0] in ("delete", "delete model", "rename") for action in actions)))
def test_the_past_is_what_it_was_whatever_comes_after(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = open_store(locate(Path(tmp_path_factory.mktemp("past"))))
    registry = Registry(store, "ada")
    for action in before:
        act(registry, action)
    then = picture(registry)
    when = moment()
    for action in after:
        act(registry, action)
    assert picture(registry, f"?as_of={when}") == then
    assert registry.audit_verify() == []
    store.close()
