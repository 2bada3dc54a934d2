"""The card as HTML that looks after itself: in JupyterLab (light and dark), VS Code, nbconvert and a saved notebook.

Styles are inline, since code hosts strip ``<style>``; colours come from the front end's variables
with fallbacks that read on white and on black; where all styles are stripped, the tables still
read. No script, no link, no request. Everything that comes from the run is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from nbtrack.entities import Finding, RunStatus, Severity
from nbtrack.formatting import format_duration, format_number, format_time, plural
from nbtrack.notebook.card import CardData, Change, Failure, MetricRow, ParamRow
from nbtrack.notebook.card_words import delta_text, finding_title, footer_parts, metric_hint, trend_label
from nbtrack.notebook.sparkline import sparkline_svg

_TEXT = "var(--jp-content-font-color1,var(--vscode-foreground,inherit))"
_MUTED = "var(--jp-content-font-color2,var(--vscode-descriptionForeground,#767676))"
_LINE = "var(--jp-border-color2,var(--vscode-panel-border,rgba(128,128,128,.3)))"
_SURFACE = "var(--jp-layout-color1,transparent)"
_MONO = "var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,Menlo,Consolas,monospace))"
_SANS = "var(--jp-ui-font-family,var(--vscode-font-family,system-ui,-apple-system,'Segoe UI',sans-serif))"

# Mixed with the colour of the text around: darker on a light page, lighter on a dark one.
_GOOD, _BAD, _WARN, _CALM = "#1f9d55", "#dc3545", "#d97706", "#3b82f6"
_STATUS_COLOURS = {
    RunStatus.FINISHED: _GOOD,
    RunStatus.FAILED: _BAD,
    RunStatus.KILLED: _WARN,
    RunStatus.RUNNING: _CALM,
    RunStatus.SCHEDULED: _CALM,
}
_SEVERITY_COLOURS = {Severity.ERROR: _BAD, Severity.WARNING: _WARN, Severity.INFO: _CALM}

_CAPTION = f"color:{_MUTED};font-size:11px;font-weight:600;letter-spacing:.06em;text-transform:uppercase"
_TWO_COLUMNS_FROM = 7  # params
# In a sentence: Ridge(...), random_state, random_state=0, In [3].
_CODE = re.compile(r"(\b\w[\w.]*\((?:\.\.\.)?\)|\b\w+_\w+(?:=\w+)?|\bIn \[\d+\])")


def card_html(card: CardData) -> str:
    """Draw the card."""
    colour = _STATUS_COLOURS[card.status]
    parts = [
        _header(card),
        _columns([_metrics(card), _params(card), _trend(card)]),
        _failure(card.failure, colour) if card.failure is not None else "",
        *(_finding(finding) for finding in card.findings),
        _small(f"{plural(card.more_findings, 'more finding')}") if card.more_findings else "",
        _footer(card),
    ]
    style = (
        f"box-sizing:border-box;max-width:960px;margin:6px 0 4px;padding:13px 18px 11px;border:1px solid {_LINE};border-left:3px solid {colour};"
        f"border-radius:6px;background:{_SURFACE};color:{_TEXT};font-family:{_SANS};font-size:13px;line-height:1.45;text-align:left"
    )
    return f'<div class="nbtrack-card" style="{style}">{"".join(parts)}</div>'


def _columns(columns: Sequence[str]) -> str:
    """The columns that have something in them, side by side where there is room."""
    shown = [column for column in columns if column]
    spread = "space-between" if len(shown) > 2 else "flex-start"
    style = f"display:flex;flex-wrap:wrap;gap:12px 40px;margin-top:12px;align-items:flex-start;justify-content:{spread}"
    return f'<div style="{style}">{"".join(shown)}</div>' if shown else ""


def _tinted(colour: str) -> str:
    """``colour`` as text: itself where the browser can't mix it with the text around."""
    return f"color:{colour};color:color-mix(in srgb,{colour} 78%,{_TEXT.replace('inherit', 'currentColor')})"


def _header(card: CardData) -> str:
    colour = _STATUS_COLOURS[card.status]
    badge = (
        f'<span style="display:inline-block;padding:0 9px;border-radius:10px;border:1px solid {colour};font-size:11.5px;line-height:18px;'
        f'font-weight:500;{_tinted(colour)}">{escape(card.status.value.lower())}</span>'
    )
    facts = [card.experiment, format_duration(card.duration), format_time(card.start_time)]
    meta = " · ".join(escape(fact) for fact in facts)
    note = f'<div style="margin-top:4px;color:{_MUTED};white-space:pre-line">{escape(_shortened(card.notes, 400))}</div>' if card.notes.strip() else ""
    return (
        '<div style="display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 10px">'
        f'<b style="font-size:15px;font-weight:600;overflow-wrap:anywhere">{escape(card.name)}</b> {badge} '
        f'<span style="color:{_MUTED}">{meta}</span> '
        f'<span style="margin-left:auto;color:{_MUTED};font-family:{_MONO};font-size:12px" title="{escape(card.run_id)}">{escape(card.run_id[:8])}</span>'
        f"</div>{note}"
    )


def _metrics(card: CardData) -> str:
    if not card.metrics:
        return ""
    against_best = any(row.best is not None for row in card.metrics)
    # With one run before, that is the best one too.
    against_previous = any(row.previous is not None and row.previous != row.best for row in card.metrics)
    heads = ["metrics", "", *(["vs best"] if against_best else []), *(["vs previous"] if against_previous else [])]
    rows = [(row.line, _metric_cells(row, best=against_best, previous=against_previous)) for row in card.metrics]
    more = _small(f"+ {card.more_metrics:,} more") if card.more_metrics else ""
    return f'<div style="flex:0 1 auto;min-width:200px">{_table(heads, rows)}{more}</div>'


def _metric_cells(row: MetricRow, *, best: bool, previous: bool) -> list[str]:
    name = f'<span title="{escape(metric_hint(row))}">{escape(row.key)}</span>'
    cells = [name, f'<span style="font-family:{_MONO};font-weight:600">{escape(format_number(row.value))}</span>']
    if best:
        cells.append(_change(row.best, crowned=row.is_best))
    if previous:
        cells.append(_change(row.previous))
    return cells


def _change(change: Change | None, *, crowned: bool = False) -> str:
    if change is None:
        return ""
    colour = {True: _tinted(_GOOD), False: _tinted(_BAD), None: f"color:{_MUTED}"}[change.better]
    crown = " best so far" if crowned else ""
    hint = f"was {format_number(change.reference)}"
    return f'<span style="white-space:nowrap;font-size:12px;{colour}" title="{escape(hint)}">{escape(delta_text(change))}{crown}</span>'


def _params(card: CardData) -> str:
    if not card.params:
        return ""
    rows = [(row.line, [escape(row.key), _param_value(row)]) for row in card.params]
    half = (len(rows) + 1) // 2 if len(rows) >= _TWO_COLUMNS_FROM else len(rows)
    tables = [_table(["params", ""], rows[:half])]
    if rows[half:]:
        tables.append(_table(["\N{NO-BREAK SPACE}", ""], rows[half:]))
    more = _small(f"+ {card.more_params:,} more") if card.more_params else ""
    joined = "".join(f"<div>{table}</div>" for table in tables)
    return f'<div style="flex:0 1 auto;min-width:150px"><div style="display:flex;flex-wrap:wrap;gap:0 24px">{joined}</div>{more}</div>'


def _param_value(row: ParamRow) -> str:
    return f'<span style="font-family:{_MONO};overflow-wrap:anywhere">{escape(row.text)}</span>'


def _table(heads: Sequence[str], rows: Sequence[tuple[int | None, Sequence[str]]]) -> str:
    """A bare table; each cell says its style, since front ends stripe, centre and pad tables.

    In front of a row stands the line of the cell that it was read from, as in an editor's margin.
    """
    margin = any(line is not None for line, _ in rows)
    spans = [" colspan=2" if margin and number == 0 else "" for number in range(len(heads))]
    head = "".join(f'<th style="{_cell(number, last=True)};{_CAPTION}"{spans[number]}>{escape(text)}</th>' for number, text in enumerate(heads))
    body = "".join(_row(line, cells, margin=margin, last=number == len(rows) - 1) for number, (line, cells) in enumerate(rows))
    table = "border-collapse:collapse;border:none;margin:0;table-layout:auto;font-size:13px;background:none"
    return f'<table style="{table}"><thead style="border:none"><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(line: int | None, cells: Sequence[str], *, margin: bool, last: bool) -> str:
    drawn = "".join(f'<td style="{_cell(number, last=last)}">{cell}</td>' for number, cell in enumerate(cells))
    if margin:
        style = f"{_cell(0, last=last)};padding-right:9px;text-align:right;color:{_MUTED};opacity:.8;font-family:{_MONO};font-size:10.5px"
        hint = f' title="read from line {line}"' if line is not None else ""
        drawn = f'<td style="{style}"{hint}>{line or ""}</td>{drawn}'
    return f'<tr style="background:none">{drawn}</tr>'


def _cell(number: int, *, last: bool) -> str:
    line = "none" if last else f"1px solid {_LINE}"
    place = "padding:4px 0;text-align:left" if number == 0 else "padding:4px 0 4px 18px;text-align:right"
    return f"{place};border:none;border-bottom:{line};background:none;vertical-align:baseline;line-height:1.45;color:inherit;max-width:340px"


def _trend(card: CardData) -> str:
    svg = "" if card.trend is None else sparkline_svg(card.trend, colour=_STATUS_COLOURS[card.status])
    if not svg or card.trend is None:
        return ""
    return f'<div style="flex:0 0 auto"><div style="{_CAPTION};padding:4px 0">{escape(trend_label(card.trend))}</div>{svg}</div>'


def _failure(failure: Failure, colour: str) -> str:
    where = ""
    if failure.line is not None:
        code = f'<span style="margin-left:10px">{escape(_shortened(failure.source, 160))}</span>' if failure.source else ""
        where = f'<div style="margin-top:3px;color:{_MUTED};font-family:{_MONO};font-size:12px">line {failure.line} {code}</div>'
    message = f'<div style="font-family:{_MONO};font-size:12.5px;overflow-wrap:anywhere">{escape(failure.message)}</div>'
    return _strip(message + where, colour)


def _finding(finding: Finding) -> str:
    colour = _SEVERITY_COLOURS[finding.severity]
    fix = f' <span style="color:{_MUTED}">{_with_code(finding.fix)}</span>' if finding.fix else ""
    title = f'<b style="font-weight:600;margin-right:8px;{_tinted(colour)}">{escape(finding_title(finding))}</b> '
    return _strip(f"{title}{_with_code(finding.message)}{fix}", colour)


def _strip(content: str, colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    style = f"margin-top:10px;padding:7px 12px;border-left:3px solid {colour};border-radius:3px;background:rgba({red},{green},{blue},.08)"
    return f'<div style="{style}">{content}</div>'


def _with_code(message: str) -> str:
    """The message with names and calls set as code."""
    style = f"font-family:{_MONO};font-size:12px;background:none;color:inherit;padding:0"
    pieces = _CODE.split(message)  # every second one is code
    return "".join(f'<code style="{style}">{escape(piece)}</code>' if number % 2 else escape(piece) for number, piece in enumerate(pieces))


def _footer(card: CardData) -> str:
    parts = "".join(f'<span title="{escape(hint)}" style="margin-right:18px">{escape(text)}</span> ' for text, hint in footer_parts(card))
    return f'<div style="margin-top:12px;padding-top:8px;border-top:1px solid {_LINE};color:{_MUTED};font-size:12px">{parts}</div>' if parts else ""


def _small(text: str) -> str:
    return f'<div style="padding-top:4px;color:{_MUTED};font-size:12px">{escape(text)}</div>'


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
