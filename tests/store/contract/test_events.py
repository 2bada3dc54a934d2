from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from nbtrack.store.base import Store


def test_events_are_listed_oldest_first_each_carrying_the_hash_before(store: Store) -> None:
    first = store.events.append(actor="ada", action="register", subject="models:/churn/1", details={"run": "a", "metrics": {"auc": 0.9}})
    second = store.events.append(actor="bob 🌞", action="promote", subject="models:/churn/1", details={})
    assert store.events.list() == [first, second]
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.previous_hash == first.hash
    assert first.details == {"run": "a", "metrics": {"auc": 0.9}}
    assert store.events.verify() == []


def test_events_are_chosen_by_subject_and_the_latest_few(store: Store) -> None:
    for number in range(6):
        store.events.append(actor="ada", action=f"a{number}", subject="even" if number % 2 == 0 else "odd", details={})
    assert [event.action for event in store.events.list(subject="even")] == ["a0", "a2", "a4"]
    assert [event.action for event in store.events.list(limit=2)] == ["a4", "a5"]
    assert [event.action for event in store.events.list(subject="odd", limit=1)] == ["a5"]
    assert store.events.list(subject="none") == []


def test_an_empty_log_holds(store: Store) -> None:
    assert (store.events.list(), store.events.verify()) == ([], [])


def test_text_that_is_no_valid_unicode_keeps_the_chain(store: Store) -> None:
    store.events.append(actor="\udcff", action="a", subject="s\ud83d", details={"path": "\udcff", "n": float("nan")})
    assert [event.subject for event in store.events.list(subject="s\ud83d")] == ["s\\ud83d"]
    assert store.events.verify() == []


def test_threads_that_append_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.events.append(actor="ada", action="x", subject=str(number), details={}), range(64)))
    assert [event.sequence for event in store.events.list()] == list(range(1, 65))
    assert store.events.verify() == []


def test_an_event_of_a_transaction_that_was_taken_back_leaves_no_trace(store: Store) -> None:
    store.events.append(actor="ada", action="kept", subject="s", details={})
    try:
        with store.transaction():
            store.events.append(actor="ada", action="lost", subject="s", details={})
            raise RuntimeError("stop")
    except RuntimeError:
        pass
    store.events.append(actor="ada", action="kept too", subject="s", details={})
    assert [event.action for event in store.events.list()] == ["kept", "kept too"]
    assert store.events.verify() == []
