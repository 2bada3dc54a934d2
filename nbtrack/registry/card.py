"""The model card of a version: filled from what is known about it, and from what people wrote."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from nbtrack.entities import DatasetInput, Event, MetricSummary, ModelVersion
from nbtrack.formatting import format_size, plural
from nbtrack.registry import audit
from nbtrack.registry.card_contents import assess
from nbtrack.registry.card_fields import CARD_FIELDS
from nbtrack.registry.evidence import Evidence, gather
from nbtrack.registry.lineage import Lineage, lineage_of
from nbtrack.store.base import Store

# Evaluation keeps here what it found for each group: [{"group": "age < 30", "rows": 120, "metrics": {"recall": 0.7}}].
GROUPS_FACT = "group_metrics"

_PACKAGES = {
    "sklearn": "scikit-learn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "pytorch": "torch",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "statsmodels": "statsmodels",
}
_GENERIC_FLAVOR = "python_function"
_MAX_ROWS = 50


@dataclass(frozen=True)
class Facts:
    """Names with values."""

    items: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows under a header; ``title`` says of what."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""


@dataclass(frozen=True)
class Prose:
    """What someone wrote; ``text`` is empty where nobody has yet, and ``question`` says what belongs here."""

    title: str
    text: str
    question: str = ""


@dataclass(frozen=True)
class Listing:
    """Code, as it is."""

    text: str
    language: str = "python"


Block = Facts | Table | Prose | Listing


@dataclass(frozen=True)
class Section:
    """A part of the card."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class ModelCard:
    """A card to read (Markdown, HTML) or to process (JSON).

    ``metadata`` is the header that model hubs read; ``percent`` says how complete the card is, and
    ``missing`` what to do about each part that is not there; ``fields`` are those that people filled.
    """

    name: str
    version: int
    metadata: Mapping[str, Any]
    sections: Sequence[Section]
    percent: int
    missing: Mapping[str, str]
    fields: Mapping[str, Any]

    def to_markdown(self) -> str:
        """Markdown with a metadata header in YAML, as Hugging Face reads it."""
        from nbtrack.registry.card_markdown import to_markdown

        return to_markdown(self)

    def to_html(self) -> str:
        """A piece of HTML that needs nothing else; all text in it is escaped."""
        from nbtrack.registry.card_html import to_html

        return to_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The card as JSON values; what is not a finite number is a text."""
        from nbtrack.registry.card_markdown import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """The card as JSON."""
        import json

        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        return self.to_html()


def build_card(store: Store, version: ModelVersion) -> ModelCard:
    """The card of a version as things stand now."""
    evidence, fields = gather(store, version), store.registry.versions.card(version.name, version.version)
    line, result = lineage_of(evidence), assess(evidence, fields)
    sections = (
        _details(evidence, fields),
        Section("Intended Use", _prose(fields, "intended_use", "out_of_scope")),
        _data(evidence, fields),
        _metrics(evidence, fields),
        _findings(evidence),
        Section("Limitations and Ethics", _prose(fields, "limitations", "ethical_considerations", "risks", "compliance", "explainability")),
        _lineage(line),
        _environment(evidence),
        _loading(evidence),
        _governance(audit.log(store, version.name, version.version)),
    )
    return ModelCard(version.name, version.version, _metadata(evidence, fields), sections, result.percent, result.missing, fields)


def model_type(evidence: Evidence) -> str | None:
    """The class of the model, as in ``RandomForestClassifier``."""
    logged = evidence.logged
    return None if logged is None or not logged.model_class else logged.model_class.rpartition(".")[2]


def framework(evidence: Evidence) -> str | None:
    """The library of the model with its version, as in ``scikit-learn 1.6.1``."""
    if evidence.logged is None:
        return None
    packages = (evidence.facts.get("environment") or {}).get("packages") or {}
    named = [_PACKAGES.get(flavor, flavor) for flavor in evidence.logged.flavors if flavor != _GENERIC_FLAVOR]
    return ", ".join(f"{name} {packages[name]}" if name in packages else name for name in named) or "Python"


def _details(evidence: Evidence, fields: Mapping[str, Any]) -> Section:
    version, logged = evidence.version, evidence.logged
    items = {
        "Model Name": version.name,
        "Version": str(version.version),
        "Type": model_type(evidence),
        "Framework": framework(evidence),
        "Stage": version.current_stage.value,
        "Aliases": ", ".join(version.aliases),
        "Registered": f"{_day(version.creation_timestamp)} by {version.user_id}" if version.user_id else _day(version.creation_timestamp),
        "Flavors": ", ".join(logged.flavors) if logged is not None else None,
        "Size": format_size(logged.size) if logged is not None else None,
        "Digest": f"sha256 {version.digest}" if version.digest else None,
        "Tags": ", ".join(f"{key}={value}" for key, value in version.tags.items()),
        **{CARD_FIELDS[name].title: fields.get(name) for name in ("license", "contact")},
    }
    description = Prose("Description", version.description or "", "What is this version, in one sentence?")
    return Section("Model Details", (Facts({key: value for key, value in items.items() if value}), description, *_references(fields)))


def _references(fields: Mapping[str, Any]) -> Iterator[Block]:
    if fields.get("references"):
        yield Table([CARD_FIELDS["references"].title], [[text] for text in fields["references"]])


def _prose(fields: Mapping[str, Any], *names: str) -> list[Prose]:
    """The fields that were filled, and the required ones with their questions."""
    wanted = [(CARD_FIELDS[name], fields.get(name) or "") for name in names]
    return [Prose(field.title, text, field.question) for field, text in wanted if text or field.required]


def _data(evidence: Evidence, fields: Mapping[str, Any]) -> Section:
    inputs = () if evidence.run is None else evidence.run.inputs.dataset_inputs
    header = ("Data", "Role", "Rows", "Columns", "Missing values", "Digest (sha256)")
    blocks: list[Block] = [Table(header, [_data_row(item) for item in inputs])] if inputs else []
    blocks += [table for item in inputs for table in _balances(item)]
    return Section("Data", [*(blocks or [Prose("", "", "No data was recorded for the run.")]), *_prose(fields, "data_notes")])


def _data_row(item: DatasetInput) -> list[Any]:
    profile = item.dataset.profile
    shape = profile.get("shape") or []
    nulls = sum((profile.get("null_counts") or {}).values())
    return [item.dataset.name, item.context or "", profile.get("num_rows", ""), shape[1] if len(shape) == 2 else "", nulls, item.dataset.digest]


def _balances(item: DatasetInput) -> Iterator[Table]:
    for column, counts in (item.dataset.profile.get("class_counts") or {}).items():
        total = sum(counts.values())
        role = f" ({item.context})" if item.context else ""
        rows = [[label, count, f"{100 * count / total:.1f} %"] for label, count in list(counts.items())[:_MAX_ROWS]]
        yield Table(("Class", "Count", "Share"), rows, f"Class balance of {column if column == item.dataset.name else f'{item.dataset.name}.{column}'}{role}")


def _metrics(evidence: Evidence, fields: Mapping[str, Any]) -> Section:
    blocks: list[Block] = []
    if evidence.metrics:
        blocks.append(Table(("Metric", "Value", "Computed by"), [[item.key, item.last, item.definition or ""] for item in evidence.metrics.values()]))
    else:
        blocks.append(Prose("", "", "No metric was logged for the run."))
    blocks += _groups(evidence.facts.get(GROUPS_FACT))
    return Section("Metrics", [*blocks, *_prose(fields, "evaluation_notes")])


def _groups(fact: Any) -> list[Table]:
    rows = [row for row in fact if isinstance(row, Mapping) and isinstance(row.get("metrics"), Mapping)] if isinstance(fact, list) else []
    if not rows:
        return []
    keys = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    return [
        Table(
            ("Group", "Rows", *keys), [[row.get("group", ""), row.get("rows", ""), *(row["metrics"].get(key, "") for key in keys)] for row in rows], "By group"
        )
    ]


def _findings(evidence: Evidence) -> Section:
    if evidence.run is None:
        return Section("Guards and Findings", [Prose("", "", "The version has no run in this store, so nothing was checked.")])
    rows = [[finding.severity.value, finding.kind, finding.message, finding.fix] for finding in evidence.findings[:_MAX_ROWS]]
    found: Block = Table(("Severity", "Kind", "Finding", "What to do"), rows) if rows else Prose("", "No finding is open.")
    verdict = evidence.facts.get("reproduced")
    reproduced = verdict.get("verdict") if isinstance(verdict, Mapping) else verdict
    return Section("Guards and Findings", [found, *([Facts({"Reproduced": str(reproduced)})] if reproduced else [])])


def _lineage(line: Lineage) -> Section:
    run, code = line.run, line.code
    items = {
        "Run": f"{run.name} ({run.run_id})" if run is not None else None,
        "Experiment": run.experiment if run is not None else None,
        "Trained": f"{_day(run.started)} by {run.user}" if run is not None else None,
        "Source": run.source if run is not None else None,
        "Parent version": str(line.parent) if line.parent is not None else None,
        "Copied from": line.copied_from,
        "Code commit": f"{code.commit}{' with uncommitted changes' if code.dirty else ''}" if code is not None and code.commit else None,
        "Repository": code.repository if code is not None else None,
        "Closure": plural(len(line.closure), "earlier cell") if line.cell is not None else None,
        "Data digests": ", ".join(item.digest for item in line.data),
    }
    blocks: list[Block] = [Facts({key: value for key, value in items.items() if value})]
    return Section("Lineage", [*blocks, *([Listing(line.cell.source)] if line.cell is not None else [])])


def _environment(evidence: Evidence) -> Section:
    fact = evidence.facts.get("environment") or {}
    if not fact:
        return Section("Environment", [Prose("", "", "The run recorded no environment.")])
    packages = fact.get("packages") or {}
    rows = [[name, version] for name, version in packages.items()]
    return Section("Environment", [Facts({"Python": fact.get("python", ""), "Platform": fact.get("platform", "")}), Table(("Package", "Version"), rows)])


def _loading(evidence: Evidence) -> Section:
    version, logged = evidence.version, evidence.logged
    code = f'import nbtrack\n\nmodel = nbtrack.load_model("models:/{version.name}/{version.version}")\npredictions = model.predict(data)\n'
    blocks: list[Block] = [Listing(code)]
    if logged is not None and logged.signature is not None:
        for side, title in (("inputs", "Inputs"), ("outputs", "Outputs")):
            rows = _columns(logged.signature.get(side))
            blocks += [Table(("Name", "Type"), rows, title)] if rows else []
    return Section("How to Load", blocks)


def _columns(schema: Any) -> list[list[Any]]:
    """The columns of a signature's side, which MLflow writes as JSON in a text."""
    import json

    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError:
            return []
    columns = schema if isinstance(schema, list) else []
    return [[column.get("name", ""), str(column.get("type", ""))] for column in columns if isinstance(column, Mapping)][:_MAX_ROWS]


def _governance(events: Sequence[Event]) -> Section:
    rows = [[_day(event.timestamp), event.actor, event.action, _change(event), event.details.get("reason") or ""] for event in events[-_MAX_ROWS:]]
    return Section("History", [Table(("When", "Who", "What", "Change", "Why"), rows)])


def _change(event: Event) -> str:
    before, after = (event.details.get(part) or {} for part in ("before", "after"))
    if "stages" in after:
        return ", ".join(f"version {version}: {before['stages'].get(version)} → {stage}" for version, stage in after["stages"].items())
    if "alias" in after or "alias" in before:
        return f"{after.get('alias') or before.get('alias')}: {before.get('version', '–')} → {after.get('version', '–')}"
    return str(after.get("stage") or "")


def _metadata(evidence: Evidence, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What model hubs read: only keys that have a value."""
    flavors = [flavor for flavor in (evidence.logged.flavors if evidence.logged is not None else ()) if flavor != _GENERIC_FLAVOR]
    kind = model_type(evidence) or ""
    task = {"Classifier": "tabular-classification", "Regressor": "tabular-regression"}.get(
        next((end for end in ("Classifier", "Regressor") if kind.endswith(end)), "")
    )
    metadata = {
        "license": fields.get("license"),
        "language": fields.get("language"),
        "library_name": flavors[0] if flavors else None,
        "pipeline_tag": task,
        "tags": ["nbtrack", *fields.get("keywords", ())],
        "model_name": evidence.version.name,
        "model-index": _model_index(evidence, task),
    }
    return {key: value for key, value in metadata.items() if value}


def _model_index(evidence: Evidence, task: str | None) -> list[dict[str, Any]]:
    numbers = [item for item in evidence.metrics.values() if math.isfinite(item.last)]
    if not numbers:
        return []
    inputs = () if evidence.run is None else evidence.run.inputs.dataset_inputs
    chosen = next((item for role in ("test", "eval", "validation", "val") for item in inputs if item.context == role), inputs[0] if inputs else None)
    dataset = (
        {"name": chosen.dataset.name, "type": "tabular", "revision": chosen.dataset.digest}
        if chosen is not None
        else {"name": "not recorded", "type": "tabular"}
    )
    result = {"task": {"type": task or "other"}, "dataset": dataset, "metrics": [_hub_metric(item) for item in numbers]}
    return [{"name": evidence.version.name, "results": [result]}]


def _hub_metric(item: MetricSummary) -> dict[str, Any]:
    return {"type": item.key, "name": item.key, "value": item.last}


def _day(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
