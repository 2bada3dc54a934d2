from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from nbtrack.entities import ModelStage
from nbtrack.errors import AliasNotFound, Conflict, InvalidInput, InvalidName, InvalidStage, ModelVersionNotFound, PromotionOvertaken, RegisteredModelNotFound
from nbtrack.registry.service import Registry


def stages(registry: Registry) -> list[str]:
    """The stages of all versions of ``churn``, in their order."""
    return [version.current_stage.value for version in registry.search_model_versions("name = 'churn'", order_by=["version_number"])]


def test_stages_are_taken_whatever_their_case_and_kept_as_they_are_spelled(three: Registry) -> None:
    assert three.stages() == three.get_model_version_stages("churn", 1) == ["None", "Staging", "Production", "Archived"]
    assert three.transition_model_version_stage("churn", "1", "STAGING").current_stage is ModelStage.STAGING
    assert three.transition_model_version_stage("churn", 1, "production").current_stage == "Production"
    assert three.transition_model_version_stage("churn", 1, None).current_stage == "None"  # type: ignore[arg-type]


def test_a_stage_that_there_is_not_is_refused_with_those_that_there_are(three: Registry) -> None:
    with pytest.raises(InvalidStage, match=r"Invalid Model Version stage: Prod. Value must be one of None, Staging, Production, Archived\."):
        three.transition_model_version_stage("churn", 2, "Prod")
    with pytest.raises(InvalidStage, match=r"because 'Archived' is not an Active stage. Valid stages are \['Staging', 'Production'\]"):
        three.transition_model_version_stage("churn", 2, "archived", archive_existing_versions=True)
    with pytest.raises(ModelVersionNotFound):
        three.transition_model_version_stage("churn", 9, "Staging")
    assert stages(three) == ["None", "None", "None"]


def test_those_that_stood_there_are_archived_in_the_same_change_when_asked(three: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production")
    three.transition_model_version_stage("churn", 3, "Production")
    assert stages(three) == ["Production", "None", "Production"]
    three.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    assert stages(three) == ["Archived", "Production", "Archived"]
    event = three.audit_log()[-1]
    assert event.details["before"] == {"stages": {"1": "Production", "2": "None", "3": "Production"}}
    assert event.details["after"] == {"stages": {"1": "Archived", "2": "Production", "3": "Archived"}}
    assert [version.version for version in three.get_latest_versions("churn", ["Production", "archived"])] == [2, 3]
    assert [version.version for version in three.get_latest_versions("churn")] == [2, 3]


def test_a_version_that_stands_there_already_is_left_alone(three: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Staging")
    before = three.audit_log()
    three.transition_model_version_stage("churn", 1, "Staging", archive_existing_versions=True)
    assert three.audit_log() == before


def test_of_two_who_promote_on_the_same_picture_one_wins_and_the_other_is_told(three: Registry, bob: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production")
    seen_by_ada, seen_by_bob = three.seen("churn", 2, "Production"), bob.seen("churn", 3, "Production")
    bob.transition_model_version_stage("churn", 3, "Production", archive_existing_versions=True, seen=seen_by_bob)
    with pytest.raises(PromotionOvertaken, match=r"Production had version 1; now it stands in None and Production had version 3.*by bob") as caught:
        three.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True, seen=seen_by_ada)
    assert stages(three) == ["Archived", "None", "Production"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(InvalidInput, match="seen is about version 2"):
        three.transition_model_version_stage("churn", 1, "Production", seen=seen_by_ada)


def test_threads_that_promote_on_the_same_picture_let_one_through(three: Registry) -> None:
    seen = [three.seen("churn", version, "Production") for version in (1, 2, 3)]
    start = Barrier(3)

    def promote(version: int) -> bool:
        start.wait()
        try:
            three.transition_model_version_stage("churn", version, "Production", archive_existing_versions=True, seen=seen[version - 1])
        except PromotionOvertaken:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        won = list(threads.map(promote, (1, 2, 3)))
    assert sum(won) == 1
    assert [stage == "Production" for stage in stages(three)] == won
    assert three.audit_verify() == []


def test_rollback_puts_back_what_stood_there_before_and_then_what_stood_there_before_that(three: Registry) -> None:
    for version in (1, 3, 2):
        three.transition_model_version_stage("churn", version, "Production", archive_existing_versions=True)
    assert three.rollback("churn", "Production", "version 2 is slow").version == 3
    assert stages(three) == ["Archived", "Archived", "Production"]
    event = three.audit_log("churn", 2)[-1]
    assert (event.action, event.actor, event.details["reason"], event.details["replaced"]) == ("version.rollback", "ada", "version 2 is slow", 2)
    assert three.rollback("churn").version == 1
    with pytest.raises(Conflict, match="nothing that still exists stood there before"):
        three.rollback("churn")
    three.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    assert three.rollback("churn").version == 1
    assert three.audit_verify() == []


def test_rollback_resolves_to_the_right_version_where_several_stand_side_by_side(three: Registry) -> None:
    for version in (2, 3):
        three.transition_model_version_stage("churn", version, "Production")
    three.rollback("churn")
    assert stages(three) == ["None", "Production", "Archived"]
    assert three.resolve("models:/churn/Production").version == three.get_model_version("churn", 2)
    three.transition_model_version_stage("churn", 1, "Production")  # the lower number changes nothing for those who load
    with pytest.raises(Conflict):
        three.rollback("churn")


def test_rollback_brings_back_what_was_taken_out_and_skips_what_was_deleted(three: Registry) -> None:
    for version in (1, 2, 3):
        three.transition_model_version_stage("churn", version, "Staging", archive_existing_versions=True)
    three.transition_model_version_stage("churn", 3, "Archived")
    assert three.rollback("churn", "Staging").version == 3
    three.delete_model_version("churn", 2)
    assert three.rollback("churn", "staging").version == 1


def test_rollback_where_there_is_nothing_to_roll_back(three: Registry) -> None:
    with pytest.raises(Conflict, match="Nothing in Production"):
        three.rollback("churn")
    with pytest.raises(InvalidStage):
        three.rollback("churn", "Archived")
    with pytest.raises(RegisteredModelNotFound):
        three.rollback("other")


def test_rollback_on_an_old_picture_is_refused(three: Registry, bob: Registry) -> None:
    for version in (1, 2):
        three.transition_model_version_stage("churn", version, "Production", archive_existing_versions=True)
    seen = three.seen("churn", 2, "Production")
    bob.transition_model_version_stage("churn", 3, "Production", archive_existing_versions=True)
    with pytest.raises(PromotionOvertaken):
        three.rollback("churn", seen=seen)
    assert three.rollback("churn", seen=three.seen("churn", 3, "Production")).version == 2


def test_a_rename_keeps_what_stood_there_before(three: Registry) -> None:
    for version in (1, 2):
        three.transition_model_version_stage("churn", version, "Production", archive_existing_versions=True)
    three.rename_registered_model("churn", "leavers")
    assert three.rollback("leavers").version == 1


def test_aliases_move_and_are_told_apart_from_versions(three: Registry) -> None:
    three.set_registered_model_alias("churn", "champion", 1)
    three.set_registered_model_alias("churn", "champion", "2")
    three.set_registered_model_alias("churn", "Ch-2_é", 2)
    assert three.get_model_version_by_alias("churn", "champion").version == 2
    assert three.get_model_version("churn", 2).aliases == ["Ch-2_é", "champion"]
    assert three.get_registered_model("churn").aliases == {"Ch-2_é": 2, "champion": 2}
    three.delete_registered_model_alias("churn", "champion")
    with pytest.raises(AliasNotFound, match=r"Registered model alias champion not found\."):
        three.get_model_version_by_alias("churn", "champion")
    with pytest.raises(AliasNotFound):
        three.delete_registered_model_alias("churn", "champion")
    with pytest.raises(ModelVersionNotFound):
        three.set_registered_model_alias("churn", "x", 9)


@pytest.mark.parametrize("alias", ["latest", "Latest", "v3", "V12", "", "a b", "a/b", "a@b", "x" * 256, None, 3])
def test_aliases_that_would_read_as_something_else_are_refused(three: Registry, alias: object) -> None:
    with pytest.raises(InvalidName, match="Invalid alias name"):
        three.set_registered_model_alias("churn", alias, 1)  # type: ignore[arg-type]
