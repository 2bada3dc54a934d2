"""What is known about a run beside its numbers: git, environment, kernel, seeds; and findings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import Finding, Severity
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import put_text, run_key, storable, to_json

# A fact longer than this is kept once for each content: runs of a session share their package list.
_SHARED_FROM_CHARS = 200
SHARED = "texts:"  # no JSON text begins so


class SqlFacts:
    """``FactStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, run_id: str, facts: Mapping[str, Any]) -> None:
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            for name, value in facts.items():
                self._database.execute(
                    "INSERT INTO run_facts (run, name, value) VALUES (?, ?, ?) ON CONFLICT (run, name) DO UPDATE SET value = excluded.value",
                    (key, name, self._shared(to_json(value))),
                )

    def all(self, run_id: str) -> dict[str, Any]:
        sql = (
            "SELECT f.name, coalesce(t.text, f.value) FROM run_facts f "
            f"LEFT JOIN texts t ON t.digest = substr(f.value, {len(SHARED) + 1}) AND substr(f.value, 1, {len(SHARED)}) = '{SHARED}' "
            "WHERE f.run = ? ORDER BY f.name"
        )
        return {name: json.loads(value) for name, value in self._database.rows(sql, (run_key(self._database, run_id),))}

    def add_findings(self, run_id: str, findings: Sequence[Finding]) -> None:
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            start = self._database.row("SELECT coalesce(max(position), 0) FROM findings WHERE run = ?", (key,))[0]
            self._database.executemany(
                "INSERT INTO findings (run, position, kind, severity, message, cell, line, evidence, fix) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(key, position, *_columns(finding)) for position, finding in enumerate(findings, start=start + 1)],
            )

    def findings(self, run_id: str) -> list[Finding]:
        sql = "SELECT kind, severity, message, cell, line, evidence, fix FROM findings WHERE run = ? ORDER BY position"
        return [
            Finding(kind, Severity(severity), message, cell, line, json.loads(evidence), fix)
            for kind, severity, message, cell, line, evidence, fix in self._database.rows(sql, (run_key(self._database, run_id),))
        ]

    def _shared(self, value: str) -> str:
        return value if len(value) < _SHARED_FROM_CHARS else SHARED + put_text(self._database, value)


def _columns(finding: Finding) -> tuple[object, ...]:
    cell = None if finding.cell is None else storable(finding.cell)
    return finding.kind, finding.severity.value, storable(finding.message), cell, finding.line, to_json(dict(finding.evidence)), storable(finding.fix)
