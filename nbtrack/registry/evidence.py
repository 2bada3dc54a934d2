"""What the store knows about a version: its run, numbers, data, code, findings and model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import Experiment, Finding, LoggedModel, MetricSummary, ModelVersion, Run, RunCode
from nbtrack.errors import ExperimentNotFound, LoggedModelNotFound, RunNotFound
from nbtrack.query import Aggregate, Attribute, DatasetField, Metric, Param, Reference, Tag
from nbtrack.store.base import Store

NOTEBOOK_TAG = "mlflow.source.name"
SOURCE_TYPE_TAG = "mlflow.source.type"


@dataclass(frozen=True)
class Evidence:
    """One version with all that its run left behind; without a run, most of it is empty."""

    version: ModelVersion
    run: Run | None = None
    experiment: Experiment | None = None
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    code: RunCode = field(default_factory=RunCode)
    logged: LoggedModel | None = None

    def lookup(self, reference: Reference) -> Any:
        """What the run has under a reference of the search grammar. Raises ``KeyError`` where it lacks it."""
        run = self.run
        if run is None:
            raise KeyError(str(reference))
        if isinstance(reference, Metric):
            summary = self.metrics[reference.key]
            numbers = {Aggregate.LAST: summary.last, Aggregate.MIN: summary.min, Aggregate.MAX: summary.max, Aggregate.COUNT: float(summary.count)}
            return numbers[reference.aggregate]
        if isinstance(reference, Param):
            return run.data.params[reference.key]
        if isinstance(reference, Tag):
            return run.data.tags[reference.key]
        if isinstance(reference, DatasetField):
            values = ((item.dataset.name, item.dataset.digest, item.context) for item in run.inputs.dataset_inputs)
            place = {"name": 0, "digest": 1, "context": 2}[reference.name]
            return [value[place] for value in values if value[place] is not None]
        return self._attribute(reference, run)

    def _attribute(self, reference: Attribute, run: Run) -> Any:
        info = run.info
        special: dict[str, Any] = {
            "experiment": None if self.experiment is None else self.experiment.name,
            "notebook": run.data.tags.get(NOTEBOOK_TAG) if run.data.tags.get(SOURCE_TYPE_TAG) == "NOTEBOOK" else None,
        }
        value = special[reference.name] if reference.name in special else getattr(info, reference.name)
        if value is None:
            raise KeyError(reference.name)
        return str(value) if isinstance(value, str) else value


def gather(store: Store, version: ModelVersion) -> Evidence:
    """Read what is known about a version; a run that is gone leaves only the version and the model."""
    logged = None
    if version.model_id is not None:
        try:
            logged = store.registry.logged_models.get(version.model_id)
        except LoggedModelNotFound:
            pass  # purged with its run; the version keeps the digest
    if version.run_id is None:
        return Evidence(version, logged=logged)
    try:
        run = store.runs.get(version.run_id)
    except RunNotFound:
        return Evidence(version, logged=logged)
    run_id = run.info.run_id
    try:
        experiment = store.experiments.get(run.info.experiment_id)
    except ExperimentNotFound:
        experiment = None
    return Evidence(
        version,
        run,
        experiment,
        {summary.key: summary for summary in store.metrics.summaries(run_id)},
        store.facts.all(run_id),
        store.facts.findings(run_id),
        store.cells.code(run_id),
        logged,
    )
