"""The card as plain text, for terminals and logs."""

from __future__ import annotations

import textwrap

from nbtrack.entities import RunStatus, Severity
from nbtrack.formatting import format_duration, format_number, format_time
from nbtrack.notebook.card import CardData, MetricRow
from nbtrack.notebook.card_words import delta_text, finding_title, footer_parts

WIDTH = 100
_SIGNS = {RunStatus.FINISHED: "✓", RunStatus.FAILED: "✗", RunStatus.KILLED: "■", RunStatus.RUNNING: "▶", RunStatus.SCHEDULED: "…"}
_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "·"}


def card_text(card: CardData) -> str:
    """Draw the card, at most ``WIDTH`` columns wide where its words allow it."""
    facts = [card.experiment, format_duration(card.duration), format_time(card.start_time), card.run_id[:8]]
    lines = [f"{_SIGNS[card.status]} {card.name}  {card.status.value.lower()} · {' · '.join(facts)}"]
    lines += _wrapped(card.notes.strip(), indent="  ") if card.notes.strip() else []
    lines += _metrics(card)
    lines += _params(card)
    if card.failure is not None:
        where = f" (line {card.failure.line}: {card.failure.source.strip()})" if card.failure.line is not None else ""
        lines += _wrapped(f"{card.failure.message}{where}", indent="  ✗ ")
    for finding in card.findings:
        words = " ".join(part for part in (f"{finding_title(finding)}:", finding.message, finding.fix) if part)
        lines += _wrapped(words, indent=f"  {_MARKS[finding.severity]} ")
    if card.more_findings:
        lines.append(f"    + {card.more_findings:,} more")
    footer = "  ".join(text for text, _ in footer_parts(card))
    return "\n".join([*lines, *(_wrapped(footer, indent="  ") if footer else [])])


def _metrics(card: CardData) -> list[str]:
    if not card.metrics:
        return []
    name_width = max(len(row.key) for row in card.metrics)
    values = [format_number(row.value) for row in card.metrics]
    value_width = max(map(len, values))
    lines = [f"    {row.key:<{name_width}}  {value:>{value_width}}  {_changes(row)}".rstrip() for row, value in zip(card.metrics, values, strict=True)]
    return [*lines, *([f"    + {card.more_metrics:,} more"] if card.more_metrics else [])]


def _changes(row: MetricRow) -> str:
    parts = []
    if row.best is not None:
        parts.append(f"{delta_text(row.best)} best so far" if row.is_best else f"{delta_text(row.best)} vs best")
    if row.previous is not None and row.previous != row.best:
        parts.append(f"{delta_text(row.previous)} vs previous")
    return "   ".join(parts)


def _params(card: CardData) -> list[str]:
    if not card.params:
        return []
    texts = [f"{row.key}={row.text}" for row in card.params] + ([f"+ {card.more_params:,} more"] if card.more_params else [])
    return _wrapped("  ".join(texts), indent="    ")


def _wrapped(text: str, *, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False, break_on_hyphens=False)
