"""MLflow's numbered constants."""

from __future__ import annotations

from nbtrack import entities
from nbtrack.errors import InvalidInput, did_you_mean


class ViewType:
    """Which lifecycle stages a search returns."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3

    @classmethod
    def from_string(cls, view: str) -> int:
        """The number of ``active_only``, ``deleted_only`` or ``all``. Raises ``InvalidInput``."""
        return _number(_VIEWS, view, "view type")

    @classmethod
    def to_string(cls, view: int) -> str:
        """The name of a number, in lower case."""
        return _name(_VIEWS, view, "view type").lower()


class RunStatus:
    """Where a run stands."""

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5

    @staticmethod
    def from_string(status: str) -> int:
        """The number of a status. Raises ``InvalidInput``."""
        return _number(_STATUSES, status, "run status")

    @staticmethod
    def to_string(status: int) -> str:
        """The name of a number. Raises ``InvalidInput``."""
        return _name(_STATUSES, status, "run status")

    @staticmethod
    def is_terminated(status: int) -> bool:
        """True once the run has ended."""
        return entities.RunStatus(RunStatus.to_string(status)).ended

    @staticmethod
    def all_status() -> list[int]:
        """All numbers."""
        return list(_STATUSES.values())


class SourceType:
    """What kind of program a run came from."""

    NOTEBOOK = 1
    JOB = 2
    PROJECT = 3
    LOCAL = 4
    UNKNOWN = 5

    @staticmethod
    def to_string(kind: int) -> str:
        """The name of a number. Raises ``InvalidInput``."""
        return _name(_SOURCES, kind, "source type")


def view_of(view: int | str) -> entities.ViewType:
    """nbtrack's view type of MLflow's number, or of its own value."""
    return entities.ViewType(_name(_VIEWS, view, "view type") if isinstance(view, int) else view)


def status_of(status: int | str) -> str:
    """The name of a status, given by name or number."""
    return RunStatus.to_string(status) if isinstance(status, int) else str(status)


def _table(cls: type) -> dict[str, int]:
    return {name: number for name, number in vars(cls).items() if name.isupper()}


_VIEWS, _STATUSES, _SOURCES = _table(ViewType), _table(RunStatus), _table(SourceType)


def _number(table: dict[str, int], name: str, what: str) -> int:
    if name.upper() not in table:
        raise InvalidInput(f"there is no {what} {name!r}; there are {', '.join(table)}.{did_you_mean(name.upper(), table)}")
    return table[name.upper()]


def _name(table: dict[str, int], number: int, what: str) -> str:
    for name, value in table.items():
        if value == number:
            return name
    raise InvalidInput(f"there is no {what} {number!r}; there are {', '.join(f'{name} = {value}' for name, value in table.items())}")
