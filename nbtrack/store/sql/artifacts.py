"""Files of runs: names in the database, bytes in a blob store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from nbtrack.entities import Artifact, FileInfo
from nbtrack.errors import ArtifactNotFound, InvalidPath, did_you_mean
from nbtrack.ids import check_artifact_path
from nbtrack.store.artifacts.blobs import BlobStore
from nbtrack.store.sql.database import Database
from nbtrack.store.sql.rows import now_ms, run_key

_COLUMNS = "path, digest, size, media_type, created_time"


class SqlArtifacts:
    """``ArtifactStore`` over a SQL database and a blob store."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self.blobs = blobs

    def put_file(self, run_id: str, path: str, source: Path, *, media_type: str | None = None) -> Artifact:
        name = check_artifact_path(path)
        run_key(self._database, run_id, writable=True)  # refuse before a large file is copied
        return self._name(run_id, name, media_type, lambda: self.blobs.put_file(source))

    def put_bytes(self, run_id: str, path: str, data: bytes, *, media_type: str | None = None) -> Artifact:
        return self._name(run_id, check_artifact_path(path), media_type, lambda: self.blobs.put_bytes(data))

    def get(self, run_id: str, path: str) -> Artifact:
        name = check_artifact_path(path)
        row = self._database.row(f"SELECT {_COLUMNS} FROM artifacts WHERE run = ? AND path = ?", (run_key(self._database, run_id), name))
        if row is None:
            raise self._not_found(run_id, name)
        return Artifact(*row)

    def all(self, run_id: str) -> list[Artifact]:
        sql = f"SELECT {_COLUMNS} FROM artifacts WHERE run = ? ORDER BY path"
        return [Artifact(*row) for row in self._database.rows(sql, (run_key(self._database, run_id),))]

    def list(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        wanted = check_artifact_path(path) if path else None
        prefix = f"{wanted}/" if wanted else ""
        infos: dict[str, FileInfo] = {}
        for artifact in self.all(run_id):
            if artifact.path == wanted:
                return [FileInfo(artifact.path, False, artifact.size)]
            if artifact.path.startswith(prefix):
                first, _, below = artifact.path[len(prefix) :].partition("/")
                child = prefix + first
                infos[child] = FileInfo(child, bool(below), None if below else artifact.size)
        return [infos[child] for child in sorted(infos)]

    def open(self, run_id: str, path: str) -> BinaryIO:
        artifact = self.get(run_id, path)
        try:
            return self.blobs.open(artifact.digest)
        except FileNotFoundError:
            raise ArtifactNotFound(
                f"the run {run_id} names the artifact {path!r}, but its bytes (sha256 {artifact.digest[:12]}…) are missing from the store. "
                "`nbtrack doctor` lists all missing ones"
            ) from None

    def read(self, run_id: str, path: str) -> bytes:
        with self.open(run_id, path) as stream:
            return stream.read()

    def download(self, run_id: str, path: str | None, folder: Path) -> Path:
        wanted = check_artifact_path(path) if path else None
        chosen = [artifact for artifact in self.all(run_id) if wanted is None or artifact.path == wanted or artifact.path.startswith(f"{wanted}/")]
        if not chosen and wanted is not None:
            raise self._not_found(run_id, wanted)
        for artifact in chosen:
            target = folder / artifact.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with self.open(run_id, artifact.path) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        return folder / wanted if wanted else folder

    def delete(self, run_id: str, path: str) -> None:
        name = check_artifact_path(path)
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            if not self._database.execute("DELETE FROM artifacts WHERE run = ? AND path = ?", (key, name)):
                raise self._not_found(run_id, name)

    def _name(self, run_id: str, path: str, media_type: str | None, put: Callable[[], tuple[str, int]]) -> Artifact:
        """Store the bytes, then the name that refers to them."""
        digest, size = put()
        artifact = Artifact(path, digest, size, media_type, now_ms())
        with self._database.write():
            key = run_key(self._database, run_id, writable=True)
            self._refuse_clash(key, path)
            # `nbtrack gc` removes blobs that nothing refers to, under this very lock; one that was
            # there a moment ago may be gone, and once it is referred to it stays.
            if not self.blobs.exists(digest):
                put()
            self._database.execute(
                f"INSERT INTO artifacts (run, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, path) DO UPDATE SET "
                "digest = excluded.digest, size = excluded.size, media_type = excluded.media_type, created_time = excluded.created_time",
                (key, path, digest, size, media_type, artifact.created_time),
            )
        return artifact

    def _refuse_clash(self, run: int, path: str) -> None:
        """A name can't be a file and a folder: the run could not be downloaded any more."""
        parents = [path[:place] for place, character in enumerate(path) if character == "/"]
        for parent in parents:
            if self._database.row("SELECT 1 FROM artifacts WHERE run = ? AND path = ?", (run, parent)):
                raise InvalidPath(f"can't store {path!r}: {parent!r} is a file of this run, so it can't be a folder too")
        # '0' is the character after '/', so this is the range of all paths that begin with path + '/'.
        if self._database.row("SELECT 1 FROM artifacts WHERE run = ? AND path > ? AND path < ? LIMIT 1", (run, f"{path}/", f"{path}0")):
            raise InvalidPath(f"can't store a file as {path!r}: it is a folder of this run. Choose another name, or a name inside it")

    def _not_found(self, run_id: str, path: str) -> ArtifactNotFound:
        known: Sequence[Any] = [artifact.path for artifact in self.all(run_id)]
        listed = did_you_mean(path, known) or (f" It has: {', '.join(known[:10])}{' …' if len(known) > 10 else ''}" if known else " It has none")
        return ArtifactNotFound(f"the run {run_id} has no artifact {path!r}.{listed}")
