"""Runs and experiments as MLflow shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack import entities
from nbtrack.mlflow._entity import Entity


@dataclass(frozen=True)
class RunTag(Entity):
    """A tag of a run, as ``log_batch`` takes them."""

    key: str
    value: str


@dataclass(frozen=True)
class ExperimentTag(Entity):
    """A tag of an experiment."""

    key: str
    value: str


@dataclass(frozen=True)
class Experiment(Entity):
    """A named group of runs."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int | None = None
    last_update_time: int | None = None

    @classmethod
    def of(cls, found: entities.Experiment) -> Experiment:
        """MLflow's view of an experiment."""
        stage = found.lifecycle_stage.value
        return cls(found.experiment_id, found.name, found.artifact_location, stage, dict(found.tags), found.creation_time, found.last_update_time)


@dataclass(frozen=True)
class RunInfo(Entity):
    """The facts of a run; ``status`` and ``lifecycle_stage`` are strings."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None = None
    run_name: str | None = None

    @property
    def run_uuid(self) -> str:
        """The run's id, under its older name."""
        return self.run_id

    @classmethod
    def of(cls, found: entities.RunInfo) -> RunInfo:
        """MLflow's view of a run's facts."""
        return cls(
            run_id=found.run_id,
            experiment_id=found.experiment_id,
            user_id=found.user_id,
            status=found.status.value,
            start_time=found.start_time,
            end_time=found.end_time,
            lifecycle_stage=found.lifecycle_stage.value,
            artifact_uri=found.artifact_uri,
            run_name=found.run_name,
        )


@dataclass(frozen=True)
class RunData(Entity):
    """Last metric values, params and tags; params are strings."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: entities.RunData) -> RunData:
        """MLflow's view of a run's data."""
        return cls(dict(found.metrics), {key: str(value) for key, value in found.params.items()}, dict(found.tags))

    def to_dictionary(self) -> dict[str, dict[str, Any]]:
        """The three as dicts."""
        return {"metrics": dict(self.metrics), "params": dict(self.params), "tags": dict(self.tags)}


@dataclass(frozen=True)
class Dataset(Entity):
    """A fingerprint of data; ``schema`` and ``profile`` are JSON texts."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None

    @classmethod
    def of(cls, found: entities.Dataset) -> Dataset:
        """MLflow's view of a dataset."""
        return cls(found.name, found.digest, found.source_type, found.source, json.dumps(list(found.schema)), json.dumps(dict(found.profile)))

    def stored(self) -> entities.Dataset:
        """nbtrack's view of it."""
        schema, profile = _parsed(self.schema), _parsed(self.profile)
        return entities.Dataset(
            self.name,
            self.digest,
            self.source_type,
            self.source,
            schema if isinstance(schema, list) else [],
            profile if isinstance(profile, Mapping) else {},
        )


@dataclass(frozen=True)
class RunOutputs(Entity):
    """What a run made; its models are listed by ``mlflow.artifacts`` and the registry, and not here."""

    model_outputs: Sequence[Any] = ()


class Run:
    """A run as it was when it was read."""

    def __init__(self, run_info: RunInfo, run_data: RunData | None = None, run_inputs: entities.RunInputs | None = None) -> None:
        self._info = run_info
        self._data = run_data or RunData()
        self._inputs = run_inputs or entities.RunInputs()

    @classmethod
    def of(cls, found: entities.Run) -> Run:
        """MLflow's view of a run."""
        inputs = [entities.DatasetInput(Dataset.of(item.dataset), item.tags) for item in found.inputs.dataset_inputs]  # type: ignore[arg-type]
        return Run(RunInfo.of(found.info), RunData.of(found.data), entities.RunInputs(inputs))

    @property
    def info(self) -> RunInfo:
        """Ids, name, status and times."""
        return self._info

    @property
    def data(self) -> RunData:
        """Params, last metric values and tags."""
        return self._data

    @property
    def inputs(self) -> entities.RunInputs:
        """The data that the run read."""
        return self._inputs

    @property
    def outputs(self) -> RunOutputs:
        """Always empty."""
        return RunOutputs()

    def to_dictionary(self) -> dict[str, Any]:
        """All of it as dicts and lists."""
        inputs = [{"dataset": dict(item.dataset), "tags": {tag.key: tag.value for tag in item.tags}} for item in self.inputs.dataset_inputs]  # type: ignore[call-overload]
        return {"info": dict(self.info), "data": self.data.to_dictionary(), "inputs": {"dataset_inputs": inputs}, "outputs": {"model_outputs": []}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.info!r}>"


def _parsed(text: str | None) -> Any:
    """The value of a JSON text; None where it is none, since MLflow keeps whatever text it is given."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
