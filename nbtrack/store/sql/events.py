"""The append-only log; each row carries the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import Event
from nbtrack.errors import StoreCorrupt, StoreError
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import now_ms, storable, to_json

FIRST_HASH = "0" * 64  # what the first row names as the hash before it
_COLUMNS = "sequence, timestamp, actor, action, subject, details, previous_hash, hash"


def event_hash(sequence: int, timestamp: int, actor: str, action: str, subject: str, details: str, previous_hash: str) -> str:
    """sha256 over the row as a JSON list, in hex; ``details`` is the stored JSON text."""
    # default: a row that was tampered with may hold what no row of ours holds, such as bytes.
    row = json.dumps([sequence, timestamp, actor, action, subject, details, previous_hash], ensure_ascii=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(row.encode()).hexdigest()


class SqlEvents:
    """``EventStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, *, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> Event:
        content = (storable(actor), storable(action), storable(subject), to_json(dict(details)))
        with self._database.write():  # the lock makes reading the last hash and writing the next one a single step
            last, previous = self._database.row("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1") or (0, FIRST_HASH)
            row = (last + 1, now_ms(), *content, previous)
            digest = event_hash(*row)
            self._database.execute(f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, digest))
            self._database.execute(
                "INSERT INTO events_head (id, sequence, hash) VALUES (1, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
                (last + 1, digest),
            )
        return _event((*row, digest))

    def verify(self) -> list[str]:
        with self._database.read():
            try:
                rows = self._database.rows(f"SELECT {_COLUMNS} FROM events ORDER BY sequence")
            except StoreCorrupt:
                raise
            except StoreError as error:
                return [f"the events can't be read: {error}"]
            head = self._database.row("SELECT sequence, hash FROM events_head")
        problems: list[str] = []
        expected, previous = 1, FIRST_HASH
        for row in rows:
            sequence, digest = row[0], row[7]
            if sequence != expected:
                problems.append(f"event {expected} is missing: the row after event {expected - 1} is event {sequence}")
            elif row[6] != previous:
                problems.append(f"event {sequence} ({row[3]} {row[4]}) does not follow event {sequence - 1}: its previous hash is another")
            if event_hash(*row[:7]) != digest:
                problems.append(f"event {sequence} ({row[3]} {row[4]}) was changed after it was written: its content does not give its hash")
            expected, previous = sequence + 1, digest
        written, last = head or (0, FIRST_HASH)
        if written != expected - 1:
            problems.append(f"the log ends with event {expected - 1}, but event {written} was the last one written")
        elif last != previous:
            problems.append(f"event {written} is not the one that was written as the last: its hash is another")
        return problems

    def list(self, *, subject: str | None = None, limit: int | None = None) -> list[Event]:
        where, parameters = ("", []) if subject is None else ("WHERE subject = ?", [storable(subject)])
        end, ends = ("", []) if limit is None else (" LIMIT ?", [limit])
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM events {where} ORDER BY sequence DESC{end}", [*parameters, *ends])
        return [_event(row) for row in reversed(rows)]


def _event(row: Sequence[Any]) -> Event:
    sequence, timestamp, actor, action, subject, details, previous_hash, digest = row
    return Event(sequence, timestamp, actor, action, subject, json.loads(details), previous_hash, digest)
