"""What the card of a run says: plain data, read from the store with a handful of small queries.

``card_html`` and ``card_text`` draw it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath
from typing import Any

from nbtrack.entities import Artifact, Finding, LoggedModel, MetricSummary, Origin, Param, Run, RunInfo, RunStatus, Severity
from nbtrack.formatting import format_size, format_value
from nbtrack.query import And, Attribute, Comparison, Expression, IsNan, IsNull, Metric, Not, Number, OrderBy, Text, parse_filter
from nbtrack.query.registered import MODEL_VERSIONS
from nbtrack.store.base import RunQuery, Store
from nbtrack.tracking.goals import Goal, metric_goal

FIGURES_FOLDER = "figures"

MAX_METRICS = 8
MAX_PARAMS = 12
MAX_FINDINGS = 5
TREND_RUNS = 12
TREND_POINTS = 80
_MIN_CURVE_POINTS = 4  # a series of fewer points is better told by the runs before

_PRIMARY_METRIC = "mlflow.experiment.primaryMetric.name"
_PRIMARY_DIRECTION = "mlflow.experiment.primaryMetric.greaterIsBetter"


@dataclass(frozen=True)
class Change:
    """A metric against an earlier run's; ``better`` is None where neither is, or the name does not say."""

    delta: float
    reference: float
    better: bool | None


@dataclass(frozen=True)
class MetricRow:
    """One metric, its changes, and the line that it was read from."""

    key: str
    value: float
    best: Change | None = None  # against the best of the other runs
    previous: Change | None = None  # against the run before
    is_best: bool = False  # better than all others
    points: int = 1
    line: int | None = None
    definition: str | None = None


@dataclass(frozen=True)
class ParamRow:
    """One param as it was typed, and the line that it was read from."""

    key: str
    text: str
    line: int | None = None


@dataclass(frozen=True)
class Trend:
    """The main metric over the last runs (``of_runs``), or over the steps of this one."""

    metric: str
    values: Sequence[float]
    of_runs: bool
    count: int  # runs shown, or points of the series


@dataclass(frozen=True)
class Failure:
    """Why a run did not finish: the error on one line, and the line of the cell that raised it."""

    message: str
    line: int | None = None
    source: str = ""


@dataclass(frozen=True)
class CardData:
    """All that a card shows. ``duration`` is in seconds, ``start_time`` in milliseconds."""

    run_id: str
    name: str
    status: RunStatus
    experiment: str
    start_time: int
    duration: float | None
    metrics: Sequence[MetricRow] = ()
    more_metrics: int = 0
    params: Sequence[ParamRow] = ()
    more_params: int = 0
    trend: Trend | None = None
    findings: Sequence[Finding] = ()
    more_findings: int = 0
    failure: Failure | None = None
    inputs: Sequence[str] = ()
    figures: Sequence[str] = ()
    models: Sequence[str] = ()  # class and size of each, with the version that it became
    files: int = 0  # but for figures and models
    closure: int | None = None  # earlier cells that the run needs; None if its code is not known
    unresolved: Sequence[str] = ()
    script: str | None = None  # the file that a block stood in, where it was no notebook
    children: int = 0
    commit: str | None = None
    dirty: bool | None = None
    notes: str = ""


def read_card(store: Store, run_id: str) -> CardData:
    """The card of a run as it is in ``store`` now."""
    run = store.runs.get(run_id)
    experiment = store.experiments.get(run.info.experiment_id)
    summaries = store.metrics.summaries(run_id)
    ordered = _main_first(summaries, experiment.tags.get(_PRIMARY_METRIC))
    earlier = _earlier_runs(store, run)
    rows = [_metric_row(store, run, summary, earlier, experiment.tags) for summary in ordered[:MAX_METRICS]]
    params = sorted(store.params.all(run_id), key=_by_line)
    findings = sorted(store.facts.findings(run_id), key=lambda finding: _SEVERITY_ORDER[finding.severity])
    artifacts = store.artifacts.all(run_id)
    figures = figure_names(artifacts)
    models = store.registry.logged_models.of_run(run_id)
    elsewhere = (f"{FIGURES_FOLDER}/", *(f"{model.name}/" for model in models))
    card = CardData(
        run_id=run_id,
        name=run.info.run_name,
        status=run.info.status,
        experiment=experiment.name,
        start_time=run.info.start_time,
        duration=run.info.duration,
        metrics=rows,
        more_metrics=max(0, len(summaries) - MAX_METRICS),
        params=[ParamRow(param.key, format_value(param.value, width=40), param.line) for param in params[:MAX_PARAMS]],
        more_params=max(0, len(params) - MAX_PARAMS),
        trend=_trend(store, run, rows, earlier) if rows else None,
        findings=findings[:MAX_FINDINGS],
        more_findings=max(0, len(findings) - MAX_FINDINGS),
        failure=None if run.info.status_message is None else Failure(run.info.status_message),
        inputs=[_input_text(item.dataset.name, item.dataset.profile) for item in run.inputs.dataset_inputs],
        figures=figures,
        models=[_model_text(store, model) for model in models],
        files=sum(1 for artifact in artifacts if not artifact.path.startswith(elsewhere)),
        children=len(store.runs.children(run_id)),
        notes=run.data.tags.get("mlflow.note.content", ""),
    )
    return _with_origin(store, card)


def _model_text(store: Store, model: LoggedModel) -> str:
    """``RandomForestClassifier, 85 kB, churn version 3``."""
    name = (model.model_class or model.name).rpartition(".")[2]
    versions = store.registry.versions.search(filter=parse_filter(f"run_id = '{model.run_id}'", vocabulary=MODEL_VERSIONS))
    became = [f"{version.name} version {version.version}" for version in versions if version.digest == model.digest]
    return ", ".join([name, format_size(model.size), *became])


def figure_names(artifacts: Sequence[Artifact]) -> list[str]:
    """The captured figures by name; one that was kept in several forms counts once."""
    names = [PurePosixPath(artifact.path).stem for artifact in artifacts if artifact.path.startswith(f"{FIGURES_FOLDER}/")]
    return list(dict.fromkeys(names))


_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def _with_origin(store: Store, card: CardData) -> CardData:
    """The card with what the run came from: code, git, and where it failed."""
    facts = store.facts.all(card.run_id)
    code = store.cells.code(card.run_id)
    git = facts.get("git") or {}
    block = facts.get("block") if "kernel" not in facts else None
    failure = card.failure
    if failure is not None and isinstance(place := facts.get("failure"), dict):
        failure = replace(failure, line=place.get("line"), source=str(place.get("source", "")))
    return replace(
        card,
        failure=failure,
        closure=len(code.closure) if code.own is not None else None,
        unresolved=code.unresolved,
        script=PurePath(str(block.get("file", ""))).name if isinstance(block, dict) else None,
        commit=git.get("commit"),
        dirty=git.get("dirty"),
    )


def _main_first(summaries: Sequence[MetricSummary], primary: str | None) -> list[MetricSummary]:
    """The metrics in the order of the cell's lines, the main one first if the experiment names it."""
    ordered = sorted(summaries, key=lambda item: (item.line is None, item.line or 0))
    return sorted(ordered, key=lambda item: item.key != primary)


def _by_line(param: Param) -> tuple[bool, int, str]:
    return (param.origin is not Origin.LOGGED and param.line is None, param.line or 0, param.key)


def _earlier_runs(store: Store, run: Run) -> list[Run]:
    """Other finished runs of the experiment that started before, the latest first."""
    before = Comparison(Attribute("start_time"), "<=", Number(run.info.start_time))
    return store.runs.search(
        RunQuery(
            experiment_ids=[run.info.experiment_id],
            filter=And((_FINISHED, before, *_others(run.info))),
            order_by=[OrderBy(Attribute("start_time"), descending=True)],
            limit=TREND_RUNS,
        )
    )


_FINISHED = Comparison(Attribute("status"), "=", Text(RunStatus.FINISHED.value))


def _others(info: RunInfo) -> tuple[Expression, ...]:
    """Neither the run itself nor a run that it is the parent of."""
    own = Text(info.run_id)
    return Comparison(Attribute("run_id"), "!=", own), Not(Comparison(Attribute("parent_run_id"), "=", own))


def _metric_row(store: Store, run: Run, summary: MetricSummary, earlier: Sequence[Run], tags: Mapping[str, str]) -> MetricRow:
    goal = metric_goal(summary.key, summary.definition)
    if tags.get(_PRIMARY_METRIC) == summary.key and (stated := tags.get(_PRIMARY_DIRECTION)) is not None:
        goal = Goal.MAX if stated.lower() == "true" else Goal.MIN
    previous = next((other.data.metrics[summary.key] for other in earlier if summary.key in other.data.metrics), None)
    best = _best(store, run, summary.key, goal) if previous is not None and goal is not None else None
    against_best = _change(summary.last, best, goal)
    return MetricRow(
        key=summary.key,
        value=summary.last,
        best=against_best,
        previous=_change(summary.last, previous, goal),
        is_best=against_best is not None and against_best.better is True,
        points=summary.count,
        line=summary.line,
        definition=summary.definition,
    )


def _best(store: Store, run: Run, key: str, goal: Goal) -> float | None:
    """The best value of a metric among the other finished runs of the experiment."""
    metric = Metric(key)
    found = store.runs.search(
        RunQuery(
            experiment_ids=[run.info.experiment_id],
            filter=And((_FINISHED, *_others(run.info), IsNull(metric, negated=True), IsNan(metric, negated=True))),
            order_by=[OrderBy(metric, descending=goal is Goal.MAX)],
            limit=1,
        )
    )
    return found[0].data.metrics[key] if found else None


def _change(value: float, reference: float | None, goal: Goal | None) -> Change | None:
    if reference is None or not (math.isfinite(value) and math.isfinite(reference)):
        return None
    delta = value - reference
    return Change(delta, reference, None if delta == 0 or goal is None else (delta > 0) is (goal is Goal.MAX))


def _trend(store: Store, run: Run, rows: Sequence[MetricRow], earlier: Sequence[Run]) -> Trend | None:
    """The curve of the first metric that was logged step by step, else the main metric over the last runs."""
    curve = next((row for row in rows if row.points >= _MIN_CURVE_POINTS), None)
    if curve is not None:
        values = store.metrics.columns([run.info.run_id], [curve.key], max_points=TREND_POINTS).values
        return Trend(curve.key, [value for value in values if math.isfinite(value)], of_runs=False, count=curve.points)
    main = rows[0]
    before = [other.data.metrics[main.key] for other in reversed(earlier) if main.key in other.data.metrics]
    values = [value for value in [*before[-(TREND_RUNS - 1) :], main.value] if math.isfinite(value)]
    return Trend(main.key, values, of_runs=True, count=len(values)) if len(values) > 1 and math.isfinite(main.value) else None


def _input_text(name: str, profile: Mapping[str, Any]) -> str:
    """``X_train 398 × 30``, as far as the profile has the shape."""
    shape = profile.get("shape")
    return f"{name} {' × '.join(f'{size:,}' for size in shape)}" if isinstance(shape, list | tuple) and shape else name
