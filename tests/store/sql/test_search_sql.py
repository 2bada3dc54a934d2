"""What the compiled SQL finds is what the tree means: it is compared with the evaluation of the tree in Python."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any

import pytest
from filter_trees import STATUSES, Trees
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrack.entities import ViewType
from nbtrack.query import (
    Attribute,
    DatasetField,
    Expression,
    Metric,
    OrderBy,
    Param,
    Reference,
    Tag,
    evaluate,
    number_of,
    parse_experiment_filter,
    parse_experiment_order_by,
    parse_filter,
    parse_order_by,
)
from nbtrack.store.sql import planning
from nbtrack.store.sql.filtering import compile_filter, prepare_sqlite
from nbtrack.store.sql.migrations import MIGRATIONS
from nbtrack.store.sql.planning import find_runs
from nbtrack.store.sql.rows import encode_param
from nbtrack.store.sql.search import experiment_search_sql, run_count_sql, run_search_sql

NOW = 10_000
EXPERIMENTS = ("alpha", "beta")


@dataclass
class World:
    """One run as plain values; ``number`` is its key."""

    number: int = 0
    experiment: int = 0
    name: str = "x"
    user: str = "me"
    status: str = "FINISHED"
    start: int = 0
    end: int | None = None
    deleted: bool = False
    parent: str | None = None
    notebook: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, tuple[float, float, float, int]] = field(default_factory=dict)
    datasets: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return f"id{self.number}"

    def lookup(self, reference: Reference) -> Any:
        """What ``evaluate`` asks for."""
        if isinstance(reference, Metric):
            return dict(zip(("last", "min", "max", "count"), self.metrics[reference.key], strict=True))[reference.aggregate.value]
        if isinstance(reference, Param):
            return self.params[reference.key]
        if isinstance(reference, Tag):
            return self.tags[reference.key]
        if isinstance(reference, DatasetField):
            return [row[("name", "digest", "context").index(reference.name)] for row in self.datasets]
        return {
            "run_id": self.run_id,
            "run_name": self.name,
            "user_id": self.user,
            "status": self.status,
            "start_time": self.start,
            "end_time": self.end,
            "duration": ((NOW if self.end is None else self.end) - self.start) / 1000,
            "notebook": self.notebook,
            "parent_run_id": self.parent,
            "experiment": EXPERIMENTS[self.experiment],
            "experiment_id": str(self.experiment),
            "lifecycle_stage": "deleted" if self.deleted else "active",
            "artifact_uri": f"runs:/{self.run_id}",
        }[reference.name]


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """An empty store in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in MIGRATIONS:
        for statement in migration.statements:
            connection.execute(statement)
    connection.execute("DELETE FROM experiments")
    prepare_sqlite(connection)
    for key, name in enumerate(EXPERIMENTS):
        connection.execute(
            "INSERT INTO experiments (id, experiment_id, name, artifact_location, creation_time, last_update_time) VALUES (?, ?, ?, '', 0, 0)", (key, key, name)
        )
    yield connection
    connection.close()


def fill(connection: sqlite3.Connection, runs: Sequence[World]) -> None:
    """Make the store hold these runs alone."""
    for table in ("runs", "params", "tags", "metric_series", "run_inputs", "datasets"):
        connection.execute(f"DELETE FROM {table}")
    for number, run in enumerate(runs):
        run.number = number
        connection.execute(
            "INSERT INTO runs (id, run_id, experiment, name, user_id, status, start_time, end_time, lifecycle_stage, parent_run_id, notebook) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                run.run_id,
                run.experiment,
                run.name,
                run.user,
                run.status,
                run.start,
                run.end,
                "deleted" if run.deleted else "active",
                run.parent,
                run.notebook,
            ),
        )
        for key, value in run.params.items():
            kind, text, as_number, _ = encode_param(key, value)
            connection.execute("INSERT INTO params (run, key, type, text, number) VALUES (?, ?, ?, ?, ?)", (number, key, kind, text, as_number))
        for key, text in run.tags.items():
            connection.execute("INSERT INTO tags (run, key, value) VALUES (?, ?, ?)", (number, key, text))
        for key, (last, low, high, count) in run.metrics.items():
            connection.execute("INSERT INTO metric_series (run, key, last, min, max, count) VALUES (?, ?, ?, ?, ?, ?)", (number, key, last, low, high, count))
        for name, digest, context in run.datasets:
            connection.execute(
                "INSERT OR IGNORE INTO datasets (name, digest, source_type, source, schema, profile) VALUES (?, ?, '', '', '', '')", (name, digest)
            )
            connection.execute(
                "INSERT OR IGNORE INTO run_inputs (run, dataset, context) SELECT ?, id, ? FROM datasets WHERE name = ? AND digest = ?",
                (number, context, name, digest),
            )


TEXTS = st.sampled_from(
    ["", "x", "X", "xy", "a%b", "a_b", "a\\b", "%", "_y", "%x%", "\\%", "\\", "1", "2.5", "True", "true", "äÖ", "Äö", "nb.ipynb", "w/nb.ipynb", "id1", "me"]
)
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 2.5, -0.0, 1e300, -1e300, math.inf, -math.inf, 5000.0]))
TREES = Trees(keys=st.sampled_from(["a", "b", "val loss"]), texts=TEXTS, numbers=NUMBERS)
POINTS = st.one_of(NUMBERS.map(float), st.just(math.nan))
PARAMS = st.one_of(NUMBERS, TEXTS, st.booleans(), st.none(), st.just(math.nan), st.just([1, "x"]), st.just(10**400))
RUNS = st.lists(
    st.builds(
        World,
        experiment=st.integers(0, 1),
        name=TEXTS,
        user=TEXTS,
        status=st.sampled_from(STATUSES),
        start=st.integers(0, 5),
        end=st.one_of(st.none(), st.integers(5, 9)),
        deleted=st.booleans(),
        parent=st.one_of(st.none(), TEXTS),
        notebook=st.one_of(st.none(), TEXTS),
        params=st.dictionaries(st.sampled_from(["a", "b"]), PARAMS),
        tags=st.dictionaries(st.sampled_from(["a", "b"]), TEXTS),
        metrics=st.dictionaries(st.sampled_from(["a", "b", "val loss"]), st.tuples(POINTS, POINTS, POINTS, st.integers(1, 9))),
        datasets=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=2, unique=True),
    ),
    max_size=6,
)


def place(run: World, key: OrderBy) -> tuple[int, Any]:
    """The group of a run under a sort key, and its value in the group."""
    operand = key.operand
    if isinstance(operand, (Param, Tag, Attribute, Metric)):
        try:
            value = run.lookup(operand)
        except KeyError:
            return 2, 0
        number = number_of(operand, run.lookup)
        if number is not None:
            return 0, number
        return (1, 0) if isinstance(operand, Metric) else (2, 0) if value is None and not isinstance(operand, Param) else (1, str(value))
    number = number_of(operand, run.lookup)
    return (0, number) if number is not None else (2, 0)


def in_order(runs: Sequence[World], keys: Sequence[OrderBy]) -> list[int]:
    """The keys of the runs, as an ordering means it."""

    def compare(one: World, other: World) -> int:
        for key in keys:
            (group, value), (other_group, other_value) = place(one, key), place(other, key)
            if group != other_group:
                return group - other_group
            if value != other_value:
                return -1 if (value < other_value) is not key.descending else 1
        return -1 if (-one.start, one.run_id) < (-other.start, other.run_id) else 1

    return [run.number for run in sorted(runs, key=cmp_to_key(compare))]


def selected(connection: sqlite3.Connection, expression: Expression | None) -> set[int]:
    where = compile_filter(expression, now_ms=NOW)
    return {row[0] for row in connection.execute(f"SELECT r.id FROM runs r WHERE {where.sql}", where.params)}


@settings(max_examples=120, deadline=None)
@given(runs=RUNS, expression=TREES.expression())
def test_sql_finds_the_runs_for_which_the_filter_holds(connection: sqlite3.Connection, runs: list[World], expression: Expression) -> None:
    fill(connection, runs)
    assert selected(connection, expression) == {run.number for run in runs if evaluate(expression, run.lookup)}


@settings(max_examples=40, deadline=None)
@given(runs=RUNS, expression=TREES.expression())
def test_every_condition_is_true_or_false(connection: sqlite3.Connection, runs: list[World], expression: Expression) -> None:
    fill(connection, runs)
    where = compile_filter(expression, now_ms=NOW)
    assert {row[0] for row in connection.execute(f"SELECT {where.sql} FROM runs r", where.params)} <= {0, 1}


@settings(max_examples=80, deadline=None)
@given(runs=RUNS, keys=st.lists(TREES.order_by(), max_size=3))
def test_sql_orders_as_the_ordering_means(connection: sqlite3.Connection, runs: list[World], keys: list[OrderBy]) -> None:
    fill(connection, runs)
    statement = run_search_sql(None, keys, view=ViewType.ALL, now_ms=NOW)
    assert [row[0] for row in connection.execute(statement.sql, statement.params)] == in_order(runs, keys)


LEADS = st.builds(OrderBy, st.one_of(TREES.metric, TREES.param, st.just(Attribute("start_time"))), st.booleans())


@settings(max_examples=120, deadline=None)
@given(
    runs=RUNS,
    expression=st.one_of(st.none(), TREES.expression()),
    keys=st.one_of(st.just([]), st.tuples(LEADS).map(list), st.tuples(LEADS, TREES.order_by()).map(list)),
    experiments=st.sampled_from([None, [], [0], [1, 0]]),
    view=st.sampled_from(ViewType),
    limit=st.one_of(st.none(), st.integers(0, 4)),
    offset=st.integers(0, 3),
    patience=st.tuples(*[st.integers(0, 4)] * 4),
)
def test_every_plan_finds_the_same(
    connection: sqlite3.Connection,
    runs: list[World],
    expression: Expression | None,
    keys: list[OrderBy],
    experiments: list[int] | None,
    view: ViewType,
    limit: int | None,
    offset: int,
    patience: tuple[int, ...],
) -> None:
    fill(connection, runs)
    search: dict[str, Any] = {"experiments": experiments, "view": view, "limit": limit, "offset": offset, "now_ms": NOW}
    whole = run_search_sql(expression, keys, **search)
    expected = [row[0] for row in connection.execute(whole.sql, whole.params)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("GLANCE", "PROBE", "FEW", "PACE"), patience, strict=True):
            patch.setattr(planning, name, value)
        assert find_runs(connection.execute, expression, keys, **search) == expected


def found(connection: sqlite3.Connection, text: str) -> list[int]:
    return sorted(selected(connection, parse_filter(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("params.lr = 0.1", [0]),
        ("params.lr = '0.1'", [0, 1]),
        ("params.lr != 0.1", [1, 2]),
        ("params.lr > 0.05", [0]),
        ("params.lr IN ('auto', 0.1)", [0, 2]),
        ("params.lr NOT IN ('auto', 0.1)", [1]),
        ("NOT params.lr = 0.1", [1, 2, 3]),
        ("params.lr IS NULL", [3]),
        ("params.flag = true", [0, 1]),
        ("params.flag = 1", [0]),
        ("params.flag != true", [2]),
        ("metrics.auc < 1", [0, 1]),
        ("NOT metrics.auc < 1", [2, 3]),
        ("metrics.auc != 0.5", [1]),
        ("metrics.auc IS NULL", [3]),
        ("metrics.auc IS NAN", [2]),
        ("metrics.auc IS NOT NAN", [0, 1]),
        ("max(metrics.auc) = 1", [0, 2]),
        ("count(metrics.auc) > 1", [2]),
        ("metrics.auc * 2 = 1", [0]),
        ("metrics.auc / (metrics.auc - 0.5) > 1", [1]),
        ("tags.team LIKE 'Ä%'", [0]),
        ("tags.team ILIKE 'ä%'", [0, 1]),
        ("tags.team NOT LIKE 'Ä%'", [1, 2]),
        (r"tags.team LIKE '100\%'", [2]),
        ("notebook = 'train.ipynb'", [0, 1]),
        ("notebook = 'deep/train.ipynb'", [1]),
        ("notebook != 'train.ipynb'", [2]),
        ("notebook LIKE '%.ipynb'", [0, 1, 2]),
        ("duration > 5", [3]),
        ("end_time IS NULL", [3]),
        ("experiment = 'beta'", [3]),
        ("datasets.name = 'iris'", [0]),
        ("datasets.name != 'iris'", [0, 1]),
        ("datasets.context IS NULL", [2, 3]),
        ("parent_run_id = 'id0'", [1]),
        ("status IN ('failed', 'running')", [2, 3]),
    ],
)
def test_each_word_means_what_it_says(connection: sqlite3.Connection, text: str, expected: list[int]) -> None:
    fill(
        connection,
        [
            World(
                end=1000,
                notebook="train.ipynb",
                params={"lr": 0.1, "flag": True},
                metrics={"auc": (0.5, 0.0, 1.0, 1)},
                tags={"team": "Äpfel"},
                datasets=[("iris", "d1", "train"), ("wine", "d2", "test")],
            ),
            World(
                end=1000,
                notebook="deep/train.ipynb",
                params={"lr": "0.1", "flag": "true"},
                metrics={"auc": (0.7, 0.0, 2.0, 1)},
                tags={"team": "äpfel"},
                datasets=[("wine", "d2", "test")],
                parent="id0",
            ),
            World(
                end=1000,
                status="FAILED",
                notebook="my_train.ipynb",
                params={"lr": "auto", "flag": False},
                metrics={"auc": (math.nan, 0.0, 1.0, 2)},
                tags={"team": "100%"},
            ),
            World(status="RUNNING", experiment=1),
        ],
    )
    assert found(connection, text) == expected


def test_values_and_keys_are_never_part_of_the_sql() -> None:
    evil = "x'; DROP TABLE runs; --"
    text = f'params.`{evil}` = "{evil}" OR tags.`{evil}` LIKE "{evil}" OR metrics.`{evil}` > 1 OR notebook IN ("{evil}")'
    statement = run_search_sql(parse_filter(text), parse_order_by([f"params.`{evil}`", f"metrics.`{evil}` DESC"]), experiments=[7], limit=5, now_ms=NOW)
    assert "DROP" not in statement.sql
    assert statement.sql.count("?") == len(statement.params)


def test_the_largest_filters_run(connection: sqlite3.Connection) -> None:
    fill(connection, [World(params={"a": 3}, tags={"a": "7"})])
    nested = "NOT (" * 25 + "metrics.a + " * 50 + "1 > 1" + ")" * 25
    assert found(connection, " OR ".join(["params.a = 1", nested] + ["params.a > 2"] * 490)) == [0]
    assert found(connection, f"tags.a IN ({', '.join(repr(str(number)) for number in range(9_000))})") == [0]
    assert found(connection, f"notebook NOT IN ({', '.join(repr(str(number)) for number in range(9_000))})") == []
    deep = "params.a = 3"
    for _ in range(24):
        deep = f"(({deep} AND params.a > 1) OR params.a < 0)"
    assert found(connection, deep) == [0]


def test_runs_are_counted(connection: sqlite3.Connection) -> None:
    fill(connection, [World(params={"a": 1}), World(params={"a": 2}), World(params={"a": 2}, experiment=1), World(params={"a": 2}, deleted=True)])
    for experiments, view, expected in (
        (None, ViewType.ACTIVE_ONLY, 2),
        ([0], ViewType.ACTIVE_ONLY, 1),
        (None, ViewType.ALL, 3),
        (None, ViewType.DELETED_ONLY, 1),
        ([], ViewType.ALL, 0),
    ):
        statement = run_count_sql(parse_filter("params.a = 2"), experiments=experiments, view=view, now_ms=NOW)
        assert connection.execute(statement.sql, statement.params).fetchone() == (expected,)


def test_the_walk_stops_early(connection: sqlite3.Connection) -> None:
    fill(connection, [World(metrics={"a": (float(number), 0.0, 0.0, 1)}, params={"p": number % 2}) for number in range(50)])
    statements: list[str] = []

    def execute(sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        statements.append(sql)
        return connection.execute(sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "GLANCE", 5)
        patch.setattr(planning, "PACE", 10)
        keys = find_runs(execute, parse_filter("params.p = 1"), parse_order_by("metrics.a DESC"), limit=3, now_ms=NOW)
    assert keys == [49, 47, 45]
    assert len(statements) == 3  # a glance at the params, the edge of the walk, the walk
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}", ("a", 1.0, "active", "p", 1.0, 3, 0)))
    assert "metric_series_by_last" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_experiments_are_searched(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO experiment_tags VALUES (1, 'team', 'x')")

    def names(text: str, order: str = "", **arguments: Any) -> list[str]:
        statement = experiment_search_sql(parse_experiment_filter(text), parse_experiment_order_by(order or None), now_ms=NOW, **arguments)
        return [EXPERIMENTS[row[0]] for row in connection.execute(statement.sql, statement.params)]

    assert names("") == ["alpha", "beta"]
    assert names("", "name DESC") == ["beta", "alpha"]
    assert names("", "tags.team, name DESC") == ["beta", "alpha"]
    assert names("tags.team = 'x' OR name LIKE 'al%'") == ["alpha", "beta"]
    assert names("NOT tags.team = 'x'") == ["alpha"]
    assert names("name ILIKE '%A'", limit=1, offset=1) == ["beta"]
    assert names("", view=ViewType.DELETED_ONLY) == []
