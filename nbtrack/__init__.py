"""Experiment tracking for people who work in notebooks.

``%load_ext nbtrack``, then ``%%track_run`` on top of a cell; or ``with nbtrack.start_run() as run``.
Names are imported when they are first used, so that ``import nbtrack`` costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from nbtrack._version import __version__

if TYPE_CHECKING:
    from nbtrack.autologging.api import autolog
    from nbtrack.models.folder import save_model
    from nbtrack.models.signature import infer_signature
    from nbtrack.notebook.block import track_run
    from nbtrack.tracking.client import Client
    from nbtrack.tracking.fluent import (
        active_run,
        best_run,
        create_experiment,
        delete_run,
        delete_tag,
        end_run,
        get_run,
        get_tracking_uri,
        last_active_run,
        load_table,
        log_artifact,
        log_artifacts,
        log_dict,
        log_figure,
        log_image,
        log_input,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        log_table,
        log_text,
        restore_run,
        search_experiments,
        search_runs,
        set_experiment,
        set_tag,
        set_tags,
        set_tracking_uri,
        start_run,
    )
    from nbtrack.tracking.fluent_models import load_model, log_model, model_card, register_model

__all__ = [
    "Client",
    "__version__",
    "active_run",
    "autolog",
    "best_run",
    "create_experiment",
    "delete_run",
    "delete_tag",
    "end_run",
    "get_run",
    "get_tracking_uri",
    "infer_signature",
    "last_active_run",
    "load_model",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "model_card",
    "register_model",
    "restore_run",
    "save_model",
    "search_experiments",
    "search_runs",
    "set_experiment",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
    "track_run",
]

_FLUENT = "nbtrack.tracking.fluent"
_FLUENT_MODELS = "nbtrack.tracking.fluent_models"
_HOMES = {
    "autolog": "nbtrack.autologging.api",
    "Client": "nbtrack.tracking.client",
    "track_run": "nbtrack.notebook.block",
    "infer_signature": "nbtrack.models.signature",
    "load_model": _FLUENT_MODELS,
    "log_model": _FLUENT_MODELS,
    "model_card": _FLUENT_MODELS,
    "register_model": _FLUENT_MODELS,
    "save_model": "nbtrack.models.folder",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'nbtrack' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, _FLUENT)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and the cell hooks: what ``%load_ext nbtrack`` calls."""
    from nbtrack.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics and hooks off again: what ``%unload_ext nbtrack`` calls."""
    from nbtrack.notebook.extension import unload

    unload(shell)


def _follow_cells() -> None:
    """In a shell, hear of the first run: its cell's end is to end it truthfully, without ``%load_ext`` too."""
    from nbtrack.tracking.events import RunStarting, subscribe

    def load_hooks(_: RunStarting) -> None:
        stop()
        shells = sys.modules.get("IPython.core.interactiveshell")
        if shells is not None and shells.InteractiveShell.initialized():
            load_ipython_extension(shells.InteractiveShell.instance())

    stop = subscribe(RunStarting, load_hooks)


if "IPython" in sys.modules:
    _follow_cells()
