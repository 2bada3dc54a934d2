"""nbtrack's errors as MLflow's: the one place that knows which is which."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nbtrack import errors
from nbtrack.mlflow.exceptions import MlflowException

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

# By the nearest class of an error's ancestors.
_CODES: dict[type[errors.NbtrackError], str] = {
    errors.InvalidInput: "INVALID_PARAMETER_VALUE",
    errors.NotFound: "RESOURCE_DOES_NOT_EXIST",
    errors.AliasNotFound: "INVALID_PARAMETER_VALUE",
    errors.Conflict: "INVALID_PARAMETER_VALUE",
    errors.RunAlreadyActive: "INVALID_STATE",
    errors.InUse: "INVALID_STATE",
    errors.AlreadyExists: "RESOURCE_ALREADY_EXISTS",
    errors.PromotionRefused: "PERMISSION_DENIED",
    errors.PromotionOvertaken: "RESOURCE_CONFLICT",
    errors.NotPermitted: "PERMISSION_DENIED",
    errors.UntrustedModel: "PERMISSION_DENIED",
    errors.StoreNotWritable: "PERMISSION_DENIED",
    errors.StoreCorrupt: "DATA_LOSS",
    errors.StoreBusy: "TEMPORARILY_UNAVAILABLE",
    errors.StoreFull: "RESOURCE_EXHAUSTED",
}


def as_mlflow_error(error: errors.NbtrackError) -> Exception:
    """What MLflow would raise for ``error``; a missing dependency stays the ``ImportError`` that it is."""
    if isinstance(error, errors.MissingDependency):
        return error
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), "INTERNAL_ERROR")
    return MlflowException(str(error).replace("nbtrack.end_run()", "mlflow.end_run()"), code)


def speaks_mlflow(function: Callable[P, R]) -> Callable[P, R]:
    """Let ``function`` raise MLflow's errors instead of nbtrack's, which become their cause."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except errors.NbtrackError as error:
            translated = as_mlflow_error(error)
            if translated is error:
                raise
            raise translated from error

    return call


def methods_speak_mlflow(cls: C) -> C:
    """`speaks_mlflow` for each public method of a class."""
    for name, value in list(vars(cls).items()):
        if callable(value) and not name.startswith("_"):
            setattr(cls, name, speaks_mlflow(value))
    return cls


def not_part_of_nbtrack(what: str, instead: str) -> MlflowException:
    """The error for what MLflow has, and nbtrack's MLflow names have not."""
    return MlflowException(f"{what} is not part of nbtrack's MLflow names. {instead}", "NOT_IMPLEMENTED")
