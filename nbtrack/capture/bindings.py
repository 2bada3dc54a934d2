"""Which names a cell binds, statement by statement, and to what kind of expression.

"In the cell" are its own statements, those inside ``for``, ``while``, ``with``, ``if``, ``try``
and ``match`` included. Functions, classes, lambdas and comprehensions keep their names to
themselves and are left out.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nbtrack.capture.literals import NotTyped, is_typed, typed_value

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NAMELESS_FIELDS = frozenset({"ctx", "op", "ops", "attr", "arg", "conversion", "is_async", "type_comment"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}  # of a kind of node, those that may have nodes with names in them

# Methods that change what they are called on, whatever class it is of.
CONTAINER_CHANGES = frozenset("append extend insert add update setdefault pop popitem remove discard clear sort reverse appendleft".split())


class How(enum.Enum):
    """How a name came to its value."""

    TYPED = "typed"  # a literal, or a choice between literals
    COPIED = "copied"  # another name's value, as it is
    COMPUTED = "computed"  # anything else that was evaluated
    AUGMENTED = "augmented"  # +=, *=, ...
    LOOPED = "looped"  # the variable of a for loop
    OTHER = "other"  # import, def, class, except ... as


@dataclass(frozen=True)
class Place:
    """Where a statement stands: its top-level statement, and what decides whether it runs."""

    top: int  # index of the enclosing top-level statement
    branch: bool = False  # inside if, except or match: may not have run
    loop: bool = False  # inside for or while: may have run many times
    guards: tuple[tuple[ast.expr, bool], ...] = ()  # tests of the enclosing ifs, and the answer that leads here


@dataclass(frozen=True)
class Binding:
    """One place where a name is bound.

    ``choices`` holds the values of a typed binding (two for ``1 if quick else 10``); ``item`` is
    the place within an unpacked value.
    """

    name: str
    how: How
    line: int
    place: Place
    value: ast.expr | None = None
    choices: tuple[object, ...] = ()
    item: int | None = None


ANY_KEY = object()  # which item a statement changes is not written in it


@dataclass(frozen=True)
class ItemChange:
    """A statement that changes a part of a container: ``name[key] = ...``, ``name.append(...)``."""

    name: str
    key: object
    typed: bool  # what it puts in is a literal
    line: int
    value: ast.expr | None = None  # what the item is set to, for ``name[key] = value``


def statements(body: Sequence[ast.stmt], place: Place | None = None) -> Iterator[tuple[ast.stmt, Place]]:
    """Every statement of the cell's own, in the order of the source, with its place."""
    for index, statement in enumerate(body):
        here = Place(top=index) if place is None else place
        yield statement, here
        for inner, inner_place in _blocks(statement, here):
            yield from statements(inner, inner_place)


def _blocks(statement: ast.stmt, place: Place) -> list[tuple[list[ast.stmt], Place]]:
    """The bodies of a compound statement, each with its place."""
    if not hasattr(statement, "body") and not isinstance(statement, ast.Match):
        return []  # most statements: no time is lost on them
    branch, loop = replace(place, branch=True), replace(place, loop=True)
    match statement:
        case ast.If(test=test, body=body, orelse=orelse):
            return [(body, replace(branch, guards=(*place.guards, (test, True)))), (orelse, replace(branch, guards=(*place.guards, (test, False))))]
        case ast.For(body=body, orelse=orelse) | ast.AsyncFor(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
            return [(body, loop), (orelse, branch)]
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return [(body, place)]
        case ast.Match(cases=cases):
            return [(case.body, branch) for case in cases]
    if isinstance(statement, ast.Try) or type(statement).__name__ == "TryStar":  # except* is newer than 3.10
        handlers = [(handler.body, branch) for handler in statement.handlers]  # type: ignore[attr-defined]  # TryStar has Try's fields
        return [(statement.body, place), *handlers, (statement.orelse, place), (statement.finalbody, place)]  # type: ignore[attr-defined]
    return []


def own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, without those of the statements inside it."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield from statement.decorator_list
        return
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr


def inside(node: ast.AST, *, comprehensions: bool = True) -> Iterator[ast.expr]:
    """``node`` and the expressions within it that belong to the cell: lambdas are left out.

    In the order of the source; comprehensions are left out too unless asked for.
    """
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda) or (not comprehensions and isinstance(node, COMPREHENSIONS)):
            continue
        if isinstance(node, ast.expr):
            yield node
        waiting += reversed(children(node))


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below ``node`` that may hold names, in the order of the source."""
    found: list[ast.AST] = []
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:  # more than half of all nodes are names or constants, with nothing in them
        fields = () if issubclass(kind, (ast.Name, ast.Constant)) else tuple(part for part in kind._fields if part not in _NAMELESS_FIELDS)
        _FIELDS[kind] = fields
    for part in fields:
        value = getattr(node, part, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def root_name(node: ast.expr) -> str | None:
    """``df`` of ``df.loc[0].values``; None where the chain does not begin with a name."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Await, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def bindings(body: Sequence[ast.stmt]) -> list[Binding]:
    """Every binding of a name by the cell's own statements, in the order of the source."""
    found: list[Binding] = []
    for statement, place in statements(body):
        found += _walrus(statement, place)
        found += _bound_by(statement, place)
    return found


def _walrus(statement: ast.stmt, place: Place) -> Iterator[Binding]:
    for expression in own_expressions(statement):
        for node in inside(expression, comprehensions=False):
            if isinstance(node, ast.NamedExpr):
                yield _binding(node.target, node.value, place)


def _bound_by(statement: ast.stmt, place: Place) -> Iterator[Binding]:
    line = statement.lineno
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value, place)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _targets(target, value, place)
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield Binding(name, How.AUGMENTED, line, place, value)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from (Binding(name, How.LOOPED, line, place) for name in names_in_target(target))
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for name in (name for item in items if item.optional_vars for name in names_in_target(item.optional_vars)):
                yield Binding(name, How.COMPUTED, line, place)
        case _:
            yield from (Binding(name, How.OTHER, line, place) for name in names_declared(statement))


def names_declared(statement: ast.stmt) -> list[str]:
    """The names that an import, a definition, an ``except ... as`` or a ``case`` pattern binds."""
    match statement:
        case ast.Import(names=aliases):
            return [alias.asname or alias.name.split(".")[0] for alias in aliases]
        case ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases if alias.name != "*"]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Match(cases=cases):
            return [name for case in cases for name in _captures(case.pattern)]
    if type(statement).__name__ == "TypeAlias":  # Python 3.12
        return list(names_in_target(statement.name))  # type: ignore[attr-defined]
    handlers = getattr(statement, "handlers", ())
    return [handler.name for handler in handlers if handler.name]


def _captures(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        name = getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name", None)
        if isinstance(name, str):
            yield name


def names_in_target(target: ast.expr) -> Iterator[str]:
    """The names that assigning to ``target`` binds; ``x[0]`` and ``x.a`` bind none."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            yield from names_in_target(item)
    elif isinstance(target, ast.Starred):
        yield from names_in_target(target.value)


def paired_targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each part of a target with the part of the value that it gets, as far as both are written out."""
    pairs = _pairs(target.elts, value) if isinstance(target, (ast.Tuple, ast.List)) else None
    if pairs is None:
        yield target, value
    else:
        for part, part_value in pairs:
            yield from paired_targets(part, part_value)


def looped_targets(target: ast.expr, items: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Each part of a loop's target with the expression whose items it gets; None where those are counted, or are keys."""
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    match items:
        case ast.Call(func=ast.Name(id="enumerate"), args=[counted, *_]) if len(parts) == 2 and not isinstance(counted, ast.Starred):
            yield parts[0], None
            yield from looped_targets(parts[1], counted)
        case ast.Call(func=ast.Name(id="zip"), args=args) if len(args) == len(parts) and not any(isinstance(item, ast.Starred) for item in (*args, *parts)):
            for part, item in zip(parts, args, strict=True):
                yield from looped_targets(part, item)
        case ast.Call(func=ast.Attribute(value=owner, attr="items"), args=[]) if len(parts) == 2:
            yield parts[0], None
            yield parts[1], owner
        case _:
            yield target, items


def _targets(target: ast.expr, value: ast.expr, place: Place) -> Iterator[Binding]:
    for part, part_value in paired_targets(target, value):
        if isinstance(part, ast.Name):
            yield _binding(part, part_value, place)
        elif isinstance(part, (ast.Tuple, ast.List)):
            for index, item in enumerate(part.elts):
                for name in names_in_target(item):
                    yield Binding(name, How.COMPUTED, item.lineno, place, part_value, item=index if isinstance(item, ast.Name) else None)


def _pairs(targets: list[ast.expr], value: ast.expr) -> list[tuple[ast.expr, ast.expr]] | None:
    """Target by target what ``a, *b = 1, 2, 3`` assigns; None where the value is not written out."""
    if not isinstance(value, (ast.Tuple, ast.List)) or any(isinstance(item, ast.Starred) for item in value.elts):
        return None
    values = value.elts
    star = next((place for place, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
    if star is None:
        return list(zip(targets, values, strict=True)) if len(targets) == len(values) else None
    after = len(targets) - star - 1
    if len(values) < star + after:
        return None
    middle = ast.copy_location(ast.List(elts=values[star : len(values) - after], ctx=ast.Load()), value)
    starred = targets[star]
    rest = [(starred.value, middle)] if isinstance(starred, ast.Starred) else []
    return [*zip(targets[:star], values, strict=False), *rest, *zip(targets[star + 1 :], values[len(values) - after :], strict=True)]


def _binding(target: ast.Name, value: ast.expr, place: Place) -> Binding:
    choices = _choices(value)
    how = How.TYPED if choices else How.COPIED if isinstance(value, ast.Name) else How.COMPUTED
    return Binding(target.id, how, target.lineno, place, value, choices)


def _choices(value: ast.expr) -> tuple[object, ...]:
    """The values that a typed expression can have: one, or those of both sides of ``if else``."""
    if isinstance(value, ast.IfExp):
        first, second = _choices(value.body), _choices(value.orelse)
        return first + second if first and second else ()
    try:
        return (typed_value(value),)
    except NotTyped:
        return ()


def item_changes(body: Sequence[ast.stmt]) -> list[ItemChange]:
    """Every change of a part of a named container by the cell's own statements."""
    found: list[ItemChange] = []
    for statement, _ in statements(body):
        match statement:
            case ast.Assign(targets=targets, value=value):
                found += [change for target in targets for change in _stored(target, value)]
            case ast.AugAssign(target=ast.Subscript() as target, value=value):
                found += _stored(target, None)
            case ast.Delete(targets=targets):
                found += [change for target in targets for change in _stored(target, None)]
        found += [change for expression in own_expressions(statement) for node in inside(expression) for change in _called(node)]
    return found


def _stored(target: ast.expr, value: ast.expr | None) -> Iterator[ItemChange]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            yield from _stored(item, None)
    elif isinstance(target, ast.Subscript) and (name := root_name(target)) is not None:
        whole = isinstance(target.value, ast.Name)  # not an item of an item
        yield ItemChange(name, _outermost_key(target), value is not None and is_typed(value), target.lineno, value if whole else None)


def _called(node: ast.expr) -> Iterator[ItemChange]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=method), args=args, keywords=keywords) if method in CONTAINER_CHANGES:
            name = root_name(owner)
            if name is not None:
                typed = all(map(is_typed, args)) and all(is_typed(keyword.value) for keyword in keywords)
                yield ItemChange(name, _outermost_key(owner), typed, node.lineno)


def _outermost_key(node: ast.expr) -> object:
    """``"a"`` of ``name["a"][0]``: the item of the named container itself that is touched."""
    key: object = ANY_KEY
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        if isinstance(node, ast.Subscript):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else ANY_KEY
        node = node.func if isinstance(node, ast.Call) else node.value
    return key
