"""All SQL aggregates over one database, as a ``Store``."""

from __future__ import annotations

from contextlib import AbstractContextManager

from nbtrack.store.artifacts.blobs import BlobStore
from nbtrack.store.sql.artifacts import SqlArtifacts
from nbtrack.store.sql.cells import SqlCells
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.events import SqlEvents
from nbtrack.store.sql.experiments import SqlExperiments
from nbtrack.store.sql.facts import SqlFacts
from nbtrack.store.sql.inputs import SqlInputs
from nbtrack.store.sql.metrics import SqlMetrics
from nbtrack.store.sql.params import SqlParams
from nbtrack.store.sql.registry import SqlRegistry
from nbtrack.store.sql.runs import SqlRuns


class SqlStore:
    """A ``Store`` whose rows are in a SQL database and whose bytes are in a blob store."""

    def __init__(self, uri: str, database: Database, blobs: BlobStore) -> None:
        self.uri = uri
        self.database = database
        self.blobs = blobs
        self.experiments = SqlExperiments(database)
        self.runs = SqlRuns(database)
        self.params = SqlParams(database)
        self.metrics = SqlMetrics(database)
        self.inputs = SqlInputs(database)
        self.cells = SqlCells(database)
        self.facts = SqlFacts(database)
        self.artifacts = SqlArtifacts(database, blobs)
        self.events = SqlEvents(database)
        self.registry = SqlRegistry(database)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uri}>"

    def transaction(self) -> AbstractContextManager[None]:
        return self.database.write()

    def close(self) -> None:
        self.database.close()
