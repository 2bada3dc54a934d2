from __future__ import annotations

import json
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nbtrack
from nbtrack.entities import LoggedModel
from nbtrack.registry.service import Registry

from .conftest import NbtrackCommand, make_run


@pytest.fixture
def runs() -> list[str]:
    """Two runs that logged a model each."""
    ids = [make_run(f"forest-{depth}", metrics={"recall": recall}) for depth, recall in ((2, 0.62), (6, 0.91))]
    store = nbtrack.Client().store
    for number, run_id in enumerate(ids):
        model = LoggedModel(f"m-{number:032x}", run_id, "model", "ab" * 32, ["sklearn"], 100, 1, model_class="sklearn.RandomForestClassifier")
        store.registry.logged_models.add(model)
    return ids


@pytest.fixture
def churn(runs: list[str], call: NbtrackCommand) -> list[str]:
    """Both as versions of ``churn``."""
    for number, run_id in enumerate(runs, start=1):
        assert call("registry", "register", f"runs:/{run_id}/model", "churn", "-t", "data=v2").output == f"{number}\n"
    return runs


def as_person(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NBTRACK_USER", name)


def test_models_and_versions_are_listed_and_shown(churn: list[str], call: NbtrackCommand) -> None:
    assert call("registry", "promote", "churn/2", "--stage", "production", "-r", "first").output == "churn/2: None → Production\n"
    call("registry", "alias", "churn/1", "champion")
    listed = call("registry", "list").output
    assert listed.splitlines()[1].split()[:5] == ["churn", "2", "2", "@champion", "1"]
    assert [model["name"] for model in json.loads(call("registry", "list", "--json").output)] == ["churn"]
    assert call("registry", "list", "--csv").output.splitlines()[1].startswith("churn,2,,2,@champion 1,")
    shown = call("registry", "show", "churn").output
    assert [line.split()[:2] for line in shown.splitlines()[3:5]] == [["2", "Production"], ["1", "None"]]
    one = call("registry", "show", "churn@champion").output
    assert "churn, version 1" in one
    assert "data=v2" in one
    assert json.loads(call("registry", "show", "churn/Production", "--json").output)["version"] == 2


def test_check_gives_a_job_its_verdict_by_exit_code(churn: list[str], call: NbtrackCommand, empty_folder: Path) -> None:
    assert call("registry", "check", "churn/1", "--stage", "Production").exit_code == 0
    (empty_folder / "nbtrack.policy.yml").write_text("rules:\n- metrics: metrics.recall >= 0.7\n")
    refused = call("registry", "check", "churn/1", "--stage", "Production")
    assert refused.exit_code == 1
    assert "metrics.recall = 0.62" in refused.output
    assert "version 1 of 'churn' may not go to Production: 1 of 1 condition fail" in refused.output
    passed = call("registry", "check", "models:/churn/2", "--stage", "production", "--json")
    assert (passed.exit_code, json.loads(passed.output)["passed"]) == (0, True)
    promoted = call("registry", "promote", "churn/1", "--stage", "Production")
    assert promoted.exit_code == 1
    assert "FAIL  metrics.recall >= 0.7: metrics.recall = 0.62" in promoted.output
    assert "nbtrack registry promote --override --reason '...'" in promoted.output
    bare = call("registry", "promote", "churn/1", "--stage", "Production", "--override")
    assert (bare.exit_code, "it needs --reason" in bare.output) == (2, True)
    (empty_folder / "nbtrack.policy.yml").write_text("rules:\n- metrics: metrics.recall >=\n")
    broken = call("registry", "check", "churn/2", "--stage", "Production")
    assert (broken.exit_code, "line 2, key rules[0].metrics" in broken.output) == (1, True)
    assert call("registry", "policy").exit_code == 1


def test_the_policy_in_the_help_is_one(call: NbtrackCommand, churn: list[str], empty_folder: Path) -> None:
    lines = call("registry", "policy", "--help").output.partition("    rules:\n")[2].partition("\n\n")[0]
    (empty_folder / "example.yml").write_text(f"rules:\n{textwrap.dedent(lines)}\n")
    assert call("registry", "policy", "--set", "example.yml").output == "the policy of the store:2  churn* to Production\n"


def test_requests_are_approved_by_others(churn: list[str], call: NbtrackCommand, monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    (empty_folder / "two.yml").write_text("rules:\n- approvals: 2\n  model: churn\n")
    assert call("registry", "policy", "--set", "two.yml").output == "the policy of the store:2  churn to Production\n"
    as_person(monkeypatch, "ada")
    assert call("registry", "request", "churn/2", "--stage", "Production", "-r", "better").output == "1\n"
    assert "ada asked for the promotion" in call("registry", "approve", "1").output
    as_person(monkeypatch, "bob")
    assert "request 1 (churn/2 to Production) is open\nit waits for more" in call("registry", "approve", "1", "-m", "fine").output
    assert "approved by bob: fine" in call("registry", "requests", width=200).output
    as_person(monkeypatch, "carol")
    assert call("registry", "approve", "1").output == "request 1 (churn/2 to Production) is done\n"
    assert call("registry", "requests").output == "0 requests\n"
    assert json.loads(call("registry", "requests", "churn", "--all", "--json").output)[0]["state"] == "done"
    assert call("registry", "reject", "1").exit_code == 1


def test_rollback_and_aliases(churn: list[str], call: NbtrackCommand) -> None:
    for version in ("1", "2"):
        call("registry", "promote", f"churn/{version}", "--stage", "Production", "--archive")
    assert call("registry", "rollback", "churn", "-r", "slow").output == "churn/1 is back in Production\n"
    assert call("registry", "rollback", "churn").exit_code == 1
    assert call("registry", "alias", "churn/latest", "champion").output == "churn@champion is version 2\n"
    assert call("registry", "alias", "churn@champion", "champion", "--delete").output == "churn@champion is gone\n"
    assert "reserved" in call("registry", "alias", "churn/1", "v3").output


def test_card_and_lineage_are_written(churn: list[str], call: NbtrackCommand, empty_folder: Path) -> None:
    card = call("registry", "card", "churn/1", "--set", "contact=ml@example.org", "--set", "keywords=a, b").output
    assert "- **Type**: RandomForestClassifier" in card
    assert "ml@example.org" in card
    assert json.loads(call("registry", "card", "churn/1", "--format", "json").output)["fields"]["keywords"] == ["a", "b"]
    assert "<h2>Model Card: churn, version 1</h2>" in call("registry", "card", "churn/1", "--format", "html").output
    assert "no field 'contakt' to fill. Did you mean 'contact'" in call("registry", "card", "churn/1", "--set", "contakt=x").output
    assert "a field is KEY=VALUE" in call("registry", "card", "churn/1", "--set", "contact").output
    assert json.loads(call("registry", "lineage", "churn/1").output)["run"]["run_id"] == churn[0]
    call("registry", "lineage", "churn/1", "--svg", "line.svg")
    assert ElementTree.parse(empty_folder / "line.svg").getroot().tag.endswith("svg")
    assert call("registry", "used-by", "0" * 64).output == ""


def test_the_audit_shows_verifies_and_exports(churn: list[str], call: NbtrackCommand) -> None:
    for stage in ("Staging", "Production"):
        call("registry", "promote", "churn/1", "--stage", stage, "-r", f"to {stage}")
    shown = call("audit", "log", "churn/1", width=200).output
    assert "1: Staging → Production" in shown
    assert "to Production" in shown
    events = json.loads(call("audit", "log", "--json").output)
    assert [event["action"] for event in events] == ["model.create", "version.create", "version.create", "version.transition", "version.transition"]
    verified = call("audit", "verify")
    assert (verified.exit_code, verified.output) == (0, f"the log holds: 5 events, the last with the hash {events[-1]['hash']}\n")
    assert call("audit", "export", "churn/2", "--format", "csv").output.count("\n") == 2
    assert call("audit", "verify", "--head", "ab").exit_code == 1
    store = nbtrack.Client().store
    store.database.execute("UPDATE model_versions SET stage = 'Archived' WHERE version = 1")  # type: ignore[attr-defined]
    broken = call("audit", "verify", "--json")
    assert (broken.exit_code, json.loads(broken.output)["holds"]) == (1, False)


def test_what_is_named_wrongly_is_told(churn: list[str], call: NbtrackCommand) -> None:
    for arguments, message in (
        (("check", "churn", "--stage", "Production"), "'churn' names no version. Write NAME/3"),
        (("check", "churn/9", "--stage", "Production"), "Model Version (name=churn, version=9) not found"),
        (("show", "chrun"), "Did you mean 'churn'"),
        (("register", "runs:/x", "churn"), "Not a proper runs:/ URI"),
    ):
        result = call("registry", *arguments)
        assert (result.exit_code, message in result.output) == (1, True), result.output


def test_a_folder_without_a_store_is_told(call: NbtrackCommand) -> None:
    assert "there is no store" in call("audit", "verify").output


def test_an_empty_registry_says_so(call: NbtrackCommand) -> None:
    make_run("one")
    assert call("registry", "list").output.startswith("0 registered models")
    assert call("audit", "verify").output == "the log holds: 0 events\n"
    assert call("registry", "policy").output == "no rule: every promotion passes\n"
    assert Registry(nbtrack.Client().store, "ada").search_registered_models() == []
