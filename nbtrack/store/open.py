"""Which store a URI means, and where it is when nothing is said."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbtrack.config import Durability
from nbtrack.errors import InvalidPath, StoreNotWritable
from nbtrack.store.base import Store
from nbtrack.store.sql.database import Database

FOLDER = ".nbtrack"
DATABASE = "nbtrack.db"
ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Place:
    """Where a store is: its URI as shown to users, the database file, and the folder of blobs."""

    uri: str
    database: Path
    artifacts: Path

    @property
    def exists(self) -> bool:
        """Whether there is a database file already."""
        return self.database.exists()


def find_folder(start: Path) -> Path | None:
    """The nearest ``.nbtrack`` in ``start`` or above it, as git finds its folder."""
    for folder in (start, *start.parents):
        candidate = folder / FOLDER
        if candidate.is_dir():
            return candidate
    return None


def locate(uri: str | os.PathLike[str] | None = None, *, start: Path | None = None) -> Place:
    """The place that ``uri`` means; None means the nearest ``.nbtrack``, else one to be made in ``start``.

    Accepted are a folder (the one that holds ``.nbtrack``, or ``.nbtrack`` itself), ``file:`` URLs of
    one, a database file ending in ``.db`` or ``.sqlite``, and ``sqlite:///file.db``.

    Raises
    ------
    InvalidPath
        The scheme is not one that this nbtrack opens.
    """
    here = start or Path.cwd()
    if uri is None:
        return _of_folder(find_folder(here) or here / FOLDER)
    text = os.fspath(uri)
    scheme = urlsplit(text).scheme if "://" in text or text.startswith("file:") else ""
    if scheme == "sqlite":
        path = text[len("sqlite:///") :] if text.startswith("sqlite:///") else ""
        if not path or path == ":memory:":
            raise InvalidPath(f"{text!r} names no file; write sqlite:///runs.db for a file here, or sqlite:////data/runs.db for an absolute path")
        return _of_file(here / path)
    if scheme == "file":
        return _of_path(here / unquote(urlsplit(text).path))
    if scheme:
        raise InvalidPath(f"can't open a store at {text!r}: the scheme {scheme!r} is not supported. Use a folder, or sqlite:///file.db")
    return _of_path(here / Path(text).expanduser())


def open_store(place: Place, *, durability: Durability = Durability.NORMAL) -> Store:
    """Open the store at ``place``, made if it is not there."""
    from nbtrack.store.sqlite import make_folder, open_sqlite

    if not place.exists and place.database.parent.name == FOLDER:
        make_folder(place.database.parent)
        _ignore_in_git(place.database.parent)
    return open_sqlite(place.database, artifacts=place.artifacts, uri=place.uri, durability=durability)


def empty_store() -> Store:
    """A store without anything, for questions asked before the first write; gone with the process."""
    from nbtrack.store.sqlite import open_sqlite

    folder = Path(tempfile.mkdtemp(prefix="nbtrack-empty-"))
    store = open_sqlite(folder / DATABASE, artifacts=folder / ARTIFACTS, uri="")
    weakref.finalize(store, _remove_folder, store.database, folder, os.getpid())
    return store


def _of_path(path: Path) -> Place:
    if path.is_file() or (path.suffix in (".db", ".sqlite", ".sqlite3") and not path.is_dir()):
        return _of_file(path)
    if path.name == FOLDER or (path / DATABASE).exists():
        return _of_folder(path)
    return _of_folder(path / FOLDER)


def _of_folder(folder: Path) -> Place:
    folder = Path(os.path.abspath(folder))
    return Place(str(folder), folder / DATABASE, folder / ARTIFACTS)


def _of_file(path: Path) -> Place:
    path = Path(os.path.abspath(path))
    artifacts = path.parent / ARTIFACTS if path.name == DATABASE else path.with_suffix(".artifacts")
    return Place(f"sqlite:///{path}", path, artifacts)


def _remove_folder(database: Database, folder: Path, owner: int) -> None:
    database.close()
    if os.getpid() == owner:  # a fork's child ends before its parent
        shutil.rmtree(folder, ignore_errors=True)


def _ignore_in_git(folder: Path) -> None:
    try:
        (folder / ".gitignore").write_text("# Made by nbtrack: runs stay out of version control.\n*\n")
    except OSError as error:
        raise StoreNotWritable(f"can't write in the store's folder {folder}: {error}") from error
