from __future__ import annotations

import gc
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbtrack.config import Durability
from nbtrack.errors import InvalidPath
from nbtrack.store.base import RunQuery
from nbtrack.store.open import empty_store, find_folder, locate, open_store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sqlite import file_system_of
from nbtrack.store.sqlite_connections import SqliteDatabase

from .builders import new_run


@pytest.mark.parametrize(
    ("uri", "database", "artifacts"),
    [
        ("lab", "lab/.nbtrack/nbtrack.db", "lab/.nbtrack/artifacts"),
        ("lab/.nbtrack", "lab/.nbtrack/nbtrack.db", "lab/.nbtrack/artifacts"),
        ("lab/../other", "other/.nbtrack/nbtrack.db", "other/.nbtrack/artifacts"),
        ("file:lab", "lab/.nbtrack/nbtrack.db", "lab/.nbtrack/artifacts"),
        ("runs.db", "runs.db", "runs.artifacts"),
        ("a/runs.sqlite", "a/runs.sqlite", "a/runs.artifacts"),
        ("sqlite:///runs.db", "runs.db", "runs.artifacts"),
        ("sqlite:///runs", "runs", "runs.artifacts"),
        ("sqlite:///.nbtrack/nbtrack.db", ".nbtrack/nbtrack.db", ".nbtrack/artifacts"),
    ],
)
def test_a_uri_means_a_place_below_the_start(tmp_path: Path, uri: str, database: str, artifacts: str) -> None:
    place = locate(uri, start=tmp_path)
    assert (place.database, place.artifacts) == (tmp_path / database, tmp_path / artifacts)
    assert locate(place.uri, start=Path("/elsewhere")) == place


def test_absolute_and_quoted_places(tmp_path: Path) -> None:
    folder = tmp_path / "my lab é"
    assert locate(folder.as_uri()) == locate(str(folder)) == locate(folder)
    assert locate(f"sqlite:///{folder}/runs.db").database == folder / "runs.db"
    assert locate("~/lab").database == Path.home() / "lab/.nbtrack/nbtrack.db"


@pytest.mark.parametrize("uri", ["mysql://host/db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "ftp://x"])
def test_a_uri_that_means_no_place_is_refused(uri: str) -> None:
    with pytest.raises(InvalidPath, match="sqlite:///"):
        locate(uri)


def test_the_nearest_store_above_is_found_else_one_is_meant_here(tmp_path: Path) -> None:
    below = tmp_path / "a/b/c"
    below.mkdir(parents=True)
    assert locate(start=below).database == below / ".nbtrack/nbtrack.db"
    (tmp_path / "a/.nbtrack").mkdir()
    assert locate(start=below).database == tmp_path / "a/.nbtrack/nbtrack.db"
    assert find_folder(below) == tmp_path / "a/.nbtrack"


def test_nothing_is_made_before_the_store_is_opened(tmp_path: Path) -> None:
    place = locate(start=tmp_path)
    assert not place.exists
    assert list(tmp_path.iterdir()) == []
    open_store(place).close()
    assert place.exists


def test_a_new_store_stays_out_of_git_unless_someone_wants_it_in(tmp_path: Path) -> None:
    place = locate(tmp_path)
    open_store(place).close()
    ignore = tmp_path / ".nbtrack/.gitignore"
    assert "*" in ignore.read_text().splitlines()
    ignore.unlink()
    open_store(place).close()
    assert not ignore.exists()


def test_what_was_logged_is_there_when_a_store_is_opened_again(tmp_path: Path) -> None:
    store = open_store(locate(tmp_path))
    run_id = new_run(store)
    store.metrics.log(run_id, "loss", 0.5, 0, 0)
    store.close()
    again = open_store(locate(tmp_path))
    assert again.runs.get(run_id).data.metrics == {"loss": 0.5}
    again.close()


def test_a_closed_store_opens_itself_when_it_is_used_again(tmp_path: Path) -> None:
    store = open_store(locate(tmp_path))
    store.close()
    store.close()
    run_id = new_run(store)
    assert store.runs.get(run_id).info.run_id == run_id
    store.close()


@pytest.mark.parametrize(("durability", "level"), [(Durability.NORMAL, 1), (Durability.FULL, 2)])
def test_durability_says_when_the_disk_is_waited_for(tmp_path: Path, durability: Durability, level: int) -> None:
    for _ in ("a new store", "the same again"):
        store = open_store(locate(tmp_path), durability=durability)
        assert isinstance(store, SqlStore)
        assert store.database.row("PRAGMA synchronous") == (level,)
        assert store.database.row("PRAGMA journal_mode") == ("wal",)
        store.close()


def test_every_connection_keeps_foreign_keys(sqlite_store: SqlStore) -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(sqlite_store.database.row, "PRAGMA foreign_keys").result() == (1,)


def test_a_rollback_journal_waits_for_the_disk_with_every_commit(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    assert database.set_journal("WAL") == "wal"
    assert database.row("PRAGMA synchronous") == (1,)
    assert database.set_journal("TRUNCATE") == "truncate"
    assert database.row("PRAGMA synchronous") == (2,)
    database.close()


def test_a_store_with_a_rollback_journal_goes_back_to_wal(tmp_path: Path) -> None:
    place = locate(tmp_path)
    open_store(place).close()
    connection = sqlite3.connect(place.database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    store = open_store(place)
    assert isinstance(store, SqlStore)
    assert store.database.row("PRAGMA journal_mode") == ("wal",)
    store.close()


def test_network_file_systems_are_told_by_the_longest_mount() -> None:
    mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\ntmpfs /home/ada/my\\040disk tmpfs rw 0 0\n"
    assert file_system_of(Path("/data/x.db"), mounts) == "ext4"
    assert file_system_of(Path("/home/ada/x.db"), mounts) == "nfs4"
    assert file_system_of(Path("/homeless/x.db"), mounts) == "ext4"
    assert file_system_of(Path("/home/ada/my disk/x.db"), mounts) == "tmpfs"
    assert file_system_of(Path("/x"), "") == ""


def test_the_empty_store_answers_questions_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = empty_store()
    assert store.runs.search(RunQuery()) == []
    assert store.experiments.get("0").name == "Default"
    assert len(os.listdir(tmp_path)) == 1
    del store
    gc.collect()
    assert os.listdir(tmp_path) == []
