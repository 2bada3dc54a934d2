"""The facts of one cell: the names that it reads, binds, changes and hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nbtrack.capture.mutations import Change
from nbtrack.capture.scopes import FunctionFacts


@dataclass(frozen=True)
class Bound:
    """One binding of a name by a cell, in the order in which they happen.

    With ``held`` the name keeps its object, which takes in what ``shares`` has: ``name[0] = other``.
    Bindings of one ``moment`` happen at once: ``a, b = b, a``.
    """

    name: str
    shares: tuple[str, ...] = ()  # names whose object it may be, or may hold
    function: FunctionFacts | None = None
    certain: bool = True  # False inside an if, an except or a case
    module: bool = False  # by an import
    held: bool = False
    plain: tuple[str, ...] | None = None  # names that must hold what nothing can change for its value to be such, too
    moment: int = 0


@dataclass(frozen=True)
class Passed:
    """A call of a bare name with named things: what it does to them depends on its function."""

    function: str
    arguments: tuple[tuple[int | str, str], ...]  # place or keyword, and the name that was given
    statement: bool  # called for its effect alone
    own: bool  # the cell had bound the function itself by then
    results: tuple[str, ...] = ()  # the names that its value is bound to, or may have a part in


@dataclass(frozen=True)
class Opaque:
    """Code whose effect on names can't be seen: ``exec``, ``%run``, a star import."""

    text: str
    line: int
    reads: bool = False  # may need names, too
    module: str | None = None  # that a star import takes its names from


@dataclass(frozen=True)
class CellFacts:
    """The names of one cell.

    ``reads`` and ``binds`` map names to their place in the order of events, so that one can tell
    whether a name was bound before another was used.
    """

    reads: Mapping[str, int]
    soft_reads: frozenset[str]  # read only if they exist: in a magic's text, or bound by the cell in some branch
    binds: Mapping[str, int]  # certain to be bound when the cell has run
    may_bind: frozenset[str]
    deletes: frozenset[str]
    changes: Mapping[str, Change]
    configures: frozenset[str]  # modules that it sets up anew
    bound: tuple[Bound, ...]
    passed: tuple[Passed, ...]
    method_calls: tuple[tuple[str, str, tuple[str, ...]], ...]  # name, method, and the names that it was given
    opaque: tuple[Opaque, ...]
    problem: str | None = None
