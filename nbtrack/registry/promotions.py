"""Promotions: checked by policy, carried out, overridden, rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import ModelStage, ModelVersion, PolicyCondition, RequestState, StageView
from nbtrack.errors import Conflict, InvalidInput, NotPermitted, PromotionRefused
from nbtrack.registry.access import check_reason
from nbtrack.registry.history import ModelState, replay
from nbtrack.registry.names import ACTIVE_STAGES, check_archives, parse_stage, parse_version
from nbtrack.registry.policy import binding_rules, check, load_rules
from nbtrack.registry.policy_file import Rule, parse_policy, policy_text
from nbtrack.registry.versions import ModelVersions


class Promotions(ModelVersions):
    """The verbs on stages and on the policy that guards them."""

    def check(self, name: str, version: int | str, stage: str | ModelStage) -> list[PolicyCondition]:
        """Each condition that the policy sets for this promotion, with what is found now; empty where no rule binds it.

        Raises
        ------
        InvalidPolicy
            The policy has an error, so nothing can be promoted.
        """
        wanted, found = parse_stage(stage), self.get_model_version(name, version)
        return check(self.store, found, wanted, self._rules(name, wanted))

    def seen(self, name: str, version: int | str, stage: str | ModelStage) -> StageView:
        """Where the version and those in the stage stand now: what a later promotion is decided on."""
        return self._tables.versions.view(name, parse_version(version), parse_stage(stage))

    def transition_model_version_stage(
        self,
        name: str,
        version: int | str,
        stage: str | ModelStage,
        archive_existing_versions: bool = False,
        reason: str | None = None,
        *,
        override: bool = False,
        seen: StageView | None = None,
    ) -> ModelVersion:
        """Move a version to a stage, if the policy lets it.

        Parameters
        ----------
        archive_existing_versions
            Move all other versions in the stage to Archived, in the same change.
        override
            Go on although the policy refuses; needs a ``reason``, and is an event of its own.
        seen
            What the decision was made on (`seen`); by default what stands there when the call begins.

        Raises
        ------
        PromotionRefused
            Conditions of the policy fail; the error lists each with its value.
        PromotionOvertaken
            Someone else changed the stage since ``seen``.
        InvalidStage, InvalidPolicy, NotPermitted
        """
        wanted, number = parse_stage(stage), parse_version(version)
        if archive_existing_versions:
            check_archives(wanted)
        if override and check_reason(reason) is None:
            raise InvalidInput("an override of the policy needs a reason: transition_model_version_stage(..., override=True, reason='...')")
        view = seen or self.seen(name, number, wanted)
        if (view.name, view.version, view.stage) != (name, number, wanted):
            raise InvalidInput(f"seen is about version {view.version} of {view.name!r} and {view.stage}, not about version {number} of {name!r} and {wanted}")
        with self.store.transaction():
            details = self._permit(self._tables.versions.get(name, number), wanted, reason, override=override)
            return self._carry_out(view, archive=archive_existing_versions, reason=reason, details=details)

    def rollback(self, name: str, stage: str | ModelStage = ModelStage.PRODUCTION, reason: str | None = None, *, seen: StageView | None = None) -> ModelVersion:
        """Put back what stood in the stage before its present version did, and archive what came since; return the version put back.

        Again, it goes one step further back. The policy is not asked: what is put back has stood there.

        Raises
        ------
        Conflict
            Nothing else stood there before, or all of it is deleted.
        PromotionOvertaken
            Someone else changed the stage since ``seen``.
        """
        wanted = parse_stage(stage)
        check_archives(wanted)
        with self.store.transaction():
            self._tables.models.get(name)
            state = replay(self.store.events.list()).get(name) or ModelState(0, name)
            before, head = state.before(wanted), state.head(wanted)
            if before is None:
                now = f"Version {head} is the first" if head is not None else "Nothing"
                raise Conflict(f"{name!r} can't be rolled back in {wanted}: nothing that still exists stood there before. {now} in {wanted}")
            target = before.versions[-1]
            stages = {version: ModelStage.ARCHIVED for version, found in state.stages.items() if found is wanted and version not in before.versions}
            stages.update({version: wanted for version in before.versions if state.stages[version] is not wanted})
            view = seen or self.seen(name, target, wanted)
            cause = self._cause(reason, restored={"stage": wanted.value, "sequence": before.sequence}, replaced=head)
            return self._tables.versions.move(self._aimed(view, target), stages, action="version.rollback", cause=cause)

    def policy(self) -> list[Rule]:
        """All rules of the policy: of its files, then those that were set. Raises ``InvalidPolicy``."""
        return load_rules(self.store)

    def set_policy(self, policy: str | Mapping[str, Any] | None, *, reason: str | None = None) -> list[Rule]:
        """Keep a policy in the store, as YAML text or as a dict; None removes it. It binds beside the policy files.

        Raises
        ------
        InvalidPolicy
            It has an error; the policy that was there stays.
        """
        text = None if policy is None else policy_text(policy)
        rules = [] if text is None else parse_policy(text, source="the new policy")
        self._tables.policy.set(text, cause=self._cause(reason))
        return rules

    def _rules(self, name: str, stage: ModelStage) -> list[Rule]:
        return binding_rules(self.store, name, stage) if stage in ACTIVE_STAGES else []

    def _permit(self, version: ModelVersion, stage: ModelStage, reason: str | None, *, override: bool) -> dict[str, Any]:
        """The details of a promotion that may go on; inside its transaction."""
        rules = self._rules(version.name, stage)
        conditions = check(self.store, version, stage, rules)
        if not conditions:
            return {}
        listed = condition_details(conditions)
        if all(condition.passed for condition in conditions):
            return {"policy": listed}
        if not override:
            raise PromotionRefused(version.name, version.version, stage.value, conditions)
        self._check_overrider(rules)
        failed = [item for item in listed if not item["passed"]]
        cause = self._cause(reason, stage=stage.value, conditions=failed)
        self.store.events.append(
            actor=cause.actor,
            action="policy.override",
            subject=f"models:/{version.name}/{version.version}",
            details={**cause.details, "before": None, "after": None, "reason": cause.reason},
        )
        return {"policy": listed, "override": True}

    def _check_overrider(self, rules: Sequence[Rule]) -> None:
        for rule in rules:
            if rule.overriders and self.actor not in rule.overriders:
                raise NotPermitted(f"{self.actor} may not override the policy ({rule.place}); {', '.join(rule.overriders)} may")

    def _carry_out(self, view: StageView, *, archive: bool, reason: str | None, details: Mapping[str, Any]) -> ModelVersion:
        """Move the version of the view to its stage, and close the requests that asked for it; inside a transaction."""
        stages = {} if view.current_stage is view.stage else {view.version: view.stage}
        if archive:
            stages.update({version: ModelStage.ARCHIVED for version in view.occupants if version != view.version})
        if not stages:  # it stands there already, so nothing happens, and nothing is recorded
            return self._tables.versions.get(view.name, view.version)
        moved = self._tables.versions.move(view, stages, action="version.transition", cause=self._cause(reason, **details))
        for request in self._tables.requests.search(name=view.name, version=view.version, state=RequestState.OPEN):
            if request.stage is view.stage:
                self._tables.requests.close(request.request_id, RequestState.DONE, cause=self._cause(reason))
        return moved

    def _aimed(self, view: StageView, target: int) -> StageView:
        if view.version == target:
            return view
        own = self.seen(view.name, target, view.stage)
        return StageView(view.name, target, own.current_stage, view.stage, view.occupants)


def condition_details(conditions: Sequence[PolicyCondition]) -> list[dict[str, Any]]:
    """Conditions as an event keeps them."""
    return [{"text": item.text, "found": item.found, "passed": item.passed, "rule": item.rule} for item in conditions]
