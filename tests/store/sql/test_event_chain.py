"""Whoever changes the log behind nbtrack's back is found out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nbtrack.store.open import locate, open_store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sql.events import event_hash

COLUMNS = ["sequence", "timestamp", "actor", "action", "subject", "details", "previous_hash", "hash"]
EVENTS = 5


@pytest.fixture
def logged(sqlite_store: SqlStore) -> SqlStore:
    """A store with some events, in which triggers protect nothing any more."""
    for number in range(EVENTS):
        sqlite_store.events.append(actor="ada", action=f"step {number}", subject="models:/churn/1", details={"n": number})
    assert sqlite_store.events.verify() == []
    with closing(opened(sqlite_store)) as connection:
        for trigger in ("events_keep_rows", "events_keep_values"):
            connection.execute(f"DROP TRIGGER {trigger}")
    return sqlite_store


def opened(store: SqlStore) -> sqlite3.Connection:
    return sqlite3.connect(Path(store.uri) / "nbtrack.db", isolation_level=None)


@pytest.mark.parametrize("statement", ["DELETE FROM events", "UPDATE events SET actor = 'eve'", "UPDATE events SET hash = hash"])
def test_rows_are_neither_changed_nor_deleted_by_accident(tmp_path: Path, statement: str) -> None:
    with closing(open_store(locate(tmp_path))) as store:
        store.events.append(actor="ada", action="register", subject="s", details={})
        assert isinstance(store, SqlStore)
        with closing(opened(store)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
        assert store.events.verify() == []


_values = st.integers(-5, 2**62) | st.text(max_size=5) | st.binary(max_size=3) | st.floats(allow_nan=False)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(row=st.integers(1, EVENTS), column=st.sampled_from(COLUMNS), value=_values)
def test_any_other_value_in_any_field_of_any_row_is_found(logged: SqlStore, row: int, column: str, value: Any) -> None:
    with closing(opened(logged)) as connection:
        before = connection.execute("SELECT * FROM events ORDER BY sequence").fetchall()
        try:
            connection.execute(f"UPDATE events SET {column} = ? WHERE sequence = ?", (value, row))
        except (sqlite3.IntegrityError, OverflowError):
            assume(False)
        after = connection.execute("SELECT * FROM events ORDER BY sequence").fetchall()
        assert bool(logged.events.verify()) is (after != before)
        connection.execute("DELETE FROM events")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", before)
    assert logged.events.verify() == []


@pytest.mark.parametrize("gone", [(1,), (3,), (EVENTS,), (EVENTS - 1, EVENTS), tuple(range(1, EVENTS + 1))])
def test_missing_rows_are_found_wherever_they_were(logged: SqlStore, gone: tuple[int, ...]) -> None:
    with closing(opened(logged)) as connection:
        connection.executemany("DELETE FROM events WHERE sequence = ?", [(number,) for number in gone])
    assert logged.events.verify()


def test_a_row_that_was_forged_with_its_hash_breaks_the_chain(logged: SqlStore) -> None:
    with closing(opened(logged)) as connection:
        row = list(connection.execute("SELECT * FROM events WHERE sequence = 3").fetchone())
        row[2] = "eve"
        connection.execute("UPDATE events SET actor = ?, hash = ? WHERE sequence = 3", ("eve", event_hash(*row[:7])))
    assert logged.events.verify() == ["event 4 (step 3 models:/churn/1) does not follow event 3: its previous hash is another"]


def test_a_forged_last_row_is_found_by_the_head(logged: SqlStore) -> None:
    with closing(opened(logged)) as connection:
        row = list(connection.execute("SELECT * FROM events WHERE sequence = ?", (EVENTS,)).fetchone())
        row[2] = "eve"
        connection.execute("UPDATE events SET actor = ?, hash = ? WHERE sequence = ?", ("eve", event_hash(*row[:7]), EVENTS))
    assert logged.events.verify() == [f"event {EVENTS} is not the one that was written as the last: its hash is another"]


def test_an_added_row_is_found(logged: SqlStore) -> None:
    with closing(opened(logged)) as connection:
        last = connection.execute("SELECT hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone()[0]
        row = [EVENTS + 1, 0, "eve", "promote", "s", "{}", last]
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [*row, event_hash(*row)])
    assert logged.events.verify() == [f"the log ends with event {EVENTS + 1}, but event {EVENTS} was the last one written"]


def test_each_problem_names_its_row(logged: SqlStore) -> None:
    with closing(opened(logged)) as connection:
        connection.execute("UPDATE events SET details = '{}' WHERE sequence = 2")
        connection.execute("DELETE FROM events WHERE sequence = 4")
    assert logged.events.verify() == [
        "event 2 (step 1 models:/churn/1) was changed after it was written: its content does not give its hash",
        "event 4 is missing: the row after event 3 is event 5",
    ]


def test_text_that_is_no_utf8_is_told(logged: SqlStore) -> None:
    with closing(opened(logged)) as connection:
        connection.execute("UPDATE events SET actor = CAST(X'FF' AS TEXT) WHERE sequence = 2")
    (problem,) = logged.events.verify()
    assert "can't be read" in problem
