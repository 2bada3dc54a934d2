"""Searches as SQL, each by one statement that looks at all things; ``planning`` finds few of many runs faster."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrack.entities import LifecycleStage, ViewType
from nbtrack.query import Expression, OrderBy
from nbtrack.store.sql.filtering import compile_filter, compile_order_by, prepare_sqlite
from nbtrack.store.sql.fragments import TRUE, Sql, all_of, among, followed, joined
from nbtrack.store.sql.subjects import EXPERIMENT_SUBJECT, RUN_SUBJECT, Subject

__all__ = ["experiment_search_sql", "order_sql", "page_sql", "prepare_sqlite", "run_count_sql", "run_search_sql", "scope_sql", "select_sql"]


def experiment_search_sql(
    expression: Expression | None,
    order_by: Sequence[OrderBy] = (),
    *,
    view: ViewType = ViewType.ACTIVE_ONLY,
    limit: int | None = None,
    offset: int = 0,
    now_ms: int,
) -> Sql:
    """Select the keys of experiments in order; by default, the latest updated first."""
    subject = EXPERIMENT_SUBJECT
    where = all_of(_stage(subject, view), compile_filter(expression, now_ms=now_ms, subject=subject))
    return page_sql(select_sql(subject, where, order_by, now_ms=now_ms), limit, offset)


def run_search_sql(
    expression: Expression | None,
    order_by: Sequence[OrderBy] = (),
    *,
    experiments: Sequence[int] | None = None,
    view: ViewType = ViewType.ACTIVE_ONLY,
    limit: int | None = None,
    offset: int = 0,
    now_ms: int,
) -> Sql:
    """Select the keys of runs in order; by default, the latest started first. ``experiments`` are keys, None for all."""
    where = all_of(scope_sql(experiments, view), compile_filter(expression, now_ms=now_ms))
    return page_sql(select_sql(RUN_SUBJECT, where, order_by, now_ms=now_ms), limit, offset)


def run_count_sql(expression: Expression | None, *, experiments: Sequence[int] | None = None, view: ViewType = ViewType.ACTIVE_ONLY, now_ms: int) -> Sql:
    """Count the runs of a search."""
    where = all_of(scope_sql(experiments, view), compile_filter(expression, now_ms=now_ms))
    return Sql(f"SELECT COUNT(*) FROM runs r WHERE {where.sql}", where.params)


def scope_sql(experiments: Sequence[int] | None, view: ViewType, *, many: bool = False) -> Sql:
    """The condition that a run is in one of the experiments and in the view.

    ``many`` says that this leaves many runs. An index that finds the runs of several experiments
    is a detour then, and the plus sign keeps SQLite from taking it.
    """
    stage = _stage(RUN_SUBJECT, view)
    if experiments is None:
        return stage
    column = Sql("+r.experiment" if many and len(experiments) > 1 else "r.experiment")
    return all_of(among(column, experiments), stage) if experiments else Sql("FALSE")


def select_sql(subject: Subject, where: Sql, order_by: Sequence[OrderBy], *, now_ms: int) -> Sql:
    """Select keys by a condition, in order."""
    statement = Sql(f"SELECT {subject.key} FROM {subject.table} {subject.alias} WHERE {where.sql} ORDER BY ", where.params)
    return joined([statement, order_sql(subject, order_by, now_ms=now_ms)], "")


def order_sql(subject: Subject, order_by: Sequence[OrderBy], *, now_ms: int) -> Sql:
    """What stands after ORDER BY, with the default order at its end."""
    terms = [term.as_sql() for term in compile_order_by(order_by, now_ms=now_ms, subject=subject)]
    return joined([*terms, Sql(subject.default_order)], ", ")


def page_sql(statement: Sql, limit: int | None, offset: int = 0) -> Sql:
    """The statement cut to a page."""
    if limit is None and not offset:
        return statement
    # SQLite has no OFFSET without a LIMIT; this one is more than any table holds.
    return followed(statement, " LIMIT ? OFFSET ?", 2**62 if limit is None else limit, offset)


def _stage(subject: Subject, view: ViewType) -> Sql:
    if view is ViewType.ALL:
        return TRUE
    stage = LifecycleStage.ACTIVE if view is ViewType.ACTIVE_ONLY else LifecycleStage.DELETED
    return Sql(f"{subject.alias}.lifecycle_stage = ?", (stage.value,))
