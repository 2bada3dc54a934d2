"""The registry's part of the seam: small Protocols for models, versions, requests, policies and logged models.

Every change of the registry is one row of ``Store.events``, written in the transaction of the change,
with ``before``, ``after`` and ``reason``; its subject is ``models:/name`` or ``models:/name/3``.
Texts, names and stages have been checked by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from nbtrack.entities import Approval, LoggedModel, ModelStage, ModelVersion, PromotionRequest, RegisteredModel, RequestState, StageView

if TYPE_CHECKING:
    from nbtrack.query import Expression, OrderBy


@dataclass(frozen=True)
class Cause:
    """Who changes something and why; ``details`` are kept with the event."""

    actor: str
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewVersion:
    """What a version starts with; the store gives it its number."""

    name: str
    source: str
    run_id: str | None = None
    run_link: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    digest: str | None = None
    model_id: str | None = None
    parent: int | None = None


class RegisteredModelStore(Protocol):
    """Registered models, their tags and aliases."""

    def create(self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None, cause: Cause) -> RegisteredModel:
        """Raises ``AlreadyExists``."""
        ...

    def get(self, name: str) -> RegisteredModel:
        """Raises ``RegisteredModelNotFound``."""
        ...

    def find(self, name: str) -> RegisteredModel | None: ...

    def search(self, *, filter: Expression | None = None, order_by: Sequence[OrderBy] = (), limit: int | None = None, offset: int = 0) -> list[RegisteredModel]:
        """Models in order; by default by name."""
        ...

    def describe(self, name: str, description: str | None, *, cause: Cause) -> RegisteredModel: ...

    def rename(self, name: str, new_name: str, *, cause: Cause) -> RegisteredModel:
        """Raises ``AlreadyExists``."""
        ...

    def delete(self, name: str, *, cause: Cause) -> None:
        """Remove the model with its versions; its numbers are not used again, even if the name is."""
        ...

    def set_tag(self, name: str, key: str, value: str, *, cause: Cause) -> None: ...

    def delete_tag(self, name: str, key: str, *, cause: Cause) -> None:
        """Raises ``TagNotFound``."""
        ...

    def set_alias(self, name: str, alias: str, version: int, *, cause: Cause) -> None: ...

    def delete_alias(self, name: str, alias: str, *, cause: Cause) -> None:
        """Raises ``AliasNotFound``."""
        ...


class ModelVersionStore(Protocol):
    """Versions, their tags, stages, and the fields of their cards that people fill."""

    def create(self, version: NewVersion, *, cause: Cause) -> ModelVersion:
        """Raises ``RegisteredModelNotFound``."""
        ...

    def get(self, name: str, version: int) -> ModelVersion:
        """Raises ``RegisteredModelNotFound`` or ``ModelVersionNotFound``."""
        ...

    def of_model(self, name: str) -> list[ModelVersion]:
        """All versions of a model in ascending order. Raises ``RegisteredModelNotFound``."""
        ...

    def search(self, *, filter: Expression | None = None, order_by: Sequence[OrderBy] = (), limit: int | None = None, offset: int = 0) -> list[ModelVersion]:
        """Versions in order; by default the latest changed first."""
        ...

    def describe(self, name: str, version: int, description: str | None, *, cause: Cause) -> ModelVersion: ...

    def set_tag(self, name: str, version: int, key: str, value: str, *, cause: Cause) -> None: ...

    def delete_tag(self, name: str, version: int, key: str, *, cause: Cause) -> None:
        """Raises ``TagNotFound``."""
        ...

    def card(self, name: str, version: int) -> dict[str, Any]:
        """The fields that people filled."""
        ...

    def set_card(self, name: str, version: int, fields: Mapping[str, Any], *, cause: Cause) -> dict[str, Any]:
        """Change the given fields, None removes one; return all of them."""
        ...

    def view(self, name: str, version: int, stage: ModelStage) -> StageView: ...

    def move(self, view: StageView, stages: Mapping[int, ModelStage], *, action: str, cause: Cause) -> ModelVersion:
        """Put versions into stages, as one event, if everything still is as in ``view``; return the version of the view.

        Raises
        ------
        PromotionOvertaken
            The stages have changed since; the message says by whom. Nothing is changed.
        """
        ...

    def delete(self, name: str, version: int, *, cause: Cause) -> None: ...


class PromotionRequestStore(Protocol):
    """Wishes to promote, and what was said to them."""

    def open(self, name: str, version: int, stage: ModelStage, *, archive_existing_versions: bool, cause: Cause) -> PromotionRequest:
        """Raises ``AlreadyExists`` where an open request asks for the same."""
        ...

    def get(self, request_id: int) -> PromotionRequest:
        """Raises ``RequestNotFound``."""
        ...

    def search(self, *, name: str | None = None, version: int | None = None, state: RequestState | None = None) -> list[PromotionRequest]:
        """Requests, oldest first."""
        ...

    def say(self, request_id: int, approval: Approval, *, cause: Cause) -> PromotionRequest:
        """Add someone's word to an open request. Raises ``Conflict`` where it is not open any more."""
        ...

    def close(self, request_id: int, state: RequestState, *, cause: Cause) -> PromotionRequest:
        """Raises ``Conflict`` where it is not open any more."""
        ...


class LoggedModelStore(Protocol):
    """The model folders that runs logged."""

    def add(self, model: LoggedModel) -> LoggedModel: ...

    def get(self, model_id: str) -> LoggedModel:
        """Raises ``LoggedModelNotFound``."""
        ...

    def find(self, run_id: str, name: str) -> LoggedModel | None:
        """What the run logged last under this name."""
        ...

    def of_run(self, run_id: str) -> list[LoggedModel]:
        """Oldest first."""
        ...


class PolicyStore(Protocol):
    """The promotion policy that is kept in the store."""

    def get(self) -> str | None: ...

    def set(self, text: str | None, *, cause: Cause) -> None:
        """Replace it; None removes it."""
        ...


class RegistryStore(Protocol):
    """The aggregates of the registry."""

    @property
    def models(self) -> RegisteredModelStore: ...
    @property
    def versions(self) -> ModelVersionStore: ...
    @property
    def requests(self) -> PromotionRequestStore: ...
    @property
    def logged_models(self) -> LoggedModelStore: ...
    @property
    def policy(self) -> PolicyStore: ...
