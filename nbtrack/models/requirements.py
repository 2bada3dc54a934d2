"""The packages that a model needs, pinned: those of the modules that its bytes refer to.

No other process is started and nothing is loaded again. Which package a module is of is told by its
name where the two agree, by a short table, or by the files of the installed packages, once.
"""

from __future__ import annotations

import ast
import dis
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import CodeType, ModuleType

from nbtrack.errors import ModelError

# Modules whose package has another name; all others are found without this table too, a little later.
_PACKAGE_NAMES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
_STANDARD = frozenset(sys.stdlib_module_names) | frozenset(sys.builtin_module_names) | {"__main__", "__mp_main__"}
_OPTIONS = ("--", "-i ", "-f ", "git+", "http://", "https://", "file:", ".", "/")


@dataclass(frozen=True)
class Requirements:
    """Lines of a requirements file, and the modules that no package brings: those of the user's own files."""

    lines: tuple[str, ...]
    local_modules: tuple[str, ...] = ()


def find_requirements(modules: Iterable[str], packages: Sequence[str] = ()) -> Requirements:
    """Pin the packages of ``modules``, and ``packages`` as far as they are installed.

    A package may be there as another one that holds its module, as xgboost is as xgboost-cpu.
    Modules of the user's own files are followed to what they import.
    """
    installed = [package if pin(package) else package_of(module_of_package(package)) for package in packages]
    pinned = {_normal(package): line for package in installed if package and (line := pin(package))}
    local: set[str] = set()
    pending = {name for name in modules if name}
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen or name.partition(".")[0] in _STANDARD:
            continue
        seen.add(name)
        package = package_of(name)
        if package is not None:
            pinned.setdefault(_normal(package), pin(package) or package)
        elif (file := _own_file(name)) is not None:
            local.add(name)
            pending |= imports_of_file(file)
    pinned.pop("nbtrack", None)  # a folder loads without it
    return Requirements(tuple(pinned[name] for name in sorted(pinned)), tuple(sorted(local)))


@lru_cache(maxsize=2048)
def pin(package: str) -> str | None:
    """``name==version`` of an installed package, None if it is not installed.

    A local label (``2.13.0+cpu``) is left out: an index does not have it.
    """
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
    return f"{_normal(package)}=={version.partition('+')[0]}"


@lru_cache(maxsize=2048)
def package_of(module: str) -> str | None:
    """The installed package that an importable module is of; None for a file of the user."""
    root = module.partition(".")[0]
    parts = module.split(".")
    # "google.cloud.storage" is of google-cloud-storage.
    for name in [_PACKAGE_NAMES.get(root, root), *("-".join(parts[:count]) for count in range(min(3, len(parts)), 1, -1))]:
        if pin(name) is not None:
            return _normal(name)
    file = _file(root)
    if file is None or not {"site-packages", "dist-packages"} & set(file.parts):
        return None
    owners = _packages_by_module().get(root, [])
    return _normal(owners[0]) if owners else None


def module_of_package(package: str) -> str:
    """The module that a package is imported by, as far as its name tells."""
    return next((module for module, name in _PACKAGE_NAMES.items() if name == _normal(package)), _normal(package).replace("-", "_"))


def imports_of_code(code: CodeType) -> set[str]:
    """Modules that a function imports when it runs, nested functions left out."""
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME" and step.argval}


def imports_of_file(file: Path) -> set[str]:
    """Absolute imports anywhere in a Python file; none if it cannot be read as one."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()  # a binary module, or code for another Python: its author has to name what it needs
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def read_requirements(given: Sequence[str] | str | Path, *, base: Path | None = None) -> list[str]:
    """Requirement lines, given as such or as the path of a requirements file; ``-r`` lines are followed.

    Raises
    ------
    ModelError
        A line is no requirement, or a file does not exist.
    """
    if isinstance(given, (str, Path)):
        file = Path(base or Path(), given)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ModelError(f"the requirements file {file} cannot be read: {error.strerror}. Pass a list of requirements, or the path of a file") from None
        return [line for text in lines for line in _requirement(text, file.parent)]
    return [line for text in given for line in _requirement(text, base or Path())]


def join_requirements(lines: Sequence[str], extra: Sequence[str]) -> list[str]:
    """``lines`` and ``extra``; of a package in both, the line of ``extra``."""
    replaced = {name for line in extra if (name := requirement_name(line))}
    return [*(line for line in lines if requirement_name(line) not in replaced), *extra]


def requirement_name(line: str) -> str | None:
    """The normalised package name of a requirement line; None for options and addresses."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", line)
    return None if found is None or line.startswith(_OPTIONS) else _normal(found[0])


def _requirement(text: object, base: Path) -> list[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    if not isinstance(text, str):
        raise ModelError(f"a requirement is a text such as 'scikit-learn==1.5.0'; found {type(text).__name__}: {text!r:.80}")
    line = re.sub(r"(^|\s)#.*$", "", text).strip()
    if not line:
        return []
    if line.startswith(("-r", "--requirement")):
        return read_requirements(re.sub(r"^(-r|--requirement)[ =]*", "", line), base=base)
    if line.startswith(("-c", "--constraint")):
        raise ModelError(f"the requirement line {line!r} names a constraints file, which a model folder has no place for; pin the versions themselves")
    if line.startswith(_OPTIONS):
        return [line]
    try:
        Requirement(line)
    except InvalidRequirement as error:
        raise ModelError(f"{line!r} is no requirement: {str(error).splitlines()[0]}") from None
    return [line]


def _own_file(module: str) -> Path | None:
    """The source of a loaded module that no package brings."""
    file = _file(module) or _file(module.partition(".")[0])
    return file if file is not None and file.suffix == ".py" else None


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    name = getattr(loaded, "__file__", None) if isinstance(loaded, ModuleType) else None
    return Path(name) if isinstance(name, str) else None


@lru_cache(maxsize=1)
def _packages_by_module() -> dict[str, list[str]]:
    """Reads the file list of every package: a quarter of a second, where nothing else told."""
    return {name: list(owners) for name, owners in metadata.packages_distributions().items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
