"""What differs between runs: results, params, data, code and packages, key by key."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrack.entities import Run, RunCode
from nbtrack.formatting import natural_order
from nbtrack.ids import text_digest
from nbtrack.store.base import Store
from nbtrack.tracking.goals import Goal, metric_goal

# Tags that the tool writes; what they say is shown elsewhere.
SYSTEM_TAG_PREFIXES = ("mlflow.", "nbtrack.")


class Missing:
    """The type of ``MISSING``."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()  # what a run lacks, as None and NaN are values


@dataclass(frozen=True)
class Row:
    """One key with its value in each run, ``MISSING`` where a run has none; ``goal`` is of metrics alone."""

    section: str  # "metrics", "params", "data", "code", "environment" or "tags"
    key: str
    values: Sequence[Any]
    goal: Goal | None = None

    @property
    def differs(self) -> bool:
        """Whether the runs don't all have the same."""
        first = self.values[0]
        return not all(same(first, value) for value in self.values[1:])


@dataclass(frozen=True)
class Comparison:
    """Runs side by side. ``code_diff`` is a unified diff of the own cells, of two runs only."""

    runs: Sequence[Run]
    rows: Sequence[Row]
    code_diff: Sequence[str] = ()

    def differing(self) -> list[Row]:
        """The rows in which the runs differ."""
        return [row for row in self.rows if row.differs]


def compare(store: Store, run_ids: Sequence[str]) -> Comparison:
    """Read the runs and line them up, key by key."""
    runs = store.runs.get_many(run_ids)
    codes = [store.cells.code(run_id) for run_id in run_ids]
    facts = [store.facts.all(run_id) for run_id in run_ids]
    goals = {summary.key: metric_goal(summary.key, summary.definition) for run_id in run_ids for summary in store.metrics.summaries(run_id)}
    rows = [
        *_rows("metrics", [run.data.metrics for run in runs], goals),
        *_rows("params", [run.data.params for run in runs]),
        *_rows("data", [_data(run) for run in runs]),
        *_rows("code", [_code(code, fact) for code, fact in zip(codes, facts, strict=True)]),
        *_rows("environment", [_environment(fact) for fact in facts]),
        *_rows("tags", [user_tags(run.data.tags) for run in runs]),
    ]
    return Comparison(runs, rows, _diff(runs, codes) if len(runs) == 2 else ())


def same(one: Any, other: Any) -> bool:
    """Whether two values are one, with their types: 1, 1.0 and True are three, NaN is NaN."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(same(left, right) for left, right in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that people set, without those that the tool writes."""
    return {key: value for key, value in tags.items() if not key.startswith(SYSTEM_TAG_PREFIXES)}


def _rows(section: str, columns: Sequence[Mapping[str, Any]], goals: Mapping[str, Goal | None] | None = None) -> Iterable[Row]:
    keys = sorted({key for column in columns for key in column}, key=natural_order)
    return [Row(section, key, [column.get(key, MISSING) for column in columns], (goals or {}).get(key)) for key in keys]


def _data(run: Run) -> dict[str, str]:
    """Each input as ``digest, rows x columns``; two inputs of one name are told apart by their role."""
    named: dict[str, str] = {}
    for item in run.inputs.dataset_inputs:
        name = item.dataset.name if item.context is None else f"{item.dataset.name} ({item.context})"
        shape = item.dataset.profile.get("shape")
        size = f", {' x '.join(map(str, shape))}" if isinstance(shape, (list, tuple)) and shape else ""
        text = f"{item.dataset.digest[:8]}{size}"
        named[name] = f"{named[name]}; {text}" if name in named else text
    return named


def _code(code: RunCode, facts: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if code.own is not None:
        found["own cell"] = text_digest(code.own.source)[:8]
        found["earlier cells"] = text_digest("\0".join(cell.source for cell in code.closure))[:8] if code.closure else "none"
    git = facts.get("git")
    if isinstance(git, Mapping) and git.get("commit"):
        found["git"] = f"{str(git['commit'])[:8]}{', changed' if git.get('dirty') else ''}"
    return found


def _environment(facts: Mapping[str, Any]) -> dict[str, str]:
    environment = facts.get("environment")
    if not isinstance(environment, Mapping):
        return {}
    packages = environment.get("packages")
    versions = {str(name): str(version) for name, version in packages.items()} if isinstance(packages, Mapping) else {}
    return {**({"python": str(environment["python"])} if environment.get("python") else {}), **versions}


def _diff(runs: Sequence[Run], codes: Sequence[RunCode]) -> list[str]:
    own = [code.own for code in codes]
    if own[0] is None or own[1] is None:
        return []
    left, right = own[0].source.splitlines(), own[1].source.splitlines()
    return list(difflib.unified_diff(left, right, runs[0].info.run_name, runs[1].info.run_name, lineterm="", n=1))
