"""What a cell calls, and which library the called thing belongs to.

A callee is followed to its library through the imports of this and of earlier cells, through the
classes that names were made from (``model = RandomForestClassifier()``, then ``model.fit(...)``),
and, where the caller can say what a name holds, through the object itself.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nbtrack.capture.bindings import Binding, How, Place, inside, own_expressions, statements
from nbtrack.capture.scalars import isinstance_safe

CALLED = "()"
ITEM = "[]"

# Functions, not classes, that return a model rather than data.
_MAKES_MODELS = frozenset("make_pipeline make_column_transformer make_union train fit clone compile from_pretrained from_formula ols logit glm".split())


@dataclass(frozen=True)
class Callee:
    """``a.b(...)["c"].d`` as the name ``a`` and the parts ``b () [] d``; ``root`` is None without a name."""

    root: str | None
    parts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The dotted names alone: ``a.b.d``."""
        names = [part for part in self.parts if part not in (CALLED, ITEM)]
        return ".".join(names if self.root is None else [self.root, *names])


@dataclass(frozen=True)
class CallSite:
    """A call by a statement of the cell's own."""

    callee: Callee
    node: ast.Call
    place: Place

    @property
    def line(self) -> int:
        """The line that the call begins on."""
        return self.node.lineno


@dataclass(frozen=True)
class Target:
    """What a callee is: its dotted ``path``, and the ``label`` that a reader knows it by.

    ``method`` is True for what is called on an object: ``model.fit`` has the path
    ``sklearn.ensemble.RandomForestClassifier.fit`` and the label ``model.fit``.
    """

    path: str
    label: str
    method: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def callee_of(node: ast.expr) -> Callee:
    """The chain of names that leads to ``node``."""
    parts: list[str] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner, attr=name):
                parts.append(name)
            case ast.Subscript(value=inner):
                parts.append(ITEM)
            case ast.Call(func=inner):
                parts.append(CALLED)
            case ast.Await(value=inner):
                pass
            case _:
                return Callee(None, tuple(reversed(parts)))
        node = inner
    return Callee(node.id, tuple(reversed(parts)))


def calls(body: Sequence[ast.stmt]) -> list[CallSite]:
    """Every call by the cell's own statements; those inside lambdas and functions are left out."""
    return [site for statement, place in statements(body) for expression in own_expressions(statement) for site in calls_in(expression, place)]


def calls_in(expression: ast.expr, place: Place) -> Iterator[CallSite]:
    """The calls within one expression."""
    for node in inside(expression):
        if isinstance(node, ast.Call):
            yield CallSite(callee_of(node.func), node, place)


def imports(body: Sequence[ast.stmt]) -> dict[str, str]:
    """The names that the cell's own statements import, each with the dotted path of what it is."""
    found: dict[str, str] = {}
    for statement, _ in statements(body):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                found[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            found.update({alias.asname or alias.name: f"{statement.module}.{alias.name}" for alias in statement.names if alias.name != "*"})
    return found


@dataclass(frozen=True)
class Resolver:
    """Finds out what a callee is.

    ``imports`` and ``objects`` map names to dotted paths: of what was imported, and of the class
    or function that made the object. ``resolve`` returns what a name holds, or raises KeyError.
    """

    imports: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    resolve: Callable[[str], object] | None = None

    def target(self, callee: Callee) -> Target | None:
        """What ``callee`` is, or None where nothing tells."""
        root = callee.root
        if root is None:
            return None
        if root in self.imports:
            return _imported(self.imports[root], callee)
        held = self._held(callee)
        if held is not None:
            return held
        if root in self.objects:
            names = [part for part in callee.parts if part not in (CALLED, ITEM)]
            return Target(".".join([self.objects[root], *names]), callee.text, method=True)
        return None

    def _held(self, callee: Callee) -> Target | None:
        if self.resolve is None or callee.root is None:
            return None
        try:
            value = self.resolve(callee.root)
        except KeyError:
            return None
        path = import_path(value)
        if path is not None:
            return _imported(path, callee)
        method = next((part for part in callee.parts if part not in (CALLED, ITEM)), "__call__")
        path = _class_path(type(value), method)
        return None if path is None else Target(f"{path}.{method}", callee.text, method=True)


def import_path(value: object) -> str | None:
    """The dotted path of a module, class or function; None for any other object."""
    if isinstance_safe(value, types.ModuleType):
        name = object.__getattribute__(value, "__dict__").get("__name__")
        return name if isinstance(name, str) else None
    if isinstance_safe(value, type) and isinstance(value, type):
        return _class_path(value, None)
    if type(value) in (types.FunctionType, types.BuiltinFunctionType) and isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return None


def _class_path(cls: type, method: str | None) -> str | None:
    """Where ``cls`` lives, or where the base class lives that gives it ``method``."""
    bases = type.__getattribute__(cls, "__mro__")
    home = next((base for base in bases if method in type.__getattribute__(base, "__dict__")), cls) if method is not None else cls
    module, name = type.__getattribute__(home, "__module__"), type.__getattribute__(home, "__qualname__")
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else None


def _imported(path: str, callee: Callee) -> Target:
    """What is reached from an imported name: the parts up to the first call lie in the library."""
    cut = next((index for index, part in enumerate(callee.parts) if part in (CALLED, ITEM)), len(callee.parts))
    direct = callee.parts[:cut]
    later = [part for part in callee.parts[cut:] if part not in (CALLED, ITEM)]
    # Optimizer.from_config(...) is a call on a class: its label keeps the class.
    owner = [*direct[-2:-1]] if len(direct) > 1 and direct[-2][:1].isupper() else []
    label = [*owner, direct[-1]] if direct else [callee.root or ""]
    return Target(".".join([path, *direct, *later]), ".".join([*label, *later]), method=bool(later))


def made_objects(found: Sequence[Binding], resolver: Resolver) -> dict[str, str]:
    """Names bound to an object that a library's class or factory made, with that path.

    The outcome of ``train_test_split(...)`` and the like is data, whatever library splits it.
    """
    made: dict[str, str] = {}
    for binding in found:
        made.pop(binding.name, None)
        if binding.how is How.COMPUTED and binding.item is None and isinstance(binding.value, ast.Call):
            known = Resolver(resolver.imports, {**resolver.objects, **made})
            target = known.target(callee_of(binding.value.func))
            if target is not None and (target.name[:1].isupper() or target.name in _MAKES_MODELS):
                made[binding.name] = target.path
    return made
