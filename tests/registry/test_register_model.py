from __future__ import annotations

import time
from pathlib import Path

import pytest

from nbtrack.entities import ModelStage
from nbtrack.errors import (
    AlreadyExists,
    InUse,
    InvalidInput,
    InvalidName,
    InvalidPath,
    LoggedModelNotFound,
    ModelVersionNotFound,
    NotFound,
    RegisteredModelNotFound,
    RunNotActive,
    RunNotFound,
    TagNotFound,
)
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store

from .conftest import MakeRun, log_model


def test_registering_makes_the_model_and_its_first_version(registry: Registry, make_run: MakeRun) -> None:
    run_id = make_run()
    version = registry.register_model(f"runs:/{run_id}/model", "churn", tags={"data": "v2.1"}, description="first")
    logged = registry.store.registry.logged_models.find(run_id, "model")
    assert logged is not None
    assert (version.name, version.version, version.current_stage, version.status) == ("churn", 1, ModelStage.NONE, "READY")
    assert (version.run_id, version.digest, version.model_id, version.source) == (run_id, logged.digest, logged.model_id, f"runs:/{run_id}/model")
    assert (version.tags, version.description, version.user_id, version.parent) == ({"data": "v2.1"}, "first", "ada", None)
    assert dict(version)["version"] == 1
    assert registry.get_registered_model("churn").latest_versions == [version]


@pytest.mark.parametrize(
    ("uri", "error", "message"),
    [
        ("runs:/" + "0" * 32 + "/model", RunNotFound, "no run has the id"),
        ("runs:/{run}/modle", LoggedModelNotFound, r"Unable to find a logged_model with artifact_path modle under run .*Did you mean 'model'"),
        ("runs:/{run}", InvalidPath, r"Not a proper runs:/ URI"),
        ("runs:/{run}/../other", InvalidPath, "it has '..'"),
        ("models:/other/1", RegisteredModelNotFound, "Registered Model with name=other not found"),
        ("models:/m-" + "0" * 32, LoggedModelNotFound, "Logged model with ID"),
        ("some/folder", InvalidPath, "has no file MLmodel"),
    ],
)
def test_a_registration_that_fails_leaves_nothing(registry: Registry, make_run: MakeRun, uri: str, error: type[Exception], message: str) -> None:
    run_id = make_run()
    with pytest.raises(error, match=message):
        registry.register_model(uri.format(run=run_id), "orphan")
    assert registry.search_registered_models() == []
    assert registry.audit_log() == []


def test_a_run_that_logged_no_model_says_so(registry: Registry, make_run: MakeRun) -> None:
    with pytest.raises(LoggedModelNotFound, match="The run logged no model"):
        registry.register_model(f"runs:/{make_run(model=None)}/model", "orphan")


def test_a_deleted_run_gives_no_version(registry: Registry, make_run: MakeRun) -> None:
    run_id = make_run()
    registry.store.runs.delete(run_id)
    with pytest.raises(RunNotActive, match=f"nbtrack runs restore {run_id}"):
        registry.register_model(f"runs:/{run_id}/model", "churn")
    assert registry.search_registered_models() == []


def test_a_model_among_the_artifacts_of_a_run_is_registered_without_a_digest(registry: Registry, make_run: MakeRun) -> None:
    run_id = make_run(model=None)
    registry.store.artifacts.put_bytes(run_id, "model/MLmodel", b"flavors: {}")
    version = registry.register_model(f"runs:/{run_id}/model", "churn")
    assert (version.digest, version.model_id, version.run_id) == (None, None, run_id)


def test_a_folder_and_a_logged_model_are_registered_by_their_uris(registry: Registry, make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/MLmodel").write_text("flavors: {}")
    folder = registry.register_model(str(tmp_path / "saved"), "folder")
    assert (folder.source, folder.run_id, folder.digest) == (str(tmp_path / "saved"), None, None)
    logged = log_model(registry.store, make_run(model=None), "forest")
    by_id = registry.register_model(f"models:/{logged.model_id}", "by_id")
    assert (by_id.digest, by_id.run_id, by_id.source) == (logged.digest, logged.run_id, f"runs:/{logged.run_id}/forest")


def test_the_last_model_that_a_run_logged_under_a_name_counts(registry: Registry, make_run: MakeRun) -> None:
    run_id = make_run()
    again = log_model(registry.store, run_id, digest="ab" * 32)
    assert registry.register_model(f"runs:/{run_id}/model", "churn").model_id == again.model_id


def test_numbers_of_versions_are_never_used_again(three: Registry, make_run: MakeRun) -> None:
    uri = f"runs:/{make_run()}/model"
    three.delete_model_version("churn", 3)
    assert three.register_model(uri, "churn").version == 4
    three.delete_registered_model("churn")
    assert three.register_model(uri, "churn").version == 5
    three.rename_registered_model("churn", "loss")
    assert three.register_model(uri, "loss").version == 6
    assert three.register_model(uri, "churn").version == 6


def test_a_version_follows_the_one_in_production_else_the_latest(three: Registry, make_run: MakeRun) -> None:
    uri = f"runs:/{make_run()}/model"
    assert [version.parent for version in three.search_model_versions(order_by=["version_number"])] == [None, 1, 2]
    three.transition_model_version_stage("churn", 1, "Production")
    assert three.register_model(uri, "churn").parent == 1
    assert three.register_model(uri, "churn", parent=3).parent == 3
    with pytest.raises(ModelVersionNotFound):
        three.register_model(uri, "churn", parent=99)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a:b", "a\nb", None, 3])
def test_names_that_uris_could_not_hold_are_refused(registry: Registry, make_run: MakeRun, name: object) -> None:
    with pytest.raises(InvalidName):
        registry.register_model(f"runs:/{make_run()}/model", name)  # type: ignore[arg-type]


def test_a_model_is_created_described_tagged_renamed(registry: Registry, make_run: MakeRun) -> None:
    created = registry.create_registered_model("churn", {"team": "sales"}, "who leaves")
    assert (created.tags, created.description, created.latest_versions) == ({"team": "sales"}, "who leaves", [])
    with pytest.raises(AlreadyExists, match=r"Registered Model \(name=churn\) already exists"):
        registry.create_registered_model("churn")
    registry.register_model(f"runs:/{make_run()}/model", "churn")
    registry.set_registered_model_alias("churn", "champion", 1)
    registry.set_registered_model_tag("churn", "team", "support")
    assert registry.update_registered_model("churn", None).description is None
    renamed = registry.rename_registered_model("churn", "leavers")
    assert (renamed.name, renamed.tags, renamed.aliases) == ("leavers", {"team": "support"}, {"champion": 1})
    assert registry.get_model_version("leavers", "1").name == "leavers"
    registry.delete_registered_model_tag("leavers", "team")
    with pytest.raises(TagNotFound, match="no tag 'team'"):
        registry.delete_registered_model_tag("leavers", "team")
    with pytest.raises(RegisteredModelNotFound, match="Registered Model with name=churn not found"):
        registry.get_registered_model("churn")


def test_a_version_is_described_and_tagged(three: Registry) -> None:
    assert three.update_model_version("churn", 1, description="better").description == "better"
    assert three.update_model_version("churn", 1).description is None
    three.set_model_version_tag("churn", 1, "data_version", "v2.1")
    three.transition_model_version_stage("churn", 2, "Staging")
    three.set_model_version_tag("churn", key="validated", value=True, stage="staging")
    assert three.get_model_version("churn", 1).tags == {"data_version": "v2.1"}
    assert three.get_model_version("churn", 2).tags == {"validated": "True"}
    three.delete_model_version_tag("churn", 1, "data_version")
    with pytest.raises(TagNotFound):
        three.delete_model_version_tag("churn", 1, "data_version")
    with pytest.raises(InvalidInput, match="exactly one"):
        three.set_model_version_tag("churn", 1, "k", "v", stage="Staging")


def test_what_is_not_there_is_told_with_what_is(three: Registry) -> None:
    with pytest.raises(ModelVersionNotFound, match=r"Model Version \(name=churn, version=7\) not found. The model has versions 3, 2, 1"):
        three.get_model_version("churn", 7)
    with pytest.raises(RegisteredModelNotFound, match="Did you mean 'churn'"):
        three.get_model_version("chrun", 1)
    for version in ("x", "1.0", -1, True, None):
        with pytest.raises(InvalidInput, match=r"Parameter 'version' must be an integer, got"):
            three.get_model_version("churn", version)  # type: ignore[arg-type]


def test_what_an_alias_or_production_points_to_is_deleted_by_force_with_a_reason_alone(three: Registry) -> None:
    three.set_registered_model_alias("churn", "champion", 1)
    three.transition_model_version_stage("churn", 2, "Production")
    with pytest.raises(InUse, match=r"version 1 of 'churn' is in use.*the alias 'champion'"):
        three.delete_model_version("churn", 1)
    with pytest.raises(InUse, match="version 2 stands in Production"):
        three.delete_model_version("churn", 2)
    with pytest.raises(InUse, match="the registered model 'churn' is in use"):
        three.delete_registered_model("churn")
    with pytest.raises(InvalidInput, match="say why"):
        three.delete_model_version("churn", 2, force=True, reason="  ")
    three.delete_model_version("churn", 2, force=True, reason="leaks the target")
    event = three.audit_log("churn", 2)[-1]
    assert (event.action, event.details["reason"], event.details["before"]["current_stage"]) == ("version.delete", "leaks the target", "Production")
    three.delete_registered_model("churn", force=True, reason="gone")
    assert three.search_registered_models() == []
    assert three.audit_verify() == []


def test_versions_and_models_are_searched(three: Registry, make_run: MakeRun) -> None:
    run_id = make_run()
    three.register_model(f"runs:/{run_id}/model", "other", tags={"data": "v2"})
    time.sleep(0.002)  # times of changes are kept in milliseconds
    three.transition_model_version_stage("churn", 2, "production")

    def found(text: str, **options: object) -> list[tuple[str, int]]:
        return [(version.name, version.version) for version in three.search_model_versions(text, **options)]  # type: ignore[arg-type]

    assert found("name = 'churn'", order_by=["version_number DESC"]) == [("churn", 3), ("churn", 2), ("churn", 1)]
    assert found(f"run_id = '{run_id}'") == [("other", 1)]
    assert found(f"run_id IN ('{run_id}', 'x') AND tags.data = 'v2'") == [("other", 1)]
    assert found("stage = 'PRODUCTION' OR version_number > 2", order_by=["version_number"]) == [("churn", 2), ("churn", 3)]
    assert found("source_path LIKE 'runs:/%/model' AND NOT name ILIKE 'CH%'") == [("other", 1)]
    assert found("")[0] == ("churn", 2)  # the latest changed
    assert [model.name for model in three.search_registered_models("name LIKE 'ch%'")] == ["churn"]
    assert [model.name for model in three.search_registered_models(order_by=["name DESC"])] == ["other", "churn"]
    with pytest.raises(InvalidInput, match="unknown attribute 'nmae'"):
        three.search_model_versions("nmae = 'x'")


def test_searches_come_in_pages(three: Registry) -> None:
    first = three.search_model_versions(max_results=2, order_by=["version_number"])
    last = three.search_model_versions(max_results=2, order_by=["version_number"], page_token=first.token)
    assert [version.version for version in [*first, *last]] == [1, 2, 3]
    assert (first.token is None, last.token) == (False, None)
    for bad in ({"max_results": 0}, {"page_token": "x"}):
        with pytest.raises(InvalidInput):
            three.search_model_versions(**bad)  # type: ignore[arg-type]


def test_a_version_is_copied_to_another_model_with_its_run_and_digest(three: Registry) -> None:
    three.update_model_version("churn", 2, "good")
    three.set_registered_model_alias("churn", "champion", 2)
    source = three.get_model_version("churn", 2)
    copy = three.copy_model_version("models:/churn@champion", "prod_churn")
    assert (copy.version, copy.run_id, copy.digest, copy.model_id, copy.description) == (1, source.run_id, source.digest, source.model_id, "good")
    assert copy.tags["nbtrack.copiedFrom"] == "models:/churn/2"
    assert three.lineage("prod_churn", 1).copied_from == "models:/churn/2"
    for bad in (f"runs:/{source.run_id}/model", f"models:/{source.model_id}", "churn/2"):
        with pytest.raises(InvalidPath, match="Unsupported source model URI"):
            three.copy_model_version(bad, "other")
    assert {model.name for model in three.search_registered_models()} == {"churn", "prod_churn"}


def test_create_model_version_needs_the_model_and_takes_any_source(registry: Registry, make_run: MakeRun) -> None:
    with pytest.raises(RegisteredModelNotFound):
        registry.create_model_version("churn", "s3://bucket/model")
    registry.create_registered_model("churn")
    assert registry.create_model_version("churn", "s3://bucket/model").digest is None
    run_id = make_run()
    version = registry.create_model_version("churn", f"runs:/{run_id}/model", run_id, {"k": 1}, "http://ci/7", "text")
    assert (version.run_id, version.run_link, version.tags, version.digest is None) == (run_id, "http://ci/7", {"k": "1"}, False)
    assert registry.get_model_version_download_uri("churn", 2) == f"runs:/{run_id}/model"
    with pytest.raises(NotFound):
        registry.create_model_version("churn", "models:/nothing/1")


def test_a_run_that_made_a_version_is_not_purged(three: Registry, store: Store) -> None:
    run_id = three.get_model_version("churn", 1).run_id
    assert run_id is not None
    store.runs.delete(run_id)
    with pytest.raises(Exception, match="delete th(at|e) version first"):
        store.runs.purge([run_id])
    three.delete_model_version("churn", 1)
    store.runs.purge([run_id])
