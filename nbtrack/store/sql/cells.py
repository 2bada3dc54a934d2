"""Executed cells, the code of runs, and what the cells showed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import Cell, CellOutput, CellRole, OutputKind, RunCell, RunCode
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import now_ms, put_text, run_key, storable, to_json

_CELL = "c.position, t.text, c.cell_id, c.execution_count, c.started, c.duration, c.succeeded"


class SqlCells:
    """``CellStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_code(self, run_id: str, code: RunCode) -> None:
        session = code.session_id or run_id  # a run outside a kernel session has one of its own
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            if session == run_id:
                self._database.execute("DELETE FROM cells WHERE session_id = ?", (session,))
            self.record(session, [item.cell for item in code.cells])
            self._database.execute("DELETE FROM run_cells WHERE run = ?", (key,))
            self._database.execute(
                "INSERT INTO run_code (run, session_id, unresolved) VALUES (?, ?, ?) "
                "ON CONFLICT (run) DO UPDATE SET session_id = excluded.session_id, unresolved = excluded.unresolved",
                (key, session, to_json(list(code.unresolved))),
            )
            self._database.executemany(
                "INSERT INTO run_cells (run, position, role, names) VALUES (?, ?, ?, ?)",
                [(key, item.cell.position, item.role.value, to_json(list(item.names))) for item in code.cells],
            )

    def code(self, run_id: str) -> RunCode:
        sql = (
            f"SELECT x.role, x.names, {_CELL} FROM run_cells x JOIN cells c ON c.session_id = ? AND c.position = x.position "
            "JOIN texts t ON t.digest = c.source WHERE x.run = ? ORDER BY x.position"
        )
        with self._database.read():
            key = run_key(self._database, run_id)
            row = self._database.row("SELECT session_id, unresolved FROM run_code WHERE run = ?", (key,))
            if row is None:
                return RunCode()
            found = self._database.rows(sql, (row[0], key))
        cells = tuple(RunCell(_cell(cell), CellRole(role), tuple(json.loads(names))) for role, names, *cell in found)
        return RunCode(None if row[0] == run_id else row[0], cells, tuple(json.loads(row[1])))

    def record(self, session_id: str, cells: Sequence[Cell], *, facts: Mapping[str, Any] | None = None) -> None:
        with self._database.write():
            self._database.execute(
                "INSERT INTO kernel_sessions (session_id, last_used) VALUES (?, ?) ON CONFLICT (session_id) DO UPDATE SET last_used = excluded.last_used",
                (session_id, now_ms()),
            )
            if facts is not None:
                self._database.execute("UPDATE kernel_sessions SET facts = ? WHERE session_id = ?", (to_json(dict(facts)), session_id))
            self._database.executemany(
                "INSERT INTO cells (session_id, position, source, cell_id, execution_count, started, duration, succeeded) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (session_id, position) DO UPDATE SET duration = coalesce(excluded.duration, cells.duration), succeeded = excluded.succeeded",
                [(session_id, cell.position, put_text(self._database, cell.source), *_cell_columns(cell)) for cell in cells],
            )

    def history(self, session_id: str) -> list[Cell]:
        sql = f"SELECT {_CELL} FROM cells c JOIN texts t ON t.digest = c.source WHERE c.session_id = ? ORDER BY c.position"
        return [_cell(row) for row in self._database.rows(sql, (session_id,))]

    def add_outputs(self, run_id: str, outputs: Sequence[CellOutput]) -> None:
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            start = self._database.row("SELECT coalesce(max(position), 0) FROM run_outputs WHERE run = ?", (key,))[0]
            self._database.executemany(
                "INSERT INTO run_outputs (run, position, kind, media_type, text, artifact, truncated_chars) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (key, position, output.kind.value, output.media_type, storable(output.text), output.artifact, output.truncated_chars)
                    for position, output in enumerate(outputs, start=start + 1)
                ],
            )

    def outputs(self, run_id: str) -> list[CellOutput]:
        key = run_key(self._database, run_id)
        sql = "SELECT kind, text, media_type, artifact, truncated_chars FROM run_outputs WHERE run = ? ORDER BY position"
        return [CellOutput(OutputKind(row[0]), *row[1:]) for row in self._database.rows(sql, (key,))]


def _cell_columns(cell: Cell) -> tuple[object, ...]:
    return cell.cell_id, cell.execution_count, cell.started, cell.duration, int(cell.succeeded)


def _cell(row: Sequence[Any]) -> Cell:
    position, source, cell_id, execution_count, started, duration, succeeded = row
    return Cell(position, source, cell_id, execution_count, started, duration, bool(succeeded))
