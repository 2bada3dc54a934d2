from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import Finding, Severity
from nbtrack.store.base import Store

from ..builders import new_run

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(facts=st.dictionaries(st.from_regex(r"[a-z.]{1,6}", fullmatch=True), _json, max_size=4))
def test_any_json_comes_back(store: Store, facts: dict[str, Any]) -> None:
    run_id = new_run(store)
    store.facts.set(run_id, facts)
    assert store.facts.all(run_id) == facts


def test_a_fact_is_replaced_and_the_others_stay(store: Store, run_id: str) -> None:
    store.facts.set(run_id, {"git": {"commit": "a"}, "seed": 1})
    store.facts.set(run_id, {"git": {"commit": "b"}})
    assert store.facts.all(run_id) == {"git": {"commit": "b"}, "seed": 1}


@pytest.mark.parametrize(
    "value", ["x" * 10_000, {f"package-{number}": "1.0" for number in range(500)}, ["texts:" + "0" * 64] * 9], ids=["text", "dict", "look-alike"]
)
def test_large_facts_of_many_runs_come_back(store: Store, value: object) -> None:
    first, second = new_run(store), new_run(store)
    for run in (first, second):
        store.facts.set(run, {"packages": value, "short": "texts:"})
    assert store.facts.all(first) == store.facts.all(second) == {"packages": value, "short": "texts:"}


def test_keys_of_several_types_become_text(store: Store, run_id: str) -> None:
    store.facts.set(run_id, {"counts": {1: "a", "b": 2, None: 3}})
    assert store.facts.all(run_id) == {"counts": {"1": "a", "b": 2, "null": 3}}


def test_findings_are_added_in_order(store: Store, run_id: str) -> None:
    first = Finding("hidden-state", Severity.WARNING, "X was edited since", cell="c3", line=2, evidence={"names": ["X"]}, fix="run cell 2 again")
    second = Finding("seed", Severity.INFO, "no seed")
    store.facts.add_findings(run_id, [first])
    store.facts.add_findings(run_id, [second])
    assert store.facts.findings(run_id) == [first, second]


def test_a_new_run_has_no_facts_and_no_findings(store: Store, run_id: str) -> None:
    assert (store.facts.all(run_id), store.facts.findings(run_id)) == ({}, [])
