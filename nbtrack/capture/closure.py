"""The closure of a cell: the earlier executed cells that it needs, and no others.

The analysis is static: it follows names backwards through the cells in the order in which they
ran, from the last cell that bound a name through those that may have changed its object since.
Running the cells of a closure in that order gives the tracked cell what it had, as far as names
tell; what they do not tell (``exec``, star imports, names that no cell defines) is named in
``unresolved``. `mutations` states the heuristics for changes.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from nbtrack.capture.facts import CellFacts, Opaque
from nbtrack.capture.names import cell_facts
from nbtrack.capture.randomness import RANDOM_STATES
from nbtrack.capture.timeline import Effect, Step, Timeline
from nbtrack.entities import Cell, CellRole, RunCell

_PROVIDED = frozenset(dir(builtins)) | {"get_ipython", "In", "Out", "display", "exit", "quit", "open"}
_PROVIDED_PATTERN = re.compile(r"_+|_i+|_i?\d+|_[ido]h|__\w+__")  # _, __, _i, _3, _i3, _oh, __name__
_RANDOM_STATES = frozenset(RANDOM_STATES.values())


@dataclass(frozen=True)
class Link:
    """One cell's need of a name from another: why the other belongs to the closure."""

    consumer: Cell
    provider: Cell
    name: str
    certain: bool  # False where the provider only may have changed the object


@dataclass(frozen=True)
class Closure:
    """The earlier cells that a cell needs, in executed order, each with the names needed from it.

    ``unresolved`` is empty when the closure is complete.
    """

    cells: tuple[RunCell, ...] = ()
    unresolved: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def closure(cell: Cell, earlier: Sequence[Cell]) -> Closure:
    """The minimal slice of ``earlier``, the cells that ran before in this session, that ``cell`` needs.

    A cell that failed counts as far as it may have come: what it binds may still be older.
    """
    ordered = [*sorted(earlier, key=lambda item: item.position), cell]
    facts = [cell_facts(item.source) for item in ordered]
    timeline = Timeline()
    steps = [timeline.step(own, succeeded=item.succeeded) for item, own in zip(ordered, facts, strict=True)]
    # The tracked cell is judged by what it tried to read, whether or not it failed.
    for name in facts[-1].reads:
        steps[-1].reads[name] = True
    search = _Search(ordered, facts, steps)
    search.run()
    return search.closure()


def _gives(item: Opaque, name: str) -> bool | None:
    """Whether opaque code defines ``name``; None if that can't be told.

    What a star import gives is seen in the module itself, once it is loaded.
    """
    module = sys.modules.get(item.module) if item.module else None
    if module is None:
        return None
    public = vars(module).get("__all__")
    return name in public if isinstance(public, (list, tuple)) else name in vars(module) and not name.startswith("_")


def cell_label(cell: Cell) -> str:
    """How to call a cell in a message: ``In [3]`` where the notebook shows that."""
    return f"In [{cell.execution_count}]" if cell.execution_count is not None else f"cell {cell.position}"


@dataclass
class _Search:
    """Collects the cells that the last one needs."""

    cells: list[Cell]
    facts: list[CellFacts]
    steps: list[Step]
    _names: dict[int, set[str]] = field(default_factory=dict)  # per cell of the closure, the names needed from it
    _missing: list[str] = field(default_factory=list)
    _maybe: dict[tuple[int, Opaque], set[str]] = field(default_factory=dict)  # what opaque code may define
    _links: dict[tuple[int, int, str], bool] = field(default_factory=dict)
    _waiting: list[tuple[str, int, bool]] = field(default_factory=list)
    _asked: dict[tuple[str, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events: dict[str, list[tuple[int, Effect]]] = {}
        for index, step in enumerate(self.steps[:-1]):
            for name, effect in step.effects.items():
                self._events.setdefault(name, []).append((index, effect))

    def run(self) -> None:
        """Follow every name to where it came from."""
        self._need_all(len(self.cells) - 1)
        while self._waiting:
            name, place, hard = self._waiting.pop()
            if name in _RANDOM_STATES:
                self._random_state(name, place)
            elif not self._provided(name, place) and hard:
                self._not_found(name, place)

    def closure(self) -> Closure:
        """What was found, in executed order."""
        indices = sorted(self._names)
        return Closure(
            cells=tuple(RunCell(self.cells[index], CellRole.CLOSURE, tuple(sorted(self._names[index]))) for index in indices),
            unresolved=(*sorted(self._missing), *self._unseen([*indices, len(self.cells) - 1])),
            links=tuple(Link(self.cells[consumer], self.cells[provider], name, certain) for (consumer, provider, name), certain in sorted(self._links.items())),
        )

    def _need_all(self, index: int) -> None:
        for name, hard in self.steps[index].reads.items():
            asked = self._asked.get((name, index))
            if asked is None or (hard and not asked):
                self._asked[(name, index)] = hard
                self._waiting.append((name, index, hard))

    def _include(self, index: int, name: str) -> None:
        if index not in self._names:
            self._names[index] = set()
            self._need_all(index)
        self._names[index].add(name)

    def _provided(self, name: str, place: int) -> bool:
        """Take in the cells that made ``name`` what it was when cell ``place`` ran; False if none binds it."""
        bound = False
        for index, effect in reversed(self._events.get(name, ())):
            if index >= place:
                continue
            if effect is Effect.DELETES:
                break
            self._include(index, name)
            self._links[(place, index, name)] = effect is not Effect.MAY_CHANGE
            bound = bound or effect >= Effect.MAY_BIND
            if effect is Effect.BINDS:
                break
        return bound

    def _random_state(self, name: str, place: int) -> None:
        """What was drawn before matters only from a fixed seed on."""
        if any(index < place and effect >= Effect.MAY_BIND for index, effect in self._events.get(name, ())):
            self._provided(name, place)

    def _not_found(self, name: str, place: int) -> None:
        if name in _PROVIDED or _PROVIDED_PATTERN.fullmatch(name):
            return
        opaque = [(index, item, _gives(item, name)) for index in range(place + 1) for item in self.facts[index].opaque]
        sure = [found for found in opaque if found[2]][-1:]
        for index, item, gives in sure or [found for found in opaque if found[2] is None]:
            if not gives:
                self._maybe.setdefault((index, item), set()).add(name)
            if index < len(self.cells) - 1 and index != place:
                self._include(index, name)
        if all(gives is False for _, _, gives in opaque):
            self._missing.append(f"{name}: {self._why_missing(name, place)}")

    def _why_missing(self, name: str, place: int) -> str:
        before = [(index, effect) for index, effect in self._events.get(name, ()) if index < place]
        if before and before[-1][1] is Effect.DELETES:
            return f"{cell_label(self.cells[before[-1][0]])} deleted it"
        return "no executed cell defines it"

    def _unseen(self, indices: list[int]) -> list[str]:
        """A line for each piece of code whose effect on names can't be seen."""
        lines = []
        for index in indices:
            where = f"of {cell_label(self.cells[index])}" if index < len(self.cells) - 1 else "of this cell"
            for item in self.facts[index].opaque:
                names = sorted(self._maybe.get((index, item), ()))
                if names:
                    lines.append(f"{item.text} in line {item.line} {where}: may define {', '.join(names)}")
                elif item.reads:
                    lines.append(f"{item.text} in line {item.line} {where}: what it reads and defines is not visible")
        return lines
