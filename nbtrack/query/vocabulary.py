"""What a filter may name: the entities with free keys, and the attributes with their kinds.

A new searchable thing (registered models, model versions) is one more ``Vocabulary``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbtrack.errors import did_you_mean


class Kind(str, enum.Enum):
    """What values an operand has, and so what it may be compared with."""

    NUMBER = "number"
    TEXT = "text"
    TIME = "time"  # milliseconds since the epoch; a quoted date is read as one
    DURATION = "duration"  # seconds; a quoted '5 min' is read as one
    ANY = "number or text"  # a param
    BOOLEAN = "boolean"

    @property
    def numeric(self) -> bool:
        """True for what arithmetic and ``<`` are made for."""
        return self in (Kind.NUMBER, Kind.TIME, Kind.DURATION)


class Entity(str, enum.Enum):
    """What stands before the dot, in the plural that messages use."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    DATASET = "datasets"
    ATTRIBUTE = "attributes"


_ENTITY_NAMES = {
    "metric": Entity.METRIC,
    "metrics": Entity.METRIC,
    "param": Entity.PARAM,
    "params": Entity.PARAM,
    "parameter": Entity.PARAM,
    "parameters": Entity.PARAM,
    "tag": Entity.TAG,
    "tags": Entity.TAG,
    "dataset": Entity.DATASET,
    "datasets": Entity.DATASET,
    "attribute": Entity.ATTRIBUTE,
    "attributes": Entity.ATTRIBUTE,
    "attr": Entity.ATTRIBUTE,
    "run": Entity.ATTRIBUTE,
}

DATASET_FIELDS = ("name", "digest", "context")

# Attributes that hold a path, which is found by its end too: notebook = 'train.ipynb'.
PATH_ATTRIBUTES = frozenset({"notebook"})


@dataclass(frozen=True)
class Vocabulary:
    """The words of one kind of search.

    ``aliases`` are other names of attributes. ``choices`` lists the values of an attribute that has
    a fixed set of them; they are found whatever their case, and any other value is an error.
    """

    noun: str
    attributes: Mapping[str, Kind]
    aliases: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: tuple[Entity, ...] = (Entity.TAG,)

    def entity(self, word: str) -> Entity | None:
        """The entity that ``word`` names before a dot, if this search has it."""
        found = _ENTITY_NAMES.get(word.lower())
        return found if found in (*self.entities, Entity.ATTRIBUTE) else None

    def attribute(self, word: str) -> str | None:
        """The main name of the attribute that ``word`` means, whatever its case and with spaces for ``_``."""
        name = word.lower().replace(" ", "_")
        name = self.aliases.get(name, name)
        return name if name in self.attributes else None

    def unknown_entity(self, word: str) -> str:
        """The message for an entity that this search does not have."""
        known = [entity.value for entity in self.entities]
        return f"unknown entity {word!r}; use {_listed([*known, 'attributes'])}.{did_you_mean(word.lower(), [*known, 'attributes'])}"

    def unknown_attribute(self, word: str) -> str:
        """The message for an attribute that this search does not have."""
        hint = did_you_mean(word.lower(), [*self.attributes, *self.aliases])
        others = [f"{entity.value}.{word}" for entity in self.entities if entity is not Entity.DATASET]
        named = f" Or is it {' or '.join(others)}?" if not hint and word.isidentifier() else ""
        return f"unknown attribute {word!r} of a {self.noun}; there are {_listed(list(self.attributes))}.{hint}{named}"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


_STAGES = ("active", "deleted")

RUNS = Vocabulary(
    "run",
    {
        "run_id": Kind.TEXT,
        "run_name": Kind.TEXT,
        "status": Kind.TEXT,
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "duration": Kind.DURATION,
        "user_id": Kind.TEXT,
        "notebook": Kind.TEXT,
        "experiment": Kind.TEXT,
        "experiment_id": Kind.TEXT,
        "parent_run_id": Kind.TEXT,
        "lifecycle_stage": Kind.TEXT,
        "artifact_uri": Kind.TEXT,
    },
    aliases={"name": "run_name", "user": "user_id", "created": "start_time", "experiment_name": "experiment"},
    choices={"status": ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"), "lifecycle_stage": _STAGES},
    entities=(Entity.METRIC, Entity.PARAM, Entity.TAG, Entity.DATASET),
)

EXPERIMENTS = Vocabulary(
    "experiment",
    {"name": Kind.TEXT, "experiment_id": Kind.TEXT, "creation_time": Kind.TIME, "last_update_time": Kind.TIME, "lifecycle_stage": Kind.TEXT},
    aliases={"experiment_name": "name", "created": "creation_time"},
    choices={"lifecycle_stage": _STAGES},
)
