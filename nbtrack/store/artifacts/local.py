"""Blobs in a local folder: ``artifacts/ab/cdef...``, written under a temporary name first."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbtrack.errors import StoreFull, StoreNotWritable

_CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEMPORARY_PREFIX = "incoming-"


class LocalBlobs:
    """``BlobStore`` in a folder that is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_file(self, source: Path) -> tuple[str, int]:
        with source.open("rb") as stream:
            return self._put(iter(lambda: stream.read(_CHUNK_BYTES), b""))

    def put_bytes(self, data: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(data).hexdigest()
        try:
            os.utime(self._path(digest))  # as young as a new blob, so that gc leaves it alone until a run names it
        except FileNotFoundError:
            return self._put(iter((data,)))
        except OSError as error:
            raise _store_error(error, self.folder) from error
        return digest, len(data)

    def open(self, digest: str) -> BinaryIO:
        return self._path(digest).open("rb")

    def exists(self, digest: str) -> bool:
        return self._path(digest).exists()

    def all(self) -> Iterator[tuple[str, int, float]]:
        now = time.time()
        for path in sorted(self.folder.glob("??/*")):
            digest = path.parent.name + path.name
            if _DIGEST.fullmatch(digest):
                status = path.stat()
                yield digest, status.st_size, now - status.st_mtime

    def leftovers(self) -> Iterator[tuple[Path, int, float]]:
        """Temporary files of writes that did not come to their end, with size and age in seconds."""
        now = time.time()
        for path in sorted(self.folder.glob(f"{_TEMPORARY_PREFIX}*")):
            status = path.stat()
            yield path, status.st_size, now - status.st_mtime

    def remove(self, digest: str) -> None:
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no sha256 digest")
        return self.folder / digest[:2] / digest[2:]

    def _put(self, parts: Iterator[bytes]) -> tuple[str, int]:
        """Write to a temporary file while hashing, sync it, and move it to its name."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=self.folder)
        except OSError as error:
            raise _store_error(error, self.folder) from error
        temporary = Path(name)
        try:
            hasher, size = hashlib.sha256(), 0
            with os.fdopen(handle, "wb") as stream:
                for part in parts:
                    hasher.update(part)
                    size += len(part)
                    stream.write(part)
                stream.flush()
                os.fsync(stream.fileno())
            digest = hasher.hexdigest()
            target = self._path(digest)
            target.parent.mkdir(exist_ok=True)
            os.replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise _store_error(error, self.folder) from error
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return digest, size


def _store_error(error: OSError, folder: Path) -> StoreFull | StoreNotWritable:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return StoreFull(f"no room for an artifact in {folder}: {error.strerror}. What was logged before is safe; free some space and log it again")
    return StoreNotWritable(f"can't write an artifact in {folder}: {error}")
