"""``nbtrack runs export``: JSON, CSV, folders."""

from __future__ import annotations

import json
from pathlib import Path

from cli.conftest import NbtrackCommand
from nbtrack.tracking.session import current_session


def test_one_run_is_a_document_and_several_are_a_list(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    one = json.loads(call("runs", "export", "forest").stdout)
    assert (one["format"], one["info"]["run_name"]) == ("nbtrack-run", "forest")
    several = json.loads(call("runs", "export", "forest", "boosting", tumours["forest"]).stdout)
    assert [document["info"]["run_name"] for document in several] == ["forest", "boosting"]


def test_a_file_is_written_and_stdout_stays_empty(call: NbtrackCommand, tumours: dict[str, str], empty_folder: Path) -> None:
    result = call("runs", "export", "forest", "-o", "forest.json")
    assert result.stdout == ""
    assert json.loads((empty_folder / "forest.json").read_text())["info"]["run_id"] == tumours["forest"]


def test_a_file_that_cannot_be_written_is_refused(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "export", "forest", "-o", "nowhere/forest.json")
    assert result.exit_code == 1
    assert "nowhere/forest.json" in result.stderr


def test_csv_has_a_row_for_each_run(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    lines = call("runs", "export", "forest", "boosting", "--format", "csv").stdout.splitlines()
    assert len(lines) == 3


def test_a_folder_has_the_document_and_the_artifacts(call: NbtrackCommand, curve: str, empty_folder: Path) -> None:
    result = call("runs", "export", "curve", "--format", "folder", "-o", "paper")
    target = empty_folder / "paper" / f"curve-{curve[:8]}"
    assert result.stdout.strip() == str(Path("paper") / target.name)
    assert (target / "artifacts" / "notes" / "first.txt").read_text() == "one\n"
    assert json.loads((target / "run.json").read_text())["info"]["run_id"] == curve


def test_a_folder_needs_a_place_that_is_empty(call: NbtrackCommand, curve: str, empty_folder: Path) -> None:
    assert call("runs", "export", "curve", "--format", "folder").exit_code == 2
    (empty_folder / "taken").mkdir()
    (empty_folder / "taken" / "thesis.tex").write_text("words")
    result = call("runs", "export", "curve", "--format", "folder", "-o", "taken")
    assert result.exit_code == 1
    assert [path.name for path in (empty_folder / "taken").iterdir()] == ["thesis.tex"]


def test_an_artifact_whose_bytes_are_gone_is_an_error_that_names_it(call: NbtrackCommand, curve: str, empty_folder: Path) -> None:
    digest = current_session().store().artifacts.get(curve, "config.json").digest
    (empty_folder / ".nbtrack" / "artifacts" / digest[:2] / digest[2:]).unlink()
    result = call("runs", "export", "curve", "--format", "folder", "-o", "paper")
    assert result.exit_code == 1
    assert "config.json" in result.stderr
