"""The executed cells in their order, and what each one did to the names of the notebook.

`names` knows a cell by itself; here it meets the cells before it: a function that an earlier cell
defined brings the names that its body needs, ``b = a`` makes a change of ``b`` one of ``a``, and
calls on a module leave the module as it is. Names are linked by objects that can change: two that
hold the same number, or were made by the same class or builtin, have nothing to do with each other.
"""

from __future__ import annotations

import builtins
import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from nbtrack.capture.facts import Bound, CellFacts, Passed
from nbtrack.capture.mutations import Change, only_looks
from nbtrack.capture.scopes import FunctionFacts

_BUILTINS = frozenset(dir(builtins))
_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")  # of a star import, say
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
    _known: set[str] = field(default_factory=set)  # every name that a cell has bound
    _stateless: set[str] = field(default_factory=set)  # modules, functions, classes, numbers, strings: nothing of theirs changes
    _rebound: set[str] = field(default_factory=set)  # by functions, whenever these run
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
        modules = self._modules | {bound.name for bound in facts.bound if bound.module}
        _merge(changes, self._changed_by_calls(facts, bound_since=False))
        partners = {name: set(self._shares.get(name, ())) for name in changes}
        returned = [*self._shares_of_results(facts)]
        for _, at_once in groupby(facts.bound if succeeded else [replace(bound, certain=False) for bound in facts.bound], _moment):
            group = [*at_once]
            for bound in group:
                if bound.name in partners:  # for row in grid: row.append(1) - and then row is something else
                    partners[bound.name] |= self._shares.get(bound.name, set())
            self._bind(group)
        for held in [*returned, *self._shares_of_results(facts), *self._kept_by_methods(facts)]:
            self._bind([held])
        _merge(changes, self._changed_by_calls(facts, bound_since=True))
        for name in list(changes):
            for partner in partners.get(name, set()) | self._shares.get(name, set()):
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

    def _changed_by_calls(self, facts: CellFacts, *, bound_since: bool) -> Iterator[tuple[str, Change]]:
        """What calls do to the names that they are given, by functions from before, or by those of the cell itself."""
        for passed in facts.passed:
            known = self._carries.get(passed.function, frozenset())
            if known and passed.own is bound_since:
                yield from ((name, Change.CERTAIN) for function in known for name in _changed_arguments(passed, function))
            elif not known and passed.statement and not only_looks(passed.function):
                yield from ((name, Change.POSSIBLE) for _, name in passed.arguments)
        yield from ((owner, Change.CERTAIN) for owner, _, _ in self._own_methods(facts))

    def _own_methods(self, facts: CellFacts) -> list[tuple[str, str, tuple[str, ...]]]:
        """The calls of methods that a class of the notebook has, and that change their object."""
        return [call for call in facts.method_calls if any(call[1] in function.changing_methods for function in self._carries.get(call[0], ()))]

    def _bind(self, group: Sequence[Bound]) -> None:
        """Take in bindings that happen at once: all values are there before the first name gets one."""
        values = [(bound, self._shared(bound.shares), self._carried(bound), self._is_stateless_now(bound)) for bound in group]
        for place, (bound, shared, carried, stateless) in enumerate(values):
            if bound.held and bound.name in self._modules:
                continue  # np.append(xs, x) puts nothing into np
            others = {other.name for other, too, _, _ in values[:place] if not shared.isdisjoint(too)}
            self._bind_to(bound, shared | others, carried, stateless=stateless)

    def _bind_to(self, bound: Bound, shared: set[str], carried: frozenset[FunctionFacts], *, stateless: bool) -> None:
        name = bound.name
        if bound.certain and not bound.held:
            self._forget([name])
        self._known.add(name)
        (self._stateless.add if stateless else self._stateless.discard)(name)
        if not bound.held:
            (self._modules.add if bound.module else self._modules.discard)(name)
        if bound.function is not None and bound.function.rebinds:
            self._rebound |= bound.function.rebinds
            self._stateless -= bound.function.rebinds
        if carried:
            self._carries[name] = carried | self._carries.get(name, frozenset())
        if shared:
            self._link({name, *(self._shares.get(name, ()) if bound.held else ())}, shared)

    def _shared(self, sources: Iterable[str]) -> set[str]:
        """The names whose objects one has that may hold those of ``sources``."""
        found: set[str] = set()
        for source in sources:
            if not self._is_stateless(source):
                found.add(source)
                found |= self._shares.get(source, set())
        return found

    def _carried(self, bound: Bound) -> frozenset[FunctionFacts]:
        found = [self._carries[source] for source in bound.shares if source in self._carries]
        if bound.function is not None:
            found.append(frozenset([bound.function]))
        return frozenset().union(*found)

    def _is_stateless(self, name: str) -> bool:
        return name in self._stateless or (name not in self._known and (name in _BUILTINS or _CLASS_NAME.fullmatch(name) is not None))

    def _is_stateless_now(self, bound: Bound) -> bool:
        """Whether nothing can change what the name holds once it is ``bound``, nor what it may hold from before."""
        before = bound.name in self._stateless or (not bound.held and (bound.certain or bound.name not in self._known))
        if not before or bound.name in self._rebound:
            return False
        return bound.module or bound.function is not None or (bound.plain is not None and all(map(self._is_stateless, bound.plain)))

    def _link(self, holders: set[str], shared: set[str]) -> None:
        for holder in holders:
            self._shares.setdefault(holder, set()).update(shared - {holder})
        for partner in shared:
            self._shares.setdefault(partner, set()).update(holders - {partner})

    def _shares_of_results(self, facts: CellFacts) -> Iterator[Bound]:
        """What the results of the notebook's own functions share: ``ys = first(xs)``."""
        for passed in facts.passed:
            for function in self._carries.get(passed.function, ()) if passed.results else ():
                given = [name for place, name in passed.arguments if place == "**" or _parameter(place, function) in function.returned]
                shares = (*given, *sorted(function.returned.difference(function.parameters)))
                if shares:
                    yield from (Bound(result, shares, held=True) for result in passed.results)

    def _kept_by_methods(self, facts: CellFacts) -> Iterator[Bound]:
        """A method that changes its object may keep what it is given."""
        yield from (Bound(owner, given, held=True) for owner, _, given in self._own_methods(facts) if given)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            for partner in self._shares.pop(name, ()):
                self._shares[partner].discard(name)
            self._carries.pop(name, None)
            self._stateless.discard(name)


def _moment(bound: Bound) -> object:
    return bound.moment or id(bound)  # without a moment each has one of its own


def _merge(changes: dict[str, Change], more: Iterable[tuple[str, Change]]) -> None:
    for name, change in more:
        changes[name] = max(change, changes.get(name, change))


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
