"""``mlflow.projects``."""

from __future__ import annotations

from typing import Any, NoReturn

from nbtrack.mlflow._errors import not_part_of_nbtrack

__all__ = ["run"]


def run(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused. Raises ``MlflowException`` with the code ``NOT_IMPLEMENTED``."""
    raise not_part_of_nbtrack("mlflow.projects.run", "Run the entry point's command itself; its runs are tracked all the same")
