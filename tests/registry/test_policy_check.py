from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from nbtrack.entities import Finding, Severity
from nbtrack.errors import InvalidInput, InvalidPolicy, NotPermitted, PromotionRefused
from nbtrack.registry.policy_file import parse_policy
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store
from nbtrack.store.open import locate, open_store

from .conftest import MakeRun

GAP = "metrics.recall >= 0.7 AND metrics.auc_train - metrics.auc_test <= 0.05"


def rule(**parts: Any) -> dict[str, Any]:
    return {"rules": [{"stage": "Production", **parts}]}


def register(registry: Registry, run_id: str) -> None:
    registry.register_model(f"runs:/{run_id}/model", "churn")


def checked(registry: Registry, version: int = 1, stage: str = "Production") -> list[tuple[str, str, bool]]:
    return [(condition.text, condition.found, condition.passed) for condition in registry.check("churn", version, stage)]


def test_metric_conditions_are_told_one_by_one_with_the_values_found(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run(metrics={"recall": 0.62, "auc_train": 0.99, "auc_test": 0.97}))
    registry.set_policy(rule(metrics=GAP))
    assert checked(registry) == [
        ("metrics.recall >= 0.7", "metrics.recall = 0.62", False),
        ("metrics.auc_train - metrics.auc_test <= 0.05", "0.02 (metrics.auc_train = 0.99, metrics.auc_test = 0.97)", True),
    ]
    with pytest.raises(PromotionRefused) as caught:
        registry.transition_model_version_stage("churn", 1, "Production")
    text = str(caught.value)
    assert "version 1 of 'churn' may not go to Production: 1 of 2 conditions" in text
    assert "FAIL  metrics.recall >= 0.7: metrics.recall = 0.62" in text
    assert [condition.passed for condition in caught.value.conditions] == [False, True]
    assert str(pickle.loads(pickle.dumps(caught.value))) == text
    assert registry.get_model_version("churn", 1).current_stage == "None"
    assert registry.audit_log()[-1].action == "policy.set"


def test_a_promotion_that_satisfies_its_policy_passes_and_its_event_says_by_what(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run(metrics={"recall": 0.75, "auc_train": 0.99, "auc_test": 0.97}))
    registry.set_policy(rule(metrics=GAP))
    assert registry.transition_model_version_stage("churn", 1, "Production").current_stage == "Production"
    assert [item["passed"] for item in registry.audit_log()[-1].details["policy"]] == [True, True]


def test_what_is_missing_or_nan_satisfies_nothing(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run(metrics={"auc": float("nan")}))
    registry.set_policy(rule(metrics=["metrics.recall >= 0", "metrics.auc >= 0 OR tags.ok = 'yes'", "metrics.auc IS NAN"]))
    assert checked(registry) == [
        ("metrics.recall >= 0", "metrics.recall is missing", False),
        ("metrics.auc >= 0 OR tags.ok = 'yes'", "metrics.auc = nan, tags.ok is missing", False),
        ("metrics.auc IS NAN", "metrics.auc = nan", True),
    ]
    registry.create_model_version("churn", "s3://elsewhere")
    assert checked(registry, 2)[0][1:] == ("metrics.recall is not known: the version has no run in this store", False)


def test_rules_bind_the_models_and_the_stage_that_they_name(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run())
    registry.set_policy({"rules": [{"model": "chu*", "stage": "staging", "metrics": "metrics.a > 1"}, {"model": "other", "metrics": "metrics.b > 1"}]})
    assert len(checked(registry, stage="Staging")) == 1
    assert checked(registry) == checked(registry, stage="Archived") == []
    registry.transition_model_version_stage("churn", 1, "Production")
    registry.transition_model_version_stage("churn", 1, "Archived")


def test_improvement_is_over_the_version_now_in_the_stage_with_a_tolerance(three: Registry) -> None:
    three.set_policy(rule(improvement={"metric": "auc", "goal": "max", "tolerance": 0.01}))
    assert checked(three, 1)[0][1:] == ("Production is empty", True)
    three.transition_model_version_stage("churn", 2, "Production")
    text, found, passed = checked(three, 3)[0]
    assert (text, passed) == ("metrics.auc at least that of the version in the stage - 0.01", False)
    assert found == "metrics.auc = 0.93, and version 2 in Production has 0.95"
    three.set_policy(rule(improvement={"metric": "metrics.auc", "goal": "max", "tolerance": 0.03}))
    assert checked(three, 3)[0][2]
    three.set_policy(rule(improvement=[{"metric": "auc", "goal": "min"}]))
    assert (checked(three, 3)[0][2], checked(three, 2)[0][2]) == (True, True)
    three.set_policy(rule(improvement=[{"metric": "loss", "goal": "min"}]))
    assert checked(three, 3)[0][1:] == ("metrics.loss is missing, and version 2 in Production has missing", False)


def test_signature_and_input_example_are_those_of_the_logged_model(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run())
    register(registry, make_run(signature=None, has_input_example=False))
    registry.create_model_version("churn", "s3://elsewhere")
    registry.set_policy(rule(signature=True, input_example=True))
    assert [passed for _, _, passed in checked(registry, 1)] == [True, True]
    assert [found for _, found, _ in checked(registry, 2)] == ["no", "no"]
    assert "no model that a run of this store logged" in checked(registry, 3)[0][1]


def test_findings_above_a_severity_block(registry: Registry, make_run: MakeRun, store: Store) -> None:
    run_id = make_run()
    register(registry, run_id)
    store.facts.add_findings(run_id, [Finding("seed", Severity.INFO, "no seed"), Finding("leakage", Severity.ERROR, "12 rows of the test set\nin train")])
    for worst, found in (("none", "2 findings: info: no seed; error: 12 rows of the test set"), ("warning", "1 finding: error: 12 rows of the test set")):
        registry.set_policy(rule(findings=worst))
        assert checked(registry)[0][1:] == (found, False)


def test_a_run_must_have_been_reproduced(registry: Registry, make_run: MakeRun, store: Store) -> None:
    run_id = make_run()
    register(registry, run_id)
    registry.set_policy(rule(reproduced=True))
    assert checked(registry) == [("the run was reproduced", "no verdict: nobody has reproduced the run yet", False)]
    for fact, passed in (({"verdict": "DRIFTED"}, False), ({"verdict": "REPRODUCED"}, True), ("REPRODUCED", True)):
        store.facts.set(run_id, {"reproduced": fact})
        assert checked(registry)[0][2] is passed


def test_the_card_must_be_complete_to_a_percentage(registry: Registry, make_run: MakeRun) -> None:
    register(registry, make_run(metrics={"auc": 0.9}))
    registry.set_policy(rule(card=True))
    text, found, passed = checked(registry)[0]
    assert (text, passed) == ("the card is 100 % complete", False)
    assert "intended_use" in found
    percent = registry.model_card("churn", 1).percent
    registry.set_policy(rule(card=percent))
    assert checked(registry)[0][2]


def test_an_override_needs_a_reason_and_is_an_event(registry: Registry, bob: Registry, make_run: MakeRun) -> None:
    register(registry, make_run())
    registry.set_policy(rule(metrics="metrics.recall > 0.7"))
    for reason in (None, " "):
        with pytest.raises(InvalidInput, match="an override of the policy needs a reason"):
            registry.transition_model_version_stage("churn", 1, "Production", override=True, reason=reason)
    version = bob.transition_model_version_stage("churn", 1, "Production", override=True, reason="outage, signed off by the board")
    assert version.current_stage == "Production"
    override, move = registry.audit_log("churn", 1)[-2:]
    assert (override.action, override.actor, override.details["reason"]) == ("policy.override", "bob", "outage, signed off by the board")
    assert override.details["conditions"][0]["found"] == "metrics.recall is missing"
    assert (move.action, move.details["override"]) == ("version.transition", True)
    assert registry.audit_verify() == []


def test_only_those_whom_the_policy_names_may_override(registry: Registry, bob: Registry, make_run: MakeRun) -> None:
    register(registry, make_run())
    registry.set_policy(rule(metrics="metrics.recall > 0.7", overriders=["bob"]))
    with pytest.raises(NotPermitted, match="ada may not override the policy .*; bob may"):
        registry.transition_model_version_stage("churn", 1, "Production", override=True, reason="now")
    bob.transition_model_version_stage("churn", 1, "Production", override=True, reason="now")


def test_policy_files_bind_in_and_beside_the_folder_of_the_store(tmp_path: Path, make_run: MakeRun, registry: Registry) -> None:
    register(registry, make_run())
    registry.set_policy(rule(metrics="metrics.a > 0"))
    (tmp_path / "nbtrack.policy.yml").write_text("rules:\n- metrics: metrics.b > 0\n")
    (tmp_path / ".nbtrack/nbtrack.policy.yaml").write_text("rules:\n- {metrics: metrics.c > 0, stage: Production}\n")
    assert [text for text, _, _ in checked(registry)] == ["metrics.c > 0", "metrics.b > 0", "metrics.a > 0"]
    assert [condition.rule for condition in registry.check("churn", 1, "Production")][1] == f"{tmp_path / 'nbtrack.policy.yml'}:2"
    registry.set_policy(None)
    assert len(registry.policy()) == 2


def test_a_policy_beside_a_database_file_binds(tmp_path: Path) -> None:
    store = open_store(locate(tmp_path / "runs.db"))
    (tmp_path / "nbtrack.policy.yml").write_text("rules:\n- metrics: metrics.b > 0\n")
    assert len(Registry(store, "ada").policy()) == 1
    store.close()


@pytest.mark.parametrize(
    ("text", "line", "key", "problem"),
    [
        ("rules:\n- stage: Production\n  metrics: metrics.recall >> 0.7\n", 3, "rules[0].metrics", "column"),
        ("rules:\n- metrics:\n  - metrics.a > 1\n  - metrics.b >\n", 4, "rules[0].metrics[1]", "column"),
        ("rules:\n- stage: Producton\n", 2, "rules[0].stage", "Did you mean 'Production'"),
        ("rules:\n- stage: Archived\n", 2, "rules[0].stage", "none of Staging, Production"),
        ("rules:\n- approval: 2\n", 2, "rules[0].approval", "Did you mean 'approvals'"),
        ("rules:\n- approvals: many\n", 2, "rules[0].approvals", "a whole number from 0 to 100"),
        ("rules:\n- approvals: true\n", 2, "rules[0].approvals", "a whole number"),
        ("rules:\n- approvals: 2\n  approvers: [bob, bob]\n", 2, "rules[0]", "only 1 people may approve"),
        ("rules:\n- card: 120\n", 2, "rules[0].card", "from 0 to 100"),
        ("rules:\n- signature: maybe\n", 2, "rules[0].signature", "true or false"),
        ("rules:\n- findings: fatal\n", 2, "rules[0].findings", "none of none, info, warning"),
        ("rules:\n- improvement: auc\n", 2, "rules[0].improvement", "a mapping is wanted"),
        ("rules:\n- improvement: {metric: auc}\n", 2, "rules[0].improvement.goal", "the key is missing"),
        ("rules:\n- improvement: {metric: auc, goal: max, tolerance: -1}\n", 2, "rules[0].improvement.tolerance", "a number from 0 on"),
        ("rules:\n- stage: Production\n  stage: Staging\n", 3, "rules[0].stage", "there twice, first in line 2"),
        ("rules: 3\n", 1, "rules", "a list is wanted"),
        ("rulez: []\n", 1, "rulez", "Did you mean 'rules'"),
        ("version: 2\nrules: []\n", 1, "version", "version 1"),
        ("- metrics: metrics.a > 1\n", 1, "", "a mapping is wanted"),
        ("rules:\n- metrics: 'metrics.a > 1\n", 3, "", "no YAML"),
        ("rules:\n- model: !!python/object/apply:os.system [ls]\n", 2, "rules[0].model", "a single value"),
        ("rules:\n- model: 2026-13-45\n", 0, "", "can't be read"),
        ("version: 1\n", 1, "rules", "the key is missing"),
    ],
)
def test_an_error_of_a_policy_is_told_with_its_line_and_key(text: str, line: int, key: str, problem: str) -> None:
    with pytest.raises(InvalidPolicy, match=problem) as caught:
        parse_policy(text, source="p.yml")
    assert (caught.value.line, caught.value.key) == (line, key)
    assert "No promotion passes until the policy is corrected" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_with_a_policy_that_has_an_error_no_promotion_passes(registry: Registry, make_run: MakeRun, tmp_path: Path) -> None:
    register(registry, make_run())
    path = tmp_path / "nbtrack.policy.yml"
    for broken in (b"rules:\n- stage: [", b"\xff\xfe\x00", b"rules:\n- aproved: 3\n"):
        path.write_bytes(broken)
        with pytest.raises(InvalidPolicy, match=r"nbtrack.policy.yml"):
            registry.transition_model_version_stage("churn", 1, "Staging")
        with pytest.raises(InvalidPolicy):
            registry.transition_model_version_stage("churn", 1, "Production", override=True, reason="all the same")
        with pytest.raises(InvalidPolicy):
            registry.request_transition("churn", 1, "Production")
    registry.transition_model_version_stage("churn", 1, "Archived")  # what goes out of use needs no policy
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(InvalidPolicy, match="can't be read"):
        registry.transition_model_version_stage("churn", 1, "Staging")


def test_a_policy_with_an_error_is_not_set(registry: Registry) -> None:
    registry.set_policy(rule(metrics="metrics.a > 1"), reason="first")
    with pytest.raises(InvalidPolicy, match="the new policy"):
        registry.set_policy("rules: [{metrics: 'metrics.a >'}]")
    assert [str(item.metrics[0]) for item in registry.policy()] == ["metrics.a > 1"]
    events = [event for event in registry.audit_log() if event.action == "policy.set"]
    assert [(event.actor, event.details["reason"]) for event in events] == [("ada", "first")]


def test_an_empty_policy_binds_nothing() -> None:
    assert parse_policy("") == parse_policy("# nothing\n") == parse_policy("rules: []") == []
