from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nbtrack.capture import git
from nbtrack.capture.git import git_state, strip_credentials

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def run_git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("lr = 0.1\n")
    run_git(folder, "add", "train.py")
    run_git(folder, "commit", "-q", "-m", "first")
    return folder


def test_commit_and_branch_are_those_that_git_names(repository: Path):
    inside = repository / "notebooks" / "deep"
    inside.mkdir(parents=True)
    state = git_state(inside, diff=False)
    assert (state.commit, state.branch, state.root) == (run_git(repository, "rev-parse", "HEAD"), "main", str(repository))
    assert (state.dirty, state.diff, state.repo_url) == (None, None, None)


def test_packed_refs_are_read(repository: Path):
    run_git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert git_state(repository, diff=False).commit == run_git(repository, "rev-parse", "HEAD")


def test_a_clean_and_a_changed_tree_are_told_apart(repository: Path):
    assert (git_state(repository).dirty, git_state(repository).diff) == (False, "")
    git._kept.clear()
    (repository / "train.py").write_text("lr = 0.2\n")
    state = git_state(repository)
    assert state.dirty is True
    assert "-lr = 0.1\n+lr = 0.2\n" in state.diff
    assert not state.diff_is_cut


def test_a_diff_is_taken_anew_after_a_commit_or_a_change_of_the_index(repository: Path):
    assert git_state(repository).dirty is False
    (repository / "new.py").write_text("x = 1\n")
    run_git(repository, "add", "new.py")
    assert "+x = 1" in git_state(repository).diff
    run_git(repository, "commit", "-q", "-m", "second")
    state = git_state(repository)
    assert (state.dirty, state.commit) == (False, run_git(repository, "rev-parse", "HEAD"))


def test_a_detached_head_has_a_commit_and_no_branch(repository: Path):
    run_git(repository, "checkout", "-q", "--detach")
    state = git_state(repository)
    assert (state.commit, state.branch) == (run_git(repository, "rev-parse", "HEAD"), None)


def test_a_branch_before_its_first_commit_has_a_diff_of_what_is_staged(tmp_path: Path):
    run_git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "a.py").write_text("a = 1\n")
    assert git_state(tmp_path) == git.GitState(root=str(tmp_path), branch="trunk", dirty=False, diff="")
    run_git(tmp_path, "add", "a.py")
    assert "+a = 1" in git_state(tmp_path).diff


def test_a_second_working_tree_and_a_submodule_have_their_own_state(repository: Path, tmp_path: Path):
    run_git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert (git_state(tmp_path / "side").branch, git_state(repository).branch) == ("side", "main")
    outer = tmp_path / "outer"
    outer.mkdir()
    run_git(outer, "init", "-q")
    run_git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "lib")
    state = git_state(outer / "lib")
    assert (state.root, state.commit) == (str(outer / "lib"), run_git(repository, "rev-parse", "main"))


def test_a_folder_outside_any_repository_has_no_state(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".git").write_text("not a pointer")
    assert git_state(tmp_path / "sub") is None
    assert git_state(tmp_path / "nowhere") is None


def test_without_the_git_command_commit_and_branch_are_still_known(repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    state = git_state(repository)
    assert (state.branch, state.dirty, state.diff) == ("main", None, None)
    assert state.commit


def test_a_git_that_hangs_is_given_up(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "_TIMEOUT_S", 0.1)
    assert git_state(repository).dirty is None


def test_a_large_diff_is_cut_at_a_line_and_says_so(repository: Path):
    (repository / "train.py").write_text("".join(f"line {number} ä\n" for number in range(20_000)))
    state = git_state(repository)
    assert state.diff_is_cut
    assert len(state.diff.encode()) <= git.MAX_DIFF_BYTES
    assert state.diff.endswith("ä\n")


def test_a_diff_of_bytes_that_are_no_utf8_is_text_all_the_same(repository: Path):
    (repository / "train.py").write_bytes(b"lr = '\xe4'\n")
    assert "\ufffd" in git_state(repository).diff


def test_variables_of_a_running_hook_do_not_lead_to_another_repository(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    assert git_state(repository).dirty is False


def test_programs_that_a_repository_configures_are_not_run(repository: Path, tmp_path: Path):
    for key in ("diff.external", "core.fsmonitor"):
        run_git(repository, "config", key, f"touch {tmp_path / 'ran'}; false")
    (repository / "train.py").write_text("lr = 0.3\n")
    assert git_state(repository).dirty is True
    assert not (tmp_path / "ran").exists()


def test_the_remote_is_the_branchs_own_else_origin_else_any(repository: Path):
    run_git(repository, "remote", "add", "fork", "git@example.org:me/p.git")
    assert git_state(repository, diff=False).repo_url == "git@example.org:me/p.git"
    run_git(repository, "remote", "add", "origin", "https://ada:s3cret@example.org/us/p.git")
    assert git_state(repository, diff=False).repo_url == "https://example.org/us/p.git"
    run_git(repository, "config", "branch.main.remote", "fork")
    assert git_state(repository, diff=False).repo_url == "git@example.org:me/p.git"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://token@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://user:pass@host:8443/a?private_token=x#y", "https://host:8443/a"),
        ("ssh://git:pw@host/a", "ssh://git@host/a"),
        ("git@host:a/b.git", "git@host:a/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("https://[bad", ""),
    ],
)
def test_credentials_never_stay_in_a_url(url: str, shown: str):
    assert strip_credentials(url) == shown


def test_asking_again_does_not_run_git_again(repository: Path, monkeypatch: pytest.MonkeyPatch):
    first = git_state(repository)
    monkeypatch.setenv("PATH", "")
    assert git_state(repository) is first
