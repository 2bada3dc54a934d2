"""Where the bytes of artifacts lie: a Protocol, so that a local folder or a bucket can be it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol


class BlobStore(Protocol):
    """Immutable blobs by their sha256."""

    def put_file(self, source: Path) -> tuple[str, int]:
        """Copy a file in, streaming; return its digest and size in bytes."""
        ...

    def put_bytes(self, data: bytes) -> tuple[str, int]: ...

    def open(self, digest: str) -> BinaryIO:
        """Open for reading; raises ``FileNotFoundError`` if the blob is missing."""
        ...

    def exists(self, digest: str) -> bool: ...

    def all(self) -> Iterator[tuple[str, int, float]]:
        """Every blob as digest, size in bytes, and seconds since it was put in last."""
        ...

    def remove(self, digest: str) -> None:
        """Remove a blob; nothing if it is gone already."""
        ...

    def leftovers(self) -> Iterator[tuple[str, int, float]]:
        """What writes left behind that did not come to their end: name, size in bytes, age in seconds."""
        ...

    def discard(self, leftover: str) -> None:
        """Remove a leftover by its name; nothing if it is gone already."""
        ...
