"""The git state of a folder: commit, branch, remote, and what is not committed.

Commit, branch and remote are read from git's own files, in well under a millisecond and even where
there is no git command, or one that refuses the folder for its owner. What is not committed takes
the command; its answer is kept for a moment (see `git_state`), since runs in a loop would otherwise
wait for the same answer again and again.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

MAX_DIFF_BYTES = 100_000

_TIMEOUT_S = 3.0
# A diff is taken anew after 20 times as long as it took, so that it costs at most 5 % of the time; in these bounds.
_REUSE_FACTOR, _REUSE_MIN_S, _REUSE_MAX_S = 20, 1.0, 30.0

_SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_ENTRY = re.compile(r"\s*(\w[\w-]*)\s*=\s*(.*?)\s*$")
_OBJECT_NAME = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class GitState:
    """Where a folder stands in its repository.

    ``commit`` is None before the first commit, ``branch`` when none is checked out. ``dirty`` and
    ``diff`` are about tracked files; None where it was not asked for or could not be told.
    """

    root: str
    commit: str | None = None
    branch: str | None = None
    repo_url: str | None = None  # without credentials
    dirty: bool | None = None
    diff: str | None = None  # against the commit, at most MAX_DIFF_BYTES
    diff_is_cut: bool = False


@dataclass(frozen=True)
class _Repository:
    root: Path  # of the working tree
    folder: Path  # what belongs to this working tree: HEAD, index
    common: Path  # what all working trees share: refs, config


@dataclass(frozen=True)
class _Kept:
    state: GitState
    index: tuple[int, int] | None
    until: float


_kept: dict[Path, _Kept] = {}


def git_state(folder: str | os.PathLike[str], *, diff: bool = True) -> GitState | None:
    """The state of the repository that ``folder`` lies in; None if it lies in none.

    With ``diff``, git is asked for uncommitted changes, for 3 seconds at most. The answer is given
    again while commit and index are the same, for 1 second at least and 20 times as long as git took
    (30 seconds at most): changes made within that time are seen by a later call.
    """
    repository = _find(Path(folder))
    if repository is None:
        return None
    state = _read(repository)
    if not diff:
        return state
    index = _stamp(repository.folder / "index")
    kept = _kept.get(repository.root)
    if kept is None or time.monotonic() > kept.until or kept.index != index or replace(kept.state, dirty=None, diff=None, diff_is_cut=False) != state:
        started = time.monotonic()
        state = _with_changes(state)
        now = time.monotonic()
        kept = _Kept(state, index, now + min(max(_REUSE_FACTOR * (now - started), _REUSE_MIN_S), _REUSE_MAX_S))
        _kept[repository.root] = kept
    return kept.state


def strip_credentials(url: str) -> str:
    """The URL of a remote without password, token or query; the user stays for ssh, where it is part of the address."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        user = parts.username if parts.scheme in ("ssh", "git+ssh") else None
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))


def _find(folder: Path) -> _Repository | None:
    start = folder.absolute()
    for root in (start, *start.parents):
        entry = root / ".git"
        try:
            # A working tree made by `git worktree`, and a submodule, have a file that says where.
            inside = entry if entry.is_dir() else root / entry.read_text("utf-8").partition("gitdir:")[2].strip()
            if not (inside / "HEAD").is_file():
                continue
            shared = inside / "commondir"
            return _Repository(root, inside, inside / shared.read_text("utf-8").strip() if shared.is_file() else inside)
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _read(repository: _Repository) -> GitState:
    state = GitState(root=str(repository.root))
    with contextlib.suppress(OSError, UnicodeDecodeError):  # changed while it is read: what was found so far stands
        head = (repository.folder / "HEAD").read_text("utf-8").strip()
        reference = head.partition("ref:")[2].strip()
        if reference == "refs/heads/.invalid":  # the refs are in a reftable, which git alone reads
            reference = _ask(repository.root, "symbolic-ref", "HEAD").strip()
            commit: str | None = _ask(repository.root, "rev-parse", "HEAD").strip() or None
        else:
            commit = _resolve(repository, reference) if reference else head
        state = replace(state, commit=commit, branch=reference.removeprefix("refs/heads/") or None)
        config = repository.common / "config"
        state = replace(state, repo_url=_remote(config, _stamp(config), state.branch))
    return state


def _resolve(repository: _Repository, reference: str) -> str | None:
    """The commit that a ref stands for: in a file of its own, or packed with others; None before the first commit."""
    for folder in (repository.folder, repository.common):
        with contextlib.suppress(OSError):
            text = (folder / reference).read_text("ascii").strip()
            if _OBJECT_NAME.fullmatch(text):
                return text
    packed = repository.common / "packed-refs"
    return _packed(packed, _stamp(packed), reference)


@functools.lru_cache(maxsize=32)
def _packed(file: Path, stamp: tuple[int, int] | None, reference: str) -> str | None:
    if stamp is None:
        return None
    lines = file.read_text("utf-8", "replace").splitlines()
    return next((line.partition(" ")[0] for line in lines if line.partition(" ")[2] == reference), None)


@functools.lru_cache(maxsize=32)
def _remote(config: Path, stamp: tuple[int, int] | None, branch: str | None) -> str | None:
    """The URL that the branch is pulled from, else of ``origin``, else of the first remote."""
    if stamp is None:
        return None
    urls: dict[str, str] = {}
    upstream = "origin"
    for section, name, key, value in _entries(config.read_text("utf-8", "replace")):
        if (section, key) == ("remote", "url"):
            urls.setdefault(name, value)
        elif (section, key) == ("branch", "remote") and name == branch:
            upstream = value
    url = urls.get(upstream) or urls.get("origin") or next(iter(urls.values()), "")
    return strip_credentials(url) or None


def _entries(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Section, its name, key and value of each line of a git configuration."""
    section = name = ""
    for line in text.splitlines():
        found = _SECTION.match(line)
        if found:
            section, name = found[1].lower(), re.sub(r"\\(.)", r"\1", found[2] or "")
        elif entry := _ENTRY.match(line):
            yield section, name, entry[1].lower(), entry[2].strip('"')


def _with_changes(state: GitState) -> GitState:
    against = ["HEAD"] if state.commit else ["--cached"]
    # External diff programs and text converters are commands that a repository may bring with it.
    options = ["--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"]
    output = _run(Path(state.root), ["diff", *options, *against, "--"], limit=MAX_DIFF_BYTES)
    if output is None:
        return state
    cut = len(output) > MAX_DIFF_BYTES
    if cut:
        output = output[: output.rfind(b"\n", 0, MAX_DIFF_BYTES) + 1] or output[:MAX_DIFF_BYTES]
    return replace(state, dirty=bool(output), diff=output.decode("utf-8", "replace"), diff_is_cut=cut)


def _ask(root: Path, *arguments: str) -> str:
    return (_run(root, list(arguments), limit=1000) or b"").decode("utf-8", "replace")


def _run(root: Path, arguments: list[str], *, limit: int) -> bytes | None:
    """Output of a git command, a little over ``limit`` bytes at most; None if there is no git, it fails, or takes too long."""
    git = shutil.which("git")
    if git is None:
        return None
    # Variables such as GIT_DIR, set while a hook runs, would point to another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = [git, "--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", str(root), *arguments]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, creationflags=flags)
    except OSError:
        return None
    late = threading.Timer(_TIMEOUT_S, process.kill)
    late.daemon = True
    late.start()
    with process:
        assert process.stdout is not None
        output = process.stdout.read(limit + 1)
        if len(output) > limit:
            process.kill()
            late.cancel()
            return output
    late.cancel()
    return output if process.returncode == 0 else None


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes when a file does; None if there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
