"""A model card as a piece of HTML, for a notebook's output or a page."""

from __future__ import annotations

from html import escape

from nbtrack.registry.card import Block, Facts, ModelCard, Prose, Table
from nbtrack.registry.card_markdown import shown

_STYLE = """
.nbtrack-model-card { max-width: 60em; font-family: system-ui, sans-serif; line-height: 1.45; }
.nbtrack-model-card h3 { margin: 1.2em 0 .3em; border-bottom: 1px solid #8886; padding-bottom: .15em; }
.nbtrack-model-card h4 { margin: .8em 0 .2em; }
.nbtrack-model-card .prose { white-space: pre-wrap; margin: .2em 0; }
.nbtrack-model-card .missing { opacity: .7; font-style: italic; }
.nbtrack-model-card pre { background: #8881; padding: .6em; overflow-x: auto; }
.nbtrack-model-card progress { vertical-align: middle; width: 10em; }
"""

# On the elements, since notebooks have rules of their own for the tables of an output, and code hosts drop <style>.
_TABLE = "border-collapse:collapse;margin:.4em 0;table-layout:auto"
_CELL = "text-align:left;vertical-align:top;padding:.15em 1.2em .15em 0;max-width:none"
_HEAD = f"{_CELL};font-weight:600;opacity:.75;white-space:nowrap"
_ON_ONE_LINE = 28  # characters


def to_html(card: ModelCard) -> str:
    """The card with its style."""
    sections = "\n".join(f"<h3>{_text(section.title)}</h3>\n{''.join(map(_block, section.blocks))}" for section in card.sections)
    missing = "".join(f"<li><b>{_text(name)}</b>: {_text(advice)}</li>" for name, advice in card.missing.items())
    return (
        f'<div class="nbtrack-model-card"><style>{_STYLE}</style>\n'
        f"<h2>Model Card: {_text(card.name)}, version {card.version}</h2>\n"
        f'<p><progress max="100" value="{card.percent}"></progress> {card.percent} % complete</p>\n{sections}\n'
        + (f"<h3>Missing</h3>\n<ul>{missing}</ul>\n" if missing else "")
        + "</div>\n"
    )


def _block(block: Block) -> str:
    if isinstance(block, Facts):
        return _table("".join(f"<tr>{_head(name)}{_cell(shown(value))}</tr>" for name, value in block.items.items()))
    if isinstance(block, Table):
        head = "".join(map(_head, block.header))
        rows = "".join(f"<tr>{''.join(_cell(shown(value)) for value in row)}</tr>" for row in block.rows)
        title = f"<h4>{_text(block.title)}</h4>" if block.title else ""
        return f"{title}{_table(f'<tr>{head}</tr>{rows}')}"
    if isinstance(block, Prose):
        title = f"<h4>{_text(block.title)}</h4>" if block.title else ""
        body = f'<p class="prose">{_text(block.text)}</p>' if block.text else f'<p class="missing">{_text(block.question)}</p>'
        return f"{title}{body}\n"
    return f"<pre><code>{_text(block.text)}</code></pre>\n"


def _table(rows: str) -> str:
    return f'<table style="{_TABLE}">{rows}</table>\n'


def _head(text: str) -> str:
    return f'<th style="{_HEAD}">{_text(text)}</th>'


def _cell(text: str) -> str:
    wrapping = "white-space:nowrap" if len(text) <= _ON_ONE_LINE else "overflow-wrap:anywhere"
    return f'<td style="{_CELL};{wrapping}">{_text(text)}</td>'


def _text(text: str) -> str:
    return escape(text, quote=True)
