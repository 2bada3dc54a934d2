from __future__ import annotations

import pickle

import pytest

from nbtrack.errors import InvalidFilter
from nbtrack.query import parse_experiment_filter, parse_filter, parse_order_by


def refused(text: str) -> InvalidFilter:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("metrics.acc >", 14, "expected a number after '>'"),
        ("metrics.acc > 'high'", 15, "expected a number after '>', found 'high'"),
        ("metrics.acc > '0.9'", 15, "remove the quotes: 0.9"),
        ("metrics.acc > high", 15, "expected a number after '>', found 'high'"),
        ("metrics.acc = true", 15, "expected a number after '=', found true"),
        ("metrics.acc IN ('a')", 17, "expected a number after IN, found 'a'"),
        ("metrics.acc BETWEEN 'a' AND 2", 21, "expected a number after BETWEEN, found 'a'"),
        ("params.lr BETWEEN 'a' AND 2", 19, "expected a number after BETWEEN, found 'a'"),
        ("params.model = forest", 16, "quote text: 'forest'"),
        ("params.file = data.csv", 15, "quote text: 'data.csv'"),
        ("status = FINISHED", 10, "quote text: 'FINISHED'"),
        ("params.a IN (x, y)", 14, "quote text: 'x'"),
        ("tags.version = 3", 16, "tags.version holds text; quote the value: '3'"),
        ("user_id > 5", 11, "user_id holds text; quote the value: '5'"),
        ("params.x > 'abc'", 12, "'>' compares numbers, found 'abc'"),
        ("params.x > '5'", 12, "remove the quotes: 5"),
        ("tags.x > user_id", 10, "'>' compares numbers"),
        ("metrics.acc 0.9", 13, "expected an operator after metrics.acc, found '0.9'"),
        ("metrics.acc", 12, "expected an operator after metrics.acc"),
        ("(metrics.a > 1 AND metrics.b)", 29, "expected an operator after metrics.b, found ')'"),
        ("params.x NOT = 3", 10, "expected an operator after params.x, found 'NOT'"),
        ("params.x RLIKE 'a'", 10, "expected an operator after params.x, found 'RLIKE'"),
        ("metrics.val loss > 1", 13, "a key with spaces is quoted: metrics.`val loss`"),
        ("metrics.val-loss > 1", 12, "put spaces around '-' to calculate, or quote the key: metrics.`val-loss`"),
        ("metrics.top/5 > 1", 12, "quote the key: metrics.`top/5`"),
        ("metrics.a:b > 1", 10, "a key with other characters is quoted: metrics.`a:b`"),
        ("metrics. > 1", 8, "expected a key after 'metrics.'"),
        ("metrics.`` > 1", 1, "the key after 'metrics.' is empty"),
        ("metrics.`a > 1", 9, "this ` is never closed"),
        ("params.x = 'abc", 12, "this ' is never closed"),
        ("params.x = 'it's'", 17, "write '' for a quote inside"),
        ('params.x = "abc', 12, 'this " is never closed'),
        ("params.x = ‘abc’", 12, "typographic quote"),
        ("params.x = 5min", 12, "'5min' is no number; quote text: '5min'"),
        ("params.x = 1.2.3", 12, "'1.2.3' is no number"),
        ("(metrics.a > 1", 1, "this '(' is never closed"),
        ("params.a IN ('x'", 13, "this '(' is never closed"),
        ("abs(metrics.a > 1", 15, "expected ')', found '>'"),
        ("metrics.a > 1)", 14, "this ')' closes nothing"),
        ("metrics.a > 1 metrics.b > 2", 15, "expected AND or OR before 'metrics.b'"),
        ('params.x = "a" "b"', 16, 'expected AND or OR before "b"'),
        ("metrics.a > 1, metrics.b > 2", 14, "expected AND or OR before ','"),
        ("metrics.a > 1 AND", 18, "expected a condition such as metrics.accuracy > 0.9 after 'AND'"),
        ("AND metrics.a > 1", 1, "expected a condition such as metrics.accuracy > 0.9, found 'AND'"),
        ("metrics.a > 1 AND OR metrics.b > 1", 19, "after 'AND', found 'OR'"),
        ("NOT", 4, "after 'NOT'"),
        ("()", 2, "after '(', found ')'"),
        ("metrics.a > 1 && metrics.b > 1", 15, "write AND instead of '&&'"),
        ("metrics.a > 1 || metrics.b > 1", 15, "write OR instead of '||'"),
        ("!metrics.a > 1", 1, "write NOT instead of '!'"),
        ("metrics.a => 1", 11, "write >= instead of '=>'"),
        ("metrics.a =< 1", 11, "write <= instead of '=<'"),
        ("metrics.a <=> 1", 11, "write = instead of '<=>'"),
        ("params.a =~ 'x'", 10, "write LIKE instead of '=~'"),
        ("metrics.a > 1;", 14, "remove the ';'"),
        ("params.a = @x", 12, "unexpected character '@'"),
        ("metrics.a IN ()", 14, "the list after IN is empty"),
        ("metrics.a IN (1 2)", 17, "expected ',' or ')' in the list, found '2'"),
        ("metrics.a IN (metrics.b)", 15, "a list holds numbers and quoted texts, found metrics.b"),
        ("metrics.a IN 1", 14, "expected a list in parentheses after IN"),
        ("metrics.a IN [1]", 14, "write ( and ) around a list, not brackets"),
        ("metrics.a LIKE 'a%'", 1, "LIKE compares text, and metrics.a holds a number"),
        ("start_time LIKE '2026%'", 1, "LIKE compares text, and start_time holds a time"),
        ("duration ILIKE '5%'", 1, "ILIKE compares text, and duration is a duration"),
        ("'a' LIKE 'b'", 1, "LIKE needs a metric, param, tag or attribute on its left, found 'a'"),
        ("params.a LIKE 5", 15, "expected a quoted pattern after LIKE"),
        ("params.a LIKE", 14, "expected a quoted pattern after LIKE, such as 'forest%', found the end"),
        ("start_time > 'soon'", 14, "a date such as '2026-03-01 14:30' or '2 days ago'"),
        ("start_time > '2026-02-30'", 14, "found '2026-02-30'"),
        ("duration > 'long'", 12, "seconds or a text such as '5 min' after '>', found 'long'"),
        ("status = 'FINISHD'", 10, "Did you mean 'FINISHED'?"),
        ("status IN ('FINISHED', 'done')", 24, "status is never 'done'"),
        ("statuss = 'FINISHED'", 1, "unknown attribute 'statuss' of a run"),
        ("statuss = 'FINISHED'", 1, "Did you mean 'status'?"),
        ("accuracy > 0.9", 1, "Or is it metrics.accuracy or params.accuracy or tags.accuracy?"),
        ("metrik.acc > 1", 1, "unknown entity 'metrik'; use metrics, params, tags, datasets and attributes. Did you mean 'metrics'?"),
        ("run.foo = 'x'", 1, "unknown attribute 'foo'"),
        ("dataset.nam = 'x'", 1, "a dataset has name, digest, context, found 'nam'. Did you mean 'name'?"),
        ("params.x = NULL", 12, "write IS NULL or IS NOT NULL"),
        ("metrics.x = nan", 13, "write IS NAN or IS NOT NAN"),
        ("params.x IS 5", 13, "expected NULL, NOT NULL or NAN after IS, found '5'"),
        ("params.x IS NAN", 1, "IS NAN asks about a metric"),
        ("metrics.a + 1 IS NULL", 1, "IS NULL asks whether a run has"),
        ("metrics.a BETWEEN 1", 20, "expected AND and the upper end after BETWEEN 1"),
        ("metrics.a BETWEEN 1 AND", 24, "expected a number after 'AND'"),
        ("tags.a BETWEEN 'a' AND 'b'", 1, "BETWEEN compares numbers and times; tags.a holds text"),
        ("metrics.a BETWEEN 1 AND tags.b", 25, "expected a number after BETWEEN, found tags.b"),
        ("0.1 < params.lr < 0.5", 17, "comparisons do not chain"),
        ("1 = 1", 1, "both sides of '=' are constants"),
        ("5 IN (5)", 1, "IN needs a metric, param, tag or attribute on its left"),
        ("metrics.a = tags.b", 13, "metrics.a is a number, and tags.b holds text"),
        ("tags.b = metrics.a", 1, "metrics.a is a number, and tags.b holds text"),
        ("tags.a + 1 > 2", 1, "'+' calculates with numbers; tags.a holds text"),
        ("metrics.a * 'x' > 2", 13, "'*' calculates with numbers; 'x' is none"),
        ("-status = 'x'", 2, "'-' calculates with numbers; status holds text"),
        ("metrics.a / 0 > 1", 13, "this divides by zero"),
        ("inf - inf < metrics.a", 1, "this calculation has no result"),
        ("(metrics.a > 1) + 1 > 2", 2, "a condition can't be calculated with"),
        ("(metrics.a > 1) = true", 17, "a condition can't be compared"),
        ("avg(metrics.x) > 1", 1, "unknown function 'avg'; there are last, min, max, count, abs."),
        ("mn(metrics.x) > 1", 1, "Did you mean 'min'?"),
        ("min(params.x) > 1", 5, "min(...) takes a metric, such as min(metrics.loss), found params.x"),
        ("max(max(metrics.x)) > 1", 5, "max(...) takes a metric"),
        ("min(metrics.x, metrics.y) > 1", 14, "expected ')', found ','"),
        ("datasets.name = params.x", 1, "a run may have read several datasets"),
        ("params.x = '\ud800'", 13, "half of a surrogate pair"),
        ("params.x = 'a\0'", 14, "a NUL character"),
    ],
)
def test_a_slip_is_named_with_its_place(text: str, column: int, words: str) -> None:
    error = refused(text)
    assert words in error.problem
    assert (error.column, error.text, error.what) == (column, text, "filter")


@pytest.mark.parametrize(
    ("item", "column", "words"),
    [
        ("metrics.a DOWN", 11, "expected ASC or DESC after metrics.a, found 'DOWN'"),
        ("metrics.a DESC DESC", 16, "expected ASC or DESC"),
        ("metrics.val loss", 13, "metrics.`val loss`"),
        ("metrics.a > 1", 11, "found '>'"),
        ("(metrics.a > 1)", 2, "expected a metric, param, tag or attribute to sort by"),
        ("", 1, "expected a metric, param, tag or attribute"),
        ("metrics.a,", 11, "expected a metric, param, tag or attribute after ','"),
        ("5", 1, "to sort by, found 5"),
        ("datasets.name", 1, "gives no order"),
        ("lr", 1, "unknown attribute 'lr'"),
    ],
)
def test_a_slip_in_an_ordering_is_named_with_its_place(item: str, column: int, words: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_order_by(["start_time", item])
    error = caught.value
    assert words in error.problem
    assert (error.column, error.text, error.what) == (column, item, "order_by")


def test_experiments_have_no_metrics() -> None:
    with pytest.raises(InvalidFilter, match="unknown entity 'metrics'; use tags and attributes"):
        parse_experiment_filter("metrics.a > 1")


def test_the_message_shows_the_place() -> None:
    assert str(refused("metrics.acc > ")) == "filter, column 15: expected a number after '>'\n  metrics.acc > \n                ^"


def test_the_error_survives_pickling() -> None:
    error = refused("metrics.acc >")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(" * 10_000, "nested too deeply"),
        ("(" * 10_000 + "metrics.a > 1" + ")" * 10_000, "nested too deeply"),
        ("NOT " * 10_000 + "metrics.a > 1", "nested too deeply"),
        ("-" * 10_000 + "metrics.a > 1", "nested too deeply"),
        ("metrics.a > " + "-" * 10_000 + "1", "nested too deeply"),
        ("abs(" * 10_000 + "metrics.a", "nested too deeply"),
        ("metrics.a - (" * 20 + "metrics.a" + ")" * 20 + " > 1", "calculations are nested too deeply"),
        (" AND ".join(["metrics.a > 1"] * 10_000), "more than 500 conditions"),
        ("+".join(["metrics.a"] * 10_000) + " > 1", "more than 100 calculations"),
        (f"params.n IN ({','.join(['1'] * 20_000)})", "more than 10,000 values"),
        (f"tags.a LIKE '{'%' * 20_000}'", "the pattern has 20,000 characters"),
        ("metrics.a > " + "1" * 100_000 + "a", "is no number"),
    ],
)
def test_what_is_too_much_is_refused(text: str, words: str) -> None:
    error = refused(text)
    assert words in error.problem
    assert len(error.problem) < 500


def test_as_much_as_allowed_is_read() -> None:
    parse_filter("(" * 50 + "metrics.a > 1" + ")" * 50)
    parse_filter(" OR ".join(["metrics.a > 1"] * 500))
    parse_filter(f"run_id IN ({','.join(chr(39) + 'a' * 32 + chr(39) for _ in range(9_000))})")
