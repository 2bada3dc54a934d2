"""What a function or class refers to outside itself, and what using it may do there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbtrack.capture.bindings import COMPREHENSIONS, children, inside, names_declared, names_in_target, own_expressions, statements
from nbtrack.capture.mutations import argument_names, changes_by_call, changes_by_target, only_looks
from nbtrack.capture.randomness import drawn_states, read_states, seeded_states
from nbtrack.capture.sharing import shared_names, sources_of

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class FunctionFacts:
    """A function of the notebook, seen from outside. For a class, all of its methods together."""

    free: frozenset[str]  # names that are looked up in the notebook when it runs
    rebinds: frozenset[str] = frozenset()  # names that it declares global and binds
    changes: frozenset[str] = frozenset()  # free names whose objects it may change
    parameters: tuple[str, ...] = ()
    changed_parameters: frozenset[str] = frozenset()
    returned: frozenset[str] = frozenset()  # parameters and free names that its result may share
    changing_methods: frozenset[str] = frozenset()  # of a class: those that may change their object


def function_facts(node: Function) -> FunctionFacts:
    """What calling the function may read and change."""
    body = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
    parameters = tuple(arg.arg for arg in _arguments(node.args))
    own, declared, outer = _local_names(body)
    own.update(parameters, type_parameters(node))
    changed, augmented = _changed(body)
    returned = set(shared_names(node.body)) if isinstance(node, ast.Lambda) else _returned(body)
    if not own.isdisjoint(changed | returned):  # a local name stands for what it was made from
        changed, returned = sources_of(changed, body), sources_of(returned, body)
    changed |= augmented  # a number, most often: it leaves what it came from alone
    hidden = own.difference(parameters)
    seeded, drawn, read = _random_states(body)
    return FunctionFacts(
        free=frozenset((_loaded(body, annotations=False) - own) | declared | outer | drawn | read),
        rebinds=frozenset(declared | seeded),
        changes=frozenset((changed - own) | drawn),
        parameters=parameters,
        changed_parameters=frozenset(changed.intersection(parameters)),
        returned=frozenset(returned - hidden),
    )


def class_facts(node: ast.ClassDef) -> FunctionFacts:
    """What using the class may read and change: its methods taken together."""
    methods = {item.name: function_facts(item) for item, _ in statements(node.body) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    return FunctionFacts(
        free=frozenset().union(*(method.free for method in methods.values())) - {"__class__"} - type_parameters(node),
        rebinds=frozenset().union(*(method.rebinds for method in methods.values())),
        changes=frozenset().union(*(method.changes for method in methods.values())),
        changing_methods=frozenset(name for name, method in methods.items() if method.changed_parameters.intersection(method.parameters[:1])),
    )


def class_body_reads(node: ast.ClassDef) -> set[str]:
    """The names that the class statement itself reads while it runs, its methods' bodies left out."""
    own, _, _ = _local_names(node.body)
    found = _loaded(node.body, functions=False) - own
    for part in (*node.bases, *(keyword.value for keyword in node.keywords), *node.decorator_list):
        found |= expression_reads(part)
    return found - type_parameters(node)


def type_parameters(node: ast.AST) -> set[str]:
    """The names in the brackets of ``def f[T]`` and ``class A[T]`` (Python 3.12)."""
    return {parameter.name for parameter in getattr(node, "type_params", ())}


def expression_reads(node: ast.AST) -> set[str]:
    """The names that evaluating ``node`` looks up; those of inner scopes are theirs."""
    return _loaded([node])


def signature_expressions(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """Decorators, defaults and annotations: what a definition evaluates at once."""
    yield from node.decorator_list
    yield from node.args.defaults
    yield from (default for default in node.args.kw_defaults if default is not None)
    yield from (arg.annotation for arg in _arguments(node.args) if arg.annotation is not None)
    if node.returns is not None:
        yield node.returns


def _arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from args.posonlyargs
    yield from args.args
    if args.vararg:
        yield args.vararg
    yield from args.kwonlyargs
    if args.kwarg:
        yield args.kwarg


def _local_names(body: Sequence[ast.stmt]) -> tuple[set[str], set[str], set[str]]:
    """The names that are local to a scope with this body, those it declares global, and nonlocal."""
    own: set[str] = set()
    declared: set[str] = set()
    outer: set[str] = set()
    for statement, _ in statements(body):
        if isinstance(statement, (ast.Global, ast.Nonlocal)):
            (declared if isinstance(statement, ast.Global) else outer).update(statement.names)
        own.update(names_declared(statement))
        own.update(name for target in _targets_of(statement) for name in names_in_target(target))
        for expression in own_expressions(statement):
            own.update(node.target.id for node in inside(expression) if isinstance(node, ast.NamedExpr))
    return own - declared - outer, declared, outer


def _targets_of(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            return [target]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.optional_vars for item in items if item.optional_vars is not None]
    return []


def _loaded(roots: Iterable[ast.AST], *, functions: bool = True, annotations: bool = True) -> set[str]:
    """Names loaded under ``roots``, less those that inner scopes bind for themselves.

    Without ``functions`` the bodies of functions are left out; without ``annotations`` those of
    names, which Python does not evaluate in the body of a function.
    """
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, (ast.Load, ast.Del)):
                found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.update(name for part in signature_expressions(node) for name in _loaded([part]) - type_parameters(node))
            if functions:
                found |= function_facts(node).free
        elif isinstance(node, ast.Lambda):
            waiting.extend([*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)])
            found |= function_facts(node).free
        elif isinstance(node, ast.ClassDef):
            found |= class_body_reads(node) | class_facts(node).free
        elif isinstance(node, COMPREHENSIONS):
            found |= _comprehension_reads(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not annotations:
            waiting += [node.value] if node.value is not None else []
        else:
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            waiting += children(node)
    return found


def _comprehension_reads(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> set[str]:
    targets = {name for generator in node.generators for name in names_in_target(generator.target)}
    parts: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    for generator in node.generators:
        parts += [generator.target, generator.iter, *generator.ifs]
    return (_loaded(parts) - targets) | _loaded([node.generators[0].iter])


def _changed(body: Sequence[ast.stmt]) -> tuple[set[str], set[str]]:
    """Names whose objects the statements of a function may change, and those that are the target of ``+=``."""
    found: set[str] = set()
    augmented: set[str] = set()
    for statement, _ in statements(body):
        found.update(name for target in _targets_of(statement) for name in changes_by_target(target))
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            augmented.add(statement.target.id)
        alone = statement.value if isinstance(statement, ast.Expr) else None
        for expression in own_expressions(statement):
            for node in inside(expression):
                if isinstance(node, ast.Call):
                    found.update(name for name, _ in changes_by_call(node, statement=node is alone))
                    if node is alone and isinstance(node.func, ast.Name) and not only_looks(node.func.id):
                        found.update(argument_names(node))
    return found, augmented


def _random_states(body: Sequence[ast.stmt]) -> tuple[set[str], set[str], set[str]]:
    """The random states that calls of the body fix, draw from, or may depend on."""
    expressions = [expression for statement, _ in statements(body) for expression in own_expressions(statement)]
    found = [node for expression in expressions for node in inside(expression) if isinstance(node, ast.Call)]
    return (
        {state for node in found for state in seeded_states(node, {})},
        {state for node in found for state in drawn_states(node, {})},
        {state for node in found for state in read_states(node)},
    )


def _returned(body: Sequence[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for statement, _ in statements(body):
        if isinstance(statement, ast.Return) and statement.value is not None:
            found.update(shared_names(statement.value))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Yield, ast.YieldFrom)) and statement.value.value is not None:
            found.update(shared_names(statement.value.value))
    return found
