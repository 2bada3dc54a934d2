"""``nbtrack doctor``: what is found, and that looking changes nothing but lost runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.cli.diagnosis import Check, Level, check_settings, check_store, check_versions
from nbtrack.cli.diagnosis_jupyter import check_jupyter
from nbtrack.store.open import locate


def found(checks: Iterable[Check], level: Level) -> str:
    return "\n".join(f"{check.found} {check.fix}" for check in checks if check.level is level)


def test_a_sound_store_in_a_sound_environment_is_well(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("doctor", width=100)
    assert result.exit_code == 0
    assert "%load_ext nbtrack works" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_json_has_each_check(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    checks = json.loads(call("doctor", "--json").stdout)
    assert {check["area"] for check in checks} >= {"store", "runs", "settings", "jupyter", "versions"}
    assert set(checks[0]) == {"area", "level", "found", "fix"}


def test_a_problem_makes_the_exit_code_1(call: NbtrackCommand, empty_folder: Path) -> None:
    (empty_folder / "notes.db").write_text("no database, but a text that is long enough to be read as a header\n" * 3)
    result = call("doctor", "--store", "notes.db")
    assert result.exit_code == 1
    assert "1 problem" in result.stdout


def test_a_place_without_a_store_is_a_note_and_stays_without(empty_folder: Path) -> None:
    checks = list(check_store(locate(empty_folder)))
    assert [check.level for check in checks] == [Level.NOTE]
    assert list(empty_folder.iterdir()) == []


def test_a_run_whose_process_is_gone_is_marked_and_named(empty_folder: Path) -> None:
    code = "import nbtrack, os; nbtrack.start_run(run_name='lost one'); nbtrack.log_metric('loss', 0.5); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False, cwd=empty_folder)
    warnings = found(check_store(locate(empty_folder)), Level.WARNING)
    assert "lost one" in warnings
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.info.status.value == "KILLED"
    assert "lost one" not in found(check_store(locate(empty_folder)), Level.WARNING)


def test_a_run_that_goes_on_is_shown_with_its_process(empty_folder: Path) -> None:
    with nbtrack.start_run(run_name="going"):
        assert "'going'" in found(check_store(locate(empty_folder)), Level.OK)


def test_a_run_without_a_process_is_a_note(empty_folder: Path) -> None:
    nbtrack.Client().create_run("0", run_name="by hand")
    assert "by hand" in found(check_store(locate(empty_folder)), Level.NOTE)


def test_a_missing_artifact_is_a_problem(curve: str, empty_folder: Path) -> None:
    digest = nbtrack.Client().store.artifacts.get(curve, "config.json").digest
    (empty_folder / ".nbtrack" / "artifacts" / digest[:2] / digest[2:]).unlink()
    assert "config.json" in found(check_store(locate(empty_folder)), Level.PROBLEM)


def test_a_setting_that_is_misspelt_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_TRACKING_URL", "/data")
    monkeypatch.setenv("NBTRACK_USER", "ada")
    checks = list(check_settings())
    assert "NBTRACK_TRACKING_URI" in found(checks, Level.WARNING)
    assert "NBTRACK_USER=ada" in found(checks, Level.OK)


def test_a_setting_that_cannot_be_read_is_a_problem_and_the_other_checks_go_on(call: NbtrackCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("a")
    monkeypatch.setenv("NBTRACK_DURABILITY", "forever")
    result = call("doctor", "--json")
    assert result.exit_code == 1
    checks = json.loads(result.stdout)
    assert any(check["area"] == "versions" for check in checks)
    assert any("forever" in check["found"] and check["level"] == "problem" for check in checks)


def test_versions_name_python_sqlite_and_nbtrack() -> None:
    text = found(check_versions(), Level.OK)
    assert all(name in text for name in (f"nbtrack {nbtrack.__version__}", sys.executable, "SQLite 3", "ipython"))


def kernel(folder: Path, name: str, program: str, language: str = "python") -> None:
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    spec = {"argv": [program, "-m", "some_kernel", "-f", "{connection_file}"], "display_name": name, "language": language}
    (place / "kernel.json").write_text(json.dumps(spec))


def test_each_kernel_is_asked_whether_it_has_nbtrack(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = empty_folder / "python-without"
    without.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    without.chmod(0o755)
    kernel(empty_folder, "bare", str(without))
    kernel(empty_folder, "gone", str(empty_folder / "nowhere" / "python"))
    kernel(empty_folder, "julia", "julia", language="julia")
    monkeypatch.setenv("JUPYTER_PATH", str(empty_folder))
    checks = list(check_jupyter())
    warnings = found(checks, Level.WARNING)
    assert "kernel 'bare'" in warnings
    assert "No module named 'nbtrack'" in warnings
    assert "kernel 'gone' (gone) can't import nbtrack: it does not start" in warnings
    assert "kernel 'julia' (julia) is not a Python kernel" in found(checks, Level.OK)
    assert found(checks, Level.PROBLEM) == ""
