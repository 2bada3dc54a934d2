"""The place in the tokens where a parser stands, its limits, and how it refuses."""

from __future__ import annotations

from typing import NoReturn

from nbtrack.query.nodes import Expression, Operand, nesting
from nbtrack.query.tokens import Source, Token, TokenKind, tokenize

# What gets through must fit Python's stack, and SQLite's parser stack (100), depth of expressions (1,000) and parameters (32,766).
MAX_DEPTH = 50
MAX_NESTING = 56
_LIMITS = {"conditions": 500, "calculations": 100, "values": 10_000}


class Cursor:
    """Tokens, read one by one.

    ``wanted`` is what a message says is missing where an operand should start.
    """

    def __init__(self, source: Source, wanted: str) -> None:
        self.source = source
        self.wanted = wanted
        self._tokens = tokenize(source)
        self._place = 0
        self._depth = 0
        self._counts = dict.fromkeys(_LIMITS, 0)

    @property
    def depth(self) -> int:
        """How many parentheses and prefix operators are open."""
        return self._depth

    def peek(self, distance: int = 0) -> Token:
        """The token at a distance from the next one; the last token beyond the end."""
        return self._tokens[min(self._place + distance, len(self._tokens) - 1)]

    def next(self) -> Token:
        """The next token, which is then behind."""
        token = self.peek()
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def at(self, *words: str) -> bool:
        """Whether the next token is one of these keywords or symbols."""
        token = self.peek()
        return token.kind in (TokenKind.KEYWORD, TokenKind.SYMBOL) and token.text in words

    def accept(self, word: str) -> bool:
        """Go past the next token if it is this keyword or symbol."""
        found = self.at(word)
        if found:
            self.next()
        return found

    def check_nesting(self, node: Expression | Operand) -> None:
        """Refuse a tree whose SQL would overflow a database's parser."""
        if nesting(node) > MAX_NESTING:
            raise self.source.error(node.column, "calculations are nested too deeply here; write fewer parentheses")

    def descend(self, token: Token) -> None:
        """Go one level down."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.fail(token, f"this is nested too deeply (more than {MAX_DEPTH} levels)")

    def ascend(self) -> None:
        """Come back from ``descend``."""
        self._depth -= 1

    def count(self, what: str, token: Token) -> None:
        """Count something of which a filter may have only so many."""
        self._counts[what] += 1
        if self._counts[what] > _LIMITS[what]:
            self.fail(token, f"this is too long: more than {_LIMITS[what]:,} {what}")

    def close(self, opening: Token, otherwise: str) -> None:
        """Go past the ``)`` that belongs to ``opening``; ``otherwise`` says what else could stand there."""
        if self.accept(")"):
            return
        if self.peek().kind is TokenKind.END:
            self.fail(opening, "this '(' is never closed")
        self.fail(self.peek(), f"expected {otherwise}, found {self.peek()}")

    def fail(self, token: Token, problem: str) -> NoReturn:
        """Raise ``InvalidFilter`` at a token."""
        raise self.source.error(token.column, problem)

    def missing(self, token: Token) -> NoReturn:
        """Raise because no operand starts at a token."""
        place = self._tokens.index(token)
        before = self._tokens[place - 1] if place else None
        after = f" after {before}" if before else ""
        found = "" if token.kind is TokenKind.END else f", found {token}"
        self.fail(token, f"expected {self.wanted}{after}{found}")

    def spaced_key_hint(self) -> str:
        """A hint for ``metrics.val loss``, to be shown where ``loss`` was found instead of an operator."""
        token, before = self.peek(), self._tokens[self._place - 1] if self._place else None
        goes_on = self.peek(1).kind in (TokenKind.SYMBOL, TokenKind.KEYWORD, TokenKind.END)
        if before is None or token.kind is not TokenKind.NAME or len(before.parts) < 2 or not goes_on:
            return ""
        return f"; a key with spaces is quoted: {before.parts[0]}.`{'.'.join(before.parts[1:])} {token.source}`"

    def check_sign(self) -> None:
        """Refuse ``metrics.top-5``, which may mean a key or a calculation; the sign is the next token."""
        sign, before, after = self.peek(), self.peek(-1), self.peek(1)
        tight = before.end == sign.column and sign.end == after.column
        plain = after.kind is TokenKind.NUMBER or (after.kind is TokenKind.NAME and len(after.parts) == 1)
        if tight and plain and before.kind is TokenKind.NAME and len(before.parts) > 1 and "`" not in before.source:
            key = f"{'.'.join(before.parts[1:])}{sign.source}{after.source}"
            self.fail(sign, f"put spaces around '{sign.source}' to calculate, or quote the key: {before.parts[0]}.`{key}`")
