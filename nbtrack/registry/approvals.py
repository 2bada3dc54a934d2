"""Requests to promote, and the words of those who approve or reject them."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns

from nbtrack.entities import Approval, ModelStage, PromotionRequest, RequestState, Verdict
from nbtrack.errors import InvalidInput, InvalidStage, NotPermitted
from nbtrack.registry.access import check_reason
from nbtrack.registry.evidence import gather
from nbtrack.registry.names import ACTIVE_STAGES, check_archives, parse_stage, parse_version
from nbtrack.registry.policy import authors, check, counted_approvals
from nbtrack.registry.policy_file import Rule
from nbtrack.registry.promotions import Promotions, condition_details


class Approvals(Promotions):
    """The verbs on promotion requests."""

    def request_transition(
        self, name: str, version: int | str, stage: str | ModelStage, archive_existing_versions: bool = False, comment: str | None = None
    ) -> PromotionRequest:
        """Ask others to approve a promotion to Staging or Production.

        It is carried out with the last approval that it needs (one at least), if it satisfies the policy then.

        Raises
        ------
        AlreadyExists
            An open request asks for the same.
        InvalidStage, InvalidPolicy, ModelVersionNotFound
        """
        wanted = parse_stage(stage)
        if wanted not in ACTIVE_STAGES:
            raise InvalidStage(f"a promotion goes to {' or '.join(item.value for item in ACTIVE_STAGES)}, not to {wanted}: that needs no approval")
        if archive_existing_versions:
            check_archives(wanted)
        self._rules(name, wanted)  # a policy with an error is told now, and not to the last approver
        cause = self._cause(comment)
        return self._tables.requests.open(name, parse_version(version), wanted, archive_existing_versions=archive_existing_versions, cause=cause)

    def approve(self, request_id: int, comment: str | None = None) -> PromotionRequest:
        """Approve a request, which carries it out if this was the last thing that it waited for; see its ``state``.

        Raises
        ------
        NotPermitted
            An author can't approve, nor someone whom the policy doesn't name.
        Conflict
            The request is not open any more.
        RequestNotFound, InvalidPolicy
        """
        with self.store.transaction():
            request, rules = self._open(request_id)
            version = self._tables.versions.get(request.name, request.version)
            makers = authors(gather(self.store, version), request)
            if self.actor in makers:
                raise NotPermitted(f"{self.actor} {makers[self.actor]}, so someone else has to approve version {version.version} of {version.name!r}")
            self._check_approver(rules, "approve")
            request = self._say(request, Verdict.APPROVED, comment)
            approved = all(len(counted_approvals(request, makers, rule.approvers)) >= max(1, rule.approvals) for rule in rules)
            conditions = check(self.store, version, request.stage, rules)
            if not (approved and all(condition.passed for condition in conditions)):
                return request
            details = {"request": request.request_id, "approved_by": request.approved_by, "policy": condition_details(conditions)}
            view = self.seen(request.name, request.version, request.stage)
            self._carry_out(view, archive=request.archive_existing_versions, reason=check_reason(comment) or request.reason or None, details=details)
            closed = self._tables.requests.get(request.request_id)
            if closed.state is RequestState.OPEN:  # the version stood in the stage already
                closed = self._tables.requests.close(request.request_id, RequestState.DONE, cause=self._cause(comment))
            return closed

    def reject(self, request_id: int, comment: str | None = None) -> PromotionRequest:
        """Refuse a request, which closes it.

        Raises
        ------
        NotPermitted
            The policy names others as those who approve.
        Conflict
            The request is not open any more.
        """
        with self.store.transaction():
            request, rules = self._open(request_id)
            self._check_approver(rules, "reject")
            self._say(request, Verdict.REJECTED, comment)
            return self._tables.requests.close(request.request_id, RequestState.REJECTED, cause=self._cause(comment))

    def cancel(self, request_id: int, comment: str | None = None) -> PromotionRequest:
        """Take one's own request back.

        Raises
        ------
        NotPermitted
            Someone else asked for it; they can cancel it, or someone rejects it.
        """
        with self.store.transaction():
            request = self.get_request(request_id)
            if request.requested_by != self.actor:
                raise NotPermitted(f"request {request.request_id} is by {request.requested_by}, who can cancel it; others can reject it")
            return self._tables.requests.close(request.request_id, RequestState.WITHDRAWN, cause=self._cause(comment))

    def get_request(self, request_id: int) -> PromotionRequest:
        """A request by its number. Raises ``RequestNotFound``."""
        if isinstance(request_id, bool) or not isinstance(request_id, int):
            raise InvalidInput(f"a request is named by its number; found {request_id!r}")
        return self._reading.requests.get(request_id)

    def requests(self, name: str | None = None, version: int | str | None = None, state: RequestState | str | None = None) -> list[PromotionRequest]:
        """Requests, oldest first, of one model, of one version, or in one state."""
        number = None if version is None else parse_version(version)
        return self._reading.requests.search(name=name, version=number, state=None if state is None else _parse_state(state))

    def _open(self, request_id: int) -> tuple[PromotionRequest, Sequence[Rule]]:
        request = self.get_request(request_id)
        return request, self._rules(request.name, request.stage)

    def _check_approver(self, rules: Sequence[Rule], verb: str) -> None:
        """Refuse who may not; where several rules name people, each person of one of them may speak."""
        named = [rule for rule in rules if rule.approvers]
        if named and not any(self.actor in rule.approvers for rule in named):
            people = dict.fromkeys(person for rule in named for person in rule.approvers)
            raise NotPermitted(f"{self.actor} may not {verb} this promotion ({named[0].place}); {', '.join(people)} may")

    def _say(self, request: PromotionRequest, verdict: Verdict, comment: str | None) -> PromotionRequest:
        text = check_reason(comment) or ""
        approval = Approval(self.actor, verdict, time_ns() // 1_000_000, text)
        return self._tables.requests.say(request.request_id, approval, cause=self._cause(comment))


def _parse_state(state: RequestState | str) -> RequestState:
    try:
        return RequestState(str(state).lower())
    except ValueError:
        raise InvalidInput(f"a request is {', '.join(item.value for item in RequestState)}; found {state!r}") from None
