"""A model card as a piece of HTML, for a notebook's output or a page."""

from __future__ import annotations

from html import escape

from nbtrack.registry.card import Block, Facts, ModelCard, Prose, Table
from nbtrack.registry.card_markdown import shown

_STYLE = """
.nbtrack-model-card { max-width: 60em; font-family: system-ui, sans-serif; line-height: 1.45; }
.nbtrack-model-card h3 { margin: 1.2em 0 .3em; border-bottom: 1px solid #8886; padding-bottom: .15em; }
.nbtrack-model-card h4 { margin: .8em 0 .2em; }
.nbtrack-model-card table { border-collapse: collapse; margin: .4em 0; }
.nbtrack-model-card th, .nbtrack-model-card td { text-align: left; padding: .15em .8em .15em 0; vertical-align: top; overflow-wrap: anywhere; }
.nbtrack-model-card th { font-weight: 600; opacity: .75; }
.nbtrack-model-card .prose { white-space: pre-wrap; margin: .2em 0; }
.nbtrack-model-card .missing { opacity: .7; font-style: italic; }
.nbtrack-model-card pre { background: #8881; padding: .6em; overflow-x: auto; }
.nbtrack-model-card progress { vertical-align: middle; width: 10em; }
"""


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
        return f"<table>{''.join(f'<tr><th>{_text(name)}</th><td>{_text(shown(value))}</td></tr>' for name, value in block.items.items())}</table>\n"
    if isinstance(block, Table):
        head = "".join(f"<th>{_text(name)}</th>" for name in block.header)
        rows = "".join(f"<tr>{''.join(f'<td>{_text(shown(value))}</td>' for value in row)}</tr>" for row in block.rows)
        title = f"<h4>{_text(block.title)}</h4>" if block.title else ""
        return f"{title}<table><tr>{head}</tr>{rows}</table>\n"
    if isinstance(block, Prose):
        title = f"<h4>{_text(block.title)}</h4>" if block.title else ""
        body = f'<p class="prose">{_text(block.text)}</p>' if block.text else f'<p class="missing">{_text(block.question)}</p>'
        return f"{title}{body}\n"
    return f"<pre><code>{_text(block.text)}</code></pre>\n"


def _text(text: str) -> str:
    return escape(text, quote=True)
