"""The methods of ``MlflowClient`` on registered models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import PagedList
from nbtrack.mlflow._errors import methods_speak_mlflow
from nbtrack.mlflow.entities.model_registry import ModelVersion, RegisteredModel
from nbtrack.tracking.client import Client

Number = int | str


@methods_speak_mlflow
class ModelMethods:
    """Registered models, their tags and aliases."""

    _client: Client

    def create_registered_model(self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None) -> RegisteredModel:
        """Make a registered model without versions."""
        return RegisteredModel.of(self._client.create_registered_model(name, tags, description))

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The registered model with aliases and the highest version of each stage."""
        return RegisteredModel.of(self._client.get_registered_model(name))

    def update_registered_model(self, name: str, description: str | None = None) -> RegisteredModel:
        """Replace the description; None removes it."""
        return RegisteredModel.of(self._client.update_registered_model(name, description))

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give the model another name."""
        return RegisteredModel.of(self._client.rename_registered_model(name, new_name))

    def delete_registered_model(self, name: str) -> None:
        """Remove a model with all its versions; refused while an alias or Production points to one."""
        self._client.delete_registered_model(name)

    def search_registered_models(
        self, filter_string: str | None = None, max_results: int = 100, order_by: Sequence[str] | None = None, page_token: str | None = None
    ) -> PagedList[RegisteredModel]:
        """A page of registered models."""
        found = self._client.search_registered_models(filter_string, max_results, order_by, page_token)
        return PagedList([RegisteredModel.of(item) for item in found], found.token)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model."""
        self._client.set_registered_model_tag(name, key, value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model."""
        self._client.delete_registered_model_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: Number) -> None:
        """Point an alias to a version, moving it where it points elsewhere."""
        self._client.set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        self._client.delete_registered_model_alias(name, alias)


@methods_speak_mlflow
class VersionMethods(ModelMethods):
    """Versions of registered models, their tags and stages."""

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int | None = 300,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Make a version of a registered model that exists; nothing is to be awaited."""
        made = self._client.create_model_version(name, source, run_id, tags, run_link, description, model_id=model_id)
        return ModelVersion.of(made)

    def get_model_version(self, name: str, version: Number) -> ModelVersion:
        """The version of this number."""
        return ModelVersion.of(self._client.get_model_version(name, version))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias points to."""
        return ModelVersion.of(self._client.get_model_version_by_alias(name, alias))

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version of each stage, or of the given ones."""
        return [ModelVersion.of(item) for item in self._client.get_latest_versions(name, stages)]

    def get_model_version_stages(self, name: str, version: Number) -> list[str]:
        """The stages that the version may stand in."""
        return self._client.get_model_version_stages(name, version)

    def get_model_version_download_uri(self, name: str, version: Number) -> str:
        """Where the model folder of a version is."""
        return self._client.get_model_version_download_uri(name, version)

    def update_model_version(self, name: str, version: Number, description: str | None = None) -> ModelVersion:
        """Replace the description; None removes it."""
        return ModelVersion.of(self._client.update_model_version(name, version, description))

    def transition_model_version_stage(self, name: str, version: Number, stage: str, archive_existing_versions: bool = False) -> ModelVersion:
        """Move a version to a stage, if the policy lets it."""
        return ModelVersion.of(self._client.transition_model_version_stage(name, version, stage, archive_existing_versions))

    def delete_model_version(self, name: str, version: Number) -> None:
        """Remove a version; refused while an alias or Production points to it."""
        self._client.delete_model_version(name, version)

    def copy_model_version(self, src_model_uri: str, dst_name: str) -> ModelVersion:
        """Make a version a version of another model too."""
        return ModelVersion.of(self._client.copy_model_version(src_model_uri, dst_name))

    def search_model_versions(
        self, filter_string: str | None = None, max_results: int = 10_000, order_by: Sequence[str] | None = None, page_token: str | None = None
    ) -> PagedList[ModelVersion]:
        """A page of versions; latest changed first."""
        found = self._client.search_model_versions(filter_string, max_results, order_by, page_token)
        return PagedList([ModelVersion.of(item) for item in found], found.token)

    def set_model_version_tag(self, name: str, version: Number | None = None, key: str | None = None, value: Any = None, stage: str | None = None) -> None:
        """Set a tag of a version, named by its number or by the stage that it is the highest of."""
        self._client.set_model_version_tag(name, version, key, value, stage)

    def delete_model_version_tag(self, name: str, version: Number | None = None, key: str | None = None, stage: str | None = None) -> None:
        """Remove a tag of a version."""
        self._client.delete_model_version_tag(name, version, key, stage)
