from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nbtrack.entities import LifecycleStage, ViewType
from nbtrack.errors import AlreadyExists, Conflict, ExperimentNotFound, TagNotFound
from nbtrack.ids import DEFAULT_EXPERIMENT_ID
from nbtrack.query import parse_experiment_filter, parse_experiment_order_by
from nbtrack.store.base import Store

from ..builders import new_run


def names(store: Store, **search: object) -> list[str]:
    return [experiment.name for experiment in store.experiments.search(**search)]  # type: ignore[arg-type]


def test_a_new_store_has_the_default_experiment(store: Store) -> None:
    default = store.experiments.get(DEFAULT_EXPERIMENT_ID)
    assert (default.name, default.lifecycle_stage, default.tags) == ("Default", LifecycleStage.ACTIVE, {})


def test_a_created_experiment_is_found_by_id_and_by_name(store: Store) -> None:
    made = store.experiments.create("churn 📉", tags={"team": "growth", "note": "été"})
    assert store.experiments.get(made.experiment_id) == made
    assert store.experiments.get_by_name("churn 📉") == made
    assert made.tags == {"team": "growth", "note": "été"}
    assert made.creation_time == made.last_update_time


def test_an_unknown_name_is_none(store: Store) -> None:
    assert store.experiments.get_by_name("nothing") is None


def test_an_unknown_id_is_refused_and_a_name_taken_for_an_id_is_recognised(store: Store) -> None:
    made = store.experiments.create("churn")
    with pytest.raises(ExperimentNotFound, match="'churn' is the name of the experiment with id " + made.experiment_id):
        store.experiments.get("churn")
    with pytest.raises(ExperimentNotFound, match="nbtrack experiments list"):
        store.experiments.get("99")


def test_a_taken_name_is_refused(store: Store) -> None:
    made = store.experiments.create("churn")
    with pytest.raises(AlreadyExists, match=made.experiment_id):
        store.experiments.create("churn")


def test_the_name_of_a_deleted_experiment_stays_taken(store: Store) -> None:
    store.experiments.delete(store.experiments.create("churn").experiment_id)
    with pytest.raises(AlreadyExists, match="is deleted; restore it"):
        store.experiments.create("churn")


def test_ensure_makes_an_experiment_once(store: Store) -> None:
    assert store.experiments.ensure("churn") == store.experiments.ensure("churn")


def test_threads_that_ensure_one_name_get_one_experiment(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.experiments.ensure("churn").experiment_id, range(32)))
    assert len(set(made)) == 1
    assert names(store).count("churn") == 1


def test_an_experiment_is_renamed_unless_the_name_is_taken(store: Store) -> None:
    made = store.experiments.create("churn")
    store.experiments.rename(made.experiment_id, "retention")
    store.experiments.rename(made.experiment_id, "retention")
    assert store.experiments.get(made.experiment_id).name == "retention"
    with pytest.raises(AlreadyExists, match="'Default'"):
        store.experiments.rename(made.experiment_id, "Default")


def test_tags_are_set_overwritten_and_deleted(store: Store) -> None:
    key = store.experiments.create("churn", tags={"a": "1"}).experiment_id
    store.experiments.set_tag(key, "a", "2")
    store.experiments.set_tag(key, "b", "half a pair: \ud83d")
    assert store.experiments.get(key).tags == {"a": "2", "b": "half a pair: \\ud83d"}
    store.experiments.delete_tag(key, "a")
    assert list(store.experiments.get(key).tags) == ["b"]
    with pytest.raises(TagNotFound, match="no tag 'a'"):
        store.experiments.delete_tag(key, "a")


def test_deleting_an_experiment_deletes_its_runs_and_restoring_brings_back_those(store: Store) -> None:
    key = store.experiments.create("churn").experiment_id
    kept, deleted_before = new_run(store, experiment_id=key), new_run(store, experiment_id=key)
    store.runs.delete(deleted_before)
    store.experiments.delete(key)
    assert store.experiments.get(key).lifecycle_stage is LifecycleStage.DELETED
    assert store.runs.get(kept).info.lifecycle_stage is LifecycleStage.DELETED
    store.experiments.restore(key)
    assert store.experiments.get(key).lifecycle_stage is LifecycleStage.ACTIVE
    assert store.runs.get(kept).info.lifecycle_stage is LifecycleStage.ACTIVE
    assert store.runs.get(deleted_before).info.lifecycle_stage is LifecycleStage.DELETED


def test_a_deleted_experiment_takes_no_changes_and_no_runs(store: Store) -> None:
    key = store.experiments.create("churn").experiment_id
    store.experiments.delete(key)
    for change in (
        lambda: store.experiments.rename(key, "other"),
        lambda: store.experiments.set_tag(key, "a", "1"),
        lambda: store.experiments.delete(key),
        lambda: new_run(store, experiment_id=key),
    ):
        with pytest.raises(Conflict, match=f"nbtrack experiments restore {key}"):
            change()


def test_what_is_not_deleted_is_not_restored(store: Store) -> None:
    with pytest.raises(Conflict, match="nothing to restore"):
        store.experiments.restore(DEFAULT_EXPERIMENT_ID)


def test_a_purged_experiment_is_gone_and_its_name_is_free(store: Store) -> None:
    key = store.experiments.create("churn").experiment_id
    run = new_run(store, experiment_id=key)
    with pytest.raises(Conflict, match="still has runs"):
        store.experiments.purge([key])
    store.experiments.delete(key)
    store.runs.purge([run])
    store.experiments.purge([key])
    with pytest.raises(ExperimentNotFound):
        store.experiments.get(key)
    store.experiments.create("churn")


def test_active_and_default_experiments_are_not_purged(store: Store) -> None:
    with pytest.raises(Conflict, match="not deleted"):
        store.experiments.purge([store.experiments.create("churn").experiment_id])
    store.experiments.delete(DEFAULT_EXPERIMENT_ID)
    with pytest.raises(Conflict, match="default experiment"):
        store.experiments.purge([DEFAULT_EXPERIMENT_ID])


def test_search_shows_a_view_the_latest_updated_first(store: Store) -> None:
    keys = [store.experiments.create(name).experiment_id for name in ("a", "b", "c")]
    store.experiments.delete(keys[1])
    assert set(names(store)) == {"a", "c", "Default"}
    assert names(store, view=ViewType.DELETED_ONLY) == ["b"]
    assert set(names(store, view=ViewType.ALL)) == {"a", "b", "c", "Default"}
    times = [experiment.last_update_time for experiment in store.experiments.search(view=ViewType.ALL)]
    assert times == sorted(times, reverse=True)


def test_search_filters_orders_and_pages(store: Store) -> None:
    for name in ("forest", "forest-2", "linear"):
        store.experiments.create(name, tags={"kind": name[:6]})
    found = names(store, filter=parse_experiment_filter("tags.kind = 'forest'"), order_by=parse_experiment_order_by("name DESC"))
    assert found == ["forest-2", "forest"]
    everything = names(store, order_by=parse_experiment_order_by("name"))
    assert names(store, order_by=parse_experiment_order_by("name"), limit=2, offset=1) == everything[1:3]
    tagged = store.experiments.search(filter=parse_experiment_filter("name = 'linear'"))
    assert [experiment.tags for experiment in tagged] == [{"kind": "linear"}]
