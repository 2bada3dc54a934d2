"""What the SQL aggregates need of a database, so that SQLite and PostgreSQL can both be it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

Dialect = Literal["sqlite", "postgresql"]


class Database(Protocol):
    """A database with a connection for each thread and process; statements have ``?`` placeholders.

    Outside ``write()`` each statement is its own transaction. Rows are handed over whole, so that no
    connection is left in the middle of a statement. Errors of the driver come out as
    ``nbtrack.errors.StoreError``.
    """

    dialect: Dialect

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside ``write()`` or ``read()``."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it changed."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row; call it inside ``write()``."""
        ...

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row of a query, or of a statement with ``RETURNING``; None if there is none."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        ...

    def write(self) -> AbstractContextManager[None]:
        """A transaction that holds the write lock from its start: all or none.

        Nests: an inner block that raises takes back what it did, and only that.
        """
        ...

    def read(self) -> AbstractContextManager[None]:
        """One consistent picture for all queries inside; nothing is written in it."""
        ...

    def close(self) -> None:
        """Close the connections of all threads of this process; the next call opens new ones."""
        ...


def placeholders(count: int) -> str:
    """``?, ?, ?`` for an ``IN`` list."""
    return ", ".join("?" * count)


def chunks(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Cut ``items`` so that each part fits the limit of parameters in one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
