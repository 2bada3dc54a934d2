"""``mlflow.entities.model_registry``: registered models and versions as MLflow shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbtrack import entities
from nbtrack.mlflow._entity import Entity

__all__ = ["ModelVersion", "ModelVersionTag", "RegisteredModel", "RegisteredModelAlias", "RegisteredModelTag"]


@dataclass(frozen=True)
class ModelVersionTag(Entity):
    """A tag of a version."""

    key: str
    value: str


@dataclass(frozen=True)
class RegisteredModelTag(Entity):
    """A tag of a registered model."""

    key: str
    value: str


@dataclass(frozen=True)
class RegisteredModelAlias(Entity):
    """An alias and the version that it points to."""

    alias: str
    version: int


@dataclass(frozen=True)
class ModelVersion(Entity):
    """A version of a registered model; ``version`` is a number and ``current_stage`` a string."""

    name: str
    version: int
    creation_timestamp: int
    last_updated_timestamp: int | None = None
    description: str | None = None
    user_id: str | None = None
    current_stage: str | None = None
    source: str | None = None
    run_id: str | None = None
    status: str = "READY"
    status_message: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    run_link: str | None = None
    aliases: list[str] = field(default_factory=list)
    model_id: str | None = None

    @classmethod
    def of(cls, found: entities.ModelVersion) -> ModelVersion:
        """MLflow's view of a version."""
        return cls(
            name=found.name,
            version=found.version,
            creation_timestamp=found.creation_timestamp,
            last_updated_timestamp=found.last_updated_timestamp,
            description=found.description,
            user_id=found.user_id,
            current_stage=found.current_stage.value,
            source=found.source,
            run_id=found.run_id,
            status=found.status,
            status_message=found.status_message,
            tags=dict(found.tags),
            run_link=found.run_link,
            aliases=list(found.aliases),
            model_id=found.model_id,
        )


@dataclass(frozen=True)
class RegisteredModel(Entity):
    """A name under which versions are kept."""

    name: str
    creation_timestamp: int | None = None
    last_updated_timestamp: int | None = None
    description: str | None = None
    latest_versions: list[ModelVersion] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, found: entities.RegisteredModel) -> RegisteredModel:
        """MLflow's view of a registered model."""
        latest = [ModelVersion.of(version) for version in found.latest_versions]
        return cls(found.name, found.creation_timestamp, found.last_updated_timestamp, found.description, latest, dict(found.tags), dict(found.aliases))
