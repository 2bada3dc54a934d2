from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbtrack.entities import Approval, LoggedModel, ModelStage, RequestState, Verdict
from nbtrack.errors import (
    AliasNotFound,
    AlreadyExists,
    Conflict,
    LoggedModelNotFound,
    ModelVersionNotFound,
    PromotionOvertaken,
    RegisteredModelNotFound,
    RequestNotFound,
    RunNotActive,
    RunNotFound,
    TagNotFound,
)
from nbtrack.store.base import Store
from nbtrack.store.registry_base import Cause, NewVersion

from ..builders import new_run

ADA = Cause("ada", "because", {"ticket": 7})


def logged(run_id: str, model_id: str = "m-" + "0" * 32, **fields: object) -> LoggedModel:
    values = {"name": "model", "digest": "ab" * 32, "flavors": ["sklearn"], "size": 10, "created_time": 5}
    return LoggedModel(model_id=model_id, run_id=run_id, **{**values, **fields})  # type: ignore[arg-type]


@pytest.fixture
def churn(store: Store) -> Store:
    """A store with the versions 1, 2 and 3 of ``churn``."""
    store.registry.models.create("churn", cause=ADA)
    for _ in range(3):
        store.registry.versions.create(NewVersion("churn", "s3://m"), cause=ADA)
    return store


def test_a_model_is_kept_with_description_and_tags(store: Store) -> None:
    created = store.registry.models.create("forêt 🌲", description="d\ud83d", tags={"k": "v"}, cause=ADA)
    assert store.registry.models.get("forêt 🌲") == store.registry.models.find("forêt 🌲") == created
    assert (created.description, created.tags, created.aliases, created.latest_versions) == ("d\\ud83d", {"k": "v"}, {}, [])
    assert store.registry.models.find("other") is None
    with pytest.raises(AlreadyExists):
        store.registry.models.create("forêt 🌲", cause=ADA)


def test_a_version_is_kept_with_all_that_it_was_made_with(churn: Store) -> None:
    new = NewVersion("churn", "runs:/x/model", "x", "http://ci", "text", {"a": "b"}, "cd" * 32, "m-1", 2)
    version = churn.registry.versions.create(new, cause=ADA)
    assert churn.registry.versions.get("churn", 4) == version
    assert (version.source, version.run_id, version.run_link, version.description) == ("runs:/x/model", "x", "http://ci", "text")
    assert (version.tags, version.digest, version.model_id, version.parent, version.user_id) == ({"a": "b"}, "cd" * 32, "m-1", 2, "ada")
    assert [item.version for item in churn.registry.versions.of_model("churn")] == [1, 2, 3, 4]


def test_every_change_is_one_event_with_its_cause(churn: Store) -> None:
    models, versions = churn.registry.models, churn.registry.versions

    def stage() -> None:
        versions.move(versions.view("churn", 1, ModelStage.STAGING), {1: ModelStage.STAGING}, action="version.transition", cause=ADA)

    changes: list[tuple[Callable[[], object], str, str]] = [
        (lambda: models.describe("churn", "d", cause=ADA), "model.update", "models:/churn"),
        (lambda: models.set_tag("churn", "k", "v", cause=ADA), "model.tag", "models:/churn"),
        (lambda: models.delete_tag("churn", "k", cause=ADA), "model.untag", "models:/churn"),
        (lambda: models.set_alias("churn", "best", 1, cause=ADA), "alias.set", "models:/churn"),
        (lambda: models.delete_alias("churn", "best", cause=ADA), "alias.delete", "models:/churn"),
        (lambda: versions.describe("churn", 1, "d", cause=ADA), "version.update", "models:/churn/1"),
        (lambda: versions.set_tag("churn", 1, "k", "v", cause=ADA), "version.tag", "models:/churn/1"),
        (lambda: versions.delete_tag("churn", 1, "k", cause=ADA), "version.untag", "models:/churn/1"),
        (lambda: versions.set_card("churn", 1, {"risks": "few"}, cause=ADA), "version.card", "models:/churn/1"),
        (stage, "version.transition", "models:/churn/1"),
        (lambda: churn.registry.policy.set("rules: []", cause=ADA), "policy.set", "policy"),
        (lambda: versions.delete("churn", 3, cause=ADA), "version.delete", "models:/churn/3"),
        (lambda: models.rename("churn", "loss", cause=ADA), "model.rename", "models:/churn"),
    ]
    for change, action, subject in changes:
        before = len(churn.events.list())
        change()
        events = churn.events.list()
        assert len(events) == before + 1
        last = events[-1]
        assert (last.action, last.subject, last.actor, last.details["reason"], last.details["ticket"]) == (action, subject, "ada", "because", 7)
        assert {"before", "after"} <= set(last.details)
    assert churn.events.verify() == []


def test_a_change_whose_transaction_is_taken_back_leaves_no_event(churn: Store) -> None:
    before = churn.events.list()
    with pytest.raises(RuntimeError), churn.transaction():
        churn.registry.versions.create(NewVersion("churn", "s3://m"), cause=ADA)
        raise RuntimeError("stop")
    assert churn.events.list() == before
    assert churn.registry.versions.create(NewVersion("churn", "s3://m"), cause=ADA).version == 4


def test_what_is_not_there_raises_and_changes_nothing(churn: Store) -> None:
    models, versions = churn.registry.models, churn.registry.versions
    before = churn.events.list()
    calls: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: models.get("x"), RegisteredModelNotFound),
        (lambda: models.delete("x", cause=ADA), RegisteredModelNotFound),
        (lambda: models.set_alias("churn", "a", 9, cause=ADA), ModelVersionNotFound),
        (lambda: models.delete_alias("churn", "a", cause=ADA), AliasNotFound),
        (lambda: models.delete_tag("churn", "a", cause=ADA), TagNotFound),
        (lambda: versions.get("churn", 9), ModelVersionNotFound),
        (lambda: versions.of_model("x"), RegisteredModelNotFound),
        (lambda: versions.create(NewVersion("x", "s3://m"), cause=ADA), RegisteredModelNotFound),
        (lambda: versions.delete_tag("churn", 1, "a", cause=ADA), TagNotFound),
        (lambda: versions.delete("churn", 9, cause=ADA), ModelVersionNotFound),
        (lambda: churn.registry.requests.get(9), RequestNotFound),
        (lambda: churn.registry.logged_models.get("m-x"), LoggedModelNotFound),
        (lambda: churn.registry.logged_models.of_run("x"), RunNotFound),
    ]
    for call, error in calls:
        with pytest.raises(error):
            call()
    assert churn.events.list() == before


def test_a_move_holds_only_on_the_picture_that_it_was_decided_on(churn: Store) -> None:
    versions, stage = churn.registry.versions, ModelStage.PRODUCTION
    first, second = versions.view("churn", 1, stage), versions.view("churn", 2, stage)
    assert versions.move(first, {1: stage}, action="version.transition", cause=ADA).current_stage is stage
    with pytest.raises(PromotionOvertaken, match="Production had version 1"):
        versions.move(second, {2: stage}, action="version.transition", cause=Cause("bob"))
    assert versions.view("churn", 2, stage).occupants == (1,)
    versions.move(versions.view("churn", 2, stage), {2: stage, 1: ModelStage.ARCHIVED}, action="version.transition", cause=ADA)
    assert [item.current_stage.value for item in versions.of_model("churn")] == ["Archived", "Production", "None"]
    assert [item.version for item in churn.registry.models.get("churn").latest_versions] == [1, 2, 3]


def test_threads_that_register_at_once_get_numbers_of_their_own(churn: Store) -> None:
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda _: churn.registry.versions.create(NewVersion("churn", "s3://m"), cause=ADA).version, range(18)))
    assert sorted(made) == list(range(4, 22))
    assert churn.events.verify() == []


def test_deleting_a_model_deletes_its_versions_aliases_and_requests_and_keeps_the_events(churn: Store) -> None:
    churn.registry.models.set_alias("churn", "best", 1, cause=ADA)
    churn.registry.requests.open("churn", 1, ModelStage.PRODUCTION, archive_existing_versions=False, cause=ADA)
    churn.registry.models.delete("churn", cause=ADA)
    assert (churn.registry.models.search(), churn.registry.versions.search(), churn.registry.requests.search()) == ([], [], [])
    assert [event.action for event in churn.events.list()][-4:] == ["version.delete"] * 3 + ["model.delete"]


def test_the_fields_of_a_card_are_changed_one_by_one(churn: Store) -> None:
    versions = churn.registry.versions
    assert versions.set_card("churn", 1, {"risks": "few", "keywords": ["a"]}, cause=ADA) == {"risks": "few", "keywords": ["a"]}
    assert versions.set_card("churn", 1, {"risks": None, "contact": "me"}, cause=ADA) == {"keywords": ["a"], "contact": "me"}
    assert (versions.card("churn", 1), versions.card("churn", 2)) == ({"keywords": ["a"], "contact": "me"}, {})


def test_requests_collect_words_until_they_are_closed(churn: Store) -> None:
    requests = churn.registry.requests
    opened = requests.open("churn", 2, ModelStage.PRODUCTION, archive_existing_versions=True, cause=ADA)
    assert (opened.requested_by, opened.reason, opened.archive_existing_versions, opened.state) == ("ada", "because", True, RequestState.OPEN)
    with pytest.raises(AlreadyExists, match=f"request {opened.request_id} by ada"):
        requests.open("churn", 2, ModelStage.PRODUCTION, archive_existing_versions=False, cause=Cause("bob"))
    requests.say(opened.request_id, Approval("bob", Verdict.REJECTED, 5, "no"), cause=Cause("bob"))
    said = requests.say(opened.request_id, Approval("bob", Verdict.APPROVED, 6, "yes"), cause=Cause("bob"))
    assert ([item.comment for item in said.approvals], said.approved_by) == (["no", "yes"], ["bob"])
    closed = requests.close(opened.request_id, RequestState.DONE, cause=ADA)
    assert (closed.state, requests.search(state=RequestState.OPEN), requests.search(name="churn", version=2)) == (RequestState.DONE, [], [closed])
    for late in (
        lambda: requests.say(opened.request_id, Approval("bob", Verdict.APPROVED, 6), cause=ADA),
        lambda: requests.close(opened.request_id, RequestState.DONE, cause=ADA),
    ):
        with pytest.raises(Conflict, match="is done already"):
            late()


def test_the_models_of_a_run_are_kept_with_their_signature(store: Store, run_id: str) -> None:
    models = store.registry.logged_models
    full = logged(run_id, signature={"inputs": "[]"}, has_input_example=True, metadata={"a": [1]}, model_class="x.Y", size=10**12)
    assert models.add(full) == models.get(full.model_id) == full
    again = models.add(logged(run_id, "m-" + "1" * 32))
    other = models.add(logged(run_id, "m-" + "2" * 32, name="other"))
    assert models.find(run_id, "model") == again
    assert models.find(run_id, "nothing") is None
    assert models.of_run(run_id) == [full, again, other]
    with pytest.raises(AlreadyExists):
        models.add(full)
    store.runs.delete(run_id)
    with pytest.raises(RunNotActive):
        models.add(logged(run_id, "m-" + "3" * 32))


def test_a_policy_is_replaced_and_removed(store: Store) -> None:
    assert store.registry.policy.get() is None
    for text in ("rules: []", "rules: [{}]", None):
        store.registry.policy.set(text, cause=ADA)
        assert store.registry.policy.get() == text


def test_a_version_outlives_a_run_of_another_store(churn: Store) -> None:
    version = churn.registry.versions.create(NewVersion("churn", "runs:/gone/model", "gone"), cause=ADA)
    assert churn.registry.versions.get("churn", version.version).run_id == "gone"
    assert new_run(churn)
