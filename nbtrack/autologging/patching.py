"""Methods and functions of other libraries, replaced for a while and put back as they were.

A patched method is a descriptor. While nothing is to be logged of an object it hands out the
library's own bound method, so that no frame of ours stands in a traceback. The class keeps showing
the original function, since scikit-learn inspects it, and pickles hold the original too.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import weakref
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, Protocol


class Observer(Protocol):
    """Watches one call of a patched function. Its methods raise nothing of their own but interrupts."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def failed(self, error: BaseException) -> None: ...

    def finished(self, result: Any) -> None: ...


class Hook(Protocol):
    """What a patched function does around the original."""

    def wants(self, receiver: Any, /) -> bool:
        """Whether calls on ``receiver`` are to be observed."""
        ...

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        """The observer of a call that is about to begin; None to let it run unobserved. Raises nothing of its own."""
        ...

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        """``caller`` took the method of ``receiver``, probably to call it; nothing of ours will see the call."""
        ...


class Patched:
    """Stands for a function of a library."""

    def __init__(self, original: FunctionType, hook: Hook) -> None:
        self.original = original
        self.hook = hook
        functools.update_wrapper(self, original)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self.original
        if self.hook.wants(instance):
            return MethodType(self, instance)
        self.hook.note(instance, sys._getframe(1))
        return MethodType(self.original, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        caller = sys._getframe(1)
        observer = None if is_inside_fit(caller) else self.hook.begin(self.original, args, kwargs, caller)
        if observer is None:
            return self.original(*args, **kwargs)
        try:
            result = self.original(*observer.args, **observer.kwargs)
        except BaseException as error:
            observer.failed(error)
            raise
        observer.finished(result)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.getitem, ((self.original,), 0)


# The code of the functions that train: a call from below one of them is a part of that training.
_fit_codes: set[CodeType] = {Patched.__call__.__code__}


def is_inside_fit(frame: FrameType | None) -> bool:
    """Whether ``frame`` was called, at whatever distance, by a function that trains.

    The stack tells it in worker threads too: what scikit-learn hands to one begins with its own
    wrapper (cross-validation does so without a fit around it).
    """
    parallel = getattr(sys.modules.get("sklearn.utils.parallel"), "_FuncWrapper", None)
    worker = None if parallel is None else parallel.__call__.__code__
    while frame is not None:
        if frame.f_code in _fit_codes or frame.f_code is worker:
            return True
        frame = frame.f_back
    return False


class Patches:
    """Replaced attributes, in order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def method(self, cls: type, name: str, hook: Hook, *, trains: bool = True) -> None:
        """Patch a method where ``cls`` itself defines it as a plain function; nothing if it does not."""
        original = vars(cls).get(name)
        if type(original) is not FunctionType or getattr(original, "__isabstractmethod__", False):
            return
        if trains:
            _fit_codes.add(inspect.unwrap(original).__code__)  # decorators share one code among all that they decorate
        self.attribute(cls, name, Patched(original, hook))

    def function(self, module: Any, name: str, hook: Hook) -> None:
        """Patch a function of a module."""
        original = vars(module).get(name)
        if type(original) is FunctionType:
            self.attribute(module, name, Patched(original, hook))

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a class or module until `undo`."""
        missing = object()
        previous = vars(owner).get(name, missing)
        setattr(owner, name, value)
        reference = weakref.ref(owner)  # a class of a notebook goes when its cell is run again

        def undo() -> None:
            found = reference()
            if found is None or vars(found).get(name) is not value:
                return  # somebody else replaced it since; ours, if it is still called, does nothing any more
            if previous is missing:
                delattr(found, name)
            else:
                setattr(found, name, previous)

        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, last first."""
        while self._undo:
            self._undo.pop()()
