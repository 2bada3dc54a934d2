"""Params and metrics of a cell, from its code and the values after it ran.

What you type is a param, what you compute is a metric. Each comes with the line that it was read
from, and a metric that a known function computed with its definition.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nbtrack.capture.bindings import ANY_KEY, ItemChange
from nbtrack.capture.branches import Course
from nbtrack.capture.calls import Target
from nbtrack.capture.code import CellCode, Outcome, SessionNames, outcomes, resolver_for
from nbtrack.capture.definitions import Definitions, result_name
from nbtrack.capture.libraries import MEASURING_METHODS, is_modelling
from nbtrack.capture.literals import NotTyped, is_scalar, is_typed, plain_copy, same, size_of, typed_value
from nbtrack.capture.scalars import as_number, isinstance_safe
from nbtrack.entities import Origin, Param, ParamValue
from nbtrack.ids import MAX_KEY_CHARS

NOTHING = object()  # the cell showed no result

MAX_METRICS = 100  # of one dict

_METRIC_WORDS = frozenset({"metrics", "scores", "results"})
_NOT_IN_KEYS = re.compile(r"[^/\w.\- :]")


@dataclass(frozen=True)
class InferredMetric:
    """A number that the cell computed, with the line and, where known, how it was computed."""

    key: str
    value: float
    line: int | None = None
    definition: str | None = None


@dataclass(frozen=True)
class Inferred:
    """What the capture rule finds in a cell, in the order of the source."""

    params: list[Param] = field(default_factory=list)
    metrics: list[InferredMetric] = field(default_factory=list)


def infer(
    code: CellCode,
    *,
    values: Mapping[str, object],
    earlier: SessionNames | None = None,
    before: Mapping[str, int] | None = None,
    result: object = NOTHING,
    stopped_at: int | None = None,
) -> Inferred:
    """Apply the capture rule to a cell that ran; never raises, whatever objects the names hold.

    Parameters
    ----------
    values
        The namespace after the cell ran.
    earlier
        What the cells before this one said.
    before
        ``id()`` of what names held before the cell ran. With it, a name that only a branch binds
        is left out when the branch did not run.
    result
        The value of the last expression, `NOTHING` if the cell showed none.
    stopped_at
        The line at which the cell raised: what comes after it did not happen.
    """
    reading = _Reading(code, values, SessionNames() if earlier is None else earlier, before or {}, result, Course(code, values, stopped_at))
    try:
        return Inferred(params=reading.params(), metrics=reading.metrics())
    except RecursionError:
        return Inferred()


class _Reading:
    """One cell and the values that it left."""

    def __init__(self, code: CellCode, values: Mapping[str, object], earlier: SessionNames, before: Mapping[str, int], result: object, course: Course) -> None:
        self._code = code
        self._values = values
        self._earlier = earlier
        self._before = before
        self._result = result
        self._course = course
        self._outcomes = outcomes(code, earlier)
        self._resolver = resolver_for(code, earlier, values)
        self._definitions = Definitions(self._resolver, self._expressions(), {name: value for name, value in values.items() if is_scalar(value)})

    def _expressions(self) -> dict[str, tuple[ast.expr, int | None]]:
        once = {name: outcome.computed[0] for name, outcome in self._outcomes.items() if len(outcome.computed) == 1 and not outcome.typed}
        return {name: (binding.value, binding.item) for name, binding in once.items() if binding.value is not None}

    # Params

    def params(self) -> list[Param]:
        found = {param.key: param for param in [*self._typed_names(), *self._read_names()]}
        for param in self._keywords(found):
            found.setdefault(param.key, param)
        return sorted(found.values(), key=lambda param: param.line or 0)

    def _typed_names(self) -> Iterator[Param]:
        for name, outcome in self._outcomes.items():
            if outcome.typed and not outcome.computed:
                reached = [(value, binding) for value, binding in outcome.typed if self._course.may_have_run(binding.place, binding.line)]
                certain = outcome.certain and all(self._course.came_past(binding.place) for _, binding in reached)
                chosen = self._chosen(name, [(value, binding.line) for value, binding in reached], certain=certain)
                if chosen is not None:
                    yield _param(name, *chosen)

    def _chosen(self, name: str, typed: list[tuple[object, int]], *, certain: bool) -> tuple[ParamValue, int] | None:
        """Which of the typed values the name got, and its line; None where a branch did not run or nothing tells."""
        held = self._values.get(name, NOTHING)
        chosen = next(((value, line) for value, line in typed if same(value, held)), None)
        if chosen is None and certain and typed and all(same(value, typed[0][0]) for value, _ in typed):
            chosen = typed[-1]  # deleted since, or its container changed
        if chosen is None or not isinstance(chosen[0], (list, dict, tuple)):
            return chosen
        kept = _typed_part(chosen[0], [change for change in self._code.item_changes if change.name == name], held)
        return None if kept is None else (kept, chosen[1])

    def _read_names(self) -> Iterator[Param]:
        """Names that the cell reads and an earlier one typed."""
        for name, line in self._code.reads.items():
            outcome = self._outcomes.get(name)
            if name.startswith("_") or (name in self._code.bound_names and (outcome is None or outcome.certain or outcome.computed)):
                continue
            held = self._values.get(name, NOTHING)
            if is_scalar(held) and any(same(held, value) for value in self._earlier.typed(name)):
                yield _param(name, held, line)

    def _keywords(self, names: Mapping[str, Param]) -> Iterator[Param]:
        """Literal keyword arguments of calls into modelling libraries."""
        given: dict[str, list[tuple[str, object, int]]] = {}
        counts: dict[str, int] = {}
        for site in self._code.calls:
            target = self._resolver.target(site.callee)
            if target is None or not _takes_params(target) or not self._course.may_have_run(site.place, site.line, to_its_end=False):
                continue
            counts[target.label] = counts.get(target.label, 0) + 1
            label = target.label if counts[target.label] == 1 else f"{target.label}_{counts[target.label]}"
            for keyword in site.node.keywords:
                if keyword.arg is not None and is_typed(keyword.value):
                    given.setdefault(keyword.arg, []).append((label, typed_value(keyword.value), keyword.value.lineno))
        for key, uses in given.items():
            yield from _without_clash(key, uses, names.get(key))

    # Metrics

    def metrics(self) -> list[InferredMetric]:
        found = {metric.key: metric for metric in self._computed_names()}
        for name, entries in self._computed_dicts().items():
            for entry in entries:
                key = entry.key if entry.key not in found or found[entry.key].value == entry.value else _key(f"{name}.{entry.key}")
                found.setdefault(key, InferredMetric(key, entry.value, entry.line, entry.definition))
        shown = self._shown()
        if shown is not None:
            found.setdefault(shown.key, shown)
        return sorted(found.values(), key=lambda metric: metric.line or 0)

    def _computed_names(self) -> Iterator[InferredMetric]:
        for name, outcome in self._outcomes.items():
            reached = [binding for binding in outcome.computed if self._course.may_have_run(binding.place, binding.line)]
            number = as_number(self._values.get(name)) if reached and not self._untouched(name, outcome) else None
            if number is not None:
                alone = len(outcome.computed) == 1 and not outcome.typed and reached[0].value is not None
                definition = self._definitions.of(reached[0].value, reached[0].item) if alone and reached[0].value is not None else None
                yield InferredMetric(_key(name), number, reached[-1].line, definition)

    def _untouched(self, name: str, outcome: Outcome) -> bool:
        """The name is bound in branches only, and holds what it held before."""
        return not outcome.certain and name in self._before and self._before[name] == id(self._values.get(name))

    def _computed_dicts(self) -> dict[str, list[InferredMetric]]:
        """The numbers of dicts named metrics, scores or results; keys that two of them share carry the name of theirs."""
        dicts = {name: list(self._entries(name)) for name in self._metric_dict_names()}
        holders: dict[str, set[str]] = {}
        for name, entries in dicts.items():
            for entry in entries:
                holders.setdefault(entry.key, set()).add(name)
        return {
            name: [
                entry if len(holders[entry.key]) == 1 else InferredMetric(_key(f"{name}.{entry.key}"), entry.value, entry.line, entry.definition)
                for entry in entries
            ]
            for name, entries in dicts.items()
        }

    def _metric_dict_names(self) -> list[str]:
        touched = [*self._outcomes, *(change.name for change in self._code.item_changes)]
        return [name for name in dict.fromkeys(touched) if not name.startswith("_") and not _METRIC_WORDS.isdisjoint(name.lower().split("_"))]

    def _entries(self, name: str) -> Iterator[InferredMetric]:
        held = self._values.get(name)
        if not isinstance_safe(held, dict) or not isinstance(held, dict):
            return
        changes = {change.key: change for change in self._code.item_changes if change.name == name and not change.typed}
        outcome = self._outcomes.get(name)
        own = outcome is not None and (bool(outcome.computed) or bool(changes))
        if not (own or changes):
            return
        if own and outcome is not None and self._untouched(name, outcome):
            return
        display = self._display(outcome)
        typed = outcome.typed[-1][0] if outcome is not None and outcome.typed else None
        line = max([binding.line for binding in outcome.computed], default=None) if outcome is not None else None
        for count, (path, number) in enumerate(_numbers(held)):
            top = path[0]
            change = changes.get(top)
            if count >= MAX_METRICS:
                return
            if change is None and (not own or (isinstance(typed, dict) and same(typed.get(top), dict.get(held, top)))):
                continue  # an earlier cell's number in a dict that grows from cell to cell, or a typed one
            expression = change.value if change is not None else display.get(top)
            definition = self._definitions.of(expression) if expression is not None and len(path) == 1 else None
            where = change.line if change is not None else expression.lineno if expression is not None else line
            yield InferredMetric(_key(".".join(map(str, path))), number, where or _first_line(changes), definition)

    def _display(self, outcome: Outcome | None) -> dict[object, ast.expr]:
        """The expressions of ``{"auc": roc_auc_score(...)}`` by their keys."""
        values = [binding.value for binding in outcome.computed] if outcome is not None else []
        shown = [value for value in values if isinstance(value, ast.Dict)]
        return {key.value: value for node in shown for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}

    def _shown(self) -> InferredMetric | None:
        """The number that the cell ends with."""
        last = self._code.last
        if self._result is NOTHING or last is None or is_typed(last):
            return None
        number = as_number(self._result)
        name = None if number is None else result_name(last, self._resolver)
        if number is None or name is None or name.startswith("_"):
            return None
        outcome = self._outcomes.get(name)
        if (outcome is not None and not outcome.computed) or (outcome is None and self._earlier.typed(name)):
            return None  # a param, looked at
        return InferredMetric(_key(name), number, last.lineno, self._definitions.of(last))


def _takes_params(target: Target) -> bool:
    return is_modelling(target.path) and not (target.method and target.name in MEASURING_METHODS)


def _without_clash(key: str, uses: list[tuple[str, object, int]], named: Param | None) -> Iterator[Param]:
    """One param where all agree; where they do not, each carries the name of its call."""
    others = uses if named is None else [use for use in uses if not same(use[1], named.value)]
    first = uses[0]
    if named is None and all(same(value, first[1]) for _, value, _ in uses):
        yield _param(key, first[1], first[2])
    else:
        yield from (_param(f"{label}.{key}", value, line) for label, value, line in others)


def _typed_part(value: object, changes: list[ItemChange], held: object) -> ParamValue | None:
    """What of a typed container is still as typed; None for one that only gathers results."""
    kept = value
    computed = {change.key for change in changes if not change.typed}
    if changes and not computed:
        try:
            kept = plain_copy(held)
        except NotTyped:
            kept = value
    elif computed:
        kept = {key: item for key, item in value.items() if key not in computed} if isinstance(value, dict) and ANY_KEY not in computed else None
    return kept if kept is not None and size_of(kept)[0] > 0 else None


def _numbers(held: dict[object, object], path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], float]]:
    """The numbers in a dict and the dicts inside it, each with its keys."""
    if len(path) > 3:
        return
    for key, value in list(dict.items(held)):  # a class of the notebook may have an items() of its own
        if not is_scalar(key):
            continue
        if isinstance_safe(value, dict) and isinstance(value, dict):
            yield from _numbers(value, (*path, key))
        elif (number := as_number(value)) is not None:
            yield (*path, key), number


def _first_line(changes: Mapping[object, ItemChange]) -> int | None:
    return min((change.line for change in changes.values()), default=None)


def _param(key: str, value: ParamValue, line: int | None) -> Param:
    return Param(_key(key), value, Origin.INFERRED, line)


def _key(text: str) -> str:
    """``text`` as a key that the naming rule accepts."""
    plain = "/".join(part.strip() for part in _NOT_IN_KEYS.sub("_", text).split("/") if part.strip() not in ("", ".", ".."))
    return plain[:MAX_KEY_CHARS].rstrip("/") or "value"
