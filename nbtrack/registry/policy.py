"""Promotion policies at work: which rules bind a promotion, and what is found about each condition."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.entities import LoggedModel, ModelStage, ModelVersion, PolicyCondition, PromotionRequest, RequestState, Severity
from nbtrack.errors import InvalidPath
from nbtrack.formatting import plural
from nbtrack.query import (
    REFERENCES,
    And,
    Arithmetic,
    Between,
    Comparison,
    Expression,
    In,
    IsNan,
    IsNull,
    Like,
    Metric,
    Node,
    Not,
    Operand,
    Or,
    Reference,
    Unary,
    evaluate,
    number_of,
)
from nbtrack.registry.card_contents import assess
from nbtrack.registry.evidence import Evidence, gather
from nbtrack.registry.policy_file import FILE_NAMES, STORED, Improvement, Rule, parse_policy, read_policy_file
from nbtrack.store.base import Store
from nbtrack.store.open import FOLDER, locate

REPRODUCED_FACT = "reproduced"
REPRODUCED = "REPRODUCED"

_SEVERITIES = ("none", *(severity.value for severity in Severity))


def policy_files(uri: str) -> list[Path]:
    """The policy files that bind the store at ``uri``: in its folder, and beside the folder ``.nbtrack``."""
    try:
        folder = locate(uri).database.parent if uri else None
    except InvalidPath:  # a store without a folder, such as a server's
        folder = None
    folders = [] if folder is None else [folder, folder.parent] if folder.name == FOLDER else [folder]
    # lexists: a dangling link is a policy that can't be read, and not none.
    return [path for folder in folders for name in FILE_NAMES if os.path.lexists(path := folder / name)]


def load_rules(store: Store) -> list[Rule]:
    """All rules of the store: those of its files, then those kept in it.

    Raises
    ------
    InvalidPolicy
        Any of them has an error.
    """
    rules = [rule for path in policy_files(store.uri) for rule in read_policy_file(path)]
    text = store.registry.policy.get()
    return rules + ([] if text is None else parse_policy(text, source=STORED))


def binding_rules(store: Store, name: str, stage: ModelStage) -> list[Rule]:
    """The rules that a promotion of this model to this stage must satisfy. Raises ``InvalidPolicy``."""
    return [rule for rule in load_rules(store) if rule.fits(name, stage)]


def open_request(store: Store, version: ModelVersion, stage: ModelStage) -> PromotionRequest | None:
    """The open request for this promotion."""
    requests = store.registry.requests.search(name=version.name, version=version.version, state=RequestState.OPEN)
    return next((request for request in requests if request.stage is stage), None)


def authors(evidence: Evidence, request: PromotionRequest | None) -> dict[str, str]:
    """Who made a version, and as what: the people who can't approve its promotion."""
    people = {} if evidence.run is None else {evidence.run.info.user_id: "started its run"}
    if evidence.version.user_id is not None:
        people[evidence.version.user_id] = "registered it"
    if request is not None:
        people[request.requested_by] = "asked for the promotion"
    return people


def check(store: Store, version: ModelVersion, stage: ModelStage, rules: Sequence[Rule]) -> list[PolicyCondition]:
    """Each condition of the rules with what was found, in the rules' order."""
    if not rules:
        return []
    checker = _Checker(store, gather(store, version), stage, open_request(store, version, stage))
    return [condition for rule in rules for condition in checker.rule(rule)]


@dataclass(frozen=True)
class _Checker:
    """Checks one promotion."""

    store: Store
    evidence: Evidence
    stage: ModelStage
    request: PromotionRequest | None

    def rule(self, rule: Rule) -> Iterator[PolicyCondition]:
        """The conditions of one rule."""
        logged = self.evidence.logged
        for expression in rule.metrics:
            passed = evaluate(expression, self.evidence.lookup)
            yield PolicyCondition("metrics", str(expression), found_values(expression, self.evidence), passed, rule.place)
        for improvement in rule.improvements:
            yield self._improvement(improvement, rule)
        if rule.signature:
            yield PolicyCondition("signature", "the model has a signature", *_has(logged, logged is not None and logged.signature is not None), rule.place)
        if rule.input_example:
            yield PolicyCondition("input_example", "the model has an input example", *_has(logged, logged is not None and logged.has_input_example), rule.place)
        if rule.card is not None:
            yield self._card(rule.card, rule)
        if rule.findings is not None:
            yield self._findings(rule.findings, rule)
        if rule.reproduced:
            found, passed = _reproduced(self.evidence.facts.get(REPRODUCED_FACT))
            yield PolicyCondition("reproduced", "the run was reproduced", found, passed, rule.place)
        if rule.approvals:
            yield self._approvals(rule)

    def _improvement(self, improvement: Improvement, rule: Rule) -> PolicyCondition:
        version = self.evidence.version
        standing = [
            item for item in self.store.registry.versions.of_model(version.name) if item.current_stage is self.stage and item.version != version.version
        ]
        if not standing:
            return PolicyCondition("improvement", str(improvement), f"{self.stage} is empty", True, rule.place)
        champion = standing[-1]
        metric = Metric(improvement.metric)
        new, old = (number_of(metric, evidence.lookup) for evidence in (self.evidence, gather(self.store, champion)))
        numbers = f"{_number(new)}, and version {champion.version} in {self.stage} has {_number(old)}"
        passed = new is not None and old is not None
        if new is not None and old is not None:
            passed = new >= old - improvement.tolerance if improvement.goal == "max" else new <= old + improvement.tolerance
        return PolicyCondition("improvement", str(improvement), f"{metric} = {numbers}" if new is not None else f"{metric} is {numbers}", passed, rule.place)

    def _card(self, percent: int, rule: Rule) -> PolicyCondition:
        version = self.evidence.version
        result = assess(self.evidence, self.store.registry.versions.card(version.name, version.version))
        missing = f"; missing: {', '.join(result.missing)}" if result.missing else ""
        return PolicyCondition("card", f"the card is {percent} % complete", f"{result.percent} %{missing}", result.percent >= percent, rule.place)

    def _findings(self, worst: str, rule: Rule) -> PolicyCondition:
        above = [finding for finding in self.evidence.findings if _SEVERITIES.index(finding.severity.value) > _SEVERITIES.index(worst)]
        text = "no open finding" if worst == "none" else f"no open finding above {worst}"
        if self.evidence.run is None:
            return PolicyCondition("findings", text, "the version has no run in this store, so nothing is known", False, rule.place)
        listed = "; ".join(f"{finding.severity}: {finding.message.splitlines()[0] if finding.message else finding.kind}" for finding in above[:5])
        more = f"; and {len(above) - 5} more" if len(above) > 5 else ""
        found = f"{plural(len(above), 'finding')}: {listed}{more}" if above else "none"
        return PolicyCondition("findings", text, found, not above, rule.place)

    def _approvals(self, rule: Rule) -> PolicyCondition:
        people = f" of {', '.join(rule.approvers)}" if rule.approvers else ""
        text = f"{plural(rule.approvals, 'approval')}{people} by others than the author"
        if self.request is None:
            return PolicyCondition("approvals", text, "no open request asks for this promotion", False, rule.place)
        counted = counted_approvals(self.request, authors(self.evidence, self.request), rule.approvers)
        found = f"{len(counted)} ({', '.join(counted)})" if counted else "0"
        return PolicyCondition("approvals", text, f"{found} on request {self.request.request_id}", len(counted) >= rule.approvals, rule.place)


def counted_approvals(request: PromotionRequest, makers: Mapping[str, str], approvers: Sequence[str]) -> list[str]:
    """Those who approve and count."""
    return [user for user in request.approved_by if user not in makers and (not approvers or user in approvers)]


def found_values(expression: Expression, evidence: Evidence) -> str:
    """The values behind a condition: the result of a calculation, and each thing that it names."""
    calculated = []
    if isinstance(expression, Comparison) and isinstance(expression.left, (Arithmetic, Unary)):
        result = number_of(expression.left, evidence.lookup)
        calculated = [_number(result)] if result is not None else []
    named = list(dict.fromkeys(_named(reference, evidence) for reference in _references(expression)))
    return f"{calculated[0]} ({', '.join(named)})" if calculated else ", ".join(named)


def _named(reference: Reference, evidence: Evidence) -> str:
    if evidence.run is None:
        return f"{reference} is not known: the version has no run in this store"
    try:
        value = evidence.lookup(reference)
    except LookupError:
        return f"{reference} is missing"
    return f"{reference} = {_number(value) if isinstance(value, float) else repr(value)}"


def _references(node: Node | Operand | Expression) -> Iterator[Reference]:
    if isinstance(node, REFERENCES):
        yield node
        return
    parts: Sequence[Any] = ()
    if isinstance(node, (And, Or)):
        parts = node.conditions
    elif isinstance(node, Not):
        parts = (node.condition,)
    elif isinstance(node, (Comparison, Arithmetic)):
        parts = (node.left, node.right)
    elif isinstance(node, Between):
        parts = (node.operand, node.low, node.high)
    elif isinstance(node, (In, Like, IsNull, IsNan, Unary)):
        parts = (node.operand,)
    for part in parts:
        yield from _references(part)


def _number(value: float | None) -> str:
    # With all digits that matter: a value that is shown must not round up to the bound that it misses.
    return "missing" if value is None else f"{value:.12g}"


def _has(logged: LoggedModel | None, passed: bool) -> tuple[str, bool]:
    return ("the version comes from no model that a run of this store logged" if logged is None else "yes" if passed else "no"), passed


def _reproduced(fact: Any) -> tuple[str, bool]:
    verdict = fact.get("verdict") if isinstance(fact, Mapping) else fact
    if verdict is None:
        return "no verdict: nobody has reproduced the run yet", False
    return str(verdict), str(verdict).upper() == REPRODUCED
