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
        """Every blob as digest, size in bytes, and age in seconds."""
        ...

    def remove(self, digest: str) -> None: ...
