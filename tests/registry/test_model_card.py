from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrack.entities import Dataset, DatasetInput, Finding, InputTag, Severity
from nbtrack.errors import InvalidCardField
from nbtrack.registry.card import Facts, ModelCard, Prose, Section, Table
from nbtrack.registry.card_fields import CARD_FIELDS
from nbtrack.registry.service import Registry
from nbtrack.store.base import Store

from .conftest import MakeRun

HUMAN = {
    "intended_use": "To rank customers by how likely they leave.",
    "limitations": "Not tested on customers of less than three months.",
    "ethical_considerations": "Age groups were compared.",
    "contact": "ml@example.org",
    "license": "apache-2.0",
    "language": ["en"],
    "keywords": ["churn"],
}


@pytest.fixture
def known(registry: Registry, make_run: MakeRun, store: Store) -> Registry:
    """A version of which everything is known but what people have to write."""
    run_id = make_run(metrics={"recall": 0.9, "auc": float("inf"), "loss": 1e-7})
    train = Dataset("y_train", "5d" * 32, profile={"num_rows": 398, "shape": [398], "class_counts": {"y_train": {"1": 250, "0": 148}}})
    store.inputs.log(run_id, [DatasetInput(train, [InputTag("mlflow.data.context", "train")])])
    store.facts.set(
        run_id,
        {
            "environment": {"python": "3.11.9", "platform": "Linux-x86_64", "packages": {"scikit-learn": "1.6.1"}},
            "git": {"commit": "c0ffee" * 6},
            "group_metrics": [{"group": "age < 30", "rows": 120, "metrics": {"recall": 0.7}}, {"group": "age | 30", "rows": 278, "metrics": {"recall": 0.95}}],
            "reproduced": {"verdict": "REPRODUCED"},
        },
    )
    store.facts.add_findings(run_id, [Finding("leakage", Severity.WARNING, "12 rows <b>twice</b>", fix="drop them")])
    registry.register_model(f"runs:/{run_id}/model", "customer_churn_predictor")
    return registry


def header(markdown: str) -> Any:
    return yaml.safe_load(markdown.split("---\n")[1])


def test_the_card_is_filled_from_evidence(known: Registry) -> None:
    known.update_model_version("customer_churn_predictor", 1, "Random Forest model trained on customer data from Q1 2025")
    known.transition_model_version_stage("customer_churn_predictor", 1, "Production", reason="best so far")
    text = known.model_card("customer_churn_predictor", 1).to_markdown()
    sections = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "Model Details",
        "Intended Use",
        "Data",
        "Metrics",
        "Guards and Findings",
        "Limitations and Ethics",
        "Lineage",
        "Environment",
        "How to Load",
        "History",
        "Completeness",
    ]
    for expected in (
        "# Model Card: customer_churn_predictor, version 1",
        "- **Model Name**: customer_churn_predictor",
        "- **Version**: 1",
        "- **Type**: RandomForestClassifier",
        "- **Framework**: scikit-learn 1.6.1",
        "- **Stage**: Production",
        "Random Forest model trained on customer data from Q1 2025",
        "5d" * 32,
        "| 1 | 250 | 62.8 % |",
        "| recall | 0.9000 |",
        "| age \\| 30 | 278 | 0.9500 |",
        "| warning | leakage | 12 rows &lt;b>twice&lt;/b> | drop them |",
        "**Reproduced**: REPRODUCED",
        "c0ffee",
        'nbtrack.load_model("models:/customer_churn_predictor/1")',
        "| age | double |",
        "best so far",
        "*What is the model for, and who uses it?*",
    ):
        assert expected in text, expected


def test_the_header_is_what_model_hubs_read(known: Registry) -> None:
    card = known.update_model_card("customer_churn_predictor", 1, HUMAN)
    found = header(card.to_markdown())
    assert {key: found[key] for key in ("license", "language", "library_name", "pipeline_tag", "tags")} == {
        "license": "apache-2.0",
        "language": ["en"],
        "library_name": "sklearn",
        "pipeline_tag": "tabular-classification",
        "tags": ["nbtrack", "churn"],
    }
    (result,) = found["model-index"][0]["results"]
    assert result["dataset"] == {"name": "y_train", "type": "tabular", "revision": "5d" * 32}
    assert {item["type"]: item["value"] for item in result["metrics"]} == {"recall": 0.9, "loss": 1e-07}


def test_what_people_write_is_kept_with_the_version_and_completes_the_card(known: Registry) -> None:
    name = "customer_churn_predictor"
    before = known.model_card(name, 1)
    assert (before.percent, set(before.missing)) == (61, {"description", "intended_use", "limitations", "ethical_considerations", "contact"})
    known.update_model_version(name, 1, "text")
    card = known.update_model_card(name, 1, HUMAN, reason="review")
    assert (card.percent, card.missing) == (100, {})
    assert known.update_model_card(name, 1, {"license": None, "contact": " ", "risks": "few"}).fields.keys() == {*HUMAN, "risks"} - {"license", "contact"}
    event = known.audit_log(name, 1)[-1]
    assert (event.action, event.details["before"]["card"], event.details["after"]["card"]) == (
        "version.card",
        {"license": "apache-2.0", "contact": "ml@example.org"},
        {"risks": "few"},
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"intended_use": ["a", "b"]}, "'intended_use' is a text; found list"),
        ({"limitations": 3}, "'limitations' is a text; found int"),
        ({"keywords": "churn"}, "'keywords' is a list of texts; found str"),
        ({"keywords": ["churn", 3]}, "found a list with int"),
        ({"intended_us": "x"}, "no field 'intended_us' to fill. Did you mean 'intended_use'"),
        ({"zzz": "x"}, "There are: intended_use"),
        ({"risks": "x" * 100_001}, "at most 100,000 fit"),
        ("intended_use", "are a dict"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_and_nothing_is_kept(known: Registry, fields: Any, message: str) -> None:
    with pytest.raises(InvalidCardField, match=message):
        known.update_model_card("customer_churn_predictor", 1, {"contact": "me", **fields} if isinstance(fields, dict) else fields)
    assert known.model_card("customer_churn_predictor", 1).fields == {}


def test_the_card_is_strict_json_with_what_is_missing(known: Registry) -> None:
    found = json.loads(known.model_card("customer_churn_predictor", 1).to_json(), parse_constant=lambda word: pytest.fail(word))
    assert found["completeness"]["percent"] == 61
    assert ["auc", "inf", ""] in found["sections"]["Metrics"][0]["table"]["rows"]
    assert found["sections"]["Model Details"][0]["facts"]["Type"] == "RandomForestClassifier"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_escapes_everything_and_closes_what_it_opens(known: Registry) -> None:
    known.update_model_card("customer_churn_predictor", 1, {"intended_use": "<script>alert(1)</script>"})
    known.update_model_version("customer_churn_predictor", 1, "<img src=x onerror=alert(1)>")
    card = known.model_card("customer_churn_predictor", 1)
    reader = Tags()
    reader.feed(card.to_html())
    assert reader.open == []
    assert not reader.tags & {"script", "img", "b" if "<b>twice" in card.to_html() else "script"}
    assert "<script" not in card.to_markdown()
    assert card._repr_html_() == card.to_html()


def test_a_version_of_which_nothing_is_known_has_a_card_that_says_so(registry: Registry) -> None:
    registry.create_registered_model("bare")
    registry.create_model_version("bare", "s3://elsewhere")
    card = registry.model_card("bare", 1)
    assert card.percent == 0
    assert "No data was recorded" in str(card)
    assert header(str(card))["model_name"] == "bare"


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(name=TEXT, value=TEXT, cells=st.lists(TEXT, min_size=2, max_size=2), number=st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_text_there_is_the_header_reads_back_and_tables_keep_their_shape(name: str, value: str, cells: list[str], number: float) -> None:
    metadata = {"model_name": name, "tags": [value], "model-index": [{"name": name, "results": [{"metrics": [{"value": number, "type": value}]}]}]}
    sections = [Section("Model Details", [Facts({"Type": value}), Table(["a", "b"], [cells]), Prose("x", value, "why?")])]
    card = ModelCard(name, 1, metadata, sections, 50, {"run": "do"}, {})
    text = card.to_markdown()
    body = text[: text.index("\n# Model Card")]
    assert yaml.safe_load(body.removeprefix("---\n").rpartition("---")[0]) == metadata
    row = next(line for line in text.splitlines() if line.startswith("| ") and line != "| a | b |")
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 3
    reader = Tags()
    reader.feed(card.to_html())
    assert reader.open == []


def test_every_field_asks_a_question() -> None:
    assert all(field.question.endswith("?") for field in CARD_FIELDS.values())
