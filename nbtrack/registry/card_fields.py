"""The fields of a model card that people fill: what each is for, and of which kind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nbtrack.errors import InvalidCardField, did_you_mean

MAX_FIELD_CHARS = 100_000


class FieldKind(str, Enum):
    """What a field holds."""

    TEXT = "a text"
    TEXTS = "a list of texts"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class CardField:
    """One field; ``question`` is what its writer answers, ``required`` counts for a complete card."""

    title: str
    question: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False


CARD_FIELDS: Mapping[str, CardField] = {
    "intended_use": CardField("Intended use", "What is the model for, and who uses it?", required=True),
    "out_of_scope": CardField("Out of scope", "What must it not be used for?"),
    "data_notes": CardField("About the data", "Where does the data come from, how was it chosen and prepared?"),
    "evaluation_notes": CardField("About the evaluation", "How was it tested, and why do these metrics matter?"),
    "explainability": CardField("Explainability", "How can a single prediction be explained?"),
    "limitations": CardField("Limitations", "Where does it fail, and what has not been tested?", required=True),
    "ethical_considerations": CardField("Ethical considerations", "Who could be harmed, what was found about bias, what was done?", required=True),
    "risks": CardField("Risks", "What goes wrong when it is wrong, and who watches it?"),
    "compliance": CardField("Compliance", "Which rules apply, and how are they met?"),
    "contact": CardField("Contact", "Who answers questions about it?", required=True),
    "license": CardField("License", "Under which license may it be used?"),
    "language": CardField("Language", "Which languages is it for, as codes such as en?", FieldKind.TEXTS),
    "keywords": CardField("Keywords", "By which words should it be found?", FieldKind.TEXTS),
    "references": CardField("References", "Which papers, tickets, pages belong to it?", FieldKind.TEXTS),
}


def check_fields(fields: Mapping[str, Any]) -> dict[str, str | list[str] | None]:
    """Fields as they are kept; None, and what is blank, removes one.

    Raises
    ------
    InvalidCardField
        There is no such field, or the value is of another kind.
    """
    if not isinstance(fields, Mapping):
        raise InvalidCardField(f"the fields of a card are a dict; found {type(fields).__name__}")
    return {name: _check(name, value) for name, value in fields.items()}


def _check(name: object, value: Any) -> str | list[str] | None:
    field = CARD_FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        hint = did_you_mean(str(name), CARD_FIELDS) or f" There are: {', '.join(CARD_FIELDS)}"
        raise InvalidCardField(f"a model card has no field {name!r} to fill.{hint}")
    if value is None:
        return None
    if field.kind is FieldKind.TEXT and isinstance(value, str):
        return _bounded(str(name), value.strip()) or None
    if field.kind is FieldKind.TEXTS and isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and all(isinstance(item, str) for item in value):
        return [_bounded(str(name), item.strip()) for item in value if item.strip()] or None
    found = f"a list with {next(type(item).__name__ for item in value if not isinstance(item, str))}" if _is_mixed(field, value) else type(value).__name__
    raise InvalidCardField(f"the card field {name!r} is {field.kind}; found {found}: {value!r:.80}. {field.question}")


def _is_mixed(field: CardField, value: Any) -> bool:
    return field.kind is FieldKind.TEXTS and isinstance(value, (list, tuple))


def _bounded(name: str, text: str) -> str:
    if len(text) > MAX_FIELD_CHARS:
        raise InvalidCardField(f"the card field {name!r} has {len(text):,} characters; at most {MAX_FIELD_CHARS:,} fit. Link to a longer text")
    return text
