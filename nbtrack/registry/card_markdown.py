"""A model card as Markdown and as JSON values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbtrack.formatting import format_number
from nbtrack.registry.card import Block, Facts, Listing, ModelCard, Prose, Section, Table

_SPECIAL = re.compile(r"([\\`*\[\]|#~]|(?<!\w)_|_(?!\w))")  # an underscore within a word is plain
_FENCE = re.compile(r"`{3,}")
# A key or word that YAML reads as a text without quotes.
_PLAIN = re.compile(r"[A-Za-z][\w-]*")


def to_markdown(card: ModelCard) -> str:
    """The card as Markdown behind a metadata header.

    What comes from evidence is escaped. What people wrote is Markdown, but for HTML, which stays text.
    """
    lines = ["---", *_yaml(card.metadata), "---", "", f"# Model Card: {_inline(card.name)}, version {card.version}", ""]
    for section in card.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    lines += ["## Completeness", "", f"This card is {card.percent} % complete."]
    if card.missing:
        lines += ["", "Missing:", "", *(f"- **{_inline(name)}**: {_inline(advice)}" for name, advice in card.missing.items())]
    return "\n".join(lines).rstrip() + "\n"


def to_dict(card: ModelCard) -> dict[str, Any]:
    """The card as values that strict JSON can hold."""
    whole = {
        "name": card.name,
        "version": card.version,
        "completeness": {"percent": card.percent, "missing": card.missing},
        "metadata": card.metadata,
        "fields": card.fields,
        "sections": {section.title: [_block_dict(block) for block in section.blocks] for section in card.sections},
    }
    values: dict[str, Any] = _strict(whole)
    return values


def shown(value: Any) -> str:
    """A value of a table as text."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    return format_number(value) if isinstance(value, (int, float)) else str(value)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Facts):
        yield from (f"- **{_inline(name)}**: {_inline(shown(value))}" for name, value in block.items.items())
    elif isinstance(block, Table):
        if block.title:
            yield from (f"**{_inline(block.title)}**", "")
        yield f"| {' | '.join(map(_inline, block.header))} |"
        yield f"|{' --- |' * len(block.header)}"
        yield from (f"| {' | '.join(_inline(shown(value)) for value in row)} |" for row in block.rows)
    elif isinstance(block, Prose):
        if block.title:
            yield from (f"### {block.title}", "")
        yield _without_html(block.text) if block.text else f"*{_inline(block.question)}*"
    else:
        fence = max([*(found.group() + "`" for found in _FENCE.finditer(block.text)), "```"], key=len)
        yield from (f"{fence}{block.language}", block.text.rstrip("\n"), fence)


def _inline(text: str) -> str:
    """Text from evidence on one line, with nothing in it that Markdown or HTML would read."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")


def _without_html(text: str) -> str:
    return text.replace("<", "&lt;")


def _yaml(value: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """A mapping in YAML's block style; texts as JSON, which YAML reads alike."""
    for key, item in value.items():
        name = key if _PLAIN.fullmatch(key) else _scalar(key)
        yield from _entry(f"{' ' * indent}{name}:", item, indent)


def _entry(head: str, item: Any, indent: int) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield head
        yield from _yaml(item, indent + 2)
    elif isinstance(item, Sequence) and not isinstance(item, str):
        yield head
        for part in item:
            if isinstance(part, Mapping):
                first, *rest = _yaml(part, indent + 2)
                yield from (f"{' ' * indent}- {first.lstrip()}", *rest)
            else:
                yield f"{' ' * indent}- {_scalar(part)}"
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        # YAML knows no pairs of surrogates, so only what must be escaped is; U+0085 and U+2028 end lines for it.
        text = json.dumps(value, ensure_ascii=False)
        return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in text)
    if isinstance(value, float):
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    return json.dumps(value)


def _block_dict(block: Block) -> dict[str, Any]:
    if isinstance(block, Facts):
        return {"facts": dict(block.items)}
    if isinstance(block, Table):
        return {"table": {"title": block.title, "header": list(block.header), "rows": [list(row) for row in block.rows]}}
    if isinstance(block, Listing):
        return {"code": block.text, "language": block.language}
    return {"title": block.title, "text": block.text, "question": block.question}


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


__all__ = ["Section", "shown", "to_dict", "to_markdown"]
