"""How contenders are measured side by side: in turns within one run, as medians, against budgets."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from tests.benchmarks.contenders import NBTRACK, RAW, Contender

T = TypeVar("T")


@dataclass(frozen=True)
class Budget:
    """A limit on nbtrack's figure: a number in the row's unit, or a multiple of another figure of the row."""

    limit: float
    of: str | None = None
    at_least: bool = False

    def bound(self, figures: Mapping[str, float]) -> float | None:
        """The limit in the row's unit; None if the figure that it refers to was not measured."""
        if self.of is None:
            return self.limit
        return self.limit * figures[self.of] if self.of in figures else None

    def holds(self, figures: Mapping[str, float]) -> bool | None:
        """Whether nbtrack keeps it; None if that can't be told."""
        bound = self.bound(figures)
        if bound is None or NBTRACK not in figures:
            return None
        return figures[NBTRACK] >= bound if self.at_least else figures[NBTRACK] <= bound


@dataclass(frozen=True)
class Row:
    """One line of the result: what was done, each contender's figure, and what nbtrack may take.

    ``reference`` is the figure that the ratio is taken to; all ``budgets`` must hold.
    """

    workload: str
    unit: str
    figures: Mapping[str, float]
    budgets: Sequence[Budget] = ()
    reference: str = RAW

    @property
    def ratio(self) -> float | None:
        """nbtrack's figure over the reference's; None if one of them was not measured, or is 0."""
        ours, theirs = self.figures.get(NBTRACK), self.figures.get(self.reference)
        return ours / theirs if ours is not None and theirs else None

    def times_better_than(self, name: str) -> float | None:
        """How many times more ``name`` takes than nbtrack, or less where much is good; None as for ``ratio``."""
        ours, theirs = self.figures.get(NBTRACK), self.figures.get(name)
        if not ours or not theirs:
            return None
        return ours / theirs if any(budget.at_least for budget in self.budgets) else theirs / ours

    @property
    def verdict(self) -> str:
        """``ok``, ``over``, or empty where there is no budget or nothing to compare."""
        answers = [budget.holds(self.figures) for budget in self.budgets]
        if False in answers:
            return "over"
        return "ok" if answers and None not in answers else ""


@dataclass(frozen=True)
class Bench:
    """What a measuring function is given: the contenders, a scratch folder, and how thorough to be."""

    contenders: Sequence[Contender]
    scratch: Path
    quick: bool = False
    _numbers: count[int] = field(default_factory=count)

    def folder(self) -> Path:
        """A new empty folder."""
        made = self.scratch / f"{next(self._numbers):04d}"
        made.mkdir()
        return made

    def sized(self, full: int, quick: int) -> int:
        """``quick`` in quick mode, else ``full``."""
        return quick if self.quick else full

    def each(self, task: Callable[[Contender], T]) -> dict[str, Callable[[], T]]:
        """``task`` for each contender, by its name, as ``alternate`` takes it."""
        return {contender.name: partial(task, contender) for contender in self.contenders}


def alternate(tasks: Mapping[str, Callable[[], T]], rounds: int, *, fewer: Mapping[str, int] | None = None) -> dict[str, list[T]]:
    """Call the tasks in turns, ``rounds`` times, and return what each returned.

    A machine that slows down or speeds up does so for all. Who goes first changes with the round;
    ``fewer`` lets a slow task take part in the first rounds only.
    """
    results: dict[str, list[T]] = {name: [] for name in tasks}
    names = list(tasks)
    for number in range(rounds):
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            if number < (fewer or {}).get(name, rounds):
                gc.collect()
                results[name].append(tasks[name]())
    return results


def seconds(action: Callable[[], Any]) -> float:
    """How long ``action`` takes."""
    start = perf_counter()
    action()
    return perf_counter() - start


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """How long ``action`` takes, and what it returns."""
    start = perf_counter()
    result = action()
    return perf_counter() - start, result


def medians(results: Mapping[str, Sequence[float]], scale: float = 1.0) -> dict[str, float]:
    """The median of each contender's results, times ``scale``."""
    return {name: statistics.median(values) * scale for name, values in results.items() if values}


def means(results: Mapping[str, Iterable[Sequence[float]]], scale: float = 1.0) -> dict[str, float]:
    """The mean over all calls of all rounds, times ``scale``: what a loop of many calls takes for each."""
    return {name: statistics.fmean(duration for durations in rounds for duration in durations) * scale for name, rounds in results.items() if rounds}


def percentiles(results: Mapping[str, Iterable[Sequence[float]]], percent: float, scale: float = 1.0) -> dict[str, float]:
    """A percentile over all calls of all rounds, times ``scale``."""
    found = {}
    for name, rounds in results.items():
        calls = sorted(duration for durations in rounds for duration in durations)
        if calls:
            found[name] = calls[min(len(calls) - 1, int(len(calls) * percent / 100))] * scale
    return found
