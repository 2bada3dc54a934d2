"""The executed cells in their order, and what each one did to the names of the notebook.

`names` knows a cell by itself; here it meets the cells before it: a function that an earlier cell
defined brings the names that its body needs, ``b = a`` makes a change of ``b`` one of ``a``, and
calls on a module leave the module as it is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbtrack.capture.mutations import Change, only_looks
from nbtrack.capture.names import Bound, CellFacts, Passed
from nbtrack.capture.scopes import FunctionFacts

_LATER = 1 << 60  # after everything that a cell does


class Effect(enum.IntEnum):
    """What a cell does to a name, the strongest last."""

    MAY_CHANGE = 1  # a call that may change its object
    CHANGES = 2
    MAY_BIND = 3  # in a branch
    BINDS = 4  # whatever it was before no longer matters
    DELETES = 5


@dataclass(frozen=True)
class Step:
    """One executed cell: the names that it needs from before, and its effects on names.

    ``reads`` maps a name to whether the cell can't do without it.
    """

    reads: dict[str, bool]
    effects: dict[str, Effect]


@dataclass
class Timeline:
    """What the names of the notebook stand for, cell after cell."""

    _modules: set[str] = field(default_factory=set)
    _definitions: set[str] = field(default_factory=set)  # bound by def or class
    _shares: dict[str, set[str]] = field(default_factory=dict)
    _carries: dict[str, frozenset[FunctionFacts]] = field(default_factory=dict)

    def step(self, facts: CellFacts, *, succeeded: bool = True) -> Step:
        """Take the cell into account, and say what it needed and did."""
        reads: dict[str, bool] = dict.fromkeys(facts.reads, succeeded)
        for name in facts.soft_reads:
            reads.setdefault(name, False)
        changes = dict(facts.changes)
        may_bind = set(facts.may_bind)
        for function in self._functions_used(facts, reads):
            may_bind |= function.rebinds - facts.binds.keys()
            for name in function.changes:
                changes.setdefault(name, Change.POSSIBLE)
        own = {bound.name: bound.function for bound in facts.bound if bound.function is not None}
        for name, change in self._changed_by_calls(facts, own):
            changes[name] = max(change, changes.get(name, change))
        modules = self._modules | {bound.name for bound in facts.bound if bound.module}
        partners = {name: set(self._shares.get(name, ())) for name in changes}
        for bound in facts.bound:
            self._bind(bound)
        self._share_results(facts, own)
        for name in list(changes):
            for partner in partners[name] | self._shares.get(name, set()):
                changes.setdefault(partner, Change.POSSIBLE)
        kept = {name: change for name, change in changes.items() if name not in modules or name in facts.configures}
        self._forget(facts.deletes)
        return Step(reads, _effects(facts, kept, may_bind, succeeded=succeeded))

    def _functions_used(self, facts: CellFacts, reads: dict[str, bool]) -> list[FunctionFacts]:
        """Functions of earlier cells that the cell may call; what their bodies look up is added to ``reads``."""
        used: list[FunctionFacts] = []
        seen: set[FunctionFacts] = set()
        waiting = [(name, facts.reads.get(name, _LATER), hard) for name, hard in reads.items()]
        while waiting:
            name, place, hard = waiting.pop()
            for function in self._carries.get(name, frozenset()) - seen:
                seen.add(function)
                used.append(function)
                for free in function.free:
                    if facts.binds.get(free, _LATER) > place:
                        reads[free] = reads.get(free, False) or hard
                        waiting.append((free, place, hard))
        return used

    def _changed_by_calls(self, facts: CellFacts, own: dict[str, FunctionFacts]) -> Iterator[tuple[str, Change]]:
        for passed in facts.passed:
            known = self._known(passed.function, own)
            if known:
                yield from ((name, Change.CERTAIN) for function in known for name in _changed_arguments(passed, function))
            elif passed.statement and not only_looks(passed.function):
                yield from ((name, Change.POSSIBLE) for _, name in passed.arguments)
        for owner, method in facts.method_calls:
            if any(method in function.changing_methods for function in self._known(owner, own)):
                yield owner, Change.CERTAIN

    def _known(self, name: str, own: dict[str, FunctionFacts]) -> frozenset[FunctionFacts]:
        return frozenset({own[name]}) if name in own else self._carries.get(name, frozenset())

    def _bind(self, bound: Bound) -> None:
        name = bound.name
        if bound.certain:
            self._forget([name])
        (self._modules.add if bound.module else self._modules.discard)(name)
        if bound.function is not None:
            self._definitions.add(name)
        functions = {bound.function} if bound.function is not None else set()
        carried = frozenset(functions).union(*(self._carries.get(source, frozenset()) for source in bound.shares))
        if carried:
            self._carries[name] = carried
        for source in bound.shares:
            self._share(name, source)

    def _share(self, name: str, source: str) -> None:
        """From now on the objects of both may be one, or one may hold the other."""
        if source == name or source in self._modules or source in self._definitions:
            return
        for partner in (source, *self._shares.get(source, ())):
            if partner != name:
                self._shares.setdefault(name, set()).add(partner)
                self._shares.setdefault(partner, set()).add(name)

    def _share_results(self, facts: CellFacts, own: dict[str, FunctionFacts]) -> None:
        for passed in facts.passed:
            if passed.results:
                for function in self._known(passed.function, own):
                    given = {_parameter(place, function): name for place, name in passed.arguments}
                    for returned in function.returned:
                        for result in passed.results:
                            self._share(result, given.get(returned, returned))

    def _forget(self, names: Iterator[str] | list[str] | frozenset[str]) -> None:
        for name in names:
            for partner in self._shares.pop(name, ()):
                self._shares[partner].discard(name)
            self._carries.pop(name, None)
            self._definitions.discard(name)


def _parameter(place: int | str, function: FunctionFacts) -> str | None:
    if isinstance(place, str):
        return place
    return function.parameters[place] if place < len(function.parameters) else None


def _changed_arguments(passed: Passed, function: FunctionFacts) -> Iterator[str]:
    for place, name in passed.arguments:
        if place == "**" or _parameter(place, function) in function.changed_parameters:
            yield name


def _effects(facts: CellFacts, changes: dict[str, Change], may_bind: set[str], *, succeeded: bool) -> dict[str, Effect]:
    effects = {name: Effect.CHANGES if change is Change.CERTAIN else Effect.MAY_CHANGE for name, change in changes.items()}
    effects.update(dict.fromkeys(may_bind, Effect.MAY_BIND))
    # A cell that failed may have stopped before it bound the name.
    effects.update(dict.fromkeys(facts.binds, Effect.BINDS if succeeded else Effect.MAY_BIND))
    if succeeded:
        effects.update(dict.fromkeys(facts.deletes, Effect.DELETES))
    return effects
