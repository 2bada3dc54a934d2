from __future__ import annotations

from typing import Any

import pytest

from nbtrack.entities import RequestState
from nbtrack.errors import AlreadyExists, Conflict, InvalidInput, InvalidStage, ModelVersionNotFound, NotPermitted, PromotionRefused, RequestNotFound
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store

from .conftest import MakeRun


@pytest.fixture
def dana(store: Store) -> Registry:
    return Registry(store, "dana")


def policy(**parts: Any) -> dict[str, Any]:
    return {"rules": [{"model": "churn", "stage": "Production", **parts}]}


def stage(registry: Registry, version: int) -> str:
    return registry.get_model_version("churn", version).current_stage.value


def test_the_last_approval_carries_the_promotion_out_in_its_own_transaction(three: Registry, bob: Registry, carol: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production", override=False)
    three.set_policy(policy(approvals=2, metrics="metrics.auc > 0.9"))
    request = three.request_transition("churn", 2, "Production", archive_existing_versions=True, comment="better auc")
    assert (request.request_id, request.state, request.requested_by, request.reason) == (1, RequestState.OPEN, "ada", "better auc")
    assert bob.approve(1, "looks good").state is RequestState.OPEN
    assert stage(three, 2) == "None"
    done = carol.approve(1)
    assert (done.state, done.approved_by, stage(three, 2), stage(three, 1)) == (RequestState.DONE, ["bob", "carol"], "Production", "Archived")
    actions = [(event.action, event.actor) for event in three.audit_log("churn", 2)][-5:]
    assert actions == [
        ("request.open", "ada"),
        ("request.approve", "bob"),
        ("request.approve", "carol"),
        ("version.transition", "carol"),
        ("request.done", "carol"),
    ]
    assert three.audit_log()[-2].details["approved_by"] == ["bob", "carol"]
    assert three.audit_verify() == []
    with pytest.raises(Conflict, match="request 1 .* is done already"):
        bob.approve(1)


def test_authors_do_not_approve(three: Registry, bob: Registry, carol: Registry, make_run: MakeRun) -> None:
    three.register_model(f"runs:/{make_run(user='carol')}/model", "churn")
    bob.request_transition("churn", 4, "Production")
    for person, what in ((three, "ada registered it"), (bob, "bob asked for the promotion"), (carol, "carol started its run")):
        with pytest.raises(NotPermitted, match=f"{what}, so someone else has to approve"):
            person.approve(1)
    assert three.get_request(1).approvals == []


def test_without_a_policy_one_approval_by_someone_else_is_enough(three: Registry, bob: Registry) -> None:
    three.request_transition("churn", 1, "Staging")
    assert bob.approve(1).state is RequestState.DONE
    assert stage(three, 1) == "Staging"


def test_only_those_whom_the_policy_names_approve_and_reject(three: Registry, bob: Registry, carol: Registry) -> None:
    three.set_policy(policy(approvals=1, approvers=["carol"]))
    three.request_transition("churn", 1, "Production")
    for verb in (bob.approve, bob.reject):
        with pytest.raises(NotPermitted, match="bob may not .* this promotion .*; carol may"):
            verb(1)
    assert carol.approve(1).state is RequestState.DONE


def test_each_rule_counts_the_approvals_of_its_own_people(three: Registry, bob: Registry, carol: Registry, dana: Registry) -> None:
    three.set_policy({"rules": [{"approvals": 1, "approvers": ["bob", "carol"]}, {"approvals": 1, "approvers": ["dana"]}]})
    three.request_transition("churn", 1, "Production")
    assert bob.approve(1).state is RequestState.OPEN
    assert carol.approve(1).state is RequestState.OPEN
    assert dana.approve(1).state is RequestState.DONE


def test_approvals_without_the_rest_of_the_policy_wait(three: Registry, bob: Registry, store: Store) -> None:
    three.set_policy(policy(approvals=1, reproduced=True))
    three.request_transition("churn", 2, "Production")
    assert bob.approve(1).state is RequestState.OPEN
    with pytest.raises(PromotionRefused, match=r"ok    1 approval by others than the author: 1 \(bob\) on request 1"):
        three.transition_model_version_stage("churn", 2, "Production")
    run_id = three.get_model_version("churn", 2).run_id
    assert run_id is not None
    store.facts.set(run_id, {"reproduced": {"verdict": "REPRODUCED"}})
    three.transition_model_version_stage("churn", 2, "Production")
    assert three.get_request(1).state is RequestState.DONE


def test_a_direct_promotion_waits_for_the_approvals_of_its_policy(three: Registry) -> None:
    three.set_policy(policy(approvals=1))
    with pytest.raises(PromotionRefused, match="no open request asks for this promotion"):
        three.transition_model_version_stage("churn", 1, "Production")


def test_an_approval_counts_once_and_not_for_another_promotion(three: Registry, bob: Registry) -> None:
    three.set_policy(policy(approvals=2))
    three.request_transition("churn", 1, "Production")
    three.request_transition("churn", 2, "Production")
    bob.approve(1)
    bob.approve(1, "again")
    assert (three.get_request(1).state, three.get_request(1).approved_by) == (RequestState.OPEN, ["bob"])
    assert "0 on request 2" in three.check("churn", 2, "Production")[0].found


def test_a_rejection_closes_a_request_with_its_comment(three: Registry, bob: Registry, carol: Registry) -> None:
    three.request_transition("churn", 1, "Production")
    rejected = bob.reject(1, "recall too low")
    assert (rejected.state, rejected.approvals[0].comment, rejected.closed_timestamp is None) == (RequestState.REJECTED, "recall too low", False)
    for verb in (carol.approve, carol.reject, three.cancel):
        with pytest.raises(Conflict, match="is rejected already"):
            verb(1)
    assert three.audit_log()[-1].details["reason"] == "recall too low"
    assert three.request_transition("churn", 1, "Production").request_id == 2


def test_a_request_is_cancelled_by_who_made_it(three: Registry, bob: Registry) -> None:
    three.request_transition("churn", 1, "Production")
    with pytest.raises(NotPermitted, match="request 1 is by ada"):
        bob.cancel(1)
    assert three.cancel(1, "later").state is RequestState.WITHDRAWN
    assert [request.request_id for request in three.requests("churn", 1, "withdrawn")] == [1]
    assert three.requests(state=RequestState.OPEN) == three.requests("other") == []


def test_requests_that_make_no_sense_are_refused(three: Registry) -> None:
    three.request_transition("churn", 1, "Production")
    with pytest.raises(AlreadyExists, match="request 1 by ada asks already"):
        three.request_transition("churn", 1, "production")
    with pytest.raises(InvalidStage, match="not to Archived"):
        three.request_transition("churn", 1, "Archived")
    with pytest.raises(ModelVersionNotFound):
        three.request_transition("churn", 9, "Production")
    with pytest.raises(RequestNotFound, match="no promotion request 9"):
        three.approve(9)
    for call in (lambda: three.approve("1"), lambda: three.requests(state="shut"), lambda: three.cancel(1, 3)):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            call()


def test_with_a_policy_that_has_an_error_an_approval_is_not_kept(three: Registry, bob: Registry, store: Store) -> None:
    three.request_transition("churn", 1, "Production")
    store.registry.policy.set("rules: 3", cause=three._cause())
    with pytest.raises(Exception, match="No promotion passes"):
        bob.approve(1)
    assert three.get_request(1).approvals == []
