"""The log tells who did what, and tampering with it or with the registry is found and named."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.errors import InvalidInput
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store
from nbtrack.store.open import locate, open_store

from .conftest import MakeRun


def tamper(store: Store, *statements: str) -> None:
    """Change the file past nbtrack, triggers and all."""
    connection = sqlite3.connect(locate(store.uri).database)
    connection.execute("PRAGMA foreign_keys = OFF")
    for trigger in ("events_keep_rows", "events_keep_values"):
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def busy(three: Registry, bob: Registry) -> Registry:
    """A registry with a history of every kind."""
    three.set_policy({"rules": [{"approvals": 1}]})
    three.request_transition("churn", 2, "Production", comment="better")
    bob.approve(1, "yes")
    three.set_registered_model_alias("churn", "champion", 2)
    three.update_model_version("churn", 2, "the good one", reason="asked for")
    three.set_model_version_tag("churn", 2, "data", "v2")
    three.update_model_card("churn", 2, {"intended_use": "to try"})
    three.transition_model_version_stage("churn", 3, "Staging", reason="try it")
    return three


def test_every_change_is_an_event_with_who_what_before_after_and_why(busy: Registry) -> None:
    events = busy.audit_log()
    assert [event.action for event in events] == [
        "model.create",
        *["version.create"] * 3,
        "policy.set",
        "request.open",
        "request.approve",
        "version.transition",
        "request.done",
        "alias.set",
        "version.update",
        "version.tag",
        "version.card",
        "version.transition",
    ]
    assert {event.actor for event in events} == {"ada", "bob"}
    described = next(event for event in events if event.action == "version.update")
    assert described.details == {"before": {"description": None}, "after": {"description": "the good one"}, "reason": "asked for"}
    assert busy.audit_verify() == []


def test_a_change_that_is_refused_is_no_event(busy: Registry) -> None:
    before = busy.audit_log()
    for call in (lambda: busy.get_model_version("churn", 9), lambda: busy.delete_model_version("churn", 2), lambda: busy.set_policy("rules: 3")):
        with pytest.raises(Exception):  # noqa: B017, PT011
            call()
    assert busy.audit_log() == before


def test_the_log_of_a_model_and_of_a_version(busy: Registry, make_run: MakeRun) -> None:
    busy.register_model(f"runs:/{make_run()}/model", "other")
    busy.rename_registered_model("churn", "leavers")
    assert {event.subject.split("/")[1] for event in busy.audit_log("leavers")} == {"churn"}
    assert busy.audit_log("churn") == busy.audit_log("leavers")
    assert [event.subject for event in busy.audit_log("other")] == ["models:/other", "models:/other/1"]
    assert [event.action for event in busy.audit_log("leavers", 3)] == ["version.create", "version.transition"]
    assert "alias.set" in [event.action for event in busy.audit_log("leavers", 2)]
    assert len(busy.audit_log(limit=2)) == len(busy.audit_log("leavers", limit=2)) == 2
    assert busy.audit_log("nothing") == busy.audit_log(limit=0) == []


def test_an_archived_version_has_the_event_that_archived_it(three: Registry) -> None:
    three.transition_model_version_stage("churn", 1, "Production")
    three.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    assert [event.subject for event in three.audit_log("churn", 1)][-1] == "models:/churn/2"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE events SET actor = 'eve' WHERE sequence = 8", "event 8 (version.transition models:/churn/2) was changed"),
        ("UPDATE events SET details = replace(details, 'Production', 'Staging') WHERE sequence = 8", "event 8 "),
        ("DELETE FROM events WHERE sequence = 6", "event 6 is missing"),
        ("DELETE FROM events WHERE sequence > 12", "event 14 was the last one written"),
        ("UPDATE events SET sequence = CASE sequence WHEN 3 THEN -4 ELSE -3 END WHERE sequence IN (3, 4)", "event"),
    ],
)
def test_a_changed_removed_or_reordered_row_is_found_and_named(busy: Registry, statement: str, message: str) -> None:
    tamper(busy.store, statement, "UPDATE events SET sequence = -sequence WHERE sequence < 0")
    problems = busy.audit_verify()
    assert problems
    assert any(message in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE model_versions SET stage = 'Production' WHERE version = 3", "version 3 of 'churn' stands in Production, but the log of events says Staging"),
        ("UPDATE model_versions SET digest = 'ab' WHERE version = 2", "version 2 of 'churn' has the digest 'ab'"),
        ("UPDATE model_versions SET user_id = 'eve' WHERE version = 2", "version 2 of 'churn' has the user_id 'eve'"),
        ("DELETE FROM model_versions WHERE version = 1", "version 1 of 'churn' is not in the registry, but no event deleted it"),
        ("UPDATE model_aliases SET version = 1", "the alias 'champion' of 'churn' points to version 1, but the log of events says version 2"),
        ("UPDATE registered_models SET name = 'stolen'", "the registered model 'stolen' is in the registry, but no event made it"),
        ("UPDATE request_approvals SET user_id = 'eve'", "request 1 has approved by eve, but the log of events says approved by bob"),
        ("UPDATE promotion_policy SET text = 'rules: []'", "not the one that event 5 set"),
    ],
)
def test_a_registry_that_is_not_what_the_log_says_is_found(busy: Registry, statement: str, message: str) -> None:
    tamper(busy.store, statement)
    problems = busy.audit_verify()
    assert any(message in problem for problem in problems), problems


def test_a_log_that_was_written_anew_is_found_by_a_hash_that_was_noted(busy: Registry) -> None:
    noted = busy.audit_log()[-1].hash
    assert busy.audit_verify(head=noted) == []
    assert busy.audit_verify(head="0" * 64) == [f"no event has the hash {'0' * 64}, which was noted: the log was replaced, or cut off and written anew"]


def test_events_are_exported_for_machines_and_for_sheets(busy: Registry) -> None:
    rows = json.loads(busy.audit_export())
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["time"].endswith("Z")
    assert [json.loads(line) for line in busy.audit_export("jsonl").splitlines()] == rows
    sheet = list(csv.DictReader(io.StringIO(busy.audit_export("csv", name="churn", version=3))))
    assert [(row["action"], row["reason"]) for row in sheet] == [("version.create", ""), ("version.transition", "try it")]
    with pytest.raises(InvalidInput, match="json, jsonl, csv"):
        busy.audit_export("xml")


COLUMNS = ("timestamp", "actor", "action", "subject", "details", "previous_hash", "hash")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.integers(1, 14), column=st.sampled_from(COLUMNS), value=st.one_of(st.text(max_size=8), st.integers(-5, 5), st.binary(max_size=4)))
def test_any_change_of_any_row_is_found(busy: Registry, row: int, column: str, value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path(tmp_path_factory.mktemp("copy"))
    busy.store.close()
    shutil.copytree(busy.store.uri, folder / ".nbtrack")
    connection = sqlite3.connect(folder / ".nbtrack/nbtrack.db")
    connection.execute("DROP TRIGGER events_keep_values")
    connection.text_factory = bytes
    before = connection.execute(f"SELECT {column} FROM events WHERE sequence = ?", (row,)).fetchone()
    try:
        connection.execute(f"UPDATE events SET {column} = ? WHERE sequence = ?", (value, row))
    except UnicodeEncodeError:  # half a surrogate pair, which SQLite can't hold
        return
    after = connection.execute(f"SELECT {column} FROM events WHERE sequence = ?", (row,)).fetchone()
    connection.commit()
    connection.close()
    copy = open_store(locate(folder))
    assert bool(Registry(copy, "eve").audit_verify()) is (before != after)
    copy.close()
