"""Files, processes, events, and many points or pages at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class FileInfo:
    """An artifact or a folder of artifacts; ``path`` is relative to the run, with ``/``."""

    path: str
    is_dir: bool
    file_size: int | None


@dataclass(frozen=True)
class Artifact:
    """A file of a run and the blob that holds its bytes."""

    path: str
    digest: str
    size: int
    media_type: str | None = None
    created_time: int = 0


@dataclass(frozen=True)
class Process:
    """The process that works on a run: enough to tell later whether it is still alive.

    ``start_ticks`` is the process's start time as the operating system counts it, since process
    ids are used again; ``boot_id`` tells reboots apart.
    """

    pid: int
    host: str
    boot_id: str
    start_ticks: int = 0


@dataclass(frozen=True)
class Event:
    """One row of the append-only log; ``hash`` covers the row and the hash before it."""

    sequence: int
    timestamp: int
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class MetricColumns:
    """Many metric points as parallel columns, ordered by run, key, step, then time.

    ``run_ids`` and ``keys`` name the series; ``series`` holds for each point the index into both.
    Values are floats (NaN included), timestamps milliseconds.
    """

    run_ids: Sequence[str]
    keys: Sequence[str]
    series: Sequence[int]
    steps: Sequence[int]
    timestamps: Sequence[int]
    values: Sequence[float]


class PagedList(list[T], Generic[T]):
    """A page of results; ``token`` fetches the next one and is None on the last."""

    def __init__(self, items: Sequence[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token
