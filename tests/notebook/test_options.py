from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.errors import InvalidInput
from nbtrack.notebook.options import TrackOptions, Wanted, expanded, parse_options, split_words


def parsed(line: str) -> TrackOptions:
    return parse_options(line)[0]


def worked_out(line: str, **names: object) -> TrackOptions:
    options, labels = parse_options(line)
    return expanded(options, labels, names)


def test_an_empty_line_means_the_defaults() -> None:
    assert parsed("") == parsed("   ") == TrackOptions()


def test_all_options_at_once() -> None:
    switches = "--no-infer --no-figures --no-outputs --no-models --nested --quiet"
    assert parsed(f"forest -e churn -t team=red --tag=data=v3 -p lr -p rows=len(X) -m best --notes 'a note' --register churn-model {switches}") == TrackOptions(
        name="forest",
        experiment="churn",
        tags={"team": "red", "data": "v3"},
        params=(Wanted("lr", "lr"), Wanted("rows", "len(X)")),
        metrics=(Wanted("best", "best"),),
        infer=False,
        figures=False,
        outputs=False,
        nested=True,
        notes="a note",
        quiet=True,
        models=False,
        register="churn-model",
    )


def test_quotes_group_words_and_are_taken_off() -> None:
    assert parsed('"my forest" -t team="red wine" --notes "it\'s fine"') == TrackOptions(name="my forest", tags={"team": "red wine"}, notes="it's fine")


def test_a_value_may_begin_after_an_equals_sign() -> None:
    assert parsed("--experiment=churn --notes='x y'") == TrackOptions(experiment="churn", notes="x y")


def test_unicode_names_are_fine() -> None:
    assert parsed("été-🌲 -e München").name == "été-🌲"


def test_the_name_may_stand_anywhere() -> None:
    assert parsed("-e churn forest --quiet").name == "forest"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--expriment churn", "unknown option --expriment. Did you mean '--experiment'"),
        ("-z", "unknown option -z. The options are -e/--experiment,"),
        ("-t team", "-t/--tag takes KEY=VALUE, as in -t team=red; found 'team'"),
        ("-t =red", "-t/--tag takes KEY=VALUE"),
        ("-t", "-t/--tag needs a value: KEY=VALUE, as in -t team=red"),
        ("-t te*am=red", "the tag name 'te*am' has the character '*'"),
        ("-e", "-e/--experiment needs a value: NAME, as in -e churn"),
        ("-e --nested", "-e/--experiment needs a value"),
        ("-e a -e b", "-e/--experiment is given twice"),
        ("--nested=yes", "--nested is a switch and takes no value"),
        ("my forest", "a run has one name; found 'my' and 'forest'. Put a name with spaces in quotes"),
        ("it's", "a quote is left open"),
        ("run-{n", "a brace is left open"),
        ("-p 'x=len('", "'len(' of 'x=len(' is no Python expression"),
        ("-m a*b=1", "the metric name 'a*b' has the character '*'"),
        ("--register", "--register needs a value: MODEL"),
        ("--live", "live is not available yet"),
    ],
)
def test_a_mistake_is_named(line: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(line)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("lr", Wanted("lr", "lr")),
        ("cfg.lr", Wanted("cfg.lr", "cfg.lr")),
        ("kernel='rbf'", Wanted("kernel", "'rbf'")),
        ('kernel="rbf"', Wanted("kernel", '"rbf"')),
        ("lr={lr}", Wanted("lr", "lr")),
        ('cfg={"a":1}', Wanted("cfg", '{"a":1}')),
        ("'n = len(X) + 1'", Wanted("n", "len(X) + 1")),
        ("big=x==1", Wanted("big", "x==1")),
    ],
)
def test_params_are_names_or_expressions(word: str, wanted: Wanted) -> None:
    assert parsed(f"-p {word}").params == (wanted,)


def test_braces_hold_python_expressions() -> None:
    options = worked_out('"run {n + 1}" -e {names["a"]} -t depth={depth:.2f} --notes "{n} of {n}"', n=2, names={"a": "churn"}, depth=0.123)
    assert (options.name, options.experiment, options.tags, options.notes) == ("run 3", "churn", {"depth": "0.12"}, "2 of 2")


def test_braces_keep_their_spaces_and_quotes_without_quoting() -> None:
    assert worked_out("run-{', '.join(xs)}", xs=["a", "b"]).name == "run-a, b"


def test_an_expression_that_fails_names_its_option() -> None:
    with pytest.raises(InvalidInput, match=r"can't work out '\{nope\}' \(NAME\): NameError: name 'nope' is not defined"):
        worked_out("{nope}")
    with pytest.raises(InvalidInput, match=r"\(-t depth\): NameError"):
        worked_out("-t depth={nope}")


def test_dollar_signs_are_just_characters() -> None:
    assert worked_out("cost-$x", x=1).name == "cost-$x"


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=40))
def test_any_line_parses_or_is_refused(line: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse_options(line)


@given(st.lists(st.text(alphabet="abc d=-", min_size=1).map(str.strip).filter(bool), max_size=5))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert [word.text for word in split_words(" ".join(f'"{word}"' for word in words))] == words
