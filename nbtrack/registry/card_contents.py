"""How complete a model card is: what of it there is evidence for, and what people have filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.registry.card_fields import CARD_FIELDS
from nbtrack.registry.evidence import NOTEBOOK_TAG, Evidence


@dataclass(frozen=True)
class Assessment:
    """``percent`` of the parts are there; ``missing`` maps the others to what to do about each."""

    percent: int
    missing: Mapping[str, str]


def assess(evidence: Evidence, fields: Mapping[str, Any]) -> Assessment:
    """Weigh each part of a card alike: eight that the version's run brings, and those that people have to fill."""
    parts = {**_evidence_parts(evidence), **_human_parts(evidence, fields)}
    missing = {name: advice for name, (there, advice) in parts.items() if not there}
    return Assessment((len(parts) - len(missing)) * 100 // len(parts), missing)


def _evidence_parts(evidence: Evidence) -> dict[str, tuple[bool, str]]:
    run, logged, code = evidence.run, evidence.logged, evidence.code
    tags = {} if run is None else run.data.tags
    known_code = code.own is not None or bool((evidence.facts.get("git") or {}).get("commit")) or NOTEBOOK_TAG in tags
    return {
        "run": (run is not None, "register the model from the run that made it: register_model('runs:/<run_id>/model', name)"),
        "model": (logged is not None, "log the model on the run: log_model(model, 'model')"),
        "signature": (logged is not None and logged.signature is not None, "log the model with a signature or an input example"),
        "input example": (logged is not None and logged.has_input_example, "log the model with input_example=..."),
        "data": (run is not None and bool(run.inputs.dataset_inputs), "say what the run was fitted on: log_input(data, context='train')"),
        "metrics": (bool(evidence.metrics), "log metrics on the run"),
        "code": (known_code, "fit the model in a tracked cell, or in a git repository"),
        "environment": (bool(evidence.facts.get("environment")), "let the run end, which records its packages"),
    }


def _human_parts(evidence: Evidence, fields: Mapping[str, Any]) -> dict[str, tuple[bool, str]]:
    version = evidence.version
    described = (bool(version.description and version.description.strip()), "describe the version: update_model_version(name, version, description)")
    filled = {name: (bool(fields.get(name)), field.question) for name, field in CARD_FIELDS.items() if field.required}
    return {"description": described, **filled}
