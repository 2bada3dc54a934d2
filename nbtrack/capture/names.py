"""What one cell reads, binds and changes: the facts that the closure is made from.

The facts of a cell depend on its source alone, so they are computed once per source. What they
mean (is ``plt`` a module? what does ``train`` do to its arguments?) depends on the cells before,
and is decided in `closure`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import zip_longest

from nbtrack.capture.bindings import CONTAINER_CHANGES, inside, looped_targets, names_declared, names_in_target, own_expressions, paired_targets, root_name
from nbtrack.capture.calls import imports
from nbtrack.capture.facts import Bound, CellFacts, Opaque, Passed
from nbtrack.capture.ipython_syntax import magic_call, parse_cell
from nbtrack.capture.magics import magic_effects
from nbtrack.capture.mutations import Change, argument_names, changes_by_call, changes_by_target, configures
from nbtrack.capture.randomness import drawn_states, read_states, seeded_states
from nbtrack.capture.scopes import (
    FunctionFacts,
    class_body_reads,
    class_facts,
    expression_reads,
    function_facts,
    signature_expressions,
    type_parameters,
)
from nbtrack.capture.sharing import comprehension_targets, plain_if, shared_names

_NAMESPACES = frozenset({"globals", "locals", "vars"})


@lru_cache(maxsize=4096)
def cell_facts(source: str) -> CellFacts:
    """The facts of a cell; of one that can't be read, none but the ``problem``."""
    parsed = parse_cell(source)
    flow = _Flow(imports(parsed.tree.body), own_scope=parsed.own_scope)
    try:
        flow.run(parsed.tree.body)
    except RecursionError:
        return _Flow({}, own_scope=False).facts("nested too deeply to be analysed")
    return flow.facts(parsed.problem)


def statement_facts(statement: ast.stmt, imported: Mapping[str, str]) -> CellFacts:
    """The facts of one statement, as if it were a cell."""
    flow = _Flow(imported, own_scope=False)
    flow.run([statement])
    return flow.facts(None)


class _Flow:
    """Follows a cell from its first statement to its last."""

    def __init__(self, imported: Mapping[str, str], *, own_scope: bool) -> None:
        self._imports = imported
        self._own_scope = own_scope
        self._count = 0
        self._moment = 0
        self._certain = True  # not inside a branch
        self._looping = False
        self._inner: dict[str, tuple[str, ...]] = {}  # variables of comprehensions, and the names that they come from
        self._reads: dict[str, int] = {}
        self._soft: set[str] = set()
        self._binds: dict[str, int] = {}
        self._may_bind: set[str] = set()
        self._deletes: set[str] = set()
        self._changes: dict[str, Change] = {}
        self._configures: set[str] = set()
        self._bound: list[Bound] = []
        self._functions: dict[str, FunctionFacts] = {}
        self._passed: list[Passed] = []
        self._method_calls: dict[tuple[str, str, tuple[str, ...]], None] = {}
        self._opaque: list[Opaque] = []

    def facts(self, problem: str | None) -> CellFacts:
        kept = {} if self._own_scope else self._binds
        return CellFacts(
            reads=self._reads,
            soft_reads=frozenset(self._soft - self._reads.keys()),
            binds=kept,
            may_bind=frozenset() if self._own_scope else frozenset(self._may_bind - kept.keys()),
            deletes=frozenset(self._deletes - self._binds.keys()),
            changes=self._changes,
            configures=frozenset(self._configures),
            bound=() if self._own_scope else tuple(self._bound),
            passed=tuple(self._passed),
            method_calls=tuple(self._method_calls),
            opaque=tuple(self._opaque),
            problem=problem,
        )

    def run(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    # Names

    def _read(self, names: Iterable[str], *, soft: bool = False) -> None:
        for name in names:
            self._count += 1
            if name not in self._binds:
                if soft or name in self._may_bind:
                    self._soft.add(name)
                else:
                    self._reads.setdefault(name, self._count)
            if name in self._functions:
                self._use(name)

    def _use(self, name: str) -> None:
        """A function of this cell is mentioned: from here on it may be called."""
        facts = self._functions.pop(name)  # also keeps a recursive function from going round
        self._read(sorted(facts.free))
        for changed in facts.changes:
            self._changes.setdefault(changed, Change.POSSIBLE)
        self._may_bind.update(facts.rebinds)
        self._functions[name] = facts

    def _bind(
        self,
        names: Iterable[str],
        *,
        shares: Sequence[str] = (),
        plain: tuple[str, ...] | None = None,
        function: FunctionFacts | None = None,
        module: bool = False,
    ) -> None:
        if plain and self._looping:
            plain = None  # the next time round those names may hold something else
        for name in names:
            self._count += 1
            self._binds[name] = self._count
            self._deletes.discard(name)
            self._bound.append(Bound(name, tuple(shares), function, self._certain, module, plain=plain, moment=self._moment))
            self._functions.pop(name, None)
            if function is not None:
                self._functions[name] = function

    def _bind_to(self, target: ast.expr, value: ast.expr | None) -> None:
        """Bind a target to a value, or to an item of it; without one to a key or a counter."""
        self._bind(names_in_target(target), shares=shared_names(value) if value is not None else (), plain=plain_if(value))

    def _hold(self, names: Iterable[str], shares: Sequence[str]) -> None:
        if shares:
            self._bound += [Bound(name, tuple(shares), held=True) for name in names]

    def _change(self, name: str, change: Change) -> None:
        for owner in self._outside(name):
            self._changes[owner] = max(change, self._changes.get(owner, Change.POSSIBLE))

    def _outside(self, name: str) -> tuple[str, ...]:
        """The names of the notebook that ``name`` stands for where it is the variable of a comprehension."""
        return self._inner.get(name, (name,))

    # Expressions

    def _evaluate(self, expression: ast.expr, *, statement: bool = False, results: tuple[str, ...] = ()) -> None:
        if isinstance(expression, (ast.Name, ast.Constant)):  # nothing else can be in them
            self._read(expression_reads(expression))
            return
        nodes = list(inside(expression))
        walrus = [node for node in nodes if isinstance(node, ast.NamedExpr)]
        targets = {node.target.id for node in walrus}
        names = sorted(expression_reads(expression))
        self._read(name for name in names if name not in targets)
        self._read((name for name in names if name in targets), soft=True)
        inner = comprehension_targets(nodes)
        self._inner = {name: (*sources, name) if name in names else sources for name, sources in inner.items()}
        for node in nodes:
            if isinstance(node, ast.Call):
                self._call(node, statement=statement and node is expression, results=results)
        self._inner = {}
        for node in walrus:
            shares = [source for name in shared_names(node.value) for source in inner.get(name, (name,))]
            self._bind([node.target.id], shares=shares, plain=None if inner else plain_if(node.value))

    def _call(self, node: ast.Call, *, statement: bool, results: tuple[str, ...]) -> None:
        magic = magic_call(node)
        if magic is not None:
            effects = magic_effects(*magic)
            self._read(sorted(effects.reads), soft=True)
            self._bind(effects.binds)
            if effects.opaque:
                self._opaque.append(Opaque(effects.opaque, node.lineno, reads=True))
            return
        seeded = list(seeded_states(node, self._imports))
        self._bind(seeded)
        module = configures(node)
        if not seeded:
            for name, change in changes_by_call(node, statement=statement):
                self._change(name, change)
            self._configures.update([module] if module is not None else [])
        for state in drawn_states(node, self._imports):
            self._read([state], soft=True)
            self._change(state, Change.CERTAIN)
        self._read(read_states(node), soft=True)
        if isinstance(node.func, ast.Name):
            self._bare_call(node, node.func.id, statement=statement, results=results)
        elif isinstance(node.func, ast.Attribute):
            owner = root_name(node.func.value)
            if owner is not None and node.func.attr in CONTAINER_CHANGES:
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                self._hold(self._outside(owner), [source for value in values for name in shared_names(value) for source in self._outside(name)])
            if isinstance(node.func.value, ast.Name):
                given = tuple(source for name in argument_names(node) for source in self._outside(name))
                for name in self._outside(node.func.value.id):
                    self._method_calls[name, node.func.attr, given] = None

    def _bare_call(self, node: ast.Call, function: str, *, statement: bool, results: tuple[str, ...]) -> None:
        if function in ("exec", "eval") and function not in self._binds:
            text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            code = parse_cell(text) if isinstance(text, str) else None
            if code is None or code.problem is not None:
                self._opaque.append(Opaque(f"{function}(...)", node.lineno, reads=True))
            else:
                self.run(code.tree.body)
        elif function in ("next", "setattr", "delattr"):
            for name in argument_names(node)[:1]:
                self._change(name, Change.CERTAIN)
        else:
            places: list[tuple[int | str, ast.expr]] = [*enumerate(node.args), *((keyword.arg or "**", keyword.value) for keyword in node.keywords)]
            named = [(place, root_name(value)) for place, value in places if not isinstance(value, ast.Call)]
            given = tuple((place, source) for place, name in named if name is not None for source in self._outside(name))
            self._passed.append(Passed(function, given, statement, function in self._binds, results))

    # Statements

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Expr(value=value):
                self._evaluate(value, statement=True)
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self._evaluate(annotation)
                self._assign([target], value) if value is not None else self._touch(target)
            case ast.AugAssign(target=target, value=value):
                self._evaluate(value)
                self._touch(target)
                self._read(names_in_target(target))
                for name in names_in_target(target):
                    self._change(name, Change.CERTAIN)
                    self._bound.append(Bound(name, tuple(_of_display(value)), held=True, plain=None if self._looping else plain_if(value)))
            case ast.Delete(targets=targets):
                self._delete(targets)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._define(statement)
            case ast.Import() | ast.ImportFrom():
                self._import(statement)
            case _:
                self._compound(statement)

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        names = tuple(name for target in targets for name in names_in_target(target))
        function = function_facts(value) if isinstance(value, ast.Lambda) else None
        if function is None:
            self._evaluate(value, results=names)
        else:
            self._read(sorted(expression_reads(value) - function.free))
        first: list[str] = []  # of a = b = []: b is a's object
        for target in sorted(targets, key=lambda target: not isinstance(target, ast.Name)):
            self._touch(target)
            self._moment = self._count + 1
            for part, part_value in paired_targets(target, value):
                shares = shared_names(part_value) + first
                self._bind(names_in_target(part), shares=shares, plain=plain_if(part_value), function=function)
                self._hold(changes_by_target(part), shares)
            first = first or [*names_in_target(target)][: isinstance(target, ast.Name)]
        self._moment = 0

    def _touch(self, target: ast.expr) -> None:
        """The parts of a target that are read, and the objects that assigning to it changes."""
        if not isinstance(target, ast.Name):
            self._read(sorted(expression_reads(target)))
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Call) and root_name(target) in _NAMESPACES:
                self._opaque.append(Opaque(f"{root_name(target)}()[...]", target.lineno))
            for name in changes_by_target(target):
                self._change(name, Change.CERTAIN)
                self._configures.add(name)

    def _delete(self, targets: list[ast.expr]) -> None:
        for target in targets:
            self._touch(target)
            for name in names_in_target(target):
                self._read([name])
                self._binds.pop(name, None)
                self._deletes.add(name)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if isinstance(node, ast.ClassDef):
            self._read(sorted(class_body_reads(node)))
            facts = class_facts(node)
        else:
            own = type_parameters(node)
            for expression in signature_expressions(node):
                if own.isdisjoint(expression_reads(expression)):
                    self._evaluate(expression)
                else:  # annotations with a type parameter are evaluated in a scope of their own
                    self._read(sorted(expression_reads(expression) - own))
            facts = function_facts(node)
        parents = [name for base in getattr(node, "bases", ()) if (name := root_name(base)) is not None]
        self._bind([node.name], shares=parents, function=facts)
        if node.decorator_list:
            self._use(node.name)  # a decorator may call it at once

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            module = "." * node.level + (node.module or "")
            self._opaque.append(Opaque(f"from {module} import *", node.lineno, module=module))
        self._bind(names_declared(node), module=True)

    def _compound(self, statement: ast.stmt) -> None:
        if type(statement).__name__ == "TypeAlias":  # Python 3.12; its value is only evaluated when asked for
            self._bind(names_declared(statement))
            return
        for expression in own_expressions(statement):
            if not isinstance(getattr(expression, "ctx", None), ast.Store):  # the target of a for loop comes below
                self._evaluate(expression)
        match statement:
            case ast.For(target=target, iter=items, body=body, orelse=orelse) | ast.AsyncFor(target=target, iter=items, body=body, orelse=orelse):
                self._touch(target)
                for part, value in looped_targets(target, items):
                    self._bind_to(part, value)
                self._loop(body)
                self._branches([orelse])
            case ast.While(body=body, orelse=orelse):
                self._loop(body)
                self._branches([orelse])
            case ast.If(body=body, orelse=orelse):
                self._branches([body, orelse], covers=True)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    if item.optional_vars is not None:
                        self._touch(item.optional_vars)
                        self._bind_to(item.optional_vars, item.context_expr)
                self.run(body)
            case ast.Match(cases=cases):
                self._match(statement, cases)
            case _ if hasattr(statement, "handlers"):  # try, and except* of Python 3.11
                self._try(statement)  # type: ignore[arg-type]  # TryStar has Try's fields

    def _loop(self, body: list[ast.stmt]) -> None:
        before, self._looping = self._looping, True
        self.run(body)
        self._looping = before

    def _match(self, statement: ast.Match, cases: list[ast.match_case]) -> None:
        for case in cases:
            self._read(sorted(expression_reads(case.pattern)))
            if case.guard is not None:
                self._read(sorted(expression_reads(case.guard) - set(names_declared(statement))))
        with self._branch():
            self._bind(names_declared(statement), shares=shared_names(statement.subject))
        self._branches([case.body for case in cases])

    def _try(self, statement: ast.Try) -> None:
        """The body ran to its end, or one of the handlers did: certain is what all of them bind."""
        for handler in statement.handlers:
            if handler.type is not None:
                self._evaluate(handler.type)
        caught = [handler for handler in statement.handlers if not isinstance(handler.body[-1], ast.Raise)]
        if caught:
            self._branches(
                [[*statement.body, *statement.orelse], *(handler.body for handler in caught)], ["", *(handler.name for handler in caught)], covers=True
            )
        else:
            self.run([*statement.body, *statement.orelse])
        raising = [handler for handler in statement.handlers if handler not in caught]
        self._branches([handler.body for handler in raising], [handler.name for handler in raising])
        self.run(statement.finalbody)

    @contextmanager
    def _branch(self) -> Iterator[None]:
        """What is bound inside may not have been bound afterwards."""
        before, certain = dict(self._binds), self._certain
        self._certain = False
        yield
        self._may_bind.update(self._binds.keys() - before.keys())
        self._binds, self._certain = before, certain

    def _branches(self, bodies: Sequence[list[ast.stmt]], names: Sequence[str | None] = (), *, covers: bool = False) -> None:
        """Bodies of which one runs, each with the name that it begins by binding; with ``covers`` one of them is sure to."""
        outcomes: list[dict[str, int]] = []
        for body, name in zip_longest(bodies, names):
            with self._branch():
                self._bind([name] if name else [])
                self.run(body)
                outcomes.append(self._binds)
        if covers:
            for name in set.intersection(*(set(outcome) for outcome in outcomes)) - self._binds.keys():
                self._binds[name] = max(outcome[name] for outcome in outcomes)


def _of_display(value: ast.expr) -> list[str]:
    """What ``xs += [a, b]`` puts into ``xs``; what ``n += a`` does to ``n`` lets go of ``a``, as far as can be seen."""
    return shared_names(value) if isinstance(value, (ast.List, ast.Tuple, ast.Set, ast.Dict)) else []
