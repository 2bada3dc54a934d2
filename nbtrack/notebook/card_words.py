"""The words of a card that HTML and plain text share."""

from __future__ import annotations

from nbtrack.entities import Finding
from nbtrack.formatting import format_number, plural
from nbtrack.notebook.card import CardData, Change, MetricRow, Trend

_TITLES = {
    "seed": "No seed",
    "hidden-state": "Hidden state",
    "capture": "Not captured",
}


def delta_text(change: Change) -> str:
    """``▲ 0.0131``, ``▼ 12``, or ``=``."""
    if change.delta == 0:
        return "="
    return f"{'▲' if change.delta > 0 else '▼'} {format_number(abs(change.delta))}"


def finding_title(finding: Finding) -> str:
    """What a strip begins with."""
    return _TITLES.get(finding.kind) or finding.kind.replace("-", " ").replace("_", " ").capitalize()


def metric_hint(row: MetricRow) -> str:
    """How a metric came about, for who points at it."""
    parts = [row.definition or "", f"read from line {row.line}" if row.line is not None else "", plural(row.points, "point") if row.points > 1 else ""]
    return " · ".join(part for part in parts if part)


def trend_label(trend: Trend) -> str:
    """``auc, last 12 runs`` or ``loss, 200 steps``."""
    return f"{trend.metric}, last {plural(trend.count, 'run')}" if trend.of_runs else f"{trend.metric}, {plural(trend.count, 'step')}"


def footer_parts(card: CardData) -> list[tuple[str, str]]:
    """What the run is made of, each with the detail behind it."""
    parts: list[tuple[str, str]] = []
    if card.inputs:
        parts.append((plural(len(card.inputs), "data input"), ", ".join(card.inputs)))
    if card.figures:
        parts.append((plural(len(card.figures), "figure"), ", ".join(card.figures)))
    if card.models:
        parts.append((f"model {card.models[0]}" if len(card.models) == 1 else plural(len(card.models), "model"), "; ".join(card.models)))
    if card.files:
        parts.append((plural(card.files, "file"), ""))
    if card.children:
        parts.append((plural(card.children, "nested run"), ""))
    if card.closure is not None:
        unknown = f", {plural(len(card.unresolved), 'name')} unknown" if card.unresolved else ""
        code = card.script or f"this cell{f' + {card.closure} earlier' if card.closure else ''}"
        parts.append((f"code: {code}{unknown}", "; ".join(card.unresolved)))
    if card.commit:
        state = {True: ", with changes", False: ", clean", None: ""}[card.dirty]
        parts.append((f"git {card.commit[:7]}{state}", card.commit))
    return parts
