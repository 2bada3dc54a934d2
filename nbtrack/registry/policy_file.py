"""Promotion policies as text: YAML, of which every error is told with its line and key.

::

    rules:
      - model: churn*                  # a name or a pattern; by default all models
        stage: Production              # or Staging
        metrics: metrics.recall >= 0.7 AND metrics.auc_train - metrics.auc_test <= 0.05
        improvement: {metric: auc, goal: max, tolerance: 0.01}
        signature: true
        input_example: true
        card: 80                       # percent that is filled; true for all of it
        findings: warning              # the worst severity that may be open: none, info, warning
        reproduced: true
        approvals: 2                   # by people other than the author
        approvers: [bob, carol]        # who may approve; by default everybody
        overriders: [dana]             # who may override; by default everybody

All rules that fit a promotion apply together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nbtrack._optional import require
from nbtrack.entities import ModelStage, Severity
from nbtrack.errors import InvalidFilter, InvalidPolicy, did_you_mean
from nbtrack.query import And, Expression, Metric, parse_filter
from nbtrack.registry.names import ACTIVE_STAGES

FILE_NAMES = ("nbtrack.policy.yml", "nbtrack.policy.yaml")
STORED = "the policy of the store"

_MAX_CHARS = 1_000_000
_NO_FINDINGS = "none"


@dataclass(frozen=True)
class Improvement:
    """A metric that must be at least as good as that of the version now in the stage, but for ``tolerance``."""

    metric: str
    goal: str  # "max" or "min"
    tolerance: float = 0.0

    def __str__(self) -> str:
        better = "at least" if self.goal == "max" else "at most"
        slack = f" {'-' if self.goal == 'max' else '+'} {self.tolerance:g}" if self.tolerance else ""
        return f"{Metric(self.metric)} {better} that of the version in the stage{slack}"


@dataclass(frozen=True)
class Rule:
    """What promotions of some models to one stage must satisfy."""

    source: str  # the file, or the store
    line: int  # 1-based
    model: str = "*"
    stage: ModelStage = ModelStage.PRODUCTION
    metrics: tuple[Expression, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    signature: bool = False
    input_example: bool = False
    card: int | None = None  # percent
    findings: str | None = None  # the worst severity allowed, "none" for no finding at all
    reproduced: bool = False
    approvals: int = 0
    approvers: tuple[str, ...] = ()
    overriders: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the rule is written."""
        return f"{self.source}:{self.line}"

    def fits(self, name: str, stage: ModelStage) -> bool:
        """Whether the rule is about promotions of this model to this stage."""
        return stage is self.stage and fnmatchcase(name, self.model)


def read_policy_file(path: Path) -> list[Rule]:
    """The rules of a file. Raises ``InvalidPolicy``, also where it can't be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPolicy(f"the file can't be read: {error}", source=str(path)) from error
    return parse_policy(text, source=str(path))


def policy_text(policy: str | Mapping[str, Any]) -> str:
    """A policy as text; a dict is written as JSON, which is YAML too."""
    return policy if isinstance(policy, str) else json.dumps(policy, indent=2, ensure_ascii=False, default=str)


def parse_policy(text: str, *, source: str = STORED) -> list[Rule]:
    """The rules that ``text`` states, in order; an empty text states none.

    Raises
    ------
    InvalidPolicy
        It is no YAML, or a rule has an error; the message has its line and key.
    MissingDependency
        PyYAML is not installed.
    """
    if len(text) > _MAX_CHARS:
        raise InvalidPolicy(f"it has {len(text):,} characters, which is no policy", source=source)
    yaml = require("yaml", purpose="a promotion policy")
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        return [] if root is None else list(_Reader(yaml, loader, source).rules(root))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidPolicy(f"it is no YAML: {problem}", source=source, line=mark.line + 1 if mark else 0) from error
    except (ValueError, OverflowError) as error:  # a date that there is not, for example
        if isinstance(error, InvalidPolicy):
            raise
        raise InvalidPolicy(f"it has a value that can't be read: {error}", source=source) from error
    except RecursionError:
        raise InvalidPolicy("it is nested too deeply", source=source) from None
    finally:
        if loader is not None:
            loader.dispose()


@dataclass(frozen=True)
class _At:
    """A node of the YAML document and the path of keys to it."""

    node: Any
    key: str

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def child(self, node: Any, key: str) -> _At:
        return _At(node, f"{self.key}{key}" if key.startswith("[") or not self.key else f"{self.key}.{key}")


@dataclass(frozen=True)
class _Reader:
    """Reads the nodes of one document."""

    yaml: Any
    loader: Any
    source: str
    readers: Mapping[str, Callable[[_Reader, _At], dict[str, Any]]] = field(default_factory=lambda: _READERS)

    def rules(self, root: Any) -> Iterator[Rule]:
        entries = self.entries(_At(root, ""), ("rules", "version"))
        if "version" in entries and self.value(entries["version"]) != 1:
            raise self.error(entries["version"], "this nbtrack reads policies of version 1")
        if "rules" not in entries:
            raise self.error(_At(root, "rules"), "the key is missing: a policy is a list of rules under it")
        for at in self.items(entries["rules"]):
            yield self.rule(at)

    def rule(self, at: _At) -> Rule:
        rule = Rule(self.source, at.line)
        for key, entry in self.entries(at, tuple(self.readers)).items():
            rule = replace(rule, **self.readers[key](self, entry))
        if rule.approvers and len(set(rule.approvers)) < rule.approvals:
            raise self.error(at, f"it asks for {rule.approvals} approvals, but only {len(set(rule.approvers))} people may approve")
        return rule

    def entries(self, at: _At, known: tuple[str, ...]) -> dict[str, _At]:
        """The entries of a mapping that may have these keys."""
        if not isinstance(at.node, self.yaml.MappingNode):
            raise self.error(at, f"a mapping is wanted here, with the keys {', '.join(known)}; found {self.kind(at)}")
        found: dict[str, _At] = {}
        for key_node, value_node in at.node.value:
            key = str(getattr(key_node, "value", ""))
            if key not in known:
                hint = did_you_mean(key, known) or f" There are: {', '.join(known)}"
                raise self.error(at.child(key_node, key), f"there is no such key.{hint}")
            if key in found:
                raise self.error(at.child(key_node, key), f"the key is there twice, first in line {found[key].line}")
            found[key] = at.child(value_node, key)
        return found

    def items(self, at: _At) -> list[_At]:
        if not isinstance(at.node, self.yaml.SequenceNode):
            raise self.error(at, f"a list is wanted here; found {self.kind(at)}")
        return [at.child(node, f"[{place}]") for place, node in enumerate(at.node.value)]

    def value(self, at: _At) -> Any:
        if not isinstance(at.node, self.yaml.ScalarNode):
            raise self.error(at, f"a single value is wanted here; found {self.kind(at)}")
        return self.loader.construct_object(at.node)

    def text(self, at: _At) -> str:
        value = self.value(at)
        if not isinstance(value, str) or not value.strip():
            raise self.error(at, f"a text is wanted here; found {value!r}")
        return value.strip()

    def flag(self, at: _At) -> bool:
        value = self.value(at)
        if not isinstance(value, bool):
            raise self.error(at, f"true or false is wanted here; found {value!r}")
        return value

    def whole(self, at: _At, highest: int) -> int:
        value = self.value(at)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
            raise self.error(at, f"a whole number from 0 to {highest} is wanted here; found {value!r}")
        return value

    def texts(self, at: _At) -> tuple[str, ...]:
        """A list of texts, or one text."""
        if isinstance(at.node, self.yaml.SequenceNode):
            return tuple(self.text(item) for item in self.items(at))
        return (self.text(at),)

    def choice(self, at: _At, choices: tuple[str, ...]) -> str:
        text = self.text(at)
        found = next((choice for choice in choices if choice.lower() == text.lower()), None)
        if found is None:
            raise self.error(at, f"{text!r} is none of {', '.join(choices)}.{did_you_mean(text, choices)}")
        return found

    def kind(self, at: _At) -> str:
        if isinstance(at.node, self.yaml.MappingNode):
            return "a mapping"
        return "a list" if isinstance(at.node, self.yaml.SequenceNode) else f"{at.node.value!r}"

    def error(self, at: _At, problem: str) -> InvalidPolicy:
        return InvalidPolicy(problem, source=self.source, line=at.line, key=at.key)


def _metrics(reader: _Reader, at: _At) -> dict[str, Any]:
    places = reader.items(at) if isinstance(at.node, reader.yaml.SequenceNode) else [at]
    return {"metrics": tuple(condition for place in places for condition in _conditions(reader, place))}


def _conditions(reader: _Reader, at: _At) -> Iterator[Expression]:
    """The parts of a condition in the search grammar that must all hold."""
    text = reader.text(at)
    try:
        expression = parse_filter(text)
    except InvalidFilter as error:
        raise reader.error(at, f"{error.problem} (column {error.column} of {text!r})") from error
    if expression is not None:
        yield from _parts(expression)


def _parts(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, And):
        for part in expression.conditions:
            yield from _parts(part)
    else:
        yield expression


def _improvements(reader: _Reader, at: _At) -> dict[str, Any]:
    places = reader.items(at) if isinstance(at.node, reader.yaml.SequenceNode) else [at]
    return {"improvements": tuple(_improvement(reader, place) for place in places)}


def _improvement(reader: _Reader, at: _At) -> Improvement:
    entries = reader.entries(at, ("metric", "goal", "tolerance"))
    for key, meaning in (("metric", "which metric has to be as good"), ("goal", "whether max or min is better")):
        if key not in entries:
            raise reader.error(at.child(at.node, key), f"the key is missing: {meaning}. Write {{metric: auc, goal: max}}, for example")
    tolerance = _tolerance(reader, entries["tolerance"]) if "tolerance" in entries else 0.0
    return Improvement(reader.text(entries["metric"]).removeprefix("metrics."), reader.choice(entries["goal"], ("max", "min")), tolerance)


def _tolerance(reader: _Reader, at: _At) -> float:
    value = reader.value(at)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise reader.error(at, f"a number from 0 on is wanted here; found {value!r}")
    return float(value)


def _stage(reader: _Reader, at: _At) -> dict[str, Any]:
    return {"stage": ModelStage(reader.choice(at, tuple(stage.value for stage in ACTIVE_STAGES)))}


def _card(reader: _Reader, at: _At) -> dict[str, Any]:
    value = reader.value(at)
    return {"card": (100 if value else None) if isinstance(value, bool) else reader.whole(at, 100)}


def _findings(reader: _Reader, at: _At) -> dict[str, Any]:
    if reader.value(at) is None:  # YAML's own word for nothing, as in `findings: null`
        return {"findings": _NO_FINDINGS}
    return {"findings": reader.choice(at, (_NO_FINDINGS, Severity.INFO.value, Severity.WARNING.value))}


_READERS: dict[str, Callable[[_Reader, _At], dict[str, Any]]] = {
    "model": lambda reader, at: {"model": reader.text(at)},
    "stage": _stage,
    "metrics": _metrics,
    "improvement": _improvements,
    "signature": lambda reader, at: {"signature": reader.flag(at)},
    "input_example": lambda reader, at: {"input_example": reader.flag(at)},
    "card": _card,
    "findings": _findings,
    "reproduced": lambda reader, at: {"reproduced": reader.flag(at)},
    "approvals": lambda reader, at: {"approvals": reader.whole(at, 100)},
    "approvers": lambda reader, at: {"approvers": reader.texts(at)},
    "overriders": lambda reader, at: {"overriders": reader.texts(at)},
}
