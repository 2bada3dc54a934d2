from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from nbtrack.entities import LifecycleStage, RunStatus
from nbtrack.query import (
    EXPERIMENTS,
    RUNS,
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Comparison,
    DatasetField,
    In,
    IsNan,
    IsNull,
    Kind,
    Like,
    Metric,
    Not,
    Number,
    Or,
    OrderBy,
    Param,
    Tag,
    Text,
    Unary,
    Vocabulary,
    parse_experiment_filter,
    parse_experiment_order_by,
    parse_filter,
    parse_order_by,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)
NOON_MS = int(NOON.timestamp() * 1000)

A, B, C = (Comparison(Metric(key), ">", Number(1)) for key in "abc")


@pytest.mark.parametrize("text", ["", "  ", "\n\t", None])
def test_a_blank_filter_is_none(text: str) -> None:
    assert parse_filter(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What MLflow accepts.
        ("metrics.acc > 0.9", Comparison(Metric("acc"), ">", Number(0.9))),
        ("metric.acc >= .5", Comparison(Metric("acc"), ">=", Number(0.5))),
        ("metrics.loss < -1e-3", Comparison(Metric("loss"), "<", Number(-0.001))),
        ("metrics.`val loss` <= 1", Comparison(Metric("val loss"), "<=", Number(1))),
        ('metrics."val loss" != 1', Comparison(Metric("val loss"), "!=", Number(1))),
        ("params.model = 'forest'", Comparison(Param("model"), "=", Text("forest"))),
        ('param.model = "forest"', Comparison(Param("model"), "=", Text("forest"))),
        ("parameter.model ILIKE '%For%'", Like(Param("model"), "%For%", ignore_case=True)),
        ("parameters.model like 'f%'", Like(Param("model"), "f%")),
        ("params.x IS NULL", IsNull(Param("x"))),
        ("tags.x is not null", IsNull(Tag("x"), negated=True)),
        ("tags.mlflow.parentRunId = 'a'", Comparison(Tag("mlflow.parentRunId"), "=", Text("a"))),
        ("tags.`mlflow.source.name` = 'a'", Comparison(Tag("mlflow.source.name"), "=", Text("a"))),
        ("tag.x != ''", Comparison(Tag("x"), "!=", Text(""))),
        ("attributes.start_time > 1664067852747", Comparison(Attribute("start_time"), ">", Number(1664067852747))),
        ("attribute.Created >= 5", Comparison(Attribute("start_time"), ">=", Number(5))),
        ("attr.`Run name` = 'a'", Comparison(Attribute("run_name"), "=", Text("a"))),
        ('run."run name" = "a"', Comparison(Attribute("run_name"), "=", Text("a"))),
        ("`run name` = 'a'", Comparison(Attribute("run_name"), "=", Text("a"))),
        ('"run name" = "a"', Comparison(Attribute("run_name"), "=", Text("a"))),
        ("run_id IN ('a', \"b\")", In(Attribute("run_id"), (Text("a"), Text("b")))),
        ("run_id IN ('a',)", In(Attribute("run_id"), (Text("a"),))),
        ("run_id not in ('a')", In(Attribute("run_id"), (Text("a"),), negated=True)),
        ("dataset.name LIKE 'd%'", Like(DatasetField("name"), "d%")),
        ("datasets.context NOT IN ('train')", In(DatasetField("context"), (Text("train"),), negated=True)),
        # What is kindly understood too.
        ("metrics.acc == 1", Comparison(Metric("acc"), "=", Number(1))),
        ("params.a <> 'x'", Comparison(Param("a"), "!=", Text("x"))),
        ("METRICS.acc > 1", Comparison(Metric("acc"), ">", Number(1))),
        ("metrics.layer.0.units = 1", Comparison(Metric("layer.0.units"), "=", Number(1))),
        ("metrics.größe = 1", Comparison(Metric("größe"), "=", Number(1))),
        ("metrics.in > 1", Comparison(Metric("in"), ">", Number(1))),
        ("params.note = 'it''s'", Comparison(Param("note"), "=", Text("it's"))),
        ('params.note = "it\'s"', Comparison(Param("note"), "=", Text("it's"))),
        ("params.path = 'C:\\x'", Comparison(Param("path"), "=", Text("C:\\x"))),
        ("status = 'running'", Comparison(Attribute("status"), "=", Text("RUNNING"))),
        ("status IN ('Finished', 'FAILED')", In(Attribute("status"), (Text("FINISHED"), Text("FAILED")))),
        ("user = 'me'", Comparison(Attribute("user_id"), "=", Text("me"))),
        ("name = 'x'", Comparison(Attribute("run_name"), "=", Text("x"))),
        # What is new.
        ("params.lr > 0.01", Comparison(Param("lr"), ">", Number(0.01))),
        ("params.n IN (1, -2, 'auto')", In(Param("n"), (Number(1), Number(-2), Text("auto")))),
        ("params.flag = true", Comparison(Param("flag"), "=", Boolean(True))),
        ("params.flag != FALSE", Comparison(Param("flag"), "!=", Boolean(False))),
        ("0.1 < params.lr", Comparison(Param("lr"), ">", Number(0.1))),
        ("'a' = params.x", Comparison(Param("x"), "=", Text("a"))),
        ("metrics.a > metrics.b", Comparison(Metric("a"), ">", Metric("b"))),
        ("params.a = params.b", Comparison(Param("a"), "=", Param("b"))),
        ("tags.owner = user_id", Comparison(Tag("owner"), "=", Attribute("user_id"))),
        ("metrics.a BETWEEN 1 AND 2", Between(Metric("a"), Number(1), Number(2))),
        ("params.a NOT BETWEEN 1 AND metrics.b", Between(Param("a"), Number(1), Metric("b"), negated=True)),
        ("metrics.a IN (1, 2)", In(Metric("a"), (Number(1), Number(2)))),
        ("tags.a NOT LIKE 'x%'", Like(Tag("a"), "x%", negated=True)),
        ("tags.a NOT ILIKE 'x%'", Like(Tag("a"), "x%", ignore_case=True, negated=True)),
        ("metrics.a IS NULL", IsNull(Metric("a"))),
        ("end_time IS NULL", IsNull(Attribute("end_time"))),
        ("metrics.a IS NAN", IsNan(Metric("a"))),
        ("metrics.a IS NOT NAN", IsNan(Metric("a"), negated=True)),
        ("metrics.a < inf", Comparison(Metric("a"), "<", Number(math.inf))),
        ("min(metrics.loss) < 0.1", Comparison(Metric("loss", Aggregate.MIN), "<", Number(0.1))),
        ("MAX(metrics.`a b`) > 1", Comparison(Metric("a b", Aggregate.MAX), ">", Number(1))),
        ("count(metrics.loss) >= 10", Comparison(Metric("loss", Aggregate.COUNT), ">=", Number(10))),
        ("last(metrics.a) > 1", A),
        ("notebook = 'train.ipynb'", Comparison(Attribute("notebook"), "=", Text("train.ipynb"))),
        ("experiment = 'churn'", Comparison(Attribute("experiment"), "=", Text("churn"))),
        ("duration > 60", Comparison(Attribute("duration"), ">", Number(60))),
        ("duration < '5 min'", Comparison(Attribute("duration"), "<", Number(300))),
        ("duration IN ('1h 30min', '90 s', 2)", In(Attribute("duration"), (Number(5400), Number(90), Number(2)))),
        ("start_time > '2026-03-01T00:00:00Z'", Comparison(Attribute("start_time"), ">", Number(1772323200000))),
        ("start_time > '1 day ago'", Comparison(Attribute("start_time"), ">", Number(NOON_MS - 86_400_000))),
        ("start_time BETWEEN 'today' AND 'now'", Between(Attribute("start_time"), Number(NOON_MS - 43_200_000), Number(NOON_MS))),
        ("end_time - start_time > 5", Comparison(Arithmetic(Attribute("end_time"), "-", Attribute("start_time")), ">", Number(5))),
    ],
)
def test_a_condition_is_read(text: str, expected: object) -> None:
    assert parse_filter(text, now=NOON) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.a > 1 AND metrics.b > 1 and metrics.c > 1", And((A, B, C))),
        ("metrics.a > 1 OR metrics.b > 1 AND metrics.c > 1", Or((A, And((B, C))))),
        ("(metrics.a > 1 OR metrics.b > 1) AND metrics.c > 1", And((Or((A, B)), C))),
        ("NOT metrics.a > 1 AND metrics.b > 1", And((Not(A), B))),
        ("NOT (metrics.a > 1 AND metrics.b > 1)", Not(And((A, B)))),
        ("not not ((metrics.a > 1))", Not(Not(A))),
        ("metrics.a > 1 AND (metrics.b > 1 AND metrics.c > 1)", And((A, And((B, C))))),
        ("metrics.a BETWEEN 1 AND 2 AND metrics.b > 1", And((Between(Metric("a"), Number(1), Number(2)), B))),
        ("metrics.a\n  > 1\nAND\tmetrics.b>1", And((A, B))),
    ],
)
def test_conditions_are_joined(text: str, expected: object) -> None:
    assert parse_filter(text) == expected


X, Y, Z = Metric("x"), Metric("y"), Metric("z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.x - metrics.y - metrics.z", Arithmetic(Arithmetic(X, "-", Y), "-", Z)),
        ("metrics.x - (metrics.y - metrics.z)", Arithmetic(X, "-", Arithmetic(Y, "-", Z))),
        ("metrics.x + metrics.y * metrics.z", Arithmetic(X, "+", Arithmetic(Y, "*", Z))),
        ("(metrics.x + metrics.y) / 2", Arithmetic(Arithmetic(X, "+", Y), "/", Number(2))),
        ("-metrics.x * 2", Arithmetic(Unary("-", X), "*", Number(2))),
        ("-(metrics.x + 1)", Unary("-", Arithmetic(X, "+", Number(1)))),
        ("+metrics.x", X),
        ("- -metrics.x", Unary("-", Unary("-", X))),
        ("abs(metrics.x - metrics.y)", Unary("abs", Arithmetic(X, "-", Y))),
        ("metrics.x-metrics.y", Arithmetic(X, "-", Y)),
        ("((metrics.x))", X),
        ("params.p * duration", Arithmetic(Param("p"), "*", Attribute("duration"))),
        ("metrics.x * (2 * 3 - 1)", Arithmetic(X, "*", Number(5))),
    ],
)
def test_calculations_stand_on_either_side(text: str, expected: object) -> None:
    assert parse_filter(f"{text} <= 1") == Comparison(expected, "<=", Number(1))
    assert parse_filter(f"metrics.a <= {text}") == Comparison(Metric("a"), "<=", expected)
    assert parse_filter(f"NOT ({text} <= 1)") == Not(Comparison(expected, "<=", Number(1)))


def test_constants_are_calculated_at_once() -> None:
    assert parse_filter("duration > 2 * 60 + abs(-3)") == Comparison(Attribute("duration"), ">", Number(123))
    assert parse_filter("metrics.a > 1 / 4") == Comparison(Metric("a"), ">", Number(0.25))


def test_whole_numbers_stay_exact_and_huge_ones_become_floats() -> None:
    assert repr(parse_filter(f"start_time = {2**53}").right.value) == str(2**53)
    assert isinstance(parse_filter(f"start_time = {2**60}").right.value, float)
    assert parse_filter(f"metrics.a < {'9' * 5000}").right == Number(math.inf)


def test_nodes_know_their_columns() -> None:
    condition = parse_filter("metrics.a > 1 AND NOT  params.bc = 'x'")
    first, second = condition.conditions
    assert (first.column, first.right.column) == (1, 13)
    assert (second.column, second.condition.column, second.condition.right.column) == (19, 24, 36)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (None, []),
        ([], []),
        (["metrics.rmse DESC", "params.p", "start_time ASC"], [OrderBy(Metric("rmse"), True), OrderBy(Param("p")), OrderBy(Attribute("start_time"))]),
        (["metrics.`val loss` desc"], [OrderBy(Metric("val loss"), True)]),
        (["`metrics.val loss` desc"], [OrderBy(Metric("val loss"), True)]),
        ("metrics.a DESC, tags.t", [OrderBy(Metric("a"), True), OrderBy(Tag("t"))]),
        (["min(metrics.loss)"], [OrderBy(Metric("loss", Aggregate.MIN))]),
        (["Created DESC"], [OrderBy(Attribute("start_time"), True)]),
        (["duration"], [OrderBy(Attribute("duration"))]),
        (["(metrics.x - metrics.y) DESC"], [OrderBy(Arithmetic(X, "-", Y), True)]),
        (["-metrics.x"], [OrderBy(Unary("-", X))]),
    ],
)
def test_an_ordering_is_read(items: list[str] | str | None, expected: object) -> None:
    assert parse_order_by(items) == expected


def test_experiments_have_their_own_words() -> None:
    assert parse_experiment_filter("name LIKE 'churn%' AND tags.team = 'x'") == And(
        (Like(Attribute("name"), "churn%"), Comparison(Tag("team"), "=", Text("x")))
    )
    assert parse_experiment_filter("creation_time > '2 h ago'", now=NOON) == Comparison(Attribute("creation_time"), ">", Number(NOON_MS - 7_200_000))
    assert parse_experiment_order_by(["last_update_time DESC"]) == [OrderBy(Attribute("last_update_time"), True)]


def test_a_new_vocabulary_is_one_line() -> None:
    models = Vocabulary("registered model", {"name": Kind.TEXT, "last_updated_timestamp": Kind.TIME})
    assert parse_filter("name = 'a' AND tags.b = 'c'", vocabulary=models) is not None
    assert parse_order_by("last_updated_timestamp DESC", vocabulary=models)


def test_the_choices_are_those_of_the_entities() -> None:
    assert set(RUNS.choices["status"]) == {status.value for status in RunStatus}
    for vocabulary in (RUNS, EXPERIMENTS):
        assert set(vocabulary.choices["lifecycle_stage"]) == {stage.value for stage in LifecycleStage}


def test_a_time_without_a_zone_is_local() -> None:
    local = datetime(2026, 7, 1, 8, 30).timestamp() * 1000
    assert parse_filter("start_time > '2026-07-01 08:30'").right == Number(local)


def test_relative_times_count_from_now() -> None:
    before = datetime.now().timestamp() * 1000
    value = parse_filter("start_time > 'now'").right.value
    assert before - 1 <= value <= (datetime.now() + timedelta(seconds=1)).timestamp() * 1000
