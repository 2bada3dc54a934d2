"""The data that a fit reads, under the names that the user gave it."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from nbtrack.capture.data import Fingerprints, fingerprint_many, is_data
from nbtrack.entities import Dataset

_BUDGET_S = 1.0  # that a fit waits for digests of data that it could change
_JOIN_S = 60.0


class FitData:
    """Digests of data, begun before the fit."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._roles = {name: role for name, (_, role) in named.items()}
        self._found: Fingerprints = fingerprint_many({name: obj for name, (obj, _) in named.items()}, budget_s=_BUDGET_S)

    def datasets(self) -> tuple[list[tuple[Dataset, str]], list[str]]:
        """The datasets with their roles, and why others are missing."""
        found = self._found.join(_JOIN_S)
        ready = [(dataset, self._roles[name]) for name, dataset in found.ready.items()]
        missing = [str(problem) for problem in found.failed.values()]
        return ready, missing + [f"the digest of {name} took more than {_JOIN_S:.0f} s" for name in found.pending]


def name_data(caller: FrameType | None, named: Mapping[str, tuple[Any, str]]) -> dict[str, tuple[Any, str]]:
    """Data by the names of the caller's variables, else by those of the parameters; what is no data is left out.

    Parameters
    ----------
    named
        Name of the parameter -> the object and its role (``train``, ``eval``).
    """
    data = {name: item for name, item in named.items() if item[0] is not None and is_data(item[0])}
    variables: dict[int, str] = {}
    wanted = {id(obj) for obj, _ in data.values()}
    for name, value in _variables(caller).items() if wanted else ():
        if id(value) in wanted and not name.startswith("_"):
            variables.setdefault(id(value), name)
    named_data: dict[str, tuple[Any, str]] = {}
    for name, item in data.items():
        named_data.setdefault(variables.get(id(item[0]), name), item)  # what is trained on and evaluated on is training data
    return named_data


def variable_name(caller: FrameType | None, obj: Any, default: str) -> str:
    """The name of the caller's variable that holds ``obj``."""
    return next((name for name, value in _variables(caller).items() if value is obj and not name.startswith("_")), default)


def _variables(frame: FrameType | None) -> dict[str, Any]:
    """What the caller can name, its own variables before the module's."""
    if frame is None:
        return {}
    local, module = frame.f_locals, frame.f_globals
    return dict(module) if local is module else {**local, **{name: value for name, value in module.items() if name not in local}}


def head(data: Any, count: int) -> Any | None:
    """The first rows of a frame, an array, a sparse matrix or a list; None of anything else."""
    if data is None or isinstance(data, (str, bytes, dict)):
        return None
    if hasattr(data, "iloc"):
        return data.iloc[:count]
    if hasattr(data, "tocsr"):
        return data.tocsr()[:count]
    try:
        return data[:count]
    except (TypeError, IndexError, KeyError, ValueError):
        return None


def row_count(data: Any) -> int:
    """The number of rows; 0 where there is none."""
    shape = getattr(data, "shape", None)
    if shape:
        return int(shape[0])
    return len(data) if hasattr(data, "__len__") else 0
