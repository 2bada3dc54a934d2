"""Typed params and their corrections."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrack.entities import Origin, Param, ParamChange, RunStatus
from nbtrack.errors import ParamFrozen
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import decode_change, encode_change, encode_param, now_ms, param, run_key, same_param

_UPSERT = """INSERT INTO params (run, key, type, text, number, json, origin, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, key) DO UPDATE SET type = excluded.type, text = excluded.text, number = excluded.number,
        json = excluded.json, origin = excluded.origin, line = excluded.line"""


class SqlParams:
    """``ParamStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, run_id: str, params: Sequence[Param], *, write_once: bool = False) -> None:
        encoded = [(item, encode_param(item.key, item.value)) for item in params]  # refuse before the first change
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            known = {item.key: item for item in self._stored(key, [item.key for item in params] if len(params) < 20 else None)}
            ended = self._ended(key)
            for item, columns in encoded:
                old = known.get(item.key)
                if old is not None and not self._correct(key, run_id, old, item, ended=ended, write_once=write_once):
                    continue
                self._database.execute(_UPSERT, (key, item.key, *columns, item.origin.value, item.line))
                known[item.key] = item

    def all(self, run_id: str) -> list[Param]:
        return self._stored(run_key(self._database, run_id))

    def history(self, run_id: str) -> list[ParamChange]:
        rows = self._database.rows("SELECT key, old, new, timestamp FROM param_changes WHERE run = ? ORDER BY id", (run_key(self._database, run_id),))
        return [ParamChange(key, decode_change(old), decode_change(new), timestamp) for key, old, new, timestamp in rows]

    def _stored(self, run: int, keys: Sequence[str] | None = None) -> list[Param]:
        columns = "SELECT key, type, text, json, origin, line FROM params WHERE run = ?"
        if keys is None:
            return [param(row) for row in self._database.rows(f"{columns} ORDER BY key", (run,))]
        found = (self._database.row(f"{columns} AND key = ?", (run, key)) for key in keys)
        return [param(row) for row in found if row is not None]

    def _ended(self, run: int) -> bool:
        return RunStatus(self._database.row("SELECT status FROM runs WHERE id = ?", (run,))[0]).ended

    def _correct(self, run: int, run_id: str, old: Param, new: Param, *, ended: bool, write_once: bool) -> bool:
        """Whether ``new`` is to be written over ``old``; notes the change in the history."""
        if new.origin is not Origin.LOGGED and old.origin is Origin.LOGGED:
            return False
        if same_param(old.value, new.value):
            return old.origin is not new.origin
        if ended or (write_once and old.origin is new.origin):
            _refuse(run_id, old, new, write_once=write_once)
        self._database.execute(
            "INSERT INTO param_changes (run, key, old, new, timestamp) VALUES (?, ?, ?, ?, ?)",
            (run, new.key, encode_change(old.value), encode_change(new.value), now_ms()),
        )
        return True


def _refuse(run_id: str, old: Param, new: Param, *, write_once: bool) -> None:
    if write_once:
        raise ParamFrozen(
            f"Changing param values is not allowed. Param with key={old.key!r} was already logged with value={str(old.value)!r} "
            f"for run ID={run_id!r}. Attempted logging new value {str(new.value)!r}."
        )
    raise ParamFrozen(
        f"the run {run_id} has ended, so its param {old.key!r} stays {old.value!r}; found the new value {new.value!r}. "
        "Start a new run for other params, or resume this one to correct it: start_run(run_id=...)"
    )
