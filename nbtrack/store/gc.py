"""What nothing needs any more: found first, removed when asked.

Every removal asks again, under the store's write lock, whether the thing is needed; so runs may log
at the same time, and a plan that has grown old does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbtrack.entities import Experiment, RunInfo, ViewType
from nbtrack.errors import Conflict, NotFound, StoreError
from nbtrack.ids import DEFAULT_EXPERIMENT_ID
from nbtrack.store.base import Store
from nbtrack.store.sql.bundle import SqlStore
from nbtrack.store.sql.database import chunks
from nbtrack.store.sql.facts import SHARED
from nbtrack.store.sql.rows import INFO_COLUMNS, now_ms, run_info

DAY_MS = 24 * 3600 * 1000
GRACE_S = 3600.0
_LEFTOVER_S = 600.0  # a younger one may be of a write that is under way, whatever grace is asked for

# Deleted long enough ago, and not what a registered model version was made from.
_DOOMED = "r.lifecycle_stage = 'deleted' AND r.deleted_time <= ? AND r.run_id NOT IN (SELECT run_id FROM model_versions WHERE run_id IS NOT NULL)"

# The runs that go, and what no other run refers to.
_GOING = f"""WITH doomed AS (SELECT r.id FROM runs r WHERE {_DOOMED}),
    idle AS (SELECT session_id FROM kernel_sessions WHERE last_used <= ? AND session_id NOT IN (
        SELECT session_id FROM run_code WHERE session_id IS NOT NULL AND run NOT IN (SELECT id FROM doomed))),
    loose_texts AS (SELECT digest, length(text) AS size FROM texts
        WHERE digest NOT IN (SELECT source FROM cells WHERE session_id NOT IN (SELECT session_id FROM idle))
        AND digest NOT IN (SELECT substr(value, {len(SHARED) + 1}) FROM run_facts
            WHERE substr(value, 1, {len(SHARED)}) = '{SHARED}' AND run NOT IN (SELECT id FROM doomed))),
    loose_datasets AS (SELECT id FROM datasets WHERE id NOT IN (SELECT dataset FROM run_inputs WHERE run NOT IN (SELECT id FROM doomed))) """


@dataclass(frozen=True)
class GcPlan:
    """What can go, or what went. Blobs and leftovers are digests or names with their sizes in bytes."""

    runs: Sequence[RunInfo] = ()
    experiments: Sequence[Experiment] = ()
    blobs: Sequence[tuple[str, int]] = ()
    leftovers: Sequence[tuple[str, int]] = ()
    texts: int = 0
    text_bytes: int = 0
    datasets: int = 0
    sessions: int = 0
    grace_s: float = GRACE_S

    @property
    def file_bytes(self) -> int:
        """The size of the blobs and leftovers together."""
        return sum(size for _, size in (*self.blobs, *self.leftovers))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.runs or self.experiments or self.blobs or self.leftovers or self.texts or self.datasets or self.sessions)


def plan(store: Store, *, deleted_days: float | None = None, grace_s: float = GRACE_S) -> GcPlan:
    """What could be removed now. Nothing is changed.

    Parameters
    ----------
    deleted_days
        Remove runs and experiments that were deleted so many days ago or earlier; None keeps them all.
    grace_s
        Leave alone the files and kernel sessions that were used within so many seconds.
    """
    sql = sql_store(store)
    now = now_ms()
    bounds = (-1 if deleted_days is None else now - round(deleted_days * DAY_MS), now - round(grace_s * 1000))
    with sql.database.read():
        runs = _doomed_runs(sql, bounds[0])
        experiments = _doomed_experiments(sql, bounds[0], {info.run_id for info in runs})
        texts, text_bytes = sql.database.row(f"{_GOING} SELECT count(*), coalesce(sum(size), 0) FROM loose_texts", bounds)
        datasets = sql.database.row(f"{_GOING} SELECT count(*) FROM loose_datasets", bounds)[0]
        sessions = sql.database.row(f"{_GOING} SELECT count(*) FROM idle", bounds)[0]
        kept = {row[0] for row in sql.database.rows(f"{_GOING} SELECT digest FROM artifacts WHERE run NOT IN (SELECT id FROM doomed)", bounds)}
    blobs = [(digest, size) for digest, size, age in sql.blobs.all() if digest not in kept and age >= grace_s]
    leftovers = [(name, size) for name, size, age in sql.blobs.leftovers() if age >= max(grace_s, _LEFTOVER_S)]
    return GcPlan(runs, experiments, blobs, leftovers, texts, text_bytes, datasets, sessions, grace_s)


def collect(store: Store, plan: GcPlan) -> GcPlan:
    """Remove what the plan lists and nothing needs at this moment; return what went."""
    sql = sql_store(store)
    runs = [info for info in plan.runs if _purged(sql.runs.purge, info.run_id)]
    experiments = [experiment for experiment in plan.experiments if _purged(sql.experiments.purge, experiment.experiment_id)]
    bounds = (-1, now_ms() - round(plan.grace_s * 1000))
    with sql.database.write():
        text_bytes = sql.database.row(f"{_GOING} SELECT coalesce(sum(size), 0) FROM loose_texts", bounds)[0]
        # Counted by what they return: Python's sqlite3 gives no row count for a statement that begins with WITH.
        sessions = len(sql.database.rows(f"{_GOING} DELETE FROM kernel_sessions WHERE session_id IN (SELECT session_id FROM idle) RETURNING 1", bounds))
        texts = len(sql.database.rows(f"{_GOING} DELETE FROM texts WHERE digest IN (SELECT digest FROM loose_texts) RETURNING 1", bounds))
        datasets = len(sql.database.rows(f"{_GOING} DELETE FROM datasets WHERE id IN (SELECT id FROM loose_datasets) RETURNING 1", bounds))
    blobs = [blob for part in chunks(plan.blobs) for blob in _removed_blobs(sql, part)]
    for name, _ in plan.leftovers:
        sql.blobs.discard(name)
    return GcPlan(runs, experiments, blobs, plan.leftovers, texts, text_bytes, datasets, sessions, plan.grace_s)


def held_by_versions(store: Store) -> tuple[int, Sequence[str]]:
    """Deleted runs that stay, since versions of registered models were made from them: how many, and the models' names."""
    rows = sql_store(store).database.rows(
        "SELECT r.run_id, m.name FROM runs r JOIN model_versions v ON v.run_id = r.run_id JOIN registered_models m ON m.id = v.model "
        "WHERE r.lifecycle_stage = 'deleted' ORDER BY m.name"
    )
    return len({run_id for run_id, _ in rows}), tuple(dict.fromkeys(name for _, name in rows))


def compact(store: Store) -> int:
    """Give the free pages of the database file back to the disk; return how many bytes that were.

    Raises
    ------
    StoreBusy
        Another process is writing all the time.
    StoreFull
        There is no room for the copy that this takes.
    """
    database = sql_store(store).database
    free = int(database.row("PRAGMA freelist_count")[0]) * int(database.row("PRAGMA page_size")[0])
    if free:
        database.execute("VACUUM")
    return free


def sql_store(store: Store) -> SqlStore:
    """The store as one that lies here, in a database and files.

    Raises
    ------
    StoreError
        It lies elsewhere, and is looked after there.
    """
    if not isinstance(store, SqlStore):
        raise StoreError(f"the store {store.uri} is looked after where it lies; run this command there")
    return store


def _doomed_runs(store: SqlStore, deleted_before: int) -> list[RunInfo]:
    sql = f"SELECT {INFO_COLUMNS} FROM runs r JOIN experiments e ON e.id = r.experiment WHERE {_DOOMED} ORDER BY r.id"
    return [run_info(row) for row in store.database.rows(sql, (deleted_before,))]


def _doomed_experiments(store: SqlStore, deleted_before: int, doomed_runs: set[str]) -> list[Experiment]:
    """Deleted experiments whose runs all go; the default one stays, for runs that name none."""
    sql = "SELECT r.run_id FROM runs r JOIN experiments e ON e.id = r.experiment WHERE e.experiment_id = ?"
    return [
        found
        for found in store.experiments.search(view=ViewType.DELETED_ONLY)
        if found.last_update_time <= deleted_before
        and found.experiment_id != DEFAULT_EXPERIMENT_ID
        and all(row[0] in doomed_runs for row in store.database.rows(sql, (found.experiment_id,)))
    ]


def _removed_blobs(store: SqlStore, blobs: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Remove those that no run refers to; whoever names one at this moment waits, and finds it gone."""
    gone = []
    with store.database.write():
        for digest, size in blobs:
            if store.database.row("SELECT 1 FROM artifacts WHERE digest = ? LIMIT 1", (digest,)) is None:
                store.blobs.remove(digest)
                gone.append((digest, size))
    return gone


def _purged(purge: Callable[[Sequence[str]], None], key: str) -> bool:
    """Whether it worked; what was restored or is used again by now stays."""
    try:
        purge([key])
    except (Conflict, NotFound):
        return False
    return True
