"""Versions of registered models: registered from runs, described, tagged, searched, copied, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrack.entities import LifecycleStage, ModelStage, ModelVersion, PagedList
from nbtrack.errors import InvalidInput, InvalidPath, RunNotActive
from nbtrack.query import parse_filter, parse_order_by
from nbtrack.query.registered import MODEL_VERSIONS
from nbtrack.registry.access import check_description, check_tags, page
from nbtrack.registry.lineage import COPIED_FROM_TAG
from nbtrack.registry.names import check_model_name, parse_stage, parse_version
from nbtrack.registry.registered import RegisteredModels
from nbtrack.registry.uris import MODEL_FILE, ModelUri, ResolvedModel, RunUri, find_version, of_version, parse_uri, resolve
from nbtrack.store.registry_base import NewVersion


class ModelVersions(RegisteredModels):
    """The verbs on versions."""

    def register_model(
        self,
        model_uri: str,
        name: str,
        await_registration_for: int | None = None,
        *,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        parent: int | str | None = None,
        reason: str | None = None,
    ) -> ModelVersion:
        """Make a version of ``name``, and the registered model if there is none: both or nothing.

        Parameters
        ----------
        model_uri
            ``runs:/<run_id>/<path>``, ``models:/m-<id>``, ``models:/other/3``, or a folder with an ``MLmodel``.
        parent
            The version that this one follows; by default the one in Production, else the latest.

        Raises
        ------
        NotFound
            There is no such run, or it logged no model under the path.
        InvalidPath
            The URI is not of the right form, or the folder holds no model.
        """
        clean, text = check_tags(tags), check_description(description)
        check_model_name(name)
        with self.store.transaction():
            new = self._new_version(name, self._registrable(str(model_uri)), tags=clean, description=text, parent=parent)
            if self._tables.models.find(name) is None:
                self._tables.models.create(name, cause=self._cause(reason))
            return self._tables.versions.create(new, cause=self._cause(reason))

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Make a version of a registered model that exists; ``source`` may be any place.

        A version whose source no run of this store logged has no digest, so that loading it asks for trust.
        """
        clean, text = check_tags(tags), check_description(description)
        with self.store.transaction():
            found = resolve(self.store, f"models:/{model_id}") if model_id else self._source(str(source))
            new = self._new_version(name, found, tags=clean, description=text, run_link=run_link, run_id=run_id)
            return self._tables.versions.create(new, cause=self._cause())

    def get_model_version(self, name: str, version: int | str) -> ModelVersion:
        """The version. Raises ``ModelVersionNotFound``, or ``InvalidInput`` where ``version`` is no number."""
        return self._reading.versions.get(name, parse_version(version))

    def update_model_version(self, name: str, version: int | str, description: str | None = None, *, reason: str | None = None) -> ModelVersion:
        """Replace the description; None removes it."""
        return self._tables.versions.describe(name, parse_version(version), check_description(description), cause=self._cause(reason))

    def delete_model_version(self, name: str, version: int | str, *, force: bool = False, reason: str | None = None) -> None:
        """Remove a version; its number is not used again, and the events about it stay.

        Raises
        ------
        InUse
            An alias points to it, or it stands in Production. ``force=True`` with a ``reason`` deletes it all the same.
        """
        number = parse_version(version)
        with self.store.transaction():
            found = self._tables.versions.get(name, number)
            self._check_unused([found], f"version {number} of {name!r}", force=force, reason=reason)
            self._tables.versions.delete(name, number, cause=self._cause(reason, forced=force or None))

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10_000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """Versions by a filter over name, version_number, run_id, source_path, stage, user_id, times and tags; latest changed first."""
        expression = parse_filter(filter_string, vocabulary=MODEL_VERSIONS)
        order = parse_order_by(order_by, vocabulary=MODEL_VERSIONS)
        return page(lambda limit, offset: self._reading.versions.search(filter=expression, order_by=order, limit=limit, offset=offset), max_results, page_token)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version of each stage, or of the given ones. Raises ``InvalidStage``."""
        wanted = list(ModelStage) if stages is None else [parse_stage(stage) for stage in stages]
        return [version for version in self._reading.models.get(name).latest_versions if version.current_stage in wanted]

    def set_model_version_tag(self, name: str, version: int | str | None = None, key: str | None = None, value: Any = None, stage: str | None = None) -> None:
        """Set a tag of a version, named by its number or by the stage that it is the highest of."""
        if key is None:
            raise InvalidInput("a tag needs a key: set_model_version_tag(name, version, key, value)")
        ((tag, text),) = check_tags({key: value}).items()
        self._tables.versions.set_tag(name, self._number(name, version, stage), tag, text, cause=self._cause())

    def delete_model_version_tag(self, name: str, version: int | str | None = None, key: str | None = None, stage: str | None = None) -> None:
        """Remove a tag of a version. Raises ``TagNotFound``."""
        if key is None:
            raise InvalidInput("a tag needs a key: delete_model_version_tag(name, version, key)")
        self._tables.versions.delete_tag(name, self._number(name, version, stage), key, cause=self._cause())

    def copy_model_version(self, src_model_uri: str, dst_name: str) -> ModelVersion:
        """Make the version that a ``models:/`` URI means a version of another model too; both keep the same run and digest.

        Raises
        ------
        InvalidPath
            The URI names no version of a registered model.
        """
        parsed = parse_uri(str(src_model_uri))
        if not isinstance(parsed, ModelUri) or parsed.model_id is not None:
            raise InvalidPath(
                f"Unsupported source model URI: {src_model_uri!r}. Name a version: models:/name/3, models:/name/Production or models:/name@champion"
            )
        check_model_name(dst_name)
        with self.store.transaction():
            source = find_version(self.store, parsed)
            found = of_version(self.store, source, f"models:/{source.name}/{source.version}")
            new = self._new_version(dst_name, found, tags=dict(source.tags), description=source.description, run_link=source.run_link, run_id=source.run_id)
            if self._tables.models.find(dst_name) is None:
                self._tables.models.create(dst_name, cause=self._cause())
            return self._tables.versions.create(new, cause=self._cause(copied_from=f"models:/{source.name}/{source.version}"))

    def get_model_version_download_uri(self, name: str, version: int | str) -> str:
        """Where the model folder of a version is."""
        return of_version(self.store, self.get_model_version(name, version), "").source

    def get_model_version_stages(self, name: str, version: int | str) -> list[str]:
        """The stages that the version may stand in."""
        self.get_model_version(name, version)
        return self.stages()

    def stages(self) -> list[str]:
        """All stages, in the order of a version's life."""
        return [stage.value for stage in ModelStage]

    def _number(self, name: str, version: int | str | None, stage: str | None) -> int:
        if (version is None) == (stage is None):
            raise InvalidInput("name the version by its number or by its stage, by exactly one of them")
        return parse_version(version) if version is not None else find_version(self.store, ModelUri(name, stage=parse_stage(stage))).version

    def _registrable(self, uri: str) -> ResolvedModel:
        """The model at a URI, which must be there."""
        found = resolve(self.store, uri)
        if parse_uri(uri) is None and "://" not in uri and not (Path(uri.removeprefix("file:")) / MODEL_FILE).is_file():
            raise InvalidPath(
                f"{uri!r} is no folder with a model: it has no file {MODEL_FILE}. Name a model as runs:/<run_id>/<path>, or a folder from save_model"
            )
        return found

    def _source(self, source: str) -> ResolvedModel:
        """The model at a source, of which only what this store itself holds must be there."""
        return resolve(self.store, source) if isinstance(parse_uri(source), (RunUri, ModelUri)) else ResolvedModel(source, source)

    def _new_version(
        self,
        name: str,
        found: ResolvedModel,
        *,
        tags: Mapping[str, str],
        description: str | None,
        parent: int | str | None = None,
        run_link: str | None = None,
        run_id: str | None = None,
    ) -> NewVersion:
        run = run_id or found.run_id
        if run is not None and self.store.runs.get(run).info.lifecycle_stage is LifecycleStage.DELETED:
            raise RunNotActive(f"the run {run} is deleted, so its model can't be registered. Restore it first: nbtrack runs restore {run}")
        origin = None if found.version is None else f"models:/{found.version.name}/{found.version.version}"
        return NewVersion(
            name,
            source=found.source,
            run_id=run,
            run_link=run_link,
            description=description,
            tags={**tags, **({COPIED_FROM_TAG: origin} if origin else {})},
            digest=found.digest,
            model_id=None if found.logged is None else found.logged.model_id,
            parent=self._parent(name) if parent is None else self._tables.versions.get(name, parse_version(parent)).version,
        )

    def _parent(self, name: str) -> int | None:
        if self._tables.models.find(name) is None:
            return None
        state = {version.current_stage: version.version for version in self._tables.models.get(name).latest_versions}
        return state.get(ModelStage.PRODUCTION, max(state.values(), default=None))
