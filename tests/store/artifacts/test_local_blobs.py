from __future__ import annotations

import hashlib
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbtrack.store.artifacts.local import LocalBlobs


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_equal_content_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    blobs, source = LocalBlobs(tmp_path / "blobs"), tmp_path / "source"
    source.write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    assert blobs.put_bytes(b"content") == blobs.put_file(source) == blobs.put_bytes(b"content") == (digest, 7)
    assert files_in(tmp_path / "blobs") == [tmp_path / "blobs" / digest[:2] / digest[2:]]
    assert [found[:2] for found in blobs.all()] == [(digest, 7)]


def test_nothing_is_made_before_the_first_blob(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    assert (list(blobs.all()), list(blobs.leftovers()), blobs.exists("0" * 64)) == ([], [], False)
    assert not (tmp_path / "blobs").exists()
    with pytest.raises(FileNotFoundError):
        blobs.open("0" * 64)
    blobs.remove("0" * 64)


def test_a_large_file_is_streamed(tmp_path: Path) -> None:
    source = tmp_path / "large.bin"
    with source.open("wb") as stream:
        stream.truncate(64 << 20)
    tracemalloc.start()
    digest, size = LocalBlobs(tmp_path / "blobs").put_file(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (size, LocalBlobs(tmp_path / "blobs").exists(digest)) == (64 << 20, True)
    assert peak < 8 << 20


def test_a_blob_that_was_shortened_is_written_anew(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    digest, _ = blobs.put_bytes(b"content")
    os.truncate(tmp_path / digest[:2] / digest[2:], 2)
    blobs.put_bytes(b"content")
    with blobs.open(digest) as stream:
        assert stream.read() == b"content"


def test_putting_a_blob_again_makes_it_young(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    digest, _ = blobs.put_bytes(b"content")
    os.utime(tmp_path / digest[:2] / digest[2:], (0, 0))
    assert next(blobs.all())[2] > 1e9
    blobs.put_bytes(b"content")
    assert next(blobs.all())[2] < 60


def test_threads_that_put_one_content_make_one_blob(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: blobs.put_bytes(b"same" * 10_000), range(32)))) == 1
    assert (len(files_in(tmp_path)), list(blobs.leftovers())) == (1, [])


def test_an_unreadable_source_leaves_nothing_behind(tmp_path: Path) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise RuntimeError("unplugged")

    with pytest.raises(RuntimeError, match="unplugged"):
        LocalBlobs(tmp_path).put_stream(Broken())  # type: ignore[arg-type]
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("digest", ["", "..", "../../../etc/passwd", "0" * 63, "0" * 65, "G" * 64, "0" * 62 + "/."])
def test_what_is_no_digest_is_no_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="no sha256 digest"):
        LocalBlobs(tmp_path).open(digest)


@pytest.mark.parametrize("name", ["../x", "incoming-../../x", "ab/cd", "other"])
def test_only_leftovers_are_discarded(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no leftover"):
        LocalBlobs(tmp_path).discard(name)


def test_foreign_files_in_the_folder_are_no_blobs(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    blobs.put_bytes(b"content")
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".DS_Store").touch()
    (tmp_path / "notes.txt").touch()
    assert len(list(blobs.all())) == 1
