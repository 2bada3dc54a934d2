"""Folders are bounded, hashed whatever the order of their files, and compared file by file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbtrack.errors import InvalidPath, ModelError, UntrustedModel
from nbtrack.models.files import check_files, copy_into, folder_digest, folder_files, inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a folder."""
    root = tmp_path / "model"
    (root / "data").mkdir(parents=True)
    (root / "MLmodel").write_text("flavors: {}")
    (root / "data" / "weights.bin").write_bytes(b"123")
    return root


def test_the_digest_is_of_paths_and_bytes_alone(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    (copy / "data").mkdir(parents=True)
    (copy / "data" / "weights.bin").write_bytes(b"123")
    (copy / "MLmodel").write_text("flavors: {}")
    assert folder_digest(copy) == folder_digest(folder) == folder_digest(reversed(folder_files(folder)))
    (copy / "data" / "weights.bin").rename(copy / "weights.bin")
    assert folder_digest(copy) != folder_digest(folder)


def test_files_have_path_digest_and_size(folder: Path):
    files = folder_files(folder)
    assert [(file.path, file.size) for file in files] == [("MLmodel", 11), ("data/weights.bin", 3)]
    assert files[1].digest == "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"


def test_changed_missing_and_added_files_are_named(folder: Path):
    expected = {file.path: file.digest for file in folder_files(folder)}
    check_files(folder, expected)
    (folder / "data" / "weights.bin").write_bytes(b"124")
    (folder / "MLmodel").unlink()
    (folder / "evil.py").write_text("")
    with pytest.raises(UntrustedModel, match=r"changed: data/weights.bin; missing: MLmodel; added: evil.py"):
        check_files(folder, expected)


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside.txt", "MLmodel"])
def test_links_in_a_folder_are_refused(folder: Path, target: str):
    (folder / "data" / "link").symlink_to(target)
    with pytest.raises(InvalidPath, match="data/link is a symbolic link"):
        folder_files(folder)
    with pytest.raises(InvalidPath, match="over a symbolic link"):
        inside(folder, "data/link", "the model")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "data/../../secret", "", None, 5, "a\x00b"])
def test_paths_of_a_manifest_stay_in_the_folder(folder: Path, path: object):
    with pytest.raises(InvalidPath, match="names the model outside of the folder"):
        inside(folder, path, "the model")


def test_a_missing_file_is_named(folder: Path):
    with pytest.raises(ModelError, match=r"model.pkl \(the model\) is missing"):
        inside(folder, "model.pkl", "the model")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_refused(folder: Path):
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidPath, match="pipe is neither a file nor a folder"):
        folder_files(folder)


def test_what_is_copied_is_no_link_and_exists(folder: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(InvalidPath, match=f"give the path that it points to: {folder}"):
        copy_into(tmp_path / "link", tmp_path / "out", "the artifact")
    with pytest.raises(ModelError, match="the artifact nothing does not exist"):
        copy_into("nothing", tmp_path / "out", "the artifact")
    (folder / "__pycache__").mkdir()
    copy_into(folder, tmp_path / "out", "the artifact")
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["MLmodel", "data"]
    with pytest.raises(ModelError, match="named 'model'; rename one"):
        copy_into(folder, tmp_path / "out", "the artifact")
