"""Which names an expression's value may share its object with, and which values nothing can change.

Two names share an object if a change made through one may be seen through the other: ``b = a``,
``models = {"rf": model}``, ``pipeline = make_pipeline(scaler, model)``. Numbers, strings, and
tuples of these can't be changed, so whoever holds them shares nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from nbtrack.capture.bindings import CONTAINER_CHANGES, inside, looped_targets, names_in_target, own_expressions, paired_targets, root_name, statements
from nbtrack.capture.mutations import changes_by_target

# Functions whose result hands out the very objects that they were given: builtins, and those of modules.
_PASS_ON = frozenset("iter enumerate zip reversed list tuple dict set sorted map filter partial next getattr vars min max cycle chain".split())
_PASS_ON_OF_MODULES = frozenset("map filter zip enumerate partial cycle chain from_iterable".split())
_EAGER = frozenset("list tuple dict set sorted min max next".split())  # run through a generator at once
# Methods that return their object, or a part of it.
_PASS_ON_METHODS = frozenset("items values keys get pop setdefault parameters named_parameters fit set_params to cuda".split())
# Functions that put what they are given into a new object, as a class would.
_MAKERS = frozenset("make_pipeline make_union make_column_transformer".split())
# Builtins whose result, or whose items, nothing can change.
_PLAIN_RESULTS = frozenset("len int float str bool bytes repr hash id ord chr hex bin isinstance issubclass hasattr callable format range".split())
_IDENTITY = (ast.Is, ast.IsNot, ast.In, ast.NotIn)  # True or False, whatever is compared


def shared_names(value: ast.expr) -> list[str]:
    """Names whose objects the value of an expression may share: ``b = a``, ``(a, b)``, ``a[0]``, ``Trainer(a)``."""
    match value:
        case ast.Name(id=name):
            return [name]
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(values=items) | ast.BoolOp(values=items):
            return _of_all(items)
        case ast.IfExp(body=first, orelse=second) | ast.NamedExpr(target=first, value=second):
            return shared_names(first) + shared_names(second)
        case ast.Starred(value=inner) | ast.Await(value=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return shared_names(inner)
        case ast.Call():
            return _of_call(value)
        case ast.ListComp() | ast.SetComp() | ast.DictComp():
            return _of_items(value)
        case ast.GeneratorExp():  # looks its names up later, when it is run through
            loaded = {node.id for node in inside(value) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            return sorted(loaded - comprehension_targets(inside(value)).keys())
    return []


def _of_all(items: Iterable[ast.expr]) -> list[str]:
    return [name for item in items for name in shared_names(item)]


def _of_call(node: ast.Call) -> list[str]:
    """``Trainer(model)`` keeps what it is given, ``df.drop(...)`` does not."""
    match node.func:
        case ast.Name(id=name) if name in _PASS_ON or name in _MAKERS or name[:1].isupper():
            return [name, *_of_arguments(node, eager=name in _EAGER)]
        case ast.Attribute(attr=name) if name in _PASS_ON_OF_MODULES or name in _MAKERS or name[:1].isupper():
            owner = root_name(node.func)
            return [*([owner] if owner else []), *_of_arguments(node)]
        case ast.Attribute(value=inner, attr=name) if name in _PASS_ON_METHODS:
            return shared_names(inner)
    return []


def _of_arguments(node: ast.Call, *, eager: bool = False) -> list[str]:
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [name for value in given for name in (_of_items(value) if eager and isinstance(value, ast.GeneratorExp) else shared_names(value))]


def _of_items(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> list[str]:
    """What the items share, the comprehension's variables standing for items of what it runs through."""
    targets = comprehension_targets([node])
    item = shared_names(node.value if isinstance(node, ast.DictComp) else node.elt)
    return [source for name in item for source in targets.get(name, (name,))]


def comprehension_targets(nodes: Iterable[ast.expr]) -> dict[str, tuple[str, ...]]:
    """The variables of the comprehensions among ``nodes``, each with the names whose items it may be."""
    found: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        for generator in getattr(node, "generators", ()):
            for part, items in looped_targets(generator.target, generator.iter):
                sources = shared_names(items) if items is not None else []
                resolved = tuple(source for name in sources for source in found.get(name, (name,)))
                found.update(dict.fromkeys(names_in_target(part), resolved))
    return found


def plain_if(value: ast.expr | None) -> tuple[str, ...] | None:
    """The names that must hold what nothing can change for ``value`` to be such, too; None if it may be changed anyway.

    No expression at all is a counter, or a key.
    """
    match value:
        case None | ast.Constant() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
            return ()
        case ast.Name(id=name):
            return (name,)
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            return _plain_if_all(parts)
        case ast.IfExp(body=first, orelse=second) | ast.BinOp(left=first, right=second):
            return _plain_if_all([first, second])
        case ast.Compare(left=left, ops=operators, comparators=others):
            return () if all(isinstance(item, _IDENTITY) for item in operators) else _plain_if_all([left, *others])
        case ast.UnaryOp(operand=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner) | ast.NamedExpr(value=inner):
            return plain_if(inner)
        case ast.Call(func=ast.Name(id=name)) if name in _PLAIN_RESULTS:
            return ()
    return None


def _plain_if_all(parts: Iterable[ast.expr]) -> tuple[str, ...] | None:
    found: list[str] = []
    for part in parts:
        names = plain_if(part)
        if names is None:
            return None
        found += names
    return tuple(found)


def sources_of(names: Iterable[str], body: Sequence[ast.stmt]) -> set[str]:
    """``names`` and those whose objects they may share in a function with this body, ``result`` and ``xs`` after ``result = xs``."""
    shared: dict[str, list[str]] = {}
    for statement, _ in statements(body):
        for target, sources in _handed_on(statement):
            shared.setdefault(target, []).extend(sources)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += shared.get(name, ())
    return found


def _handed_on(statement: ast.stmt) -> Iterator[tuple[str, list[str]]]:
    """The names that a statement binds or puts something into, each with the names that it shares from then on."""
    pairs: list[tuple[ast.expr, ast.expr | None]] = []
    match statement:
        case ast.Assign(targets=targets, value=value):
            pairs = [pair for target in targets for pair in paired_targets(target, value)]
        case ast.AnnAssign(target=target, value=value):
            pairs = [(target, value)]
        case ast.For(target=target, iter=items) | ast.AsyncFor(target=target, iter=items):
            pairs = [*looped_targets(target, items)]
        case ast.With(items=parts) | ast.AsyncWith(items=parts):
            pairs = [(item.optional_vars, item.context_expr) for item in parts if item.optional_vars is not None]
    for part, source in pairs:
        for name in (*names_in_target(part), *changes_by_target(part)):
            yield name, shared_names(source) if source is not None else []
    for expression in own_expressions(statement):
        for node in inside(expression):
            if isinstance(node, ast.NamedExpr):
                yield node.target.id, shared_names(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CONTAINER_CHANGES:
                owner = root_name(node.func)
                if owner is not None:
                    yield owner, _of_arguments(node)
