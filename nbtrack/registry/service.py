"""``Registry``: everything that can be done to registered models, in MLflow's names where MLflow has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.entities import Event, ModelVersion
from nbtrack.registry import audit
from nbtrack.registry.approvals import Approvals
from nbtrack.registry.card import ModelCard, build_card
from nbtrack.registry.card_fields import check_fields
from nbtrack.registry.lineage import Lineage, lineage, versions_using
from nbtrack.registry.names import parse_version
from nbtrack.registry.uris import ResolvedModel, resolve


class Registry(Approvals):
    """The registry of a store for one person, whose name goes into every event.

    Parameters
    ----------
    store
        The store that holds it.
    actor
        Who acts.
    """

    def resolve(self, uri: str) -> ResolvedModel:
        """The model folder that ``runs:/``, ``models:/`` or a path means, and the digest that it must have."""
        return resolve(self.store, str(uri))

    # --- evidence ------------------------------------------------------------------------------

    def lineage(self, name: str, version: int | str) -> Lineage:
        """Where a version comes from: run, cell and closure, data, parent, commit, environment."""
        return lineage(self.store, self.get_model_version(name, version))

    def versions_using(self, digest: str) -> list[ModelVersion]:
        """The versions that were made from data with this digest, or one that begins so."""
        return versions_using(self.store, digest)

    def model_card(self, name: str, version: int | str) -> ModelCard:
        """The card of a version, filled from what is known about it now."""
        return build_card(self.store, self.get_model_version(name, version))

    def update_model_card(self, name: str, version: int | str, fields: Mapping[str, Any], *, reason: str | None = None) -> ModelCard:
        """Fill fields of the card; None removes one, the others stay.

        Raises
        ------
        InvalidCardField
            There is no such field, or the value is of another kind.
        """
        clean = check_fields(fields)
        if clean:
            self._tables.versions.set_card(name, parse_version(version), clean, cause=self._cause(reason))
        return self.model_card(name, version)

    # --- audit ---------------------------------------------------------------------------------

    def audit_log(self, name: str | None = None, version: int | str | None = None, *, limit: int | None = None) -> list[Event]:
        """Events, oldest first: all, those of a model, or those of a version; with ``limit`` the latest that many."""
        return audit.log(self.store, name, None if version is None else parse_version(version), limit=limit)

    def audit_verify(self, *, head: str | None = None) -> list[str]:
        """Problems of the log, and differences between it and the registry; empty when both hold."""
        return audit.verify(self.store, head=head)

    def audit_export(self, format: str = "json", *, name: str | None = None, version: int | str | None = None) -> str:
        """Events as ``json``, ``jsonl`` or ``csv``."""
        return audit.export(self.audit_log(name, version), format)
