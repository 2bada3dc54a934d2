"""What the SQL aggregates need of a database, so that SQLite and PostgreSQL can both be it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

Dialect = Literal["sqlite", "postgresql"]


class Cursor(Protocol):
    """The part of a DB-API cursor that the aggregates use."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """A database with a connection for each thread and process; statements have ``?`` placeholders.

    Outside ``write()`` each statement is its own transaction. Errors of the driver come out as
    ``nbtrack.errors.StoreError``.
    """

    dialect: Dialect

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row; call it inside ``write()``."""
        ...

    def write(self) -> AbstractContextManager[None]:
        """A transaction that holds the write lock from its start: all or none. Nests."""
        ...

    def close(self) -> None:
        """Close the connections of all threads of this process."""
        ...


def placeholders(count: int) -> str:
    """``?, ?, ?`` for an ``IN`` list."""
    return ", ".join("?" * count)


def chunks(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Cut ``items`` so that each part fits the limit of parameters in one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
