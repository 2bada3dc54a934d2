"""The card: what it says, and that it says it safely everywhere."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbtrack
from nbtrack.entities import Finding, RunStatus, Severity
from nbtrack.notebook.card import CardData, Change, Failure, MetricRow, ParamRow, Trend, read_card
from nbtrack.notebook.card_html import card_html
from nbtrack.notebook.card_text import card_text
from nbtrack.notebook.sparkline import HEIGHT, WIDTH, place, sparkline_svg
from nbtrack.tracking.session import Session

CARD = CardData(
    run_id="a3f19c2e" * 4,
    name="forest",
    status=RunStatus.FINISHED,
    experiment="churn",
    start_time=1_763_690_520_000,
    duration=2.4,
    metrics=[
        MetricRow("auc", 0.9127, Change(0.0131, 0.8996, True), Change(0.0131, 0.8996, True), True, line=5, definition="roc_auc_score"),
        MetricRow("recall", 0.734, Change(-0.021, 0.755, False), Change(0.012, 0.722, True), line=6),
    ],
    params=[ParamRow("n_estimators", "300", 2), ParamRow("class_weight", '"balanced"', 3)],
    trend=Trend("auc", [0.87, 0.88, 0.9127], of_runs=True, count=3),
    findings=[Finding("seed", Severity.WARNING, "RandomForestClassifier(...) line 3 has no random_state.", fix="Give it random_state=0.")],
    inputs=["X_train 398 × 30"],
    figures=["roc"],
    closure=3,
    commit="9c1e2fa" + "0" * 33,
    dirty=False,
)


def test_the_card_on_a_terminal() -> None:
    lines = card_text(CARD).splitlines()
    assert lines[0].startswith("✓ forest  finished · churn · 2.4 s · ")
    assert lines[0].endswith(" · a3f19c2e")
    assert lines[1:] == [
        "    auc     0.9127  ▲ 0.0131 best so far",
        "    recall  0.7340  ▼ 0.0210 vs best   ▲ 0.0120 vs previous",
        '    n_estimators=300  class_weight="balanced"',
        "  ! No seed: RandomForestClassifier(...) line 3 has no random_state. Give it random_state=0.",
        "  1 data input  1 figure  code: this cell + 3 earlier  git 9c1e2fa, clean",
    ]


def test_the_card_in_html_says_the_same() -> None:
    words = text_of(card_html(CARD))
    for word in ("forest", "finished", "0.9127", "▲ 0.0131 best so far", "▼ 0.0210", "n_estimators", '"balanced"', "auc, last 3 runs", "No seed"):
        assert word in words
    assert "code: this cell + 3 earlier" in words


def test_a_failure_names_the_error_and_the_line() -> None:
    card = replace(CARD, status=RunStatus.FAILED, failure=Failure("ValueError: no <b>", 4, "model.fit(X, y)"))
    assert "  ✗ ValueError: no <b> (line 4: model.fit(X, y))" in card_text(card).splitlines()
    assert "ValueError: no &lt;b&gt;" in card_html(card)


def test_what_is_left_out_is_counted() -> None:
    card = replace(CARD, more_params=9_988, more_metrics=3, more_findings=2, unresolved=["x: no executed cell defines it"], dirty=True, children=2)
    for text in (card_text(card), text_of(card_html(card))):
        for words in ("+ 9,988 more", "+ 3 more", "2 more", "1 name unknown", "with changes", "2 nested runs"):
            assert words in text


def test_no_script_no_style_sheet_and_no_address() -> None:
    html = card_html(CARD)
    assert not re.search(r"<script|<style|<link|<img|<a |url\(|@import|on\w+=", html)
    assert set(re.findall(r"https?://[^\"' ]+", html)) == {"http://www.w3.org/2000/svg"}


TAGS = set("div b span table thead tbody tr th td svg title polygon line polyline circle code".split())
NASTY = st.text(alphabet=st.sampled_from("<>&\"'`{}\\ab\n🌲é"), min_size=1, max_size=20)


@given(NASTY, NASTY, NASTY)
def test_everything_is_escaped(name: str, key: str, message: str) -> None:
    card = replace(
        CARD,
        name=name,
        experiment=key,
        notes=message,
        metrics=[MetricRow(key, 1.0, definition=message)],
        params=[ParamRow(key, message)],
        trend=Trend(key, [1.0, 2.0], of_runs=True, count=2),
        findings=[Finding(name, Severity.INFO, message, fix=message)],
        failure=Failure(message, 1, message),
        inputs=[message],
        unresolved=[message],
    )
    html = card_html(card)
    assert well_formed(html)
    assert {"div", "b", "span"} <= tags_of(html) <= TAGS
    assert card_text(card)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=80))
def test_a_sparkline_stays_inside_its_box(values: list[float]) -> None:
    for x, y in place(values):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert "nan" not in sparkline_svg(Trend("m", values, of_runs=False, count=len(values)), colour="#1f9d55")


def test_one_value_has_no_sparkline() -> None:
    assert sparkline_svg(Trend("m", [1.0], of_runs=True, count=1), colour="#000000") == ""


# --- read from the store -------------------------------------------------------------------------


def run(session: Session, name: str = "r", **metrics: float) -> CardData:
    with nbtrack.start_run(run_name=name) as active:
        for key, value in metrics.items():
            active.log_metric(key, value)
    return read_card(session.store(), active.run_id)


def test_the_first_run_has_nothing_to_be_compared_with(session: Session) -> None:
    card = run(session, auc=0.8)
    assert [(row.key, row.value, row.best, row.previous) for row in card.metrics] == [("auc", 0.8, None, None)]
    assert card.trend is None


def test_changes_are_against_the_best_and_the_previous_run(session: Session) -> None:
    run(session, auc=0.9, loss=0.1)
    run(session, auc=0.7, loss=0.3)
    auc, loss = run(session, auc=0.8, loss=0.05).metrics
    assert auc.best == Change(pytest.approx(-0.1), 0.9, False)
    assert auc.previous == Change(pytest.approx(0.1), 0.7, True)
    assert (auc.is_best, loss.is_best) == (False, True)
    assert loss.best == Change(pytest.approx(-0.05), 0.1, True)
    assert loss.previous is not None
    assert loss.previous.better is True


def test_a_metric_whose_name_does_not_say_is_not_judged(session: Session) -> None:
    run(session, width=3)
    (row,) = run(session, width=4).metrics
    assert (row.best, row.previous) == (None, Change(1.0, 3.0, None))


def test_failed_runs_other_experiments_and_own_children_do_not_count(session: Session) -> None:
    run(session, auc=0.5)
    with pytest.raises(ZeroDivisionError), nbtrack.start_run() as failed:
        failed.log_metric("auc", 0.99)
        1 / 0
    nbtrack.set_experiment("other")
    run(session, auc=0.98)
    nbtrack.set_experiment("Default")
    with nbtrack.start_run() as parent:
        with nbtrack.start_run(nested=True) as child:
            child.log_metric("auc", 0.97)
        parent.log_metric("auc", 0.6)
    card = read_card(session.store(), parent.run_id)
    assert card.metrics[0].best == Change(pytest.approx(0.1), 0.5, True)
    assert card.children == 1


def test_nan_and_infinities_are_shown_and_not_compared(session: Session) -> None:
    run(session, loss=0.5)
    run(session, loss=math.nan)
    (row,) = run(session, loss=math.inf).metrics
    assert (row.best, row.previous) == (None, None)
    assert "∞" in card_text(run(session, loss=math.inf))
    assert "NaN" in card_html(run(session, loss=math.nan))


def test_the_experiment_may_name_its_main_metric_and_its_direction(session: Session) -> None:
    experiment = nbtrack.set_experiment("e").experiment_id
    session.store().experiments.set_tag(experiment, "mlflow.experiment.primaryMetric.name", "width")
    session.store().experiments.set_tag(experiment, "mlflow.experiment.primaryMetric.greaterIsBetter", "False")
    run(session, auc=0.5, width=3)
    card = run(session, auc=0.4, width=2)
    assert card.metrics[0].key == "width"
    assert card.metrics[0].is_best
    assert card.trend == Trend("width", [3.0, 2.0], of_runs=True, count=2)


def test_the_trend_is_the_last_twelve_runs_or_the_runs_own_steps(session: Session) -> None:
    for value in range(20):
        card = run(session, auc=value / 100)
    assert card.trend is not None
    assert (card.trend.count, card.trend.values[0], card.trend.values[-1]) == (12, 0.08, 0.19)
    with nbtrack.start_run() as active:
        active.log_metrics({"loss": [1 / (step + 1) for step in range(1000)]}, step=list(range(1000)))
    trend = read_card(session.store(), active.run_id).trend
    assert trend is not None
    assert (trend.metric, trend.of_runs, trend.count) == ("loss", False, 1000)
    assert len(trend.values) <= 80


def test_many_params_are_cut_and_shown_as_typed(session: Session) -> None:
    with nbtrack.start_run() as active:
        active.log_params({f"p{number:03}": number for number in range(100)} | {"a": "text", "b": None, "c": [1, 2.5], "d": True, "e": 1.0})
    card = read_card(session.store(), active.run_id)
    assert [row.text for row in card.params[:5]] == ['"text"', "None", "[1, 2.5]", "True", "1.0"]
    assert (len(card.params), card.more_params) == (12, 93)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.closed_well = True

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        self.closed_well = self.closed_well and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def text_of(html: str) -> str:
    return "".join(_read(html).words)


def tags_of(html: str) -> set[str]:
    return _read(html).tags


def well_formed(html: str) -> bool:
    reader = _read(html)
    return reader.closed_well and not reader.open
