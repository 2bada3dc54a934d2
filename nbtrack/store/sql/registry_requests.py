"""Promotion requests and what was said to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.entities import Approval, ModelStage, PromotionRequest, RequestState, Verdict
from nbtrack.errors import AlreadyExists, Conflict, RequestNotFound
from nbtrack.store.registry_base import Cause
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.registry_rows import ChangeLog, version_key, version_subject
from nbtrack.store.sql.rows import now_ms, storable

_SELECT = (
    "SELECT r.id, n.name, v.version, r.stage, r.requested_by, r.timestamp, r.reason, r.archive_existing, r.state, r.closed_time "
    "FROM promotion_requests r JOIN model_versions v ON v.id = r.version JOIN registered_models n ON n.id = v.model"
)
_CLOSING = {RequestState.DONE: "request.done", RequestState.REJECTED: "request.reject", RequestState.WITHDRAWN: "request.cancel"}


class SqlPromotionRequests:
    """``PromotionRequestStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = ChangeLog(database)

    def open(self, name: str, version: int, stage: ModelStage, *, archive_existing_versions: bool, cause: Cause) -> PromotionRequest:
        with self._database.write():
            key = version_key(self._database, name, version)
            same = self._database.row("SELECT id, requested_by FROM promotion_requests WHERE version = ? AND stage = ? AND state = 'open'", (key, stage.value))
            if same is not None:
                raise AlreadyExists(
                    f"request {same[0]} by {same[1]} asks already for version {version} of {name!r} to go to {stage}. Approve, reject or cancel that one"
                )
            content = (key, stage.value, storable(cause.actor), now_ms(), storable(cause.reason or ""), int(archive_existing_versions))
            number = self._database.row(
                "INSERT INTO promotion_requests (version, stage, requested_by, timestamp, reason, archive_existing) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                content,
            )[0]
            after = {"request": number, "stage": stage.value, "archive_existing_versions": archive_existing_versions}
            self._log.write("request.open", version_subject(name, version), cause, after=after)
            return self.get(number)

    def get(self, request_id: int) -> PromotionRequest:
        with self._database.read():
            row = self._database.row(f"{_SELECT} WHERE r.id = ?", (request_id,))
            if row is None:
                raise RequestNotFound(f"there is no promotion request {request_id}. List them with: nbtrack registry requests")
            return self._request(row)

    def search(self, *, name: str | None = None, version: int | None = None, state: RequestState | None = None) -> list[PromotionRequest]:
        wanted = {"n.name = ?": name, "v.version = ?": version, "r.state = ?": None if state is None else state.value}
        given = {test: value for test, value in wanted.items() if value is not None}
        where = f" WHERE {' AND '.join(given)}" if given else ""
        with self._database.read():
            return [self._request(row) for row in self._database.rows(f"{_SELECT}{where} ORDER BY r.id", list(given.values()))]

    def say(self, request_id: int, approval: Approval, *, cause: Cause) -> PromotionRequest:
        with self._database.write():
            request = self._open(request_id)
            self._database.execute(
                "INSERT INTO request_approvals (request, user_id, verdict, timestamp, comment) VALUES (?, ?, ?, ?, ?)",
                (request_id, storable(approval.user), approval.verdict.value, approval.timestamp, storable(approval.comment)),
            )
            action = "request.approve" if approval.verdict is Verdict.APPROVED else "request.object"
            after = {"request": request_id, "stage": request.stage.value, "verdict": approval.verdict.value, "comment": storable(approval.comment)}
            self._log.write(action, version_subject(request.name, request.version), cause, after=after)
            return self.get(request_id)

    def close(self, request_id: int, state: RequestState, *, cause: Cause) -> PromotionRequest:
        with self._database.write():
            request = self._open(request_id)
            self._database.execute("UPDATE promotion_requests SET state = ?, closed_time = ? WHERE id = ?", (state.value, now_ms(), request_id))
            both = ({"request": request_id, "stage": request.stage.value, "state": each.value} for each in (request.state, state))
            self._log.write(_CLOSING[state], version_subject(request.name, request.version), cause, before=next(both), after=next(both))
            return self.get(request_id)

    def _open(self, request_id: int) -> PromotionRequest:
        request = self.get(request_id)
        if request.state is not RequestState.OPEN:
            raise Conflict(f"request {request_id} (version {request.version} of {request.name!r} to {request.stage}) is {request.state} already")
        return request

    def _request(self, row: Sequence[Any]) -> PromotionRequest:
        number, name, version, stage, user, timestamp, reason, archive, state, closed = row
        said = self._database.rows("SELECT user_id, verdict, timestamp, comment FROM request_approvals WHERE request = ? ORDER BY id", (number,))
        approvals = [Approval(who, Verdict(verdict), when, comment) for who, verdict, when, comment in said]
        return PromotionRequest(number, name, version, ModelStage(stage), user, timestamp, reason, bool(archive), RequestState(state), approvals, closed)
