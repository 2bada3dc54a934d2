"""From what a person types to what the store knows: experiments by name, runs by name or id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbtrack.cli.options import Selection
from nbtrack.entities import Experiment, LifecycleStage, Run, ViewType
from nbtrack.errors import ExperimentNotFound, InvalidInput, RunNotActive, RunNotFound, did_you_mean
from nbtrack.query import parse_filter, parse_order_by
from nbtrack.store.base import RunQuery, Store
from nbtrack.tracking.client import Client

_NAMES_LISTED = 10


@dataclass(frozen=True)
class Found:
    """A page of runs, how many there are in all, and the names of their experiments by id."""

    runs: Sequence[Run]
    total: int
    experiments: Mapping[str, str]

    @property
    def mixed(self) -> bool:
        """Whether the runs are of several experiments."""
        return len({run.info.experiment_id for run in self.runs}) > 1


def search(client: Client, selection: Selection, *, limit: int | None) -> Found:
    """The runs that the options ask for, at most ``limit``."""
    store = client.store
    ids = experiment_ids(client, selection.experiments)
    view = ViewType.DELETED_ONLY if selection.deleted else ViewType.ACTIVE_ONLY
    query = RunQuery(ids, parse_filter(selection.filter), parse_order_by(selection.order_by), view, limit=limit)
    runs = store.runs.search(query)
    return Found(runs, len(runs) if runs.token is None else store.runs.count(query), experiment_names(store))


def experiment_names(store: Store) -> dict[str, str]:
    """Names of all experiments, the deleted ones too, by id."""
    return {item.experiment_id: item.name for item in store.experiments.search(view=ViewType.ALL)}


def experiment_ids(client: Client, names: Sequence[str]) -> list[str] | None:
    """The ids of experiments named by name or id; None, which means all, for no names."""
    return [find_experiment(client, text).experiment_id for text in names] or None


def find_experiment(client: Client, text: str) -> Experiment:
    """The experiment of this name, or this id.

    Raises
    ------
    ExperimentNotFound
        There is neither; the message names close names, or the names that there are.
    """
    named = client.get_experiment_by_name(text)
    if named is not None:
        return named
    every = client.store.experiments.search(view=ViewType.ALL)
    for experiment in every:
        if experiment.experiment_id == text:
            return experiment
    names = [experiment.name for experiment in every]
    listed = ", ".join(repr(name) for name in names[:_NAMES_LISTED])
    raise ExperimentNotFound(f"no experiment has the name or id {text!r}.{did_you_mean(text, names) or f' There are: {listed}'}")


def find_exactly(store: Store, text: str, *, deleted: bool = False) -> Run:
    """The run meant, for a command that changes it: a name that several runs have is refused.

    Raises
    ------
    InvalidInput
        Several runs have this name, or ids that begin so.
    RunNotFound
        There is none; for ``deleted``, none that is deleted.
    RunNotActive
        It is deleted, and ``deleted`` is not set.
    """
    quoted = text.replace("'", "''")
    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    named = store.runs.search(RunQuery(filter=parse_filter(f"run_name = '{quoted}'"), view=view, limit=_NAMES_LISTED))
    if len(named) == 1:
        return named[0]
    if named:
        listed = ", ".join(run.info.run_id[:8] for run in named)
        raise InvalidInput(f"{len(named)} runs are called {text!r}: {listed}{' …' if named.token else ''}. Name the one that you mean by its id")
    run = store.runs.get(store.runs.resolve(text))
    if not deleted and run.info.lifecycle_stage is LifecycleStage.DELETED:
        raise RunNotActive(f"the run {run.info.run_name!r} ({run.info.run_id[:8]}) is deleted already")
    if deleted and run.info.lifecycle_stage is not LifecycleStage.DELETED:
        raise RunNotFound(f"the run {run.info.run_name!r} ({run.info.run_id[:8]}) is not deleted, so there is nothing to restore")
    return run


def find_all_exactly(store: Store, texts: Sequence[str], *, deleted: bool = False) -> list[Run]:
    """``find_exactly`` for each text, before anything is changed; a run that is meant twice is there once."""
    found = {run.info.run_id: run for run in (find_exactly(store, text, deleted=deleted) for text in texts)}
    return list(found.values())
