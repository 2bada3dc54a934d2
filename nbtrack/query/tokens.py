"""From text to tokens, with a message of its own for every usual slip of spelling."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from nbtrack.errors import InvalidFilter

KEYWORDS = frozenset("AND OR NOT IN IS NULL NAN LIKE ILIKE BETWEEN TRUE FALSE ASC DESC INF".split())

_EXACT_INTEGER = 2**53  # beyond it, integers and floats part ways
_SHOWN = 60  # characters of a token in a message

_QUOTED_KEY = r"`(?:[^`]|``)*`"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
    | (?P<name>(?:[^\W\d]\w*|{_QUOTED_KEY})(?:\.(?:\w+|{_QUOTED_KEY}|"(?:[^"]|"")*"|'(?:[^']|'')*'))*)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<symbol><=(?!>)|>=|<>|!=|==|=(?![<>~])|<(?!=>)|[>+\-*/(),])
    """,
    re.VERBOSE,
)
_PART = re.compile(rf"""\w+|{_QUOTED_KEY}|"(?:[^"]|"")*"|'(?:[^']|'')*'""")
_SLIPS = {
    "&&": "write AND instead of '&&'",
    "&": "write AND instead of '&'",
    "||": "write OR instead of '||'",
    "|": "write OR instead of '|'",
    "=>": "write >= instead of '=>'",
    "=<": "write <= instead of '=<'",
    "<=>": "write = instead of '<=>'",
    "=~": "write LIKE instead of '=~', with % for any text",
    "~": "write NOT instead of '~', or LIKE for a pattern",
    "!": "write NOT instead of '!', or != for unequal",
    "[": "write ( and ) around a list, not brackets",
    "]": "write ( and ) around a list, not brackets",
    ";": "one condition is joined to the next by AND or OR; remove the ';'",
}


class TokenKind(enum.Enum):
    """What a token is."""

    KEYWORD = "keyword"
    NAME = "name"  # a word, or words with dots; the key may be quoted
    NUMBER = "number"
    TEXT = "text"  # in single quotes
    QUOTED = "quoted"  # in double quotes: text on the value side of an operator, else an attribute
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True)
class Token:
    """A token: its source, the 1-based column, and its meaning (``parts`` of a name, unquoted)."""

    kind: TokenKind
    source: str
    column: int
    text: str = ""
    number: float = 0
    parts: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The column after the token."""
        return self.column + len(self.source)

    def __str__(self) -> str:
        if self.kind is TokenKind.END:
            return "the end"
        source = self.source if len(self.source) <= _SHOWN else f"{self.source[:_SHOWN]}..."
        return source if source[0] in "'\"`" else f"'{source}'"


@dataclass(frozen=True)
class Source:
    """The text that is being parsed, and what it is called in messages."""

    text: str
    what: str

    def error(self, column: int, problem: str) -> InvalidFilter:
        """The error for a problem at a 1-based column."""
        return InvalidFilter(problem, text=self.text, column=column, what=self.what)


def tokenize(source: Source) -> list[Token]:
    """The tokens of a text, the last one being ``END``. Raises ``InvalidFilter``."""
    _check_characters(source)
    tokens: list[Token] = []
    place = 0
    while place < len(source.text):
        found = _TOKEN.match(source.text, place)
        if found is None:
            raise _unreadable(source, place, tokens)
        if found.lastgroup != "space":
            tokens.append(_token(found))
        place = found.end()
    return [*tokens, Token(TokenKind.END, "", len(source.text) + 1)]


def exact(value: float) -> float:
    """A whole number as an integer, as long as a float can tell it from its neighbours; else a float."""
    return int(value) if abs(value) <= _EXACT_INTEGER and value == int(value) else float(value)


def _token(found: re.Match[str]) -> Token:
    source, column, group = found.group(), found.start() + 1, found.lastgroup
    if group == "number":
        return Token(TokenKind.NUMBER, source, column, number=_number(source))
    if group == "text":
        return Token(TokenKind.TEXT, source, column, text=_unquoted(source))
    if group == "quoted":
        return Token(TokenKind.QUOTED, source, column, text=_unquoted(source))
    if group == "symbol":
        return Token(TokenKind.SYMBOL, source, column, text={"==": "=", "<>": "!="}.get(source, source))
    if source.upper() in KEYWORDS:
        return Token(TokenKind.KEYWORD, source, column, text=source.upper())
    return Token(TokenKind.NAME, source, column, parts=tuple(_unquoted(part) for part in _PART.findall(source)))


def _number(source: str) -> float:
    value = float(source)
    return int(source) if source.isdigit() and abs(value) <= _EXACT_INTEGER else value


def _unquoted(source: str) -> str:
    quote = source[0]
    return source[1:-1].replace(quote * 2, quote) if quote in "'\"`" else source


def _check_characters(source: Source) -> None:
    """Refuse what no database stores as text."""
    try:
        source.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise source.error(error.start + 1, "half of a surrogate pair is no character; remove it") from None
    if "\0" in source.text:
        raise source.error(source.text.index("\0") + 1, "a NUL character can't be searched for; remove it")


def _unreadable(source: Source, place: int, tokens: list[Token]) -> InvalidFilter:
    """The error for text that is no token."""
    rest, column = source.text[place:], place + 1
    last = tokens[-1] if tokens else None
    attached = last is not None and last.kind is TokenKind.NAME and last.end == column
    if attached and last is not None and rest[0] == "." and rest[1:2] not in tuple("'\"`"):
        return source.error(column, f"expected a key after '{last.source}.'; quote keys with other characters: {last.source}.`my key`")
    quote = rest.lstrip(".")[:1]
    if quote and quote in "'\"`":
        hint = " (write '' for a quote inside a text)" if quote == "'" else ""
        return source.error(column + rest.index(quote), f"this {quote} is never closed{hint}")
    if rest[0] in "‘’“”´«»":
        return source.error(column, f"{rest[0]} is a typographic quote; write ' or \"")
    if found := re.match(r"[0-9.][\w.]*", rest):
        word = found.group()[:_SHOWN]
        return source.error(column, f"'{word}' is no number; quote text: '{word}'")
    for slip in sorted(_SLIPS, key=len, reverse=True):
        if rest.startswith(slip):
            return source.error(column, _SLIPS[slip])
    if attached and last is not None and len(last.parts) > 1:
        key = ".".join(last.parts[1:]) + re.match(r"[^\s=<>!()]*", rest).group()  # type: ignore[union-attr]  # it may match nothing
        return source.error(column, f"unexpected '{rest[0]}'; a key with other characters is quoted: {last.parts[0]}.`{key}`")
    return source.error(column, f"unexpected character {rest[0]!r}")
