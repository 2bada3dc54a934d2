"""Blobs in a local folder: ``artifacts/ab/cdef...``, written under a temporary name first."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from nbtrack.errors import StoreFull, StoreNotWritable

_CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEMPORARY_PREFIX = "incoming-"
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class LocalBlobs:
    """``BlobStore`` in a folder that is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_file(self, source: Path) -> tuple[str, int]:
        with source.open("rb") as stream:
            head = stream.read(_CHUNK_BYTES)
            if len(head) < _CHUNK_BYTES:  # all of it, and perhaps here already
                return self.put_bytes(head)
            stream.seek(0)
            return self.put_stream(stream)

    def put_stream(self, stream: BinaryIO) -> tuple[str, int]:
        """Copy in what a stream holds from where it stands."""
        return self._put(iter(lambda: stream.read(_CHUNK_BYTES), b""))

    def put_bytes(self, data: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        try:
            if path.stat().st_size == len(data):  # else it was damaged, and is written anew
                os.utime(path)  # as young as a new one, so that gc leaves it alone until a run names it
                return digest, len(data)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._unwritable(error) from error
        return self._put((data,))

    def open(self, digest: str) -> BinaryIO:
        return self._path(digest).open("rb")

    def exists(self, digest: str) -> bool:
        return self._path(digest).exists()

    def all(self) -> Iterator[tuple[str, int, float]]:
        for path, size, age in _described(self.folder.glob("??/*")):
            digest = path.parent.name + path.name
            if _DIGEST.fullmatch(digest):
                yield digest, size, age

    def remove(self, digest: str) -> None:
        self._path(digest).unlink(missing_ok=True)

    def leftovers(self) -> Iterator[tuple[str, int, float]]:
        for path, size, age in _described(self.folder.glob(f"{_TEMPORARY_PREFIX}*")):
            yield path.name, size, age

    def discard(self, leftover: str) -> None:
        if not leftover.startswith(_TEMPORARY_PREFIX) or "/" in leftover or "\\" in leftover:
            raise ValueError(f"{leftover!r} is no leftover of an interrupted write")
        (self.folder / leftover).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no sha256 digest")
        return self.folder / digest[:2] / digest[2:]

    def _put(self, parts: Iterable[bytes]) -> tuple[str, int]:
        """Write to a temporary file while hashing, sync it, and move it to its name."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=self.folder)
        except OSError as error:
            raise self._unwritable(error) from error
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                digest, size = self._copy(parts, target)
            path = self._path(digest)
            path.parent.mkdir(exist_ok=True)
            os.replace(temporary, path)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            temporary.unlink(missing_ok=True)
        return digest, size

    def _copy(self, parts: Iterable[bytes], target: BinaryIO) -> tuple[str, int]:
        hasher, size = hashlib.sha256(), 0
        for part in parts:
            hasher.update(part)
            size += len(part)
            target.write(part)
        target.flush()
        os.fsync(target.fileno())
        return hasher.hexdigest(), size

    def _unwritable(self, error: OSError) -> StoreFull | StoreNotWritable:
        if error.errno in _FULL:
            return StoreFull(f"no room for an artifact in {self.folder}: {error.strerror}. What was logged before is safe; free some space and log it again")
        return StoreNotWritable(f"can't write an artifact in {self.folder}: {error}")


def _described(paths: Iterable[Path]) -> Iterator[tuple[Path, int, float]]:
    """Files with size and age; one that vanishes meanwhile is left out."""
    now = time.time()
    for path in sorted(paths):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        yield path, status.st_size, now - status.st_mtime
