"""Which libraries are logged, and the patches that this takes.

Patches are there only while something is on: autologging of a library, or a quiet capture. A
library that is not imported yet is patched when it is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from nbtrack.autologging.imports import ImportWatch
from nbtrack.autologging.patching import Patches
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.summary import say_once, warn
from nbtrack.tracking.exits import describe_error

if TYPE_CHECKING:
    from nbtrack.autologging.quiet import QuietCapture

FULL, QUIET = "full", "quiet"


@dataclass(frozen=True)
class Library:
    """A library that autologging knows."""

    distribution: str
    minimum: tuple[int, int]  # major and minor version


LIBRARIES = {
    "sklearn": Library("scikit-learn", (1, 3)),
    "xgboost": Library("xgboost", (2, 0)),
    "lightgbm": Library("lightgbm", (4, 0)),
    "keras": Library("keras", (3, 0)),
    "lightning": Library("lightning", (2, 0)),
}


@dataclass(frozen=True)
class Target:
    """Patches of one module: ``hook`` is the module of ours whose ``install`` makes them."""

    module: str
    hook: str
    flavors: frozenset[str]
    modes: frozenset[str] = frozenset({FULL, QUIET})


class Installer(Protocol):
    """A module of ours that patches a library."""

    def install(self, module: ModuleType, patches: Patches, mode: str, /) -> None: ...


_HERE = "nbtrack.autologging"
TARGETS = (
    Target("sklearn", f"{_HERE}.sklearn", frozenset({"sklearn", "xgboost", "lightgbm"})),
    Target("xgboost", f"{_HERE}.xgboost", frozenset({"xgboost"})),
    Target("lightgbm", f"{_HERE}.lightgbm", frozenset({"lightgbm"})),
    Target("keras", f"{_HERE}.keras", frozenset({"keras"})),
    Target("lightning.pytorch", f"{_HERE}.lightning", frozenset({"lightning"})),
    Target("pytorch_lightning", f"{_HERE}.lightning", frozenset({"lightning"})),
)


class Switch:
    """The state of autologging in this process."""

    def __init__(self) -> None:
        self.settings: Mapping[str, Settings] = {}
        self.captures: tuple[QuietCapture, ...] = ()
        self._installed: dict[tuple[Target, str], Patches] = {}
        self._watch = ImportWatch({target.module for target in TARGETS}, self._imported)
        self._lock = threading.RLock()

    def turn_on(self, settings: Mapping[str, Settings]) -> None:
        """Log the libraries in ``settings`` so from now on."""
        with self._lock:
            self.settings = {**self.settings, **settings}
            self._refresh()

    def turn_off(self, flavors: frozenset[str]) -> None:
        """Leave these libraries alone, exactly as they were."""
        with self._lock:
            self.settings = {flavor: settings for flavor, settings in self.settings.items() if flavor not in flavors}
            self._refresh()

    def add_capture(self, capture: QuietCapture) -> None:
        """Let a quiet capture hear of fits."""
        with self._lock:
            self.captures = (*self.captures, capture)
            self._refresh()

    def remove_capture(self, capture: QuietCapture) -> None:
        """End a quiet capture."""
        with self._lock:
            self.captures = tuple(other for other in self.captures if other is not capture)
            self._refresh()

    def _refresh(self) -> None:
        wanted = {(target, mode) for target in TARGETS if (mode := self._mode(target)) is not None}
        for key in [key for key in self._installed if key not in wanted]:
            self._installed.pop(key).undo()
        if wanted:
            self._watch.start()
        else:
            self._watch.stop()
        for target, mode in wanted:
            module = sys.modules.get(target.module)
            if module is not None and not getattr(module.__spec__, "_initializing", False):
                self._install(target, mode, module)

    def _mode(self, target: Target) -> str | None:
        if target.flavors & self.settings.keys():
            return FULL
        return QUIET if self.captures else None

    def _imported(self, name: str) -> None:
        with self._lock:
            for target in TARGETS:
                if target.module == name and (mode := self._mode(target)) is not None:
                    self._install(target, mode, sys.modules[name])

    def _install(self, target: Target, mode: str, module: ModuleType) -> None:
        if (target, mode) in self._installed:
            return
        if mode == FULL:
            self._check_versions(target)
        patches = Patches()
        self._installed[target, mode] = patches
        try:
            cast("Installer", import_module(target.hook)).install(module, patches, mode)
        except Exception as error:  # a library that is not as we know it; the user's import and fits go on
            patches.undo()
            warn(f"{target.module} can't be logged: {describe_error(error)}")

    def _check_versions(self, target: Target) -> None:
        for flavor in sorted(target.flavors & self.settings.keys()):
            library = LIBRARIES[flavor]
            found = _version(library.distribution if target.module.partition(".")[0] != "pytorch_lightning" else "pytorch-lightning")
            if found is None or not _is_older(found, library.minimum):
                continue
            settings = self.settings[flavor]
            minimum = ".".join(map(str, library.minimum))
            if settings.disable_for_unsupported_versions:
                self.settings = {name: item for name, item in self.settings.items() if name != flavor}
            if not settings.silent:
                left = "it is not logged" if settings.disable_for_unsupported_versions else "it is logged as far as that goes"
                say_once(f"version {flavor}", f"{library.distribution} {found} is older than {minimum}, which is supported; {left}")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _is_older(found: str, minimum: tuple[int, int]) -> bool:
    parts = found.split(".")[:2]
    return all(part.isdigit() for part in parts) and tuple(int(part) for part in parts) < minimum


switch = Switch()
