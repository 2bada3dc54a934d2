from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.entities import FileInfo
from nbtrack.errors import ArtifactNotFound, InvalidPath
from nbtrack.store.base import Store

from ..builders import new_run

_names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='/\\:*?"<>|'), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 100
)


def test_bytes_come_back_with_digest_size_and_media_type(store: Store, run_id: str) -> None:
    made = store.artifacts.put_bytes(run_id, "plots/roc 📈.png", b"png", media_type="image/png")
    assert (made.path, made.digest, made.size, made.media_type) == ("plots/roc 📈.png", hashlib.sha256(b"png").hexdigest(), 3, "image/png")
    assert store.artifacts.get(run_id, "plots/roc 📈.png") == made
    assert store.artifacts.read(run_id, "./plots//roc 📈.png") == b"png"
    assert store.artifacts.all(run_id) == [made]


def test_a_file_is_copied_in(store: Store, run_id: str, tmp_path: Path) -> None:
    source = tmp_path / "big.bin"
    source.write_bytes(b"0123456789" * 500_000)
    made = store.artifacts.put_file(run_id, "data/big.bin", source)
    assert made.size == 5_000_000
    source.write_bytes(b"changed later")
    assert store.artifacts.read(run_id, "data/big.bin") == b"0123456789" * 500_000


def test_a_missing_file_is_said_to_be_missing(store: Store, run_id: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        store.artifacts.put_file(run_id, "a.txt", tmp_path / "nothing.txt")
    assert store.artifacts.all(run_id) == []


def test_a_path_is_overwritten_and_empty_files_are_files(store: Store, run_id: str) -> None:
    store.artifacts.put_bytes(run_id, "a.txt", b"old")
    store.artifacts.put_bytes(run_id, "a.txt", b"")
    assert store.artifacts.read(run_id, "a.txt") == b""
    assert store.artifacts.list(run_id) == [FileInfo("a.txt", False, 0)]


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc/passwd", "C:\\a", "", ".", "a\x00b", "..\\a"])
def test_a_path_that_leaves_the_run_is_refused_everywhere(store: Store, run_id: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("x")
    with pytest.raises(InvalidPath):
        store.artifacts.put_bytes(run_id, path, b"")
    with pytest.raises(InvalidPath):
        store.artifacts.put_file(run_id, path, tmp_path / "source")
    with pytest.raises(InvalidPath):
        store.artifacts.read(run_id, path)
    with pytest.raises(InvalidPath):
        store.artifacts.delete(run_id, path)


def test_a_name_is_a_file_or_a_folder_but_not_both(store: Store, run_id: str) -> None:
    store.artifacts.put_bytes(run_id, "a/b/c.txt", b"")
    store.artifacts.put_bytes(run_id, "a-b", b"")
    store.artifacts.put_bytes(run_id, "a.txt", b"")
    with pytest.raises(InvalidPath, match="'a/b': it is a folder"):
        store.artifacts.put_bytes(run_id, "a/b", b"")
    with pytest.raises(InvalidPath, match=r"'a/b/c.txt' is a file of this run"):
        store.artifacts.put_bytes(run_id, "a/b/c.txt/d", b"")


def test_folders_are_listed_one_level_at_a_time(store: Store, run_id: str) -> None:
    for path in ("model/MLmodel", "model/data/weights.bin", "model/data/more/x", "notes.txt", "model.txt"):
        store.artifacts.put_bytes(run_id, path, path.encode())
    assert store.artifacts.list(run_id) == [FileInfo("model", True, None), FileInfo("model.txt", False, 9), FileInfo("notes.txt", False, 9)]
    assert store.artifacts.list(run_id, "model/") == [FileInfo("model/MLmodel", False, 13), FileInfo("model/data", True, None)]
    assert store.artifacts.list(run_id, "./model/data") == [FileInfo("model/data/more", True, None), FileInfo("model/data/weights.bin", False, 22)]
    assert store.artifacts.list(run_id, "model//MLmodel") == [FileInfo("model/MLmodel", False, 13)]
    assert store.artifacts.list(run_id, "nothing") == []


def test_one_artifact_a_folder_or_all_are_downloaded(store: Store, run_id: str, tmp_path: Path) -> None:
    for path in ("model/MLmodel", "model/data/w.bin", "notes.txt"):
        store.artifacts.put_bytes(run_id, path, path.encode())
    target = tmp_path / "out"
    assert store.artifacts.download(run_id, "notes.txt", target).read_bytes() == b"notes.txt"
    assert store.artifacts.download(run_id, "model", target) == target / "model"
    assert (target / "model/data/w.bin").read_bytes() == b"model/data/w.bin"
    assert store.artifacts.download(run_id, None, tmp_path / "all") == tmp_path / "all"
    assert sorted(path.name for path in (tmp_path / "all").rglob("*") if path.is_file()) == ["MLmodel", "notes.txt", "w.bin"]
    with pytest.raises(ArtifactNotFound, match="Did you mean 'notes.txt'"):
        store.artifacts.download(run_id, "note.txt", target)


def test_what_is_not_there_is_said_with_what_is(store: Store, run_id: str) -> None:
    with pytest.raises(ArtifactNotFound, match="has no artifact 'a.txt'. It has none"):
        store.artifacts.get(run_id, "a.txt")
    store.artifacts.put_bytes(run_id, "plots/roc.png", b"")
    with pytest.raises(ArtifactNotFound, match="Did you mean 'plots/roc.png'"):
        store.artifacts.read(run_id, "plots/rok.png")
    with pytest.raises(ArtifactNotFound, match="It has: plots/roc.png"):
        store.artifacts.delete(run_id, "xyz")


def test_a_deleted_artifact_is_gone_from_its_run_alone(store: Store, run_id: str) -> None:
    other = new_run(store)
    for run in (run_id, other):
        store.artifacts.put_bytes(run, "a.txt", b"same")
    store.artifacts.delete(run_id, "a.txt")
    assert store.artifacts.all(run_id) == []
    assert store.artifacts.read(other, "a.txt") == b"same"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(_names, min_size=1, max_size=4), data=st.binary(max_size=100))
def test_any_plain_path_holds_any_bytes(store: Store, tmp_path: Path, parts: list[str], data: bytes) -> None:
    run_id, path = new_run(store), "/".join(parts)
    made = store.artifacts.put_bytes(run_id, path, data)
    assert store.artifacts.read(run_id, path) == data
    assert [artifact.path for artifact in store.artifacts.all(run_id)] == [made.path]
    assert store.artifacts.download(run_id, path, tmp_path / run_id).read_bytes() == data
    assert (tmp_path / run_id) in store.artifacts.download(run_id, path, tmp_path / run_id).resolve().parents
