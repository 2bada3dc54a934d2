"""Turning autologging on and off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nbtrack.autologging.settings import Settings
from nbtrack.autologging.switch import LIBRARIES, switch
from nbtrack.errors import InvalidInput, did_you_mean


def autolog(
    *,
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, str] | None = None,
    exclude_flavors: Sequence[str] | None = None,
    max_tuning_runs: int | None = 5,
) -> None:
    """Log every fit of scikit-learn, XGBoost, LightGBM, Keras and PyTorch Lightning, imported already or later.

    A fit goes to the active run, a second one there to a child of it, and without an active run each
    has its own. Params, training scores, metrics by step, plots, the data's digests and the model are
    logged; what was logged by hand is never overwritten. Fits inside a fit (of a pipeline, a
    search, a cross-validation) belong to that one.

    Parameters
    ----------
    log_input_examples
        Keep the first five rows of the training data with the model.
    log_model_signatures, log_models, log_datasets
        Whether these parts are logged.
    disable
        Turn autologging off; the libraries are again exactly as they were.
    exclusive
        Leave runs alone that the user started: log only where none is active.
    disable_for_unsupported_versions
        Log nothing of a library that is older than what is supported, rather than as far as it goes.
    silent
        Say nothing, neither the line for each fit nor a warning.
    extra_tags
        Tags for the runs of fits.
    exclude_flavors
        Libraries to leave alone: ``sklearn``, ``xgboost``, ``lightgbm``, ``keras``, ``lightning``.
    max_tuning_runs
        How many of a search's candidates, the best first, get a run of their own; None for all.

    Raises
    ------
    InvalidInput
        There is no flavor of a name in ``exclude_flavors``.
    """
    excluded = frozenset(_flavor(name) for name in exclude_flavors or ())
    if disable:
        switch.turn_off(frozenset(LIBRARIES) - excluded)
        return
    settings = Settings(
        log_input_examples=log_input_examples,
        log_model_signatures=log_model_signatures,
        log_models=log_models,
        log_datasets=log_datasets,
        exclusive=exclusive,
        disable_for_unsupported_versions=disable_for_unsupported_versions,
        silent=silent,
        extra_tags=dict(extra_tags or {}),
        max_tuning_runs=max_tuning_runs,
    )
    switch.turn_off(excluded)
    switch.turn_on({name: settings for name in LIBRARIES if name not in excluded})


def autolog_flavor(flavor: str, *, disable: bool = False, **options: Any) -> None:
    """Log the fits of one library; the options are those of ``Settings``.

    Raises
    ------
    InvalidInput
        There is no such flavor, or no such option.
    """
    name = _flavor(flavor)
    if disable:
        switch.turn_off(frozenset({name}))
        return
    try:
        settings = replace(Settings(), **options)
    except TypeError:
        known = list(Settings.__dataclass_fields__)
        wrong = next(option for option in options if option not in known)
        raise InvalidInput(f"autologging of {name} has no option {wrong!r}; there are {', '.join(known)}.{did_you_mean(wrong, known)}") from None
    switch.turn_on({name: settings})


def is_autologging(flavor: str) -> bool:
    """Whether fits of a library are logged. Raises ``InvalidInput`` if there is no such flavor."""
    return _flavor(flavor) in switch.settings


# Other names under which people know these libraries.
_ALIASES = {"scikit-learn": "sklearn", "pytorch": "lightning", "pytorch_lightning": "lightning", "pytorch-lightning": "lightning", "tensorflow": "keras"}


def _flavor(name: str) -> str:
    known = _ALIASES.get(name, name)
    if known not in LIBRARIES:
        raise InvalidInput(f"autologging knows no flavor {name!r}; it knows {', '.join(LIBRARIES)}.{did_you_mean(name, LIBRARIES)}")
    return known
