"""The files of a model folder: listed, hashed, compared and copied, never outside of it.

A folder may come from anybody, so links are refused wherever they stand: what they point to is not
part of what was hashed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import InvalidPath, ModelError, UntrustedModel
from nbtrack.ids import check_artifact_path

_CHUNK_BYTES = 1 << 20
_NOT_COPIED = ("__pycache__", ".ipynb_checkpoints", ".git")


@dataclass(frozen=True)
class FolderFile:
    """One file of a folder; ``path`` is relative, with ``/``, ``digest`` the sha256 of its bytes."""

    path: str
    digest: str
    size: int


def list_files(folder: Path) -> list[str]:
    """Relative paths of all files below ``folder``, sorted.

    Raises
    ------
    InvalidPath
        Something in it is a link or no plain file.
    """
    found: list[str] = []
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                path = Path(entry.path).relative_to(folder).as_posix()
                if entry.is_symlink():
                    raise InvalidPath(f"{folder}: {path} is a symbolic link, which a model folder cannot have; put the file itself there")
                if entry.is_dir():
                    pending.append(Path(entry.path))
                elif stat.S_ISREG(entry.stat().st_mode):
                    found.append(path)
                else:
                    raise InvalidPath(f"{folder}: {path} is neither a file nor a folder")
    return sorted(found)


def folder_files(folder: Path | str) -> tuple[FolderFile, ...]:
    """All files below ``folder`` with size and digest, sorted by path."""
    root = Path(folder)
    return tuple(FolderFile(path, file_digest(root / path), (root / path).stat().st_size) for path in list_files(root))


def folder_digest(folder: Path | str | Iterable[FolderFile]) -> str:
    """One sha256 for a folder, given as such or by its files: of all paths and digests, whatever their order."""
    files = folder_files(folder) if isinstance(folder, (str, Path)) else folder
    lines = sorted(f"{file.digest}  {file.path}\n" for file in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def check_files(folder: Path | str, expected: Mapping[str, str], *, called: str | None = None) -> None:
    """Compare the files of ``folder`` with the digests that were recorded (path -> sha256); ``called`` is what messages name.

    Raises
    ------
    UntrustedModel
        A file was changed, removed or added; each is named.
    """
    found = {file.path: file.digest for file in folder_files(folder)}
    changed = sorted(path for path in found.keys() & expected.keys() if found[path] != expected[path])
    missing, added = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    problems = [f"{what}: {', '.join(paths)}" for what, paths in (("changed", changed), ("missing", missing), ("added", added)) if paths]
    if problems:
        raise UntrustedModel(
            f"the model {called or f'in {folder}'} is not what was logged ({'; '.join(problems)}). Loading it could run foreign code, so it is not loaded. "
            "Log the model again, or restore the store from a copy made by `nbtrack db backup`"
        )


def inside(folder: Path, path: object, what: str) -> Path:
    """The file or folder that a manifest names, if it lies in ``folder``.

    Raises
    ------
    InvalidPath
        The path leaves the folder, by ``..``, as an absolute one, or by a link.
    ModelError
        There is nothing.
    """
    try:
        plain = check_artifact_path(path)
    except InvalidPath as error:
        raise InvalidPath(f"{folder}: the MLmodel file names {what} outside of the folder: {error}") from None
    target = folder
    for part in plain.split("/"):
        target = target / part
        if target.is_symlink():
            raise InvalidPath(f"{folder}: {plain} ({what}) leads over a symbolic link, which a model folder cannot have")
    if not target.exists():
        raise ModelError(f"{folder}: {plain} ({what}) is missing; the folder is incomplete")
    return target


def copy_into(source: str | Path, target: Path, what: str) -> None:
    """Copy a file, or a folder without caches, to ``target``.

    Raises
    ------
    ModelError
        The source does not exist, or the target does.
    InvalidPath
        The source is a link, or has one in it.
    """
    path = Path(source)
    if path.is_symlink():
        raise InvalidPath(f"{what} {path} is a symbolic link; give the path that it points to: {path.resolve()}")
    if not path.exists():
        raise ModelError(f"{what} {path} does not exist (looked in {Path.cwd()})")
    if target.exists():
        raise ModelError(f"two of the {what}s are named {path.name!r}; rename one")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        list_files(path)
        shutil.copytree(path, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    else:
        shutil.copyfile(path, target)
