"""What IPython's magics and shell lines do to the notebook's names, as far as their text says."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from nbtrack.capture.scopes import expression_reads

# These bring names of their own that nothing in the cell shows.
_OPAQUE = frozenset({"run", "pylab", "macro", "load", "loadpy", "recall", "rerun", "edit", "cython", "cython_inline", "R"})
_OPAQUE_METHODS = frozenset({"run_cell", "ex", "push", "run_code", "safe_execfile"})
# What follows these is Python that is run, though its names stay its own.
_RUN_PYTHON = frozenset({"timeit", "prun", "memit", "mprun", "lprun", "time"})

_BRACES = re.compile(r"\{([^{}]+)\}")
_DOLLAR = re.compile(r"\$([^\W\d]\w*)")
_BINDING_OPTION = re.compile(r"(?:--out|--err|--output|-o)[ =]+([^\W\d]\w*)")
_READING_OPTION = re.compile(r"(?:--input|-i)[ =]+([^\W\d][\w,]*)")
_SQL_RESULT = re.compile(r"\s*([^\W\d]\w*)\s*<<")
_OPTIONS = re.compile(r"\s*(?:-\w+(?:[ =]?\d+)?\s+)*")
# -p lr, -p lr=2*base, -m auc: what %%track_run is told to record
_TRACKED = re.compile(r"(?:-p|--param|-m|--metric)[ =]+([^\s=]+)(?:=(\S+))?")


@dataclass(frozen=True)
class MagicEffects:
    """The names that a magic may read and is sure to bind; ``opaque`` is its text where more can't be seen."""

    reads: frozenset[str] = frozenset()
    binds: tuple[str, ...] = ()
    opaque: str | None = None


def magic_effects(method: str, name: str, texts: tuple[str, ...]) -> MagicEffects:
    """The effects of ``get_ipython().<method>(name, *texts)``.

    For ``system`` and ``getoutput`` the first text, here ``name``, is the command itself.
    """
    if method in ("system", "getoutput"):
        return MagicEffects(reads=_interpolated(name))
    if method in _OPAQUE_METHODS:
        return MagicEffects(opaque=f"get_ipython().{method}(...)")
    args = texts[0] if texts else ""
    cell = method == "run_cell_magic"
    shown = f"{'%%' if cell else '%'}{name} {args}".strip()
    if name == "store" and "-r" in args.split():
        stored = tuple(word for word in args.split() if word.isidentifier())
        return MagicEffects(binds=stored, opaque=None if stored else shown)
    reads = _interpolated(args) | {word for group in _READING_OPTION.findall(args) for word in group.split(",") if word}
    if name in _RUN_PYTHON:
        reads |= _python_reads(args)
    if name == "track_run":
        reads |= {word for key, value in _TRACKED.findall(args) for word in (_python_reads(value) if value else {key})}
    binds = tuple(_BINDING_OPTION.findall(args)) if cell or name in ("sql", "bigquery") else ()
    if name == "capture":
        binds = tuple(word for word in args.split() if word.isidentifier())[:1]
    if name in ("sql", "bigquery") and (result := _SQL_RESULT.match(args)):
        binds = (*binds, result.group(1))
    return MagicEffects(frozenset(reads), binds, shown if name in _OPAQUE else None)


def _interpolated(text: str) -> frozenset[str]:
    """Names in ``{expression}`` and ``$name``, which IPython replaces by their values."""
    found = set(_DOLLAR.findall(text))
    for expression in _BRACES.findall(text):
        found |= _python_reads(expression)
    return frozenset(found)


def _python_reads(text: str) -> frozenset[str]:
    """The names that ``text``, options before it left out, would read; none if it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return frozenset(expression_reads(ast.parse(text[_end_of_options(text) :])))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return frozenset()  # awk '{print $1}', or a format specification


def _end_of_options(text: str) -> int:
    found = _OPTIONS.match(text)
    return found.end() if found else 0
