"""A cell's source as a Python syntax tree, IPython's own syntax included, without IPython.

Magics, ``!commands`` and ``help?`` lines become calls on ``get_ipython()``, as IPython itself
writes them, and every statement keeps its line: findings and params name the line that the
user sees. Cell magics that run their body in the notebook's namespace (``%%time``,
``%%capture``, ``%%track_run``) are read through; the body of any other is not Python of this
kernel and stays unread.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# Cell magics whose body IPython runs in the notebook's namespace. %%timeit runs it too, but keeps
# the names for itself.
BODY_MAGICS = frozenset({"time", "capture", "prun", "track_run", "timeit"})

_LINE_MAGIC = re.compile(r"(?P<indent>\s*)%(?P<name>\w[\w.]*)(?P<args>[ \t].*)?$")
_CELL_MAGIC = re.compile(r"%%(?P<name>\w[\w.]*)(?P<args>[ \t].*)?$")
_SHELL = re.compile(r"(?P<indent>\s*)(?P<bang>!!?)(?P<command>.*)$")
_ASSIGNED = re.compile(r"(?P<target>\s*[^\W\d][\w.,\s\[\]()*]*=\s*)(?P<escape>[%!])(?P<rest>\S.*)$")
_HELP = re.compile(r"(?P<indent>\s*)(?:\?{1,2}\s*(?P<before>%{0,2}[^\W\d][\w.*]*)|(?P<after>%{0,2}[^\W\d][\w.*]*(?:\[[^\]]*\])?)\?{1,2})\s*;?\s*$")
_STRING = re.compile(r"'''|\"\"\"|'|\"|\#|[()\[\]{}]")


@dataclass(frozen=True)
class ParsedCell:
    """A cell's tree, or an empty one with the ``problem`` that kept it from being read.

    The tree is shared between callers: read it, never change it. ``own_scope`` is True for a cell
    whose names do not reach the notebook (``%%timeit``).
    """

    tree: ast.Module
    problem: str | None = None
    own_scope: bool = False


def parse_cell(source: str, *, transformed: str | None = None) -> ParsedCell:
    """The tree of ``source``; never raises, whatever the text.

    ``transformed`` is what IPython made of the cell. It is only used where ``source`` itself
    can't be read here, since its lines may differ from the ones that the user sees.
    """
    parsed = _parse(source)
    if parsed.problem is not None and transformed is not None:
        second = _parse(transformed)
        return second if second.problem is None else parsed
    return parsed


@lru_cache(maxsize=1024)
def _parse(source: str) -> ParsedCell:
    tree, problem = _tree(source)
    own_scope = False
    if tree is None:
        python, own_scope = plain_python(source)
        tree, problem = _tree(python)
    if tree is None:
        return ParsedCell(ast.Module(body=[], type_ignores=[]), problem)
    inner = _cell_magic_text(tree)
    return _parse(inner) if inner is not None and inner != source else ParsedCell(_TimedLines().visit(tree), None, own_scope)


def _tree(python: str) -> tuple[ast.Module | None, str | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user saw "invalid escape sequence" when the cell ran
        try:
            return ast.parse(python), None
        except SyntaxError as error:
            return None, f"line {error.lineno or 1}: {error.msg}"
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:  # NUL bytes, lone surrogates, thousands of brackets
            return None, str(error) or type(error).__name__


def _cell_magic_text(tree: ast.Module) -> str | None:
    """The cell as it was typed, where ``tree`` is IPython's ``run_cell_magic('time', '', body)``."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    called = magic_call(tree.body[0].value)
    if called is None or called[0] != "run_cell_magic" or len(called[2]) != 2:
        return None
    args, body = called[2]
    return f"%%{called[1]} {args}".rstrip() + "\n" + body if called[1] in BODY_MAGICS else None


class _TimedLines(ast.NodeTransformer):
    """Puts the statement of ``get_ipython().run_line_magic('time', 'y = f()')`` in the place of the call."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        called = magic_call(node.value)
        if called is None or called[:2] != ("run_line_magic", "time") or len(called[2]) != 1:
            return node
        timed, _ = _tree(called[2][0])
        return ast.increment_lineno(timed, node.lineno - 1).body if timed is not None and timed.body else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, ast.expr) else super().generic_visit(node)  # no statement is inside an expression


def magic_call(node: ast.expr) -> tuple[str, str, tuple[str, ...]] | None:
    """What ``get_ipython().<method>('name', 'more', ...)`` says: method, name, the other texts."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=method), args=args):
            texts = [arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            return (method, texts[0], tuple(texts[1:])) if texts and len(texts) == len(args) else None
    return None


def plain_python(source: str) -> tuple[str, bool]:
    """``source`` with IPython's syntax written as Python, line by line.

    Returns
    -------
    tuple of str and bool
        The text, with as many lines as ``source``, and whether its names stay its own
        (``%%timeit``).
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    head: list[str] = lines[:first]
    own_scope = False
    while first < len(lines) and (found := _CELL_MAGIC.match(lines[first])):
        name, args = found["name"], (found["args"] or "").strip()
        if name not in BODY_MAGICS:
            body = "\n".join(lines[first + 1 :])
            head.append(f"get_ipython().run_cell_magic({name!r}, {args!r}, {body!r})")
            return "\n".join([*head, *[""] * (len(lines) - len(head))]), own_scope
        own_scope = own_scope or name == "timeit"
        head.append(f"get_ipython().run_line_magic({name!r}, {args!r})")
        first += 1
        while first < len(lines) and not lines[first].strip():
            head.append("")
            first += 1
    body_lines = textwrap.dedent("\n".join(lines[first:])).split("\n") if first < len(lines) and lines[first][:1].isspace() else lines[first:]
    return "\n".join([*head, *_translated(body_lines)]), own_scope


def _translated(lines: list[str]) -> Iterator[str]:
    """The lines with those that begin a statement in IPython's syntax replaced."""
    state = _LineState()
    pending: list[str] = []  # the lines of one escaped command that goes on after a backslash
    for line in lines:
        if pending or (state.at_statement and _is_escaped(line)):
            pending.append(line)
            if line.endswith("\\"):
                continue
            joined = "".join(part[:-1] if part.endswith("\\") else part for part in pending)
            yield _as_call(joined)
            yield from [""] * (len(pending) - 1)
            pending = []
        else:
            state.read(line)
            yield line
    yield from pending


def _is_escaped(line: str) -> bool:
    return bool(_LINE_MAGIC.match(line) or _SHELL.match(line) or _ASSIGNED.match(line) or _HELP.match(line))


def _as_call(line: str) -> str:
    """One logical line of IPython's syntax as the call that IPython makes of it."""
    if found := _HELP.match(line):
        return f"{found['indent']}get_ipython().run_line_magic('pinfo', {found['before'] or found['after']!r})"
    if found := _LINE_MAGIC.match(line):
        args = (found["args"] or "").strip()
        if found["name"] == "time" and args and not args.startswith("-"):
            return found["indent"] + args  # %time y = f() runs the statement here and now
        return f"{found['indent']}get_ipython().run_line_magic({found['name']!r}, {args!r})"
    if found := _SHELL.match(line):
        method = "getoutput" if found["bang"] == "!!" else "system"
        return f"{found['indent']}get_ipython().{method}({found['command'].strip()!r})"
    found = _ASSIGNED.match(line)
    if found is None:
        return line
    if found["escape"] == "!":
        return f"{found['target']}get_ipython().getoutput({found['rest'].strip()!r})"
    name, _, args = found["rest"].strip().partition(" ")
    return f"{found['target']}get_ipython().run_line_magic({name!r}, {args.strip()!r})"


class _LineState:
    """Whether the next line begins a statement: no bracket, string or backslash is open."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote: str | None = None
        self._continued = False

    @property
    def at_statement(self) -> bool:
        return self._depth == 0 and self._quote is None and not self._continued

    def read(self, line: str) -> None:
        place = 0
        while place < len(line):
            place = self._next_token(line, place) if self._quote is None else self._end_of_string(line, place, self._quote)
        self._continued = self._quote is None and line.endswith("\\")

    def _next_token(self, line: str, place: int) -> int:
        found = _STRING.search(line, place)
        if found is None or found.group() == "#":
            return len(line)
        token = found.group()
        if token in "()[]{}":
            self._depth = max(0, self._depth - 1) if token in ")]}" else self._depth + 1
        elif len(token) == 3:
            self._quote = token
        else:
            return _end_of_short_string(line, found.end(), token)
        return found.end()

    def _end_of_string(self, line: str, place: int, quote: str) -> int:
        while (end := line.find(quote, place)) >= 0:
            backslashes = end - len(line[:end].rstrip("\\"))
            if backslashes % 2 == 0:
                self._quote = None
                return end + len(quote)
            place = end + 1
        return len(line)


def _end_of_short_string(line: str, place: int, quote: str) -> int:
    while place < len(line) and line[place] != quote:
        place += 2 if line[place] == "\\" else 1
    return place + 1
