"""The append-only log; each row carries the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import Event
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import now_ms, to_json

FIRST_HASH = "0" * 64  # what the first row names as the hash before it
_COLUMNS = "sequence, timestamp, actor, action, subject, details, previous_hash, hash"


def event_hash(sequence: int, timestamp: int, actor: str, action: str, subject: str, details: str, previous_hash: str) -> str:
    """sha256 over the row as a JSON list, in hex; ``details`` is the stored JSON text."""
    row = json.dumps([sequence, timestamp, actor, action, subject, details, previous_hash], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(row.encode()).hexdigest()


class SqlEvents:
    """``EventStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, *, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> Event:
        text = to_json(dict(details))
        with self._database.write():  # the lock makes reading the last hash and writing the next one step
            last = self._database.execute("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
            sequence, previous = (last[0] + 1, last[1]) if last else (1, FIRST_HASH)
            timestamp = now_ms()
            digest = event_hash(sequence, timestamp, actor, action, subject, text, previous)
            row = (sequence, timestamp, actor, action, subject, text, previous, digest)
            self._database.execute(f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return _event(row)

    def list(self, *, subject: str | None = None, limit: int | None = None) -> list[Event]:
        where, parameters = ("WHERE subject = ?", [subject]) if subject is not None else ("", [])
        sql = f"SELECT {_COLUMNS} FROM events {where} ORDER BY sequence DESC" + (" LIMIT ?" if limit is not None else "")
        rows = self._database.execute(sql, [*parameters, limit] if limit is not None else parameters).fetchall()
        return [_event(row) for row in reversed(rows)]

    def verify(self) -> list[str]:
        problems: list[str] = []
        expected, previous = 1, FIRST_HASH
        for row in self._database.execute(f"SELECT {_COLUMNS} FROM events ORDER BY sequence"):
            sequence, digest = row[0], row[7]
            if sequence != expected:
                problems.append(f"event {expected} is missing: the row after event {expected - 1} is event {sequence}")
            elif row[6] != previous:
                problems.append(f"event {sequence} ({row[3]} {row[4]}) does not follow event {sequence - 1}: its previous hash is another")
            if event_hash(*row[:7]) != digest:
                problems.append(f"event {sequence} ({row[3]} {row[4]}) was changed after it was written: its content does not give its hash")
            expected, previous = sequence + 1, digest
        return problems


def _event(row: Sequence[Any]) -> Event:
    sequence, timestamp, actor, action, subject, details, previous_hash, digest = row
    return Event(sequence, timestamp, actor, action, subject, json.loads(details), previous_hash, digest)
