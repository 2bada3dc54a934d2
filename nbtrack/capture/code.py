"""What nbtrack knows of a cell from its code alone: names bound, calls made, names read.

`analyse_cell` reads one cell, `SessionNames` remembers what earlier cells said, and `outcomes`
decides for each name of a cell whether its value was typed or computed. `inference` puts the
values to it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from nbtrack.capture.bindings import Binding, How, ItemChange, bindings, item_changes, own_expressions, statements
from nbtrack.capture.calls import CallSite, Resolver, calls, imports, made_objects
from nbtrack.capture.ipython_syntax import parse_cell
from nbtrack.capture.scopes import expression_reads

_TOO_DEEP = "nested too deeply to be analysed"


@dataclass(frozen=True)
class CellCode:
    """A cell's own statements, taken apart. Lines are the cell's, from 1, its magics included.

    ``problem`` says why a cell that could not be read is empty here.
    """

    source: str
    problem: str | None = None
    body: tuple[ast.stmt, ...] = ()
    bindings: tuple[Binding, ...] = ()
    item_changes: tuple[ItemChange, ...] = ()
    calls: tuple[CallSite, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, int] = field(default_factory=dict)  # with the line where each is first read
    last: ast.expr | None = None  # the expression that the cell ends with

    @property
    def bound_names(self) -> frozenset[str]:
        """Every name that the cell may bind."""
        return frozenset(binding.name for binding in self.bindings)


def analyse_cell(source: str, *, transformed: str | None = None) -> CellCode:
    """Take a cell apart; a text that is no Python gives an empty analysis with a ``problem``.

    ``transformed`` is IPython's own rewriting of the cell, used only if ``source`` can't be read.
    """
    parsed = parse_cell(source, transformed=transformed)
    if parsed.problem is not None or parsed.own_scope:
        return CellCode(source, parsed.problem)
    if transformed is None:
        return _analysed(source)
    return _of_body(source, parsed.tree.body, ends_cell=True)


@lru_cache(maxsize=1024)
def _analysed(source: str) -> CellCode:
    return _of_body(source, parse_cell(source).tree.body, ends_cell=True)


def analyse_block(source: str, line: int) -> tuple[CellCode, CellCode]:
    """The body of the ``with`` statement at ``line``, and what stands before it.

    Returns
    -------
    tuple of CellCode
        The statements that come before the block (a part of the session, to the block), and the
        block itself. Without such a ``with``, the block is empty and has a ``problem``.
    """
    parsed = parse_cell(source)
    path = _path_to_with(parsed.tree.body, line)
    if path is None:
        return CellCode(source), CellCode(source, parsed.problem or f"no with statement at line {line}")
    before = [statement for body, index in path for statement in body[:index]]
    body, index = path[-1]
    block = body[index]
    inner = block.body if isinstance(block, (ast.With, ast.AsyncWith)) else []
    return _of_body(source, before, ends_cell=False), _of_body(source, inner, ends_cell=False)


def _path_to_with(body: list[ast.stmt], line: int) -> list[tuple[list[ast.stmt], int]] | None:
    """The bodies from the outermost to the one with the ``with`` whose head covers ``line``, each with the place within it."""
    for index, statement in enumerate(body):
        if not statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            continue
        if isinstance(statement, (ast.With, ast.AsyncWith)) and line < statement.body[0].lineno + (statement.body[0].lineno == statement.lineno):
            return [(body, index)]
        for inner in _bodies(statement):
            found = _path_to_with(inner, line)
            if found is not None:
                return [(body, index), *found]
    return None


def _bodies(statement: ast.stmt) -> list[list[ast.stmt]]:
    handlers = [handler.body for handler in getattr(statement, "handlers", [])]
    cases = [case.body for case in getattr(statement, "cases", [])]
    return [getattr(statement, name) for name in ("body", "orelse", "finalbody") if getattr(statement, name, None)] + handlers + cases


def _of_body(source: str, body: Sequence[ast.stmt], *, ends_cell: bool) -> CellCode:
    try:
        return CellCode(
            source,
            body=tuple(body),
            bindings=tuple(bindings(body)),
            item_changes=tuple(item_changes(body)),
            calls=tuple(calls(body)),
            imports=imports(body),
            reads=_reads(body),
            last=body[-1].value if ends_cell and body and isinstance(body[-1], ast.Expr) else None,
        )
    except RecursionError:
        return CellCode(source, _TOO_DEEP)


def _reads(body: Sequence[ast.stmt]) -> dict[str, int]:
    """The names that the cell's own statements read; what only functions read is left out."""
    found: dict[str, int] = {}
    for statement, _ in statements(body):
        for expression in own_expressions(statement):
            names = expression_reads(expression)
            for node in ast.walk(expression):
                if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
                    found[node.id] = min(node.lineno, found.get(node.id, node.lineno))
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            found.setdefault(statement.target.id, statement.lineno)
    found.pop("get_ipython", None)  # what magics are written as
    return found


@dataclass(frozen=True)
class Outcome:
    """What the cell leaves in a name: ``typed`` values with the bindings that typed them, or ``computed`` ones.

    A name that is typed here and computed there counts as computed.
    """

    name: str
    typed: tuple[tuple[object, Binding], ...] = ()
    computed: tuple[Binding, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether it is bound however the cell's tests came out."""
        return any(not binding.place.branch for binding in (*self.computed, *(binding for _, binding in self.typed)))


class SessionNames:
    """What the cells that ran before say about names: typed values, imports, and what objects are made of.

    Cells are given in the order in which they ran; they are only read when something is asked.
    """

    def __init__(self, sources: Iterable[str] = ()) -> None:
        self._pending: list[CellCode] = []
        self._typed: dict[str, tuple[object, ...]] = {}
        self._imports: dict[str, str] = {}
        self._objects: dict[str, str] = {}
        for source in sources:
            self.observe(source)

    def observe(self, cell: str | CellCode) -> None:
        """A cell ran, whether or not to its end."""
        self._pending.append(analyse_cell(cell) if isinstance(cell, str) else cell)

    def copy(self) -> SessionNames:
        """The same knowledge, to be taken further by itself."""
        self._settle()
        twin = SessionNames()
        twin._typed, twin._imports, twin._objects = dict(self._typed), dict(self._imports), dict(self._objects)
        return twin

    def typed(self, name: str) -> tuple[object, ...]:
        """The values that the last binding of ``name`` may have typed; empty if it did not."""
        self._settle()
        return self._typed.get(name, ())

    @property
    def imports(self) -> Mapping[str, str]:
        """Imported names with their dotted paths."""
        self._settle()
        return self._imports

    @property
    def objects(self) -> Mapping[str, str]:
        """Names bound to objects of a library, with the path of what made them."""
        self._settle()
        return self._objects

    def _settle(self) -> None:
        pending, self._pending = self._pending, []
        for code in pending:
            made = made_objects(code.bindings, Resolver({**self._imports, **code.imports}, self._objects))
            found = outcomes(code, self)
            for name in code.bound_names:
                self._typed.pop(name, None)
                self._imports.pop(name, None)
                self._objects.pop(name, None)
                outcome = found.get(name)
                if outcome is not None and not outcome.computed:
                    self._typed[name] = tuple(value for value, _ in outcome.typed)
            self._imports.update(code.imports)
            self._objects.update(made)


def outcomes(code: CellCode, earlier: SessionNames) -> dict[str, Outcome]:
    """For each name that the cell binds, whether its value was typed or computed.

    Left out: loop variables, imports, functions, classes, and names that begin with ``_``.
    """
    by_name: dict[str, list[Binding]] = {}
    for binding in code.bindings:
        by_name.setdefault(binding.name, []).append(binding)
    decided: dict[str, Outcome | None] = {}
    for name in by_name:
        _decide(name, by_name, decided, earlier)
    return {name: outcome for name, outcome in decided.items() if outcome is not None and not name.startswith("_")}


def _decide(name: str, by_name: Mapping[str, list[Binding]], decided: dict[str, Outcome | None], earlier: SessionNames) -> Outcome | None:
    if name in decided:
        return decided[name]
    decided[name] = None  # for names that are copied in a circle
    reaching = _reaching(by_name[name])
    if any(binding.how is How.LOOPED for binding in by_name[name]) or any(binding.how is How.OTHER for binding in reaching):
        return None
    typed: list[tuple[object, Binding]] = []
    computed: list[Binding] = []
    for binding in reaching:
        values = binding.choices
        if binding.how is How.COPIED and isinstance(binding.value, ast.Name):
            values = _copied(binding.value.id, by_name, decided, earlier)
        if values and binding.how is not How.AUGMENTED:
            typed += [(value, binding) for value in values]
        else:
            computed.append(binding)
    decided[name] = Outcome(name, tuple(typed), tuple(computed))
    return decided[name]


def _copied(source: str, by_name: Mapping[str, list[Binding]], decided: dict[str, Outcome | None], earlier: SessionNames) -> tuple[object, ...]:
    """``depth = max_depth`` carries on what was typed; a copy of anything else is a result."""
    if source not in by_name:
        return earlier.typed(source)
    outcome = _decide(source, by_name, decided, earlier)
    return () if outcome is None or outcome.computed else tuple(value for value, _ in outcome.typed)


def _reaching(found: list[Binding]) -> list[Binding]:
    """The bindings that may have given the name its last value, in the order of the source."""
    reaching: list[Binding] = []
    for binding in reversed(found):
        reaching.insert(0, binding)
        if not binding.place.branch and not binding.place.loop and binding.how is not How.AUGMENTED:
            break
    return reaching


def resolver_for(code: CellCode, earlier: SessionNames, values: Mapping[str, object]) -> Resolver:
    """What finds out the library of the cell's callees."""
    imported = {name: path for name, path in earlier.imports.items() if name not in code.bound_names}
    known = Resolver({**imported, **code.imports}, earlier.objects)
    return Resolver(known.imports, {**earlier.objects, **made_objects(code.bindings, known)}, values.__getitem__)


def literal_bindings(source: str) -> dict[str, tuple[object, int]]:
    """Names that a cell, by itself, binds to a literal: the last value and its line."""
    found = outcomes(analyse_cell(source), SessionNames())
    return {name: (outcome.typed[-1][0], outcome.typed[-1][1].line) for name, outcome in found.items() if outcome.typed and not outcome.computed}
