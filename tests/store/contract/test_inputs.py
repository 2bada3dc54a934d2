from __future__ import annotations

from nbtrack.entities import Dataset, DatasetInput, InputTag
from nbtrack.store.base import Store

from ..builders import new_run

TRAIN = Dataset("train 🚂", "d" * 64, "csv", "data/train.csv", [{"name": "age", "type": "int64"}], {"rows": 100, "nulls": {"age": 0}, "mean": None})


def role(context: str) -> list[InputTag]:
    return [InputTag("mlflow.data.context", context)]


def test_a_dataset_comes_back_with_its_role(store: Store, run_id: str) -> None:
    store.inputs.log(run_id, [DatasetInput(TRAIN, [*role("train"), InputTag("split", "0.8")])])
    (found,) = store.inputs.all(run_id)
    assert found == DatasetInput(TRAIN, [*role("train"), InputTag("split", "0.8")])
    assert found.context == "train"
    assert list(store.runs.get(run_id).inputs.dataset_inputs) == [found]


def test_one_dataset_has_several_roles_each_once(store: Store, run_id: str) -> None:
    store.inputs.log(run_id, [DatasetInput(TRAIN, role("train")), DatasetInput(TRAIN, role("test")), DatasetInput(TRAIN)])
    store.inputs.log(run_id, [DatasetInput(TRAIN, [*role("train"), InputTag("again", "yes")])])
    assert sorted((item.context or "", len(item.tags)) for item in store.inputs.all(run_id)) == [("", 0), ("test", 1), ("train", 2)]


def test_runs_share_a_dataset_and_tell_versions_apart(store: Store) -> None:
    first, second = new_run(store), new_run(store)
    changed = Dataset("train 🚂", "e" * 64)
    store.inputs.log(first, [DatasetInput(TRAIN)])
    store.inputs.log(second, [DatasetInput(TRAIN), DatasetInput(changed)])
    assert [item.dataset.digest for item in store.inputs.all(second)] == ["d" * 64, "e" * 64]
    assert [run.inputs.dataset_inputs[0].dataset for run in store.runs.get_many([first, second])] == [TRAIN, TRAIN]


def test_a_source_that_is_no_valid_text_is_written_out(store: Store, run_id: str) -> None:
    store.inputs.log(run_id, [DatasetInput(Dataset("d", "0", source="caf\udce9.csv", profile={"note": "\udce9"}))])
    (found,) = store.inputs.all(run_id)
    assert (found.dataset.source, found.dataset.profile) == ("caf\\udce9.csv", {"note": "\udce9"})


def test_a_run_without_inputs_has_none(store: Store, run_id: str) -> None:
    assert store.inputs.all(run_id) == []
