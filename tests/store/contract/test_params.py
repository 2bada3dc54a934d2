from __future__ import annotations

import enum
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import Origin, Param, ParamChange, RunStatus
from nbtrack.errors import InvalidParam, ParamFrozen
from nbtrack.store.base import Store

from ..builders import new_run


def log(store: Store, run_id: str, *, write_once: bool = False, origin: Origin = Origin.LOGGED, **params: Any) -> None:
    store.params.log(run_id, [Param(key, value, origin) for key, value in params.items()], write_once=write_once)


def values(store: Store, run_id: str) -> dict[str, Any]:
    return {param.key: param.value for param in store.params.all(run_id)}


TYPED = [
    0,
    -(2**70),
    True,
    False,
    None,
    0.1,
    -0.0,
    1e308,
    5e-324,
    float("inf"),
    float("-inf"),
    "",
    "0.1",
    "None",
    "a\x00b",
    "🌲 été\n",
    "file\udcff.csv",
    [],
    {},
    [1, [2.5, None, {"a": [True]}], "x"],
    {"b": 1, "a": {"deep": [float("inf")]}},
    ["half \ud83d"],
]


@pytest.mark.parametrize("value", TYPED, ids=repr)
def test_a_param_keeps_its_value_and_type(store: Store, run_id: str, value: Any) -> None:
    log(store, run_id, key=value)
    (found,) = store.params.all(run_id)
    assert repr(found.value) == repr(value)
    assert store.runs.get(run_id).data.params == {"key": value}


def test_nan_stays_nan_alone_and_inside(store: Store, run_id: str) -> None:
    log(store, run_id, alone=math.nan, inside=[math.nan, {"a": math.nan}])
    assert repr(values(store, run_id)) == "{'alone': nan, 'inside': [nan, {'a': nan}]}"


def test_tuples_become_lists_and_keys_become_text(store: Store, run_id: str) -> None:
    log(store, run_id, shape=(3, (4,)), weights={0: 1.0, 1: 5.0})
    assert values(store, run_id) == {"shape": [3, [4]], "weights": {"0": 1.0, "1": 5.0}}


def test_subclasses_are_stored_as_their_plain_kind(store: Store, run_id: str) -> None:
    class Size(enum.IntEnum):
        LARGE = 3

    class Path(str):
        def __str__(self) -> str:
            return "other"

    class Real(float):
        def __repr__(self) -> str:
            return f"Real({float(self)})"

    log(store, run_id, size=Size.LARGE, path=Path("a/b"), real=Real(0.5))
    assert values(store, run_id) == {"path": "a/b", "real": 0.5, "size": 3}


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(params=st.dictionaries(st.from_regex(r"[a-z_.]{1,8}", fullmatch=True), _values, max_size=5))
def test_any_params_come_back_and_logging_them_again_changes_nothing(store: Store, params: dict[str, Any]) -> None:
    run_id = new_run(store)
    store.params.log(run_id, [Param(key, value) for key, value in params.items()])
    found = values(store, run_id)
    assert repr(found) == repr({key: params[key] for key in sorted(params)})
    store.runs.update(run_id, status=RunStatus.FINISHED)
    store.params.log(run_id, [Param(key, value) for key, value in found.items()], write_once=True)
    assert store.params.history(run_id) == []


@pytest.mark.parametrize(
    "value",
    [b"bytes", 1j, object(), {1, 2}, [object()], {(1, 2): 3}, {"a": b""}],
    ids=["bytes", "complex", "object", "set", "list of objects", "tuple as key", "bytes in a dict"],
)
def test_a_value_of_another_kind_is_refused_by_name(store: Store, run_id: str, value: Any) -> None:
    with pytest.raises(InvalidParam, match="'bad'"):
        log(store, run_id, good=1, bad=value)
    assert store.params.all(run_id) == []


def test_a_list_that_holds_itself_is_refused(store: Store, run_id: str) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidParam, match="'loop'"):
        log(store, run_id, loop=loop)


def test_a_number_too_long_to_write_is_refused(store: Store, run_id: str) -> None:
    with pytest.raises(InvalidParam, match=r"'huge' is a whole number of 20,001 bits"):
        log(store, run_id, huge=2**20_000)
    with pytest.raises(InvalidParam, match="'inside'"):
        log(store, run_id, inside=[2**20_000])


def test_a_text_too_long_is_refused(store: Store, run_id: str) -> None:
    log(store, run_id, long="x" * 500_000)
    with pytest.raises(InvalidParam, match=r"'longer' has 500,001 characters.*log_text"):
        log(store, run_id, longer="x" * 500_001)


def test_ten_thousand_params_fit_in_a_run(store: Store, run_id: str) -> None:
    store.params.log(run_id, [Param(f"p{number:05}", number) for number in range(10_000)])
    assert [param.value for param in store.params.all(run_id)] == list(range(10_000))


def test_a_param_is_corrected_while_its_run_goes_on_and_both_values_stay(store: Store, run_id: str) -> None:
    log(store, run_id, lr=0.1, model="forest")
    log(store, run_id, lr=1)
    log(store, run_id, lr=[1, None])
    assert values(store, run_id) == {"lr": [1, None], "model": "forest"}
    first, second = store.params.history(run_id)
    assert (first, second) == (ParamChange("lr", 0.1, 1, first.timestamp), ParamChange("lr", 1, [1, None], second.timestamp))
    assert first.timestamp > 1_000_000_000_000


@pytest.mark.parametrize(("old", "new"), [(1, 1), (0.5, 0.5), (math.nan, math.nan), ([1, 2], (1, 2)), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({0: 1}, {"0": 1})])
def test_an_equal_value_is_no_change_even_after_the_end(store: Store, run_id: str, old: Any, new: Any) -> None:
    log(store, run_id, key=old)
    log(store, run_id, key=new)
    store.runs.update(run_id, status=RunStatus.FINISHED)
    log(store, run_id, key=new)
    log(store, run_id, key=new, write_once=True)
    assert store.params.history(run_id) == []


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), ("1", 1), (None, "None"), ([1], [1.0]), ([1], [True]), ([], {}), ({"a": 1}, {"a": 2})])
def test_a_value_of_another_type_is_another_value(store: Store, run_id: str, old: Any, new: Any) -> None:
    log(store, run_id, key=old)
    log(store, run_id, key=new)
    assert [(change.old_value, change.new_value) for change in store.params.history(run_id)] == [(old, new)]
    assert repr(values(store, run_id)["key"]) == repr(new)


@pytest.mark.parametrize("status", [status for status in RunStatus if status.ended])
def test_params_of_an_ended_run_are_frozen(store: Store, run_id: str, status: RunStatus) -> None:
    log(store, run_id, lr=0.1)
    store.runs.update(run_id, status=status)
    with pytest.raises(ParamFrozen, match=f"the run {run_id} has ended, so its param 'lr' stays 0.1; found the new value 0.2"):
        log(store, run_id, new=1, lr=0.2)
    assert values(store, run_id) == {"lr": 0.1}
    log(store, run_id, late=1)
    store.runs.update(run_id, status=RunStatus.RUNNING)
    log(store, run_id, lr=0.2)
    assert values(store, run_id) == {"late": 1, "lr": 0.2}


def test_write_once_refuses_another_value_in_the_words_of_mlflow(store: Store, run_id: str) -> None:
    log(store, run_id, p="3")
    with pytest.raises(ParamFrozen) as refusal:
        log(store, run_id, write_once=True, p="4", q="1")
    assert str(refusal.value) == (
        f"Changing param values is not allowed. Param with key='p' was already logged with value='3' for run ID='{run_id}'. Attempted logging new value '4'."
    )
    assert values(store, run_id) == {"p": "3"}


def test_a_key_twice_in_one_call_is_a_correction(store: Store, run_id: str) -> None:
    store.params.log(run_id, [Param("lr", 1), Param("lr", 2)])
    assert values(store, run_id) == {"lr": 2}
    with pytest.raises(ParamFrozen):
        store.params.log(run_id, [Param("n", 1), Param("n", 2)], write_once=True)


def test_what_was_inferred_never_replaces_what_was_logged(store: Store, run_id: str) -> None:
    log(store, run_id, lr=0.1)
    log(store, run_id, origin=Origin.INFERRED, lr=0.2, depth=3)
    log(store, run_id, origin=Origin.AUTOLOG, lr=0.3)
    assert values(store, run_id) == {"depth": 3, "lr": 0.1}
    assert store.params.history(run_id) == []


def test_what_is_logged_replaces_what_was_inferred(store: Store, run_id: str) -> None:
    store.params.log(run_id, [Param("lr", 0.1, Origin.INFERRED, line=3), Param("depth", 4, Origin.INFERRED, line=5)])
    store.params.log(run_id, [Param("lr", 0.2), Param("depth", 4)], write_once=True)
    assert store.params.all(run_id) == [Param("depth", 4, Origin.LOGGED), Param("lr", 0.2, Origin.LOGGED)]


def test_a_param_keeps_its_origin_and_line(store: Store, run_id: str) -> None:
    store.params.log(run_id, [Param("lr", 0.1, Origin.INFERRED, 12)])
    assert store.params.all(run_id) == [Param("lr", 0.1, Origin.INFERRED, 12)]
