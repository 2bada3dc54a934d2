"""The registry at an earlier time, by replaying its events.

The state of a model is the sum of its events; so what ``models:/name/Production`` meant on a day, and
what stood in a stage before, need no other record than the log that the audit checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nbtrack.entities import Event, ModelStage
from nbtrack.registry.names import ACTIVE_STAGES

PREFIX = "models:/"
NOTHING: Mapping[str, object] = {}


class Stand(NamedTuple):
    """The versions that stood in a stage from one event on, in ascending order."""

    sequence: int
    versions: tuple[int, ...]


@dataclass
class ModelState:
    """One registered model at one moment. ``identity`` is the event that made it, which a rename doesn't change."""

    identity: int
    name: str
    stages: dict[int, ModelStage] = field(default_factory=dict)  # of each version
    aliases: dict[str, int] = field(default_factory=dict)
    records: dict[int, Mapping[str, object]] = field(default_factory=dict)  # what each version was made with
    stands: dict[ModelStage, list[Stand]] = field(default_factory=lambda: {stage: [] for stage in ACTIVE_STAGES})

    def head(self, stage: ModelStage) -> int | None:
        """The version that the URI of the stage means."""
        return max((version for version, found in self.stages.items() if found is stage), default=None)

    @property
    def latest(self) -> int | None:
        """The highest version."""
        return max(self.stages, default=None)

    def before(self, stage: ModelStage) -> Stand | None:
        """What stood in the stage before its present head did, so far as it still exists."""
        stands, head = self.stands[stage], self.head(stage)
        for stand in reversed(stands):
            alive = tuple(version for version in stand.versions if version in self.stages)
            if alive and max(alive) != head:
                return Stand(stand.sequence, alive)
        return None

    def note(self, sequence: int) -> None:
        """Remember who stands in the stages now, where that is new."""
        for stage, stands in self.stands.items():
            inside = tuple(sorted(version for version, found in self.stages.items() if found is stage))
            if inside != (stands[-1].versions if stands else ()):
                stands.append(Stand(sequence, inside))


def replay(events: Iterable[Event], *, until_ms: int | None = None) -> dict[str, ModelState]:
    """The registered models by name after these events, oldest first; with ``until_ms``, as they were then."""
    chosen = list(events)
    if until_ms is not None:  # a clock that was set back must not cut the log in the middle
        last = max((place for place, event in enumerate(chosen) if event.timestamp <= until_ms), default=-1)
        chosen = chosen[: last + 1]
    models: dict[str, ModelState] = {}
    for event in chosen:
        if event.subject.startswith(PREFIX):
            _apply(models, event)
    return models


def split_subject(subject: str) -> tuple[str, int | None]:
    """The model's name and the version that an event is about."""
    name, _, version = subject[len(PREFIX) :].partition("/")
    return name, int(version) if version.isdigit() else None


def _apply(models: dict[str, ModelState], event: Event) -> None:
    name, version = split_subject(event.subject)
    before = event.details.get("before") or NOTHING
    after = event.details.get("after") or NOTHING
    if event.action == "model.create":
        models[name] = ModelState(event.sequence, name)
        return
    if event.action == "model.delete":
        models.pop(name, None)
        return
    state = models.get(name)
    if state is None:
        return
    if event.action == "model.rename":
        state.name = str(after.get("name"))
        models[state.name] = models.pop(name)
    elif event.action == "alias.set":
        state.aliases[str(after.get("alias"))] = int(str(after.get("version")))
    elif event.action == "alias.delete":
        state.aliases.pop(str(before.get("alias")), None)
    elif version is not None:
        _apply_to_version(state, version, event)
        state.note(event.sequence)


def _apply_to_version(state: ModelState, version: int, event: Event) -> None:
    if event.action == "version.create":
        state.stages[version] = ModelStage.NONE
        state.records[version] = event.details.get("after") or NOTHING
    elif event.action == "version.delete":
        state.stages.pop(version, None)
        state.records.pop(version, None)
        state.aliases = {alias: target for alias, target in state.aliases.items() if target != version}
    elif event.action in ("version.transition", "version.rollback"):
        moved = (event.details.get("after") or NOTHING).get("stages")
        for number, stage in moved.items() if isinstance(moved, Mapping) else ():
            state.stages[int(number)] = ModelStage(stage)
        restored = event.details.get("restored")
        if event.action == "version.rollback" and isinstance(restored, Mapping):
            # What was rolled back is no longer "before": a second rollback goes further back.
            stands = state.stands[ModelStage(restored["stage"])]
            stands[:] = [stand for stand in stands if stand.sequence <= restored["sequence"]]
