"""Late imports of what not everybody needs."""

from __future__ import annotations

import importlib
from types import ModuleType

from nbtrack.errors import MissingDependency


def require(module: str, *, extra: str | None = None, purpose: str) -> ModuleType:
    """Import ``module``, or say which command installs it.

    Parameters
    ----------
    extra
        The extra of nbtrack that brings the module; None if it is a package of its own.
    purpose
        What needs it, as the subject of a sentence: ``"log_figure of a plotly figure"``.

    Raises
    ------
    MissingDependency
        The module, or one that it imports, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        target = f"'nbtrack[{extra}]'" if extra else package.replace("_", "-")
        raise MissingDependency(f"{purpose} needs the package {package} ({error}). Install it: pip install {target}") from error
