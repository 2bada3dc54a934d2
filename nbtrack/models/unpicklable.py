"""Find out which part of a model cannot be pickled, so that the message can name it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

_MAX_DEPTH = 12  # attributes of attributes


def find_unpicklable(model: Any, name: str, dump: Callable[[Any], object]) -> tuple[str, str]:
    """Path and type of the innermost part of ``model`` that ``dump`` raises for.

    The path starts with ``name`` and reads as Python where it can: ``model.steps[1][1].callback``.
    """
    path, culprit = name, model
    seen = {id(model)}
    for _ in range(_MAX_DEPTH):
        for label, child in _parts(culprit):
            if id(child) not in seen and not _can_dump(child, dump):
                seen.add(id(child))
                path, culprit = f"{path}{label}", child
                break
        else:
            break
    return path, _kind(culprit)


def _can_dump(value: Any, dump: Callable[[Any], object]) -> bool:
    try:
        dump(value)
    except Exception:  # whatever a method of the value raises is why it cannot
        return False
    return True


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value is made of, each with how Python would reach it."""
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{position}]", item) for position, item in enumerate(value))
    elif isinstance(value, types.FunctionType):
        yield from ((f" (its global {key})", item) for key, item in _globals_of(value).items())
        cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=False)
        yield from ((f" (its variable {key})", cell.cell_contents) for key, cell in cells if _is_full(cell))
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif isinstance(value, type):
        yield from ((f".{key}", item) for key, item in vars(value).items() if not key.startswith("__"))
    else:
        yield from ((f".{key}", item) for key, item in _state(value).items())
        if type(value).__module__ == "__main__":
            yield " (its class)", type(value)


def _state(value: Any) -> dict[str, Any]:
    """What pickle would write of an object: its attributes, as ``__getstate__`` leaves them."""
    own = getattr(type(value), "__getstate__", None)
    if own is not None and own is not getattr(object, "__getstate__", None):
        try:
            state = own(value)
        except Exception:  # the error of this very method is what is being explained
            state = None
        if isinstance(state, dict):
            return state
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str) and hasattr(value, name)]
    return {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots if name not in ("__dict__", "__weakref__")}}


def _globals_of(function: types.FunctionType) -> dict[str, Any]:
    names: set[str] = set()
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        names |= set(code.co_names)
        pending += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # not bound yet
        return False


def _kind(value: Any) -> str:
    module = type(value).__module__
    return type(value).__qualname__ if module == "builtins" else f"{module}.{type(value).__qualname__}"
