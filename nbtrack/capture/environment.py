"""Python and the installed packages: what a run ran with, and what it takes to have it again.

Distributions are found by the names of their ``.dist-info`` folders, a list of a few folders, which
is a hundred times quicker than reading the metadata of each. Which of them the imported modules
belong to is looked up for new modules only, since a run that lasts a millisecond records it too.
"""

from __future__ import annotations

import copy
import json
import os
import platform
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from nbtrack.capture.git import strip_credentials
from nbtrack.ids import text_digest

_INFO_FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info")
_NOT_MODULES = re.compile(r"\.\.|.*\.(?:dist-info|egg-info|data|pth|virtualenv)$|__pycache__$|[^A-Za-z_]")


@dataclass(frozen=True)
class Distribution:
    """An installed package: normalised name, version, and its metadata folder."""

    name: str
    version: str
    info: Path


@dataclass(frozen=True)
class RequirementsLock:
    """All installed packages with exact versions, as lines of a requirements file, and the sha256 of its text."""

    text: str
    digest: str


@dataclass
class _Cache:
    """What is known of the environment of this process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    stamp: tuple[object, ...] = ()
    installed: dict[str, Distribution] = field(default_factory=dict)
    folders: tuple[str, ...] = ()  # that distributions are in
    modules: dict[str, list[Distribution]] = field(default_factory=dict)  # top-level module -> whose it is
    module_count: int = -1
    facts: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, list[str]] | None = None  # top-level module -> distributions, by their file lists


_cache = _Cache()


def python_environment() -> dict[str, Any]:
    """Python, system, and the versions of the packages whose modules are imported, ready for JSON.

    Keys: ``python``, ``implementation``, ``platform``, ``executable``, ``conda_env`` (where there is
    one), ``packages`` (name -> version) and ``editable`` (name -> URL of the source folder).
    The version of a package is that of the moment when its module was first seen here: installing
    another one does not change what is imported.
    """
    with _cache.lock:
        if _refresh() or not _cache.facts:
            _cache.facts = _facts({item.name: item for owners in _cache.modules.values() for item in owners})
        return copy.deepcopy(_cache.facts)


def _facts(used: Mapping[str, Distribution]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        # Not platform.platform(), which reads the C library to tell its version.
        "platform": "-".join((platform.system(), platform.release(), platform.machine())),
        "executable": sys.executable,
        "packages": {name: used[name].version for name in sorted(used)},
    }
    editable = {name: url for name, item in sorted(used.items()) if (url := _editable_url(item))}
    conda = conda_environment(os.environ)
    return facts | ({"editable": editable} if editable else {}) | ({"conda_env": conda} if conda else {})


def requirements_lock() -> RequirementsLock:
    """Every installed distribution with its exact version, sorted by name.

    Packages from a repository or an archive are written with their address (without credentials);
    an editable one as a comment, since its source folder is on this machine alone.
    """
    lines = [_requirement(item) for _, item in sorted(installed_distributions().items())]
    text = "".join(f"{line}\n" for line in [f"# Python {platform.python_version()}", *lines])
    return RequirementsLock(text, text_digest(text))


def installed_distributions() -> Mapping[str, Distribution]:
    """All distributions on ``sys.path`` by normalised name; of two with one name, the one that Python imports from."""
    with _cache.lock:
        _refresh_installed()
        return dict(_cache.installed)


def conda_environment(environ: Mapping[str, str]) -> str | None:
    """The name of the conda environment that this Python is of; None if it is of none."""
    prefix = environ.get("CONDA_PREFIX")
    if not prefix or not Path(sys.prefix, "conda-meta").is_dir():
        return None
    same = os.path.realpath(prefix) == os.path.realpath(sys.prefix)
    return environ.get("CONDA_DEFAULT_ENV") if same else Path(sys.prefix).name


def normal_name(name: str) -> str:
    """A distribution's name as the package index compares it: lower case, with single dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _refresh() -> bool:
    """Look up the modules that are new since the last call; False if there are none."""
    _refresh_installed()
    if len(sys.modules) == _cache.module_count:
        return False
    _cache.module_count = len(sys.modules)
    loaded = list(sys.modules)
    names = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - set(_cache.modules)
    for name in names:
        module = sys.modules.get(name)
        if isinstance(module, ModuleType) and name not in sys.builtin_module_names and not name.startswith("__"):
            _cache.modules[name] = _owners(module, loaded)
    return True


def _refresh_installed() -> None:
    stamp = tuple((entry, _changed(entry)) for entry in sys.path)
    if stamp == _cache.stamp:
        return
    _cache.installed = {}
    for entry in reversed(sys.path):
        _cache.installed.update((item.name, item) for item in _distributions_in(entry or "."))
    _cache.folders = tuple({f"{item.info.parent}{os.sep}" for item in _cache.installed.values()})
    _cache.owners, _cache.stamp, _cache.module_count = None, stamp, -1


def _changed(entry: str) -> int:
    try:
        return os.stat(entry or ".").st_mtime_ns
    except OSError:
        return 0


def _distributions_in(entry: str) -> Iterable[Distribution]:
    try:
        names = [name for name in os.listdir(entry) if name.endswith((".dist-info", ".egg-info"))]
    except OSError:  # a zip file, or no folder at all
        return
    for name in names:
        found = _INFO_FOLDER.fullmatch(name)
        info = Path(entry, name).absolute()
        version = found["version"] if found else _metadata_version(info)
        if version:
            yield Distribution(normal_name(found["name"] if found else name.rpartition(".")[0]), version, info)


def _metadata_version(info: Path) -> str | None:
    """The version of a folder that does not have it in its name (a package that setuptools develops in place)."""
    try:
        text = (info / "PKG-INFO").read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"^Version: *(\S+)", text, re.MULTILINE)
    return found[1] if found else None


def _owners(module: ModuleType, loaded: list[str]) -> list[Distribution]:
    """The distributions that a top-level module came with; none for a script or module of the user."""
    name = module.__name__
    direct = _cache.installed.get(normal_name(name))
    if direct is not None:
        return [direct]
    file = getattr(module, "__file__", None)
    if file is not None and not file.startswith(_cache.folders):
        return []  # in the working folder, or beside the notebook
    if _cache.owners is None:
        _cache.owners = _owners_by_files(_cache.installed.values())
    owners = _cache.owners.get(name, [])
    if len(owners) > 1 and file is None:
        # A namespace (google, azure): those that have a loaded sub-package by their name.
        parts = {tuple(other.split(".")[:4]) for other in loaded if other.startswith(f"{name}.")}
        spoken = {normal_name("-".join(part[start:stop])) for part in parts for start in (0, 1) for stop in range(2, len(part) + 1)}
        owners = [owner for owner in owners if owner in spoken]
    return [_cache.installed[owner] for owner in owners]


def _owners_by_files(installed: Iterable[Distribution]) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for item in installed:
        for module in _top_level(item.info):
            owners.setdefault(module, []).append(item.name)
    return owners


def _top_level(info: Path) -> set[str]:
    """The top-level modules of a distribution, as it declares them or else by its list of files."""
    try:
        return set((info / "top_level.txt").read_text("utf-8", "replace").split())
    except OSError:
        pass  # few build tools write it
    try:
        lines = (info / "RECORD").read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    firsts = {line.partition("/")[0] if "/" in line.partition(",")[0] else line.partition(",")[0] for line in lines}
    return {first.partition(".")[0] for first in firsts if not _NOT_MODULES.match(first)}


def _direct_url(item: Distribution) -> dict[str, Any]:
    """Where a distribution came from that is not from an index (PEP 610)."""
    try:
        found = json.loads((item.info / "direct_url.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("url"), str) else {}


def _editable_url(item: Distribution) -> str | None:
    found = _direct_url(item)
    info = found.get("dir_info")
    if isinstance(info, dict) and info.get("editable"):
        return str(found["url"])
    return item.info.parent.as_uri() if item.info.suffix == ".egg-info" and "site-packages" not in item.info.parts else None


def _requirement(item: Distribution) -> str:
    found = _direct_url(item)
    editable = _editable_url(item)
    if editable:
        return f"# editable: {item.name}=={item.version} from {unquote(urlsplit(editable).path)}"
    if not found:
        return f"{item.name}=={item.version}"
    url = strip_credentials(found["url"])
    vcs = found.get("vcs_info")
    if isinstance(vcs, dict):
        return f"{item.name} @ {vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}"
    return f"# local: {item.name}=={item.version} from {unquote(urlsplit(url).path)}" if url.startswith("file:") else f"{item.name} @ {url}"
