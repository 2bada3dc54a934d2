"""Registered models, their versions, and what is decided about them, in MLflow's shape."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any


class ModelStage(str, enum.Enum):
    """Where a version stands; several versions may stand in one stage."""

    NONE = "None"  # registered, nothing decided yet
    STAGING = "Staging"  # being tried
    PRODUCTION = "Production"  # in use
    ARCHIVED = "Archived"  # kept, not in use

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class LoggedModel:
    """A model folder that a run logged; ``digest`` covers every file of it."""

    model_id: str  # "m-" and 32 hex digits
    run_id: str
    name: str  # also its folder among the run's artifacts
    digest: str
    flavors: Sequence[str]
    size: int
    created_time: int
    signature: Mapping[str, Any] | None = None
    has_input_example: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    model_class: str | None = None  # of the object that was logged, as in "sklearn.ensemble.RandomForestClassifier"


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model. Numbers start at 1 and are never used again.

    ``digest`` is that of the model folder; loading checks it. ``parent`` is the version that this
    one was made to follow, if any.
    """

    name: str
    version: int
    creation_timestamp: int
    last_updated_timestamp: int
    current_stage: ModelStage = ModelStage.NONE
    description: str | None = None
    user_id: str | None = None
    source: str = ""
    run_id: str | None = None
    run_link: str | None = None
    status: str = "READY"
    status_message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()
    digest: str | None = None
    model_id: str | None = None
    parent: int | None = None

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Fields and values, so that ``dict(version)`` works."""
        return ((item.name, getattr(self, item.name)) for item in fields(self))


@dataclass(frozen=True)
class RegisteredModel:
    """A name under which versions are kept."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    latest_versions: Sequence[ModelVersion] = ()  # the highest version of each stage


class Verdict(str, enum.Enum):
    """What someone said to a request."""

    APPROVED = "approved"
    REJECTED = "rejected"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Approval:
    """One person's word on a promotion request."""

    user: str
    verdict: Verdict
    timestamp: int
    comment: str = ""


class RequestState(str, enum.Enum):
    """Where a promotion request stands."""

    OPEN = "open"  # waits for approvals or conditions
    DONE = "done"  # the promotion was carried out
    REJECTED = "rejected"  # someone who may approve said no
    WITHDRAWN = "withdrawn"  # taken back, or overtaken by another change

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class PromotionRequest:
    """The wish to move a version to a stage, with what was said about it."""

    request_id: int
    name: str
    version: int
    stage: ModelStage
    requested_by: str
    timestamp: int
    reason: str = ""
    archive_existing_versions: bool = False
    state: RequestState = RequestState.OPEN
    approvals: Sequence[Approval] = ()
    closed_timestamp: int | None = None

    @property
    def approved_by(self) -> list[str]:
        """Who approves: those whose last word was so."""
        last = {approval.user: approval.verdict for approval in self.approvals}
        return [user for user, verdict in last.items() if verdict is Verdict.APPROVED]


@dataclass(frozen=True)
class PolicyCondition:
    """One thing that a promotion must satisfy, with what was found. ``rule`` says where it is asked for."""

    kind: str  # "metrics", "improvement", "signature", "input_example", "card", "findings", "reproduced", "approvals", "approvers"
    text: str  # what is wanted, in the policy's words
    found: str
    passed: bool
    rule: str = ""

    def __str__(self) -> str:
        return f"{'ok  ' if self.passed else 'FAIL'}  {self.text}: {self.found}"


@dataclass(frozen=True)
class StageView:
    """Where a version and those beside it stood when someone looked, before changing it.

    A change that is made on the ground of this view is refused where it does not hold any more.
    """

    name: str
    version: int
    current_stage: ModelStage
    stage: ModelStage  # the stage that is to be changed
    occupants: tuple[int, ...] = ()  # the versions in ``stage``, in ascending order
