from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import (
    CellOutput,
    Dataset,
    DatasetInput,
    Finding,
    LifecycleStage,
    Metric,
    Origin,
    OutputKind,
    Param,
    Process,
    RunCode,
    RunStatus,
    Severity,
    ViewType,
)
from nbtrack.errors import AlreadyExists, Conflict, ExperimentNotFound, InvalidInput, RunNotActive, RunNotFound, TagNotFound
from nbtrack.query import parse_filter, parse_order_by
from nbtrack.store.base import NewRun, RunQuery, Store

from ..builders import new_run

PROCESS = Process(pid=4711, host="lab", boot_id="b-1", start_ticks=99)


def test_a_created_run_reads_back_as_it_was_returned(store: Store) -> None:
    experiment = store.experiments.create("churn")
    new = NewRun("a" * 32, experiment.experiment_id, "forêt 🌲", "ada", 1_700_000_000_123, notebook="lab/train.ipynb", tags={"team": "growth"}, process=PROCESS)
    made = store.runs.create(new)
    assert store.runs.get("a" * 32) == made
    info = made.info
    assert (info.run_id, info.experiment_id, info.run_name, info.user_id) == ("a" * 32, experiment.experiment_id, "forêt 🌲", "ada")
    assert (info.status, info.start_time, info.end_time, info.duration) == (RunStatus.RUNNING, 1_700_000_000_123, None, None)
    assert (info.lifecycle_stage, info.artifact_uri, info.parent_run_id) == (LifecycleStage.ACTIVE, f"runs:/{'a' * 32}", None)


def test_the_name_and_the_parent_are_tags_too(store: Store) -> None:
    parent = new_run(store)
    child = store.runs.get(new_run(store, run_name="child", parent_run_id=parent))
    assert child.data.tags == {"mlflow.runName": "child", "mlflow.parentRunId": parent}
    by_tag = store.runs.get(new_run(store, tags={"mlflow.parentRunId": parent}))
    assert by_tag.info.parent_run_id == parent


def test_setting_the_tags_renames_and_moves_the_run(store: Store, run_id: str) -> None:
    parent = new_run(store)
    store.runs.set_tags(run_id, {"mlflow.runName": "renamed", "mlflow.parentRunId": parent})
    info = store.runs.get(run_id).info
    assert (info.run_name, info.parent_run_id) == ("renamed", parent)
    store.runs.delete_tag(run_id, "mlflow.parentRunId")
    assert store.runs.get(run_id).info.parent_run_id is None


def test_a_run_id_is_given_once(store: Store, run_id: str) -> None:
    with pytest.raises(AlreadyExists, match=run_id):
        new_run(store, run_id=run_id)


def test_a_run_needs_an_experiment(store: Store) -> None:
    with pytest.raises(ExperimentNotFound, match="'77'"):
        new_run(store, experiment_id="77")


def test_an_unknown_run_is_refused_with_close_ids(store: Store) -> None:
    new_run(store, run_id="0123456789abcdef0123456789abcdef")
    with pytest.raises(RunNotFound, match="Did you mean '0123456789abcdef0123456789abcdef'"):
        store.runs.get("0123456789abcdef0123456789abcdee")
    with pytest.raises(RunNotFound, match="Did you mean '0123456789abcdef0123456789abcdef'"):
        store.runs.get("0123")
    with pytest.raises(RunNotFound, match="nbtrack runs list"):
        store.runs.get("x")
    with pytest.raises(RunNotFound, match="no run has the id or name 'x'. List the runs"):
        store.runs.resolve("x")


def test_many_runs_come_in_the_order_asked_for(store: Store) -> None:
    made = [new_run(store) for _ in range(4)]
    wanted = [made[2], made[0], made[3], made[0]]
    assert [run.info.run_id for run in store.runs.get_many(wanted)] == wanted
    assert store.runs.get_many([]) == []
    with pytest.raises(RunNotFound, match="'gone'"):
        store.runs.get_many([made[0], "gone"])


def test_a_run_is_one_picture_of_its_values(store: Store, run_id: str) -> None:
    dataset = DatasetInput(Dataset("train", "d" * 64))
    store.params.log(run_id, [Param("lr", 0.1), Param("layers", [64, 32])])
    store.metrics.log_batch(run_id, [Metric("auc", 0.8, 10, 0), Metric("auc", 0.9, 20, 1)])
    store.inputs.log(run_id, [dataset])
    run = store.runs.get(run_id)
    assert run.data.params == {"lr": 0.1, "layers": [64, 32]}
    assert run.data.metrics == {"auc": 0.9}
    assert [item.dataset.name for item in run.inputs.dataset_inputs] == ["train"]


@pytest.mark.parametrize("text", ["0123456789abcdef0123456789abcdef", "0123", "0123456789ABCDEF", "best 🌲 run"])
def test_a_run_is_meant_by_id_by_beginning_or_by_name(store: Store, text: str) -> None:
    run = new_run(store, run_id="0123456789abcdef0123456789abcdef", run_name="best 🌲 run")
    new_run(store, run_id="f" * 32)
    assert store.runs.resolve(text) == run


def test_the_latest_of_several_runs_with_a_name_is_meant(store: Store) -> None:
    new_run(store, run_name="fit", start_time=10)
    latest = new_run(store, run_name="fit", start_time=30)
    new_run(store, run_name="fit", start_time=20)
    assert store.runs.resolve("fit") == latest


def test_an_ambiguous_beginning_lists_the_runs(store: Store) -> None:
    new_run(store, run_id="abcd1" + "0" * 27, run_name="one")
    new_run(store, run_id="abcd2" + "0" * 27, run_name="two")
    with pytest.raises(InvalidInput, match=r"abcd1000… \(one\), abcd2000… \(two\)"):
        store.runs.resolve("abcd")


@pytest.mark.parametrize(
    ("text", "hint"), [("fores", "'forest-1'"), ("forets-1", "'forest-1'"), ("abc", "nbtrack runs list"), ("%", "nbtrack runs list"), ("", "'forest-1'")]
)
def test_a_text_that_means_no_run_gets_suggestions(store: Store, text: str, hint: str) -> None:
    new_run(store, run_name="forest-1")
    with pytest.raises(RunNotFound, match=hint):
        store.runs.resolve(text)


def test_ending_a_run_keeps_when_and_why(store: Store) -> None:
    run = new_run(store, process=PROCESS)
    ended = store.runs.update(run, status=RunStatus.FAILED, end_time=4_500, status_message="ValueError: \ud83d")
    assert (ended.status, ended.end_time, ended.duration, ended.status_message) == (RunStatus.FAILED, 4_500, 3.5, "ValueError: \\ud83d")
    assert store.runs.get(run).info == ended
    assert store.runs.claims() == []


def test_a_run_ends_now_unless_told_when(store: Store, run_id: str) -> None:
    ended = store.runs.update(run_id, status=RunStatus.FINISHED)
    assert ended.end_time is not None
    assert ended.end_time > 1_000


def test_resuming_a_run_clears_its_end(store: Store, run_id: str) -> None:
    store.runs.update(run_id, status=RunStatus.FAILED, end_time=4_500, status_message="broken")
    resumed = store.runs.update(run_id, status=RunStatus.RUNNING)
    assert (resumed.status, resumed.end_time, resumed.status_message) == (RunStatus.RUNNING, None, None)


def test_what_is_not_given_is_not_changed(store: Store, run_id: str) -> None:
    store.runs.update(run_id, status=RunStatus.FAILED, end_time=0, status_message="broken")
    store.runs.update(run_id, run_name="renamed")
    info = store.runs.update(run_id, end_time=9_000)
    assert (info.run_name, info.status, info.end_time, info.status_message) == ("renamed", RunStatus.FAILED, 9_000, "broken")
    assert store.runs.update(run_id, status_message="mended").status_message == "mended"
    assert store.runs.get(run_id).data.tags["mlflow.runName"] == "renamed"


def test_tags_are_set_overwritten_and_deleted(store: Store, run_id: str) -> None:
    store.runs.set_tags(run_id, {"a": "1", "b": "été 🌞", "c": "file\udcff.csv"})
    store.runs.set_tags(run_id, {"a": "2"})
    store.runs.set_tags(run_id, {})
    tags = store.runs.get(run_id).data.tags
    assert (tags["a"], tags["b"], tags["c"]) == ("2", "été 🌞", "file\\udcff.csv")
    store.runs.delete_tag(run_id, "a")
    assert "a" not in store.runs.get(run_id).data.tags
    with pytest.raises(TagNotFound, match="No tag with name: a in run with id .* It has: b, c, mlflow.runName"):
        store.runs.delete_tag(run_id, "a")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tags=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), st.text(max_size=30), max_size=6))
def test_any_tags_come_back(store: Store, tags: dict[str, str]) -> None:
    run = new_run(store, tags=tags)
    found = dict(store.runs.get(run).data.tags)
    name = found.pop("mlflow.runName")
    assert name == "quiet-otter-1"
    assert {key: value.encode("utf-8", "backslashreplace") for key, value in tags.items()} == {key: value.encode() for key, value in found.items()}


def test_a_deleted_run_is_hidden_and_restored(store: Store, run_id: str) -> None:
    store.runs.delete(run_id)
    assert store.runs.get(run_id).info.lifecycle_stage is LifecycleStage.DELETED
    assert store.runs.search(RunQuery()) == []
    store.runs.restore(run_id)
    assert [run.info.run_id for run in store.runs.search(RunQuery())] == [run_id]
    with pytest.raises(Conflict, match="nothing to restore"):
        store.runs.restore(run_id)


CHANGES: dict[str, Callable[[Store, str], object]] = {
    "rename": lambda store, run: store.runs.update(run, run_name="x"),
    "resume": lambda store, run: store.runs.update(run, status=RunStatus.RUNNING),
    "delete": lambda store, run: store.runs.delete(run),
    "claim": lambda store, run: store.runs.claim(run, PROCESS),
    "set_tags": lambda store, run: store.runs.set_tags(run, {"a": "1"}),
    "delete_tag": lambda store, run: store.runs.delete_tag(run, "mlflow.runName"),
    "params": lambda store, run: store.params.log(run, [Param("a", 1)]),
    "metric": lambda store, run: store.metrics.log(run, "a", 1.0, 0, 0),
    "metric of a known series": lambda store, run: store.metrics.log(run, "known", 1.0, 1, 0),
    "metric batch": lambda store, run: store.metrics.log_batch(run, [Metric("a", 1.0, 0)]),
    "metric arrays": lambda store, run: store.metrics.log_arrays(run, {"a": [1.0]}, [0], [0]),
    "no metrics at all": lambda store, run: store.metrics.log_batch(run, []),
    "inputs": lambda store, run: store.inputs.log(run, [DatasetInput(Dataset("d", "0"))]),
    "code": lambda store, run: store.cells.set_code(run, RunCode()),
    "outputs": lambda store, run: store.cells.add_outputs(run, [CellOutput(OutputKind.STDOUT, "hi")]),
    "facts": lambda store, run: store.facts.set(run, {"a": 1}),
    "findings": lambda store, run: store.facts.add_findings(run, [Finding("seed", Severity.INFO, "no seed")]),
    "artifact": lambda store, run: store.artifacts.put_bytes(run, "a.txt", b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_deleted_run_takes_no_change(store: Store, run_id: str, change: str) -> None:
    store.metrics.log(run_id, "known", 0.0, 0, 0)
    store.runs.delete(run_id)
    with pytest.raises(RunNotActive, match=f"nbtrack runs restore {run_id}"):
        CHANGES[change](store, run_id)
    store.runs.restore(run_id)
    CHANGES[change](store, run_id)


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "metric of a known series"])
def test_an_unknown_run_takes_no_change(store: Store, change: str) -> None:
    with pytest.raises(RunNotFound):
        CHANGES[change](store, "0" * 32)


def test_a_run_that_was_deleted_while_it_went_on_still_ends_truthfully(store: Store) -> None:
    run = new_run(store, process=PROCESS)
    store.runs.delete(run)
    assert store.runs.claims() == []
    assert store.runs.update(run, status=RunStatus.FINISHED).status is RunStatus.FINISHED
    assert store.runs.get(run).info.lifecycle_stage is LifecycleStage.DELETED


def test_a_purged_run_is_gone_with_all_that_belongs_to_it(store: Store) -> None:
    gone, kept = new_run(store, process=PROCESS), new_run(store)
    for run in (gone, kept):
        for change in ("params", "metric", "inputs", "code", "outputs", "facts", "findings", "artifact", "set_tags"):
            CHANGES[change](store, run)
    before = store.runs.get(kept)
    store.runs.delete(gone)
    store.runs.purge([gone])
    with pytest.raises(RunNotFound):
        store.runs.get(gone)
    assert store.runs.get(kept) == before
    again = new_run(store, run_id=gone)
    run = store.runs.get(again)
    assert (run.data.params, run.data.metrics, run.inputs.dataset_inputs) == ({}, {}, ())
    assert (store.facts.all(again), store.facts.findings(again), store.cells.outputs(again), store.artifacts.all(again)) == ({}, [], [], [])
    assert store.cells.code(again) == RunCode()


def test_only_deleted_runs_are_purged_all_or_none(store: Store, run_id: str) -> None:
    deleted = new_run(store)
    store.runs.delete(deleted)
    with pytest.raises(Conflict, match=f"nbtrack runs delete {run_id}"):
        store.runs.purge([deleted, run_id])
    assert store.runs.get(deleted).info.lifecycle_stage is LifecycleStage.DELETED


def test_search_pages_through_all_runs(store: Store) -> None:
    made = [new_run(store, start_time=time) for time in range(7)]
    seen, offset, pages = [], 0, 0
    while True:
        page = store.runs.search(RunQuery(limit=3, offset=offset))
        seen += [run.info.run_id for run in page]
        pages += 1
        if page.token is None:
            break
        offset = int(page.token)
    assert (seen, pages) == (made[::-1], 3)


def test_a_full_last_page_has_no_token(store: Store) -> None:
    for _ in range(3):
        new_run(store)
    assert store.runs.search(RunQuery(limit=3)).token is None
    assert store.runs.search(RunQuery(limit=2)).token == "2"
    assert store.runs.search(RunQuery()).token is None
    assert store.runs.search(RunQuery(offset=5)) == []


def test_search_knows_experiments_views_filters_and_order(store: Store) -> None:
    other = store.experiments.create("other").experiment_id
    made = {name: new_run(store, run_name=name, experiment_id=key) for name, key in (("a", "0"), ("b", other), ("c", other), ("gone", other))}
    for name, value in (("a", 1.0), ("b", 3.0), ("c", 2.0), ("gone", 9.0)):
        store.metrics.log(made[name], "auc", value, 0, 0)
    store.runs.delete(made["gone"])

    def found(**query: object) -> list[str]:
        runs = store.runs.search(RunQuery(order_by=parse_order_by("metrics.auc DESC"), **query))  # type: ignore[arg-type]
        return [run.info.run_name for run in runs]

    assert found() == ["b", "c", "a"]
    assert found(experiment_ids=[other]) == ["b", "c"]
    assert found(experiment_ids=[]) == []
    assert found(experiment_ids=["unknown"]) == []
    assert found(view=ViewType.DELETED_ONLY) == ["gone"]
    assert found(view=ViewType.ALL) == ["gone", "b", "c", "a"]
    assert found(filter=parse_filter("metrics.auc > 1 AND name != 'c'")) == ["b"]
    assert store.runs.count(RunQuery(filter=parse_filter("metrics.auc > 1"))) == 2
    assert store.runs.count(RunQuery(view=ViewType.ALL)) == 4


@pytest.mark.parametrize("limit", [None, 4, 1])
def test_a_table_has_a_column_for_each_key_and_a_row_for_each_run(store: Store, limit: int | None) -> None:
    for number in range(20):
        run = new_run(store, run_name=f"r{number}", start_time=number, tags={"even": "yes"} if number % 2 == 0 else None)
        store.params.log(run, [Param("n", number), Param("only", [number])] if number == 19 else [Param("n", number), Param("shape", (number, None))])
        store.metrics.log_batch(run, [Metric("loss", float(number), 0), Metric("nan", float("nan"), 0)])
    table = store.runs.table(RunQuery(limit=limit))
    shown = list(range(19, 19 - (limit or 20), -1))
    assert [info.start_time for info in table.infos] == shown
    assert table.params["n"] == shown
    assert table.params["only"] == [[19], *([None] * (len(shown) - 1))]
    assert table.params.get("shape", [None])[1:] == [[number, None] for number in shown[1:]]
    assert table.metrics["loss"] == [float(number) for number in shown]
    assert all(value != value for value in table.metrics["nan"])
    assert table.tags.get("even", [None] * len(shown)) == ["yes" if number % 2 == 0 else None for number in shown]
    assert set(table.tags) == ({"mlflow.runName", "even"} if len(shown) > 1 else {"mlflow.runName"})
    assert store.runs.search(RunQuery(limit=limit))[0].info == table.infos[0]


def test_an_empty_table_has_no_columns(store: Store) -> None:
    table = store.runs.table(RunQuery())
    assert (table.infos, table.params, table.metrics, table.tags) == ([], {}, {}, {})


def test_children_are_the_active_runs_of_a_parent_by_start(store: Store, run_id: str) -> None:
    later = new_run(store, parent_run_id=run_id, start_time=20)
    first = new_run(store, parent_run_id=run_id, start_time=10)
    store.runs.delete(new_run(store, parent_run_id=run_id))
    assert [info.run_id for info in store.runs.children(run_id)] == [first, later]
    assert store.runs.children(first) == []
    with pytest.raises(RunNotFound):
        store.runs.children("gone")


def test_claims_are_the_running_runs_with_their_process_and_heartbeat(store: Store) -> None:
    run, other = new_run(store, process=PROCESS), new_run(store)
    assert [(info.run_id, process, beat) for info, process, beat in store.runs.claims()] == [(run, PROCESS, 1_000)]
    store.runs.beat([run, other, "unknown"], 5_000)
    mine = Process(1, "here", "b-2")
    store.runs.claim(other, mine)
    claims = {info.run_id: (process, beat) for info, process, beat in store.runs.claims()}
    assert claims[run] == (PROCESS, 5_000)
    assert claims[other][0] == mine
    store.runs.update(run, status=RunStatus.FINISHED)
    assert [info.run_id for info, *_ in store.runs.claims()] == [other]


def test_a_transaction_is_all_or_none(store: Store) -> None:
    run = new_run(store)
    with pytest.raises(RuntimeError, match="stop"), store.transaction():
        store.params.log(run, [Param("lr", 0.1)])
        store.metrics.log(run, "auc", 0.9, 0, 0)
        lost = new_run(store)
        store.metrics.log(lost, "auc", 0.9, 0, 0)
        raise RuntimeError("stop")
    assert (store.params.all(run), store.metrics.summaries(run)) == ([], [])
    with pytest.raises(RunNotFound):
        store.runs.get(lost)
    # Series made in a transaction that was taken back are not mistaken for later ones.
    other = new_run(store)
    store.metrics.log(other, "loss", 1.0, 0, 0)
    store.metrics.log(run, "auc", 0.5, 0, 0)
    assert [summary.key for summary in store.metrics.summaries(run)] == ["auc"]
    assert [(summary.key, summary.count) for summary in store.metrics.summaries(other)] == [("loss", 1)]


def test_a_refused_step_of_a_transaction_takes_back_only_itself(store: Store) -> None:
    run = new_run(store)
    with store.transaction():
        store.params.log(run, [Param("kept", 1), Param("fixed", 1)])
        with pytest.raises(Conflict):
            store.params.log(run, [Param("half", 1), Param("fixed", 2)], write_once=True)
        store.metrics.log(run, "auc", 0.9, 0, 0)
    assert {param.key: param.value for param in store.params.all(run)} == {"kept": 1, "fixed": 1}
    assert store.runs.get(run).data.metrics == {"auc": 0.9}


def test_a_reader_sees_nothing_of_an_open_transaction(store: Store, run_id: str) -> None:
    with ThreadPoolExecutor(1) as other, store.transaction():
        store.params.log(run_id, [Param("lr", 0.1, Origin.INFERRED, 3)])
        assert other.submit(store.params.all, run_id).result() == []
        assert store.params.all(run_id) == [Param("lr", 0.1, Origin.INFERRED, 3)]
    assert [param.key for param in store.params.all(run_id)] == ["lr"]


@pytest.mark.parametrize("run_id", ["\ud83d", "a\x00b", "'; DROP TABLE runs; --", "", "%"])
def test_an_id_of_any_characters_finds_no_run(store: Store, run_id: str) -> None:
    with pytest.raises((RunNotFound, InvalidInput)):
        store.runs.get(run_id)
