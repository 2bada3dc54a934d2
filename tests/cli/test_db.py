"""``nbtrack db``: info, backup, check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import nbtrack
from cli.conftest import NbtrackCommand


@pytest.fixture
def blob(curve: str, empty_folder: Path) -> Path:
    """The file with the bytes of the run's config.json."""
    digest = nbtrack.Client().store.artifacts.get(curve, "config.json").digest
    return empty_folder / ".nbtrack" / "artifacts" / digest[:2] / digest[2:]


def test_info_counts_what_is_in_the_store(call: NbtrackCommand, tumours: dict[str, str], curve: str) -> None:
    found = json.loads(call("db", "info", "--json").stdout)
    assert (found["runs"], found["points"], found["artifacts"]) == (5, 10, 2)
    lines = [line.split() for line in call("db", "info").stdout.splitlines()]
    assert ["runs", "5"] in lines
    assert ["metrics", "7", "10", "points"] in lines


def test_a_backup_is_a_store(call: NbtrackCommand, tumours: dict[str, str], curve: str) -> None:
    result = call("db", "backup", "copies/monday")
    assert result.exit_code == 0
    assert "2 artifact files" in result.stdout
    copied = json.loads(call("--store", "copies/monday", "runs", "show", "curve", "--json").stdout)
    assert copied["info"]["run_id"] == curve


def test_a_backup_overwrites_nothing(call: NbtrackCommand, curve: str, empty_folder: Path) -> None:
    call("db", "backup", "copy.db", "--no-artifacts")
    before = (empty_folder / "copy.db").read_bytes()
    result = call("db", "backup", "copy.db", "--no-artifacts")
    assert result.exit_code == 1
    assert (empty_folder / "copy.db").read_bytes() == before


def test_a_backup_says_which_artifacts_it_could_not_copy(call: NbtrackCommand, blob: Path) -> None:
    blob.write_bytes(b"other bytes")
    result = call("db", "backup", "copy")
    assert result.exit_code == 1
    assert blob.parent.name + blob.name in result.stderr


def test_check_of_a_sound_store_says_so(call: NbtrackCommand, curve: str) -> None:
    result = call("db", "check", "--deep")
    assert result.exit_code == 0
    assert result.stdout.startswith("the database is whole")
    assert json.loads(call("db", "check", "--json").stdout) == []


def test_check_finds_a_missing_artifact_and_names_it(call: NbtrackCommand, blob: Path) -> None:
    blob.unlink()
    result = call("db", "check")
    assert result.exit_code == 1
    assert "'config.json'" in result.stdout
    assert json.loads(call("db", "check", "--json").stdout)[0]["kind"] == "blob"


def test_a_deep_check_finds_bytes_that_were_changed(call: NbtrackCommand, blob: Path) -> None:
    blob.write_bytes(bytes(reversed(blob.read_bytes())))
    assert call("db", "check").exit_code == 0
    assert call("db", "check", "--deep").exit_code == 1
