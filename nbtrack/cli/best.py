"""The best run by a metric, and its card."""

from __future__ import annotations

from dataclasses import dataclass

import click

from nbtrack.cli import terminal
from nbtrack.cli.lookup import experiment_ids
from nbtrack.entities import Run
from nbtrack.errors import NotFound, did_you_mean
from nbtrack.formatting import plural
from nbtrack.ids import check_key
from nbtrack.notebook.card import read_card
from nbtrack.notebook.card_text import card_text
from nbtrack.query import And, IsNull, Metric, parse_filter
from nbtrack.store.base import RunQuery, Store
from nbtrack.tracking.client import Client
from nbtrack.tracking.goals import Goal, metric_goal

_RUNS_LOOKED_AT = 500  # for the names of metrics that there are
_NAMES_LISTED = 20


@dataclass(frozen=True)
class Best:
    """The best run, and among how many."""

    run: Run
    goal: Goal
    among: int


def find_best(client: Client, metric: str, mode: str | None, filter_text: str, experiments: tuple[str, ...]) -> Best:
    """The run with the best last value of ``metric``.

    Raises
    ------
    NotFound
        No run has the metric; the message names close ones.
    click.UsageError
        ``mode`` is not given, and the metric's name does not say which values are better.
    """
    ids = experiment_ids(client, experiments)
    having = IsNull(Metric(check_key(metric, "metric")), negated=True)
    asked = parse_filter(filter_text)
    among = client.store.runs.count(RunQuery(ids, having if asked is None else And((asked, having))))
    if not among:
        raise _no_metric(client.store, metric, ids, asked_for=bool(filter_text or experiments))
    goal = Goal(mode) if mode else metric_goal(metric)
    if goal is None:
        raise click.UsageError(f"the name {metric!r} does not say whether higher or lower is better. Add --mode max or --mode min.")
    found = client.best_run(metric, goal.value, experiment_ids=ids, filter_string=filter_text)
    if found is None:
        raise NotFound(f"the metric {metric!r} is NaN in {plural(among, 'run')}, so none is best")
    return Best(found, goal, among)


def print_best(store: Store, best: Best, metric: str) -> None:
    """Print what the run is best of, and its card."""
    which = "highest" if best.goal is Goal.MAX else "lowest"
    terminal.say(f"{which} {metric} of {plural(best.among, 'run')}:\n")
    print_card(store, best.run.info.run_id)


def print_card(store: Store, run_id: str) -> None:
    """Print a run's card as text."""
    terminal.say(terminal.plain_text(card_text(read_card(store, run_id))))


def _no_metric(store: Store, metric: str, experiment_ids: list[str] | None, *, asked_for: bool) -> NotFound:
    known = {key for run in store.runs.search(RunQuery(experiment_ids, limit=_RUNS_LOOKED_AT)) for key in run.data.metrics}
    hint = did_you_mean(metric, known) or (f" There are: {', '.join(sorted(known)[:_NAMES_LISTED])}" if known else "")
    return NotFound(f"no run {'as asked for ' if asked_for else ''}has the metric {metric!r}.{hint}")
