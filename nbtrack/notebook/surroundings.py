"""What surrounds the cells of a shell: the notebook, its front end, the kernel."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack import config
from nbtrack.capture.notebook import NotebookPlace, ParentProcess, locate_notebook, parent_processes, read_notebook_cells
from nbtrack.tracking.context import SOURCE_NAME_TAG, SOURCE_TYPE_TAG

_READ_TIMEOUT_S = 0.5  # for a notebook file that is large or on a slow disk


class Surroundings:
    """Knows where the cells of one shell are."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._parents: list[ParentProcess] | None = None
        self._file = NotebookFile()

    def place(self) -> NotebookPlace:
        """The notebook as far as it can be told now; it may be renamed, or told by a later cell."""
        if self._parents is None:
            self._parents = parent_processes()
        return locate_notebook(
            configured=config.read_settings().notebook,
            environ=os.environ,
            user_ns=self._shell.user_ns,
            header=self._header(),
            connection_file=self._connection_file(),
            parents=self._parents,
        )

    def facts(self, place: NotebookPlace) -> dict[str, Any]:
        """The kernel and its front end, for the run."""
        from IPython.core import release

        kernel = getattr(self._shell, "kernel", None)
        found: dict[str, Any] = {"frontend": place.frontend, "notebook": place.path, "told_by": place.source, "ipython": release.version}
        if kernel is not None:
            found["ipykernel"] = getattr(kernel, "implementation_version", None)
            found["connection_file"] = Path(self._connection_file() or "").name or None
        return found

    def source_tags(self, place: NotebookPlace) -> dict[str, str]:
        """MLflow's tags for a run whose notebook is not known: the launcher's path would say nothing."""
        if place.path is not None:
            return {}
        kernel = getattr(self._shell, "kernel", None)
        return {SOURCE_NAME_TAG: place.frontend, SOURCE_TYPE_TAG: "NOTEBOOK" if kernel is not None else "LOCAL"}

    def saved_cells(self, place: NotebookPlace) -> SavedCells:
        """The notebook's cells as they were last saved, read in a thread."""
        return self._file.read(place.path)

    def _header(self) -> Mapping[str, Any] | None:
        kernel = getattr(self._shell, "kernel", None)
        if kernel is None:
            return None
        header = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else getattr(kernel, "_parent_header", {})
        return header if isinstance(header, Mapping) else {}

    def _connection_file(self) -> str | None:
        application = getattr(getattr(self._shell, "kernel", None), "parent", None)
        return getattr(application, "connection_file", None)


class SavedCells:
    """The code cells of a notebook file, once they are read."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.cells: dict[str, str] | None = None
        self.saved_at: int | None = None

    def set(self, cells: dict[str, str] | None, saved_at: int | None) -> None:
        """The cells are read, or can't be."""
        self.cells, self.saved_at = cells, saved_at
        self._done.set()

    def wait(self) -> bool:
        """Wait a moment for the cells; False if they are not read by then."""
        return self._done.wait(_READ_TIMEOUT_S)


class NotebookFile:
    """Reads a notebook file anew when it was saved anew."""

    def __init__(self) -> None:
        self._key: tuple[str, int, int] | None = None
        self._last = SavedCells()

    def read(self, path: str | None) -> SavedCells:
        """The cells of the file; no cells if there is no such file."""
        try:
            found = os.stat(path) if path is not None else None
        except OSError:
            found = None
        if path is None or found is None:
            nothing = SavedCells()
            nothing.set(None, None)
            return nothing
        key = (path, found.st_mtime_ns, found.st_size)
        if key != self._key:
            self._key, self._last = key, SavedCells()
            saved_at = found.st_mtime_ns // 1_000_000
            threading.Thread(target=_read, args=(path, saved_at, self._last), name="nbtrack-notebook", daemon=True).start()
        return self._last


def _read(path: str, saved_at: int, into: SavedCells) -> None:
    into.set(read_notebook_cells(path), saved_at)
