"""Data that runs read, by fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nbtrack.entities import Dataset, DatasetInput, InputTag
from nbtrack.store.sql.database import Database, chunks, placeholders
from nbtrack.store.sql.rows import run_key, storable, to_json


class SqlInputs:
    """``InputStore`` over a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, run_id: str, inputs: Sequence[DatasetInput]) -> None:
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            for item in inputs:
                tags = to_json([[tag.key, tag.value] for tag in item.tags])
                self._database.execute(
                    "INSERT INTO run_inputs (run, dataset, context, tags) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (run, dataset, context) DO UPDATE SET tags = excluded.tags",
                    (key, self._dataset_key(item.dataset), item.context or "", tags),
                )

    def all(self, run_id: str) -> list[DatasetInput]:
        key = run_key(self._database, run_id)
        return self.of_keys([key]).get(key, [])

    def of_keys(self, keys: Sequence[int]) -> dict[int, list[DatasetInput]]:
        """The inputs of many runs, by the runs' integer keys; runs without any are left out."""
        found: dict[int, list[DatasetInput]] = {}
        for part in chunks(keys):
            sql = (
                "SELECT i.run, i.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile "
                f"FROM run_inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run IN ({placeholders(len(part))}) ORDER BY i.run, d.id, i.context"
            )
            for run, tags, name, digest, source_type, source, schema, profile in self._database.rows(sql, part):
                dataset = Dataset(name, digest, source_type, source, json.loads(schema), json.loads(profile))
                found.setdefault(run, []).append(DatasetInput(dataset, [InputTag(*tag) for tag in json.loads(tags)]))
        return found

    def _dataset_key(self, dataset: Dataset) -> int:
        name, source = storable(dataset.name), storable(dataset.source)
        row = self._database.row("SELECT id FROM datasets WHERE name = ? AND digest = ?", (name, dataset.digest))
        if row is None:
            row = self._database.row(
                "INSERT INTO datasets (name, digest, source_type, source, schema, profile) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (name, dataset.digest, dataset.source_type, source, to_json(list(dataset.schema)), to_json(dict(dataset.profile))),
            )
        return int(row[0])
