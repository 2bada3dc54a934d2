"""Putting what a recording captured into the store: all of it in one transaction where that works.

Where it does not (a full disk, a value that the store refuses) each part is tried by itself, so
that one bad part costs itself alone, and the run says what was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Any

from nbtrack.capture.figures import RenderedFigure
from nbtrack.capture.inference import InferredMetric
from nbtrack.entities import CellOutput, DatasetInput, Finding, Metric, Origin, Param, RunCode, RunStatus, Severity
from nbtrack.errors import StoreError
from nbtrack.notebook.evidence import figure_path
from nbtrack.tracking.exits import Ending, describe_error
from nbtrack.tracking.run import ActiveRun


@dataclass
class Captured:
    """What a recording has for the store."""

    params: list[Param] = field(default_factory=list)
    metrics: list[InferredMetric] = field(default_factory=list)
    asked: frozenset[str] = frozenset()  # names that the user gave, by -p and -m
    inputs: Sequence[DatasetInput] = ()
    figures: Sequence[RenderedFigure] = ()
    tables: Mapping[str, bytes] = field(default_factory=dict)
    outputs: Sequence[CellOutput] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    code: RunCode | None = None


@dataclass(frozen=True)
class _Part:
    name: str
    write: Callable[[], None]


@dataclass(frozen=True)
class Loss:
    """What the store did not take, by the reason.

    ``of_store`` says that the store itself is the reason, as a full disk is; ``on_record`` that the
    run has a finding about it.
    """

    parts: Mapping[str, Sequence[str]]
    of_store: bool = False
    on_record: bool = False

    def __str__(self) -> str:
        return "; ".join(f"{_listed(names)} ({reason})" for reason, names in self.parts.items())


def write(run: ActiveRun, captured: Captured, ending: Ending) -> Loss | None:
    """Store what was captured and end the run; returns what was lost, None when nothing was."""
    parts = _parts(run, captured)
    problems: dict[str, BaseException] = {}
    try:
        with run.store.transaction():
            for part in parts:
                part.write()
    except Exception:  # whatever it is, the parts are tried one by one, and those that fail say why
        problems = {part.name: problem for part in parts if (problem := _try(part.write)) is not None}
    on_record = False
    if problems:
        finding = Finding("capture", Severity.ERROR, f"could not be stored: {_loss(problems)}")
        on_record = _try(lambda: run.store.facts.add_findings(run.run_id, [finding])) is None
    status, message = ending
    problem = _try(lambda: run.end(status, message))
    if problem is not None:
        problems[f"that it ended as {status}"] = problem
    return replace(_loss(problems), on_record=on_record and problem is None) if problems else None


def write_again(run: ActiveRun, captured: Captured, ending: Ending) -> bool:
    """Try once more what the store did not take; True if all is in it now."""
    status, message = ending

    def all_of_it() -> None:
        with run.store.transaction():
            for part in _parts(run, captured):
                part.write()
            if run.store.runs.get(run.run_id).info.status is RunStatus.RUNNING:
                run.store.runs.update(run.run_id, status=status, end_time=time_ns() // 1_000_000, status_message=message)

    return _try(all_of_it) is None


def _loss(problems: Mapping[str, BaseException]) -> Loss:
    parts: dict[str, list[str]] = {}
    for name, problem in problems.items():
        parts.setdefault(describe_error(problem), []).append(name)
    return Loss(parts, of_store=any(isinstance(problem, StoreError) for problem in problems.values()))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _parts(run: ActiveRun, captured: Captured) -> list[_Part]:
    """One part for each kind of thing that there is something of; the small and dear ones first."""
    store, run_id = run.store, run.run_id
    code = captured.code
    candidates: list[tuple[str, object, Callable[[], None]]] = [
        ("the metrics", captured.metrics, lambda: _write_metrics(run, captured)),
        ("the params", captured.params, lambda: _write_params(run, captured.params)),
        ("the code", code, lambda: store.cells.set_code(run_id, code or RunCode())),
        ("the data inputs", captured.inputs, lambda: store.inputs.log(run_id, captured.inputs)),
        ("the facts", captured.facts, lambda: store.facts.set(run_id, captured.facts)),
        ("the findings", captured.findings, lambda: store.facts.add_findings(run_id, captured.findings)),
        ("the outputs", captured.outputs, lambda: store.cells.add_outputs(run_id, captured.outputs)),
    ]
    parts = [_Part(name, action) for name, content, action in candidates if content]
    files = {figure_path(figure): (figure.data, figure.media_type) for figure in captured.figures}
    files |= {path: (data, "application/json") for path, data in captured.tables.items()}
    return parts + [_Part(path, _file_writer(run, path, *content)) for path, content in files.items()]


def _file_writer(run: ActiveRun, path: str, data: bytes, media_type: str) -> Callable[[], None]:
    def put() -> None:
        run.store.artifacts.put_bytes(run.run_id, path, data, media_type=media_type)

    return put


def _write_params(run: ActiveRun, params: Sequence[Param]) -> None:
    """A param that was logged by hand stays as it is; the store sees to that while the run goes on, this once it has ended."""
    known = {param.key for param in run.store.params.all(run.run_id)} if run.ended else set()
    run.store.params.log(run.run_id, [param for param in params if param.key not in known])


def _write_metrics(run: ActiveRun, captured: Captured) -> None:
    """The series that nobody logged by hand, each with where it came from."""
    known = {summary.key for summary in run.store.metrics.summaries(run.run_id)}
    new = [metric for metric in captured.metrics if metric.key not in known]
    now = time_ns() // 1_000_000
    run.store.metrics.log_batch(run.run_id, [Metric(metric.key, metric.value, now) for metric in new])
    for metric in new:
        origin = Origin.LOGGED if metric.key in captured.asked else Origin.INFERRED
        run.store.metrics.annotate(run.run_id, metric.key, origin=origin, line=metric.line, definition=metric.definition)


def _try(action: Callable[[], object]) -> BaseException | None:
    """Why ``action`` failed, or None."""
    try:
        action()
    except Exception as error:  # a process edge: the user's cell goes on whatever the store says
        return error
    return None
