"""Files that are damaged, full, foreign, read-only or moved: told clearly, and never made worse."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbtrack.entities import Metric, Param
from nbtrack.errors import ArtifactNotFound, StoreCorrupt, StoreError, StoreFull, StoreNotWritable
from nbtrack.store.base import Store
from nbtrack.store.open import Place, locate, open_store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sqlite import open_sqlite

from .builders import new_run
from .processes import run

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file systems")


def filled(place: Place) -> str:
    """Make a store with one run that has some of everything, and return the run's id."""
    store = open_store(place)
    run_id = new_run(store)
    store.params.log(run_id, [Param("lr", 0.1)])
    store.metrics.log_arrays(run_id, {"loss": [step / 7 for step in range(3000)]}, range(3000), range(3000))
    store.artifacts.put_bytes(run_id, "notes.txt", b"kept")
    store.close()
    return run_id


def assert_filled(store: Store, run_id: str) -> None:
    assert store.runs.get(run_id).data.params == {"lr": 0.1}
    assert len(store.metrics.columns([run_id], ["loss"]).values) == 3000
    assert store.artifacts.read(run_id, "notes.txt") == b"kept"


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory, where the system lets us mount one."""
    folder.mkdir()
    if sys.platform != "linux" or not shutil.which("mount"):
        pytest.skip("needs Linux's mount")
    command = ["mount", "-t", "tmpfs", "-o", options, "nbtrack-test", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip(f"may not mount: {answer.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# --- files that are no store ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04 some zip archive" * 50, r"begins with b'PK\\x03\\x04 some zip"),
        (b"SQLite format 2\x00" + bytes(2000), "begins with b'SQLite format 2"),
        (b"SQLite format 3\x00", "has 16 bytes and begins with b'SQLite format 3"),
        (b"x", "has 1 byte and begins with b'x'"),
        (os.urandom(5000), "has 5,000 bytes"),
    ],
)
def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes, found: str) -> None:
    place = locate(tmp_path)
    place.database.parent.mkdir()
    place.database.write_bytes(content)
    with pytest.raises(StoreCorrupt, match=r"never overwrites it.*`nbtrack db backup`.*put the copy in its place") as refusal:
        open_store(place)
    assert re.search(found, str(refusal.value))
    assert str(place.database) in str(refusal.value)
    assert place.database.read_bytes() == content


@pytest.mark.parametrize("kept", [1, 99, 100, 511, 512, 2047, 2048, 20_000, -2048, -1])
def test_a_truncated_store_is_refused_and_stays_as_it_is(tmp_path: Path, kept: int) -> None:
    place = locate(tmp_path)
    filled(place)
    content = place.database.read_bytes()[:kept]
    place.database.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="never overwrites it"):
        open_store(place)
    assert place.database.read_bytes() == content


def test_a_truncated_store_says_how_long_it_should_be(tmp_path: Path) -> None:
    place = locate(tmp_path)
    filled(place)
    size = place.database.stat().st_size
    os.truncate(place.database, 20_480)
    with pytest.raises(StoreCorrupt, match=f"has 20,480 bytes, and should have {size:,}"):
        open_store(place)


@needs_posix
def test_an_emptied_file_beside_its_log_is_refused_and_the_log_stays(tmp_path: Path) -> None:
    place = locate(tmp_path)
    run('store = opened()\nstore.metrics.log(started(store), "loss", 1.0, 0, 0)\nos.kill(os.getpid(), 0)\nos._exit(0)')
    log = place.database.with_name("nbtrack.db-wal")
    content = log.read_bytes()
    assert content
    os.truncate(place.database, 0)
    with pytest.raises(StoreCorrupt, match=f"is empty, but nbtrack.db-wal beside it holds {len(content):,} bytes"):
        open_store(place)
    assert log.read_bytes() == content


def test_an_emptied_file_beside_artifacts_is_refused_and_the_artifacts_stay(tmp_path: Path) -> None:
    place = locate(tmp_path)
    filled(place)
    kept = sorted(place.artifacts.rglob("*"))
    os.truncate(place.database, 0)
    with pytest.raises(StoreCorrupt, match="is empty, but .*artifacts beside it holds artifacts of runs"):
        open_store(place)
    assert place.database.stat().st_size == 0
    assert sorted(place.artifacts.rglob("*")) == kept


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    place = locate(tmp_path)
    place.database.parent.mkdir()
    place.database.touch()
    store = open_store(place)
    assert store.experiments.get("0").name == "Default"
    store.close()


def test_a_page_that_went_bad_is_told_by_the_call_that_reads_it(tmp_path: Path) -> None:
    place = locate(tmp_path)
    run_id = filled(place)
    pages = place.database.stat().st_size // 2048
    with place.database.open("r+b") as stream:
        for page in range(pages - 20, pages):
            stream.seek(page * 2048)
            stream.write(b"\xff" * 2048)
    before = place.database.read_bytes()
    store = open_store(place)
    with pytest.raises(StoreCorrupt, match=r"is damaged: database disk image is malformed.*`nbtrack db backup`"):
        store.metrics.columns([run_id])
    store.close()
    assert place.database.read_bytes() == before


def test_a_missing_blob_is_told_by_name(sqlite_store: SqlStore) -> None:
    run_id = new_run(sqlite_store)
    made = sqlite_store.artifacts.put_bytes(run_id, "model.pkl", b"bytes")
    sqlite_store.blobs.remove(made.digest)
    with pytest.raises(ArtifactNotFound, match=rf"{run_id} names the artifact 'model.pkl', but its bytes .* are missing.*nbtrack doctor"):
        sqlite_store.artifacts.read(run_id, "model.pkl")
    sqlite_store.artifacts.put_bytes(run_id, "again.pkl", b"bytes")
    assert sqlite_store.artifacts.read(run_id, "model.pkl") == b"bytes"


# --- places that take no writes ------------------------------------------------------------------


@needs_posix
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotWritable, match=r"can't make the store's folder .*file/.nbtrack.*set_tracking_uri"):
        open_store(locate(tmp_path / "file/.nbtrack"))


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    place = locate(tmp_path)
    place.database.mkdir(parents=True)
    with pytest.raises(StoreNotWritable, match="unable to open database file"):
        open_store(place)


@needs_posix
def test_a_store_on_a_read_only_file_system_opens_for_reading(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=4m") as disk:
        place = locate(disk)
        run_id = filled(place)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        before = place.database.read_bytes()
        store = open_store(place)
        assert_filled(store, run_id)
        for write in (
            lambda: store.metrics.log(run_id, "loss", 1.0, 0, 0),
            lambda: store.params.log(run_id, [Param("lr", 0.2)]),
            lambda: store.artifacts.put_bytes(run_id, "a.txt", b""),
        ):
            with pytest.raises(StoreNotWritable):
                write()
        store.close()
        assert place.database.read_bytes() == before


@needs_posix
def test_no_store_is_made_on_a_read_only_file_system(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=1m,ro") as disk, pytest.raises(StoreNotWritable, match="Read-only file system"):
        open_store(locate(disk))


# --- full disks ----------------------------------------------------------------------------------


def fill_up(store: Store, run_id: str) -> int:
    """Log until there is no room; return how many points were acknowledged."""
    for step in range(100_000):
        try:
            store.metrics.log(run_id, "loss", step / 7, step, step)
        except StoreFull:
            return step
    raise AssertionError("the disk was never full")


def assert_keeps(store: Store, run_id: str, points: int) -> None:
    assert [metric.step for metric in store.metrics.history(run_id, "loss")] == list(range(points))
    assert store.metrics.summaries(run_id)[0].count == points


def test_a_full_database_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    place = locate(tmp_path)
    store = open_sqlite(place.database, artifacts=place.artifacts, uri=place.uri)
    run_id = new_run(store)
    pages = store.database.row("PRAGMA page_count")[0]
    store.database.row(f"PRAGMA max_page_count = {pages + 20}")
    points = fill_up(store, run_id)
    assert points > 100
    with pytest.raises(StoreFull, match="What was logged before is safe; free some space and try again"):
        store.metrics.log_batch(run_id, [Metric("batch", 1.0, 0, step) for step in range(5000)])
    assert_keeps(store, run_id, points)
    store.database.row(f"PRAGMA max_page_count = {pages + 2000}")
    store.metrics.log(run_id, "loss", 0.0, points, points)
    assert_keeps(store, run_id, points + 1)
    assert [summary.key for summary in store.metrics.summaries(run_id)] == ["loss"]
    store.close()


@needs_posix
def test_a_full_disk_keeps_what_was_acknowledged_and_logging_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=1500k") as disk:
        (disk / "ballast").write_bytes(bytes(400_000))
        place = locate(disk)
        store = open_store(place)
        run_id = new_run(store)
        store.artifacts.put_bytes(run_id, "notes.txt", b"kept")
        points = fill_up(store, run_id)
        assert points > 100
        with pytest.raises(StoreFull, match="no room for an artifact"):
            store.artifacts.put_bytes(run_id, "large.bin", bytes(1_000_000))
        with pytest.raises(StoreFull):
            store.params.log(run_id, [Param(f"p{number}", "x" * 1000) for number in range(1000)])
        assert_keeps(store, run_id, points)
        other = open_store(place)
        assert_keeps(other, run_id, points)
        other.close()
        (disk / "ballast").unlink()
        store.metrics.log(run_id, "loss", 0.0, points, points)
        assert_keeps(store, run_id, points + 1)
        store.close()
        again = open_store(place)
        assert_keeps(again, run_id, points + 1)
        assert [artifact.path for artifact in again.artifacts.all(run_id)] == ["notes.txt"]
        assert list(again.blobs.leftovers()) == [] if isinstance(again, SqlStore) else False
        again.close()


@needs_posix
def test_a_quota_is_told_as_a_full_disk(tmp_path: Path) -> None:
    script = """
import resource
from nbtrack.errors import StoreFull
store = opened()
run = started(store)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
step = 0
try:
    while True:
        store.metrics.log(run, "loss", step, step, step)
        step += 1
except StoreFull:
    pass
try:
    store.artifacts.put_bytes(run, "a.bin", bytes(400_000))
except StoreFull:
    print(run, step)
"""
    run_id, points = run(script).split()
    store = open_store(locate(tmp_path))
    assert_keeps(store, run_id, int(points))
    store.close()


# --- folders that travel -------------------------------------------------------------------------


def test_a_moved_folder_opens_with_everything(tmp_path: Path) -> None:
    run_id = filled(locate(tmp_path / "here"))
    shutil.move(tmp_path / "here", tmp_path / "there é 🌲")
    store = open_store(locate(tmp_path / "there é 🌲"))
    assert_filled(store, run_id)
    assert store.runs.get(run_id).info.artifact_uri == f"runs:/{run_id}"
    store.close()
    content = (tmp_path / "there é 🌲/.nbtrack/nbtrack.db").read_bytes()
    assert str(tmp_path).encode() not in content


def test_a_folder_copied_while_it_is_open_has_everything_that_was_logged(tmp_path: Path) -> None:
    run_id = filled(locate(tmp_path / "here"))
    store = open_store(locate(tmp_path / "here"))
    store.metrics.log(run_id, "late", 1.0, 0, 0)
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    store.close()
    copy = open_store(locate(tmp_path / "copy"))
    assert_filled(copy, run_id)
    assert copy.runs.get(run_id).data.metrics["late"] == 1.0
    copy.close()


def test_a_store_that_was_replaced_while_it_was_open_is_not_mixed_with_the_new_one(tmp_path: Path) -> None:
    place = locate(tmp_path)
    store = open_store(place)
    run_id = new_run(store)
    store.metrics.log(run_id, "loss", 1.0, 0, 0)
    store.close()
    shutil.rmtree(place.database.parent)
    with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
        store.metrics.log(run_id, "loss", 2.0, 1, 0)
    assert not place.database.exists()
    other = open_store(place)
    other.metrics.log(new_run(other), "loss", 5.0, 0, 0)
    with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
        store.metrics.log(run_id, "loss", 3.0, 2, 0)
    other.close()
