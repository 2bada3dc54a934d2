"""Registered models: names, descriptions, tags, aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.entities import ModelStage, ModelVersion, PagedList, RegisteredModel
from nbtrack.errors import InUse, InvalidInput
from nbtrack.query import parse_filter, parse_order_by
from nbtrack.query.registered import REGISTERED_MODELS
from nbtrack.registry.access import RegistryAccess, check_description, check_reason, check_tags, page
from nbtrack.registry.names import check_alias, check_model_name, parse_version
from nbtrack.registry.uris import ModelUri, find_version


class RegisteredModels(RegistryAccess):
    """The verbs on registered models."""

    def create_registered_model(self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None) -> RegisteredModel:
        """Make a registered model without versions.

        Raises
        ------
        AlreadyExists
            There is one of this name.
        InvalidName
            The name breaks the rule.
        """
        cause = self._cause()
        return self._tables.models.create(check_model_name(name), description=check_description(description), tags=check_tags(tags), cause=cause)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The registered model with aliases and the highest version of each stage. Raises ``RegisteredModelNotFound``."""
        return self._reading.models.get(name)

    def update_registered_model(self, name: str, description: str | None = None, *, reason: str | None = None) -> RegisteredModel:
        """Replace the description; None removes it."""
        return self._tables.models.describe(name, check_description(description), cause=self._cause(reason))

    def rename_registered_model(self, name: str, new_name: str, *, reason: str | None = None) -> RegisteredModel:
        """Give the model another name; its versions, aliases and stages go with it. Raises ``AlreadyExists``."""
        return self._tables.models.rename(name, check_model_name(new_name), cause=self._cause(reason))

    def delete_registered_model(self, name: str, *, force: bool = False, reason: str | None = None) -> None:
        """Remove a model with all its versions; the events about it stay.

        Raises
        ------
        InUse
            An alias, or the stage Production, points to one of its versions. ``force=True`` with a
            ``reason`` deletes it all the same.
        """
        with self.store.transaction():
            self._check_unused(self._tables.versions.of_model(name), f"the registered model {name!r}", force=force, reason=reason)
            self._tables.models.delete(name, cause=self._cause(reason, forced=force or None))

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """Models by a filter over name, description, times and tags; by name, unless ``order_by`` says otherwise."""
        expression = parse_filter(filter_string, vocabulary=REGISTERED_MODELS)
        order = parse_order_by(order_by, vocabulary=REGISTERED_MODELS)
        return page(lambda limit, offset: self._reading.models.search(filter=expression, order_by=order, limit=limit, offset=offset), max_results, page_token)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a model."""
        ((tag, text),) = check_tags({key: value}).items()
        self._tables.models.set_tag(name, tag, text, cause=self._cause())

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a model. Raises ``TagNotFound``."""
        self._tables.models.delete_tag(name, key, cause=self._cause())

    def set_registered_model_alias(self, name: str, alias: str, version: int | str, *, reason: str | None = None) -> None:
        """Point an alias to a version, moving it where it points elsewhere.

        Raises
        ------
        InvalidName
            The alias is reserved (``latest``, ``v3``), or has other characters than letters, digits, ``_``, ``-``.
        ModelVersionNotFound
            There is no such version.
        """
        self._tables.models.set_alias(name, check_alias(alias), parse_version(version), cause=self._cause(reason))

    def delete_registered_model_alias(self, name: str, alias: str, *, reason: str | None = None) -> None:
        """Remove an alias. Raises ``AliasNotFound``."""
        self._tables.models.delete_alias(name, alias, cause=self._cause(reason))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias points to. Raises ``AliasNotFound``."""
        return find_version(self.store, ModelUri(name, alias=alias))

    def _check_unused(self, versions: Sequence[ModelVersion], what: str, *, force: bool, reason: str | None) -> None:
        uses = [f"the alias {alias!r} points to version {version.version}" for version in versions for alias in version.aliases]
        uses += [f"version {version.version} stands in Production" for version in versions if version.current_stage is ModelStage.PRODUCTION]
        if not uses:
            return
        if not force:
            raise InUse(f"{what} is in use, so it was not deleted: {'; '.join(uses)}. Move these first, or delete it with force=True and a reason")
        if check_reason(reason) is None:
            raise InvalidInput(f"{what} is in use ({'; '.join(uses)}): to delete it by force, say why: reason='...'")
