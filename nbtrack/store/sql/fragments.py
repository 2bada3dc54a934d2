"""Pieces of SQL that carry the values of their placeholders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nbtrack.store.sql.database import placeholders


class Sql(NamedTuple):
    """A statement, or a part of one, and the values of its ``?`` in order."""

    sql: str
    params: tuple[object, ...] = ()


TRUE = Sql("TRUE")


def joined(parts: Sequence[Sql], glue: str) -> Sql:
    """The parts with ``glue`` between them."""
    return Sql(glue.join(part.sql for part in parts), tuple(value for part in parts for value in part.params))


def all_of(*parts: Sql) -> Sql:
    """The conditions joined by AND, those that say nothing left out."""
    return joined([part for part in parts if part != TRUE] or [TRUE], " AND ")


def any_of(parts: Sequence[Sql]) -> Sql:
    """The conditions joined by OR, as a balanced tree: SQLite refuses expressions that are 1,000 deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return wrapped("({})", joined([any_of(parts[:middle]), any_of(parts[middle:])], " OR "))


def wrapped(form: str, part: Sql) -> Sql:
    """``form`` with the part in place of its ``{}``."""
    return Sql(form.format(part.sql), part.params)


def followed(part: Sql, text: str, *values: object) -> Sql:
    """The part and then ``text``, whose placeholders have ``values``."""
    return Sql(part.sql + text, (*part.params, *values))


def among(column: Sql, values: Sequence[object]) -> Sql:
    """Whether the column is one of the values."""
    return followed(column, " = ?", *values) if len(values) == 1 else followed(column, f" IN ({placeholders(len(values))})", *values)
