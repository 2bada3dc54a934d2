"""What searches for registered models and their versions may name."""

from __future__ import annotations

from nbtrack.query.vocabulary import Kind, Vocabulary

REGISTERED_MODELS = Vocabulary(
    "registered model",
    {"name": Kind.TEXT, "description": Kind.TEXT, "creation_timestamp": Kind.TIME, "last_updated_timestamp": Kind.TIME},
    aliases={"model": "name", "created": "creation_timestamp", "last_updated": "last_updated_timestamp"},
)

MODEL_VERSIONS = Vocabulary(
    "model version",
    {
        "name": Kind.TEXT,
        "version_number": Kind.NUMBER,
        "run_id": Kind.TEXT,
        "source_path": Kind.TEXT,
        "stage": Kind.TEXT,
        "user_id": Kind.TEXT,
        "description": Kind.TEXT,
        "model_id": Kind.TEXT,
        "digest": Kind.TEXT,
        "creation_timestamp": Kind.TIME,
        "last_updated_timestamp": Kind.TIME,
    },
    aliases={
        "model": "name",
        "version": "version_number",
        "source": "source_path",
        "current_stage": "stage",
        "user": "user_id",
        "created": "creation_timestamp",
        "last_updated": "last_updated_timestamp",
    },
    choices={"stage": ("None", "Staging", "Production", "Archived")},
)
