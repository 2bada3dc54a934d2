"""The plan by which a few runs of very many are found fast.

1. Where a condition leaves a handful of runs, which an index tells at a glance, they are sorted; and
   so are the runs of small experiments.
2. Otherwise the index of the first sort key is walked from its best end, and each run is tested
   until there are enough: soon, if the filter lets many runs through.
3. When the walk gets long, the runs of all conditions that an index decides are intersected. If few
   are left, they are sorted.
4. If many are, one statement looks at all runs.

A database would need statistics to plan so by itself, and SQLite has them only after ANALYZE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nbtrack.entities import ViewType
from nbtrack.query import Aggregate, And, Attribute, Expression, Metric, OrderBy, Param
from nbtrack.store.sql.filtering import Compiler, compile_filter, tested
from nbtrack.store.sql.fragments import Sql, all_of, among, followed, joined
from nbtrack.store.sql.search import order_sql, page_sql, run_search_sql, scope_sql, select_sql
from nbtrack.store.sql.subjects import RUN_SUBJECT, Rows

# Runs a statement with the values of its placeholders.
Execute = Callable[[str, Sequence[Any]], Iterable[Sequence[Any]]]

# Rows of an index that are read for each condition: at a glance (a tenth of a millisecond), and to intersect (some milliseconds).
GLANCE = 500
PROBE = 25_000
# At most so many runs are filtered and sorted one by one, before looking at all is the better bet.
FEW = 4000
# So many entries of an index are walked.
PACE = 2000
# For more runs than this, all are looked at from the start.
LONG = 5000


def find_runs(
    execute: Execute,
    expression: Expression | None,
    order_by: Sequence[OrderBy] = (),
    *,
    experiments: Sequence[int] | None = None,
    view: ViewType = ViewType.ACTIVE_ONLY,
    limit: int | None = None,
    offset: int = 0,
    now_ms: int,
) -> list[int]:
    """The keys of runs in order: what ``run_search_sql`` selects, by the statements that suit the search."""
    wanted = None if limit is None else offset + limit
    if wanted is None or wanted > LONG or (experiments is not None and _are_small(execute, experiments)):
        page = run_search_sql(expression, order_by, experiments=experiments, view=view, limit=limit, offset=offset, now_ms=now_ms)
        return [row[0] for row in execute(page.sql, page.params)]
    keys: list[int] = []
    for step in _Plan(execute, expression, order_by, experiments, view, now_ms).steps(wanted):
        keys = [] if step.restarts else keys
        page = page_sql(step.statement, wanted - len(keys))
        keys.extend(row[0] for row in execute(page.sql, page.params))
        if len(keys) >= wanted:
            break
    return keys[offset:]


class _Step(NamedTuple):
    """A statement that selects the next runs in order, or all again from the first if it ``restarts``."""

    statement: Sql
    restarts: bool = False


@dataclass(frozen=True)
class _Plan:
    """One search for a limited number of runs."""

    execute: Execute
    expression: Expression | None
    order_by: Sequence[OrderBy]
    experiments: Sequence[int] | None
    view: ViewType
    now_ms: int

    def steps(self, wanted: int) -> Iterator[_Step]:
        """What to select, one after the other, until ``wanted`` runs are found."""
        few = self._few(GLANCE, GLANCE)
        if few is not None:
            yield self._sorted(few)
            return
        lead = self.order_by[0].operand if self.order_by else Attribute("start_time")
        if isinstance(lead, Param) or (isinstance(lead, Metric) and lead.aggregate is Aggregate.LAST):
            rows = RUN_SUBJECT.rows(lead, "o")
            yield from _Walk(self, lead, rows).steps(wanted) if rows else ()
        elif lead == Attribute("start_time"):
            yield from self._by_time(wanted)
        else:
            yield from self.otherwise()

    def otherwise(self) -> Iterator[_Step]:
        """Select the runs without an order that an index gives, whatever was found before."""
        few = self._few(PROBE, FEW)
        yield _Step(self.select(self.where), restarts=True) if few is None else self._sorted(few)

    @property
    def where(self) -> Sql:
        """The whole condition."""
        return all_of(self.scope, compile_filter(self.expression, now_ms=self.now_ms))

    @property
    def scope(self) -> Sql:
        """The condition on experiments and view."""
        return scope_sql(self.experiments, self.view, many=True)

    @property
    def conditions(self) -> list[Expression]:
        """The conditions that must all hold."""
        return [] if self.expression is None else list(_conjuncts(self.expression))

    def select(self, where: Sql, *, skip: int = 0) -> Sql:
        """Select runs in order, by all sort keys but the first ``skip``."""
        return select_sql(RUN_SUBJECT, where, self.order_by[skip:], now_ms=self.now_ms)

    def _by_time(self, wanted: int) -> Iterator[_Step]:
        """A walk along the index of start times."""
        better, direction = (">", "DESC") if not self.order_by or self.order_by[0].descending else ("<", "ASC")
        started = Sql(f"SELECT r.start_time FROM runs r WHERE {self.scope.sql} ORDER BY r.start_time {direction}", self.scope.params)
        edge = _beyond(self.execute, PACE + wanted, started)
        if edge:
            yield _Step(self.select(all_of(self.where, Sql(f"r.start_time {better} ?", (edge[0],)))))
        yield from self.otherwise()

    def _sorted(self, keys: Sequence[int]) -> _Step:
        """The runs among those with these keys."""
        return _Step(self.select(all_of(among(Sql("r.id"), keys), self.where)) if keys else Sql("SELECT 0 WHERE FALSE"), restarts=True)

    def _few(self, probe: int, most: int) -> list[int] | None:
        """The runs that meet the conditions which an index decides, if it takes less than ``probe`` rows to see that they are few."""
        few: set[int] | None = None
        for candidates in self._candidates():
            page = page_sql(candidates, probe)
            found = [row[0] for row in self.execute(page.sql, page.params)]
            if len(found) < probe:
                few = set(found) if few is None else few.intersection(found)
            if few is not None and len(few) < GLANCE:
                break
        return sorted(few) if few is not None and len(few) <= most else None

    def _candidates(self) -> Iterator[Sql]:
        """Selections of runs by one index each."""
        compiler = Compiler(RUN_SUBJECT, self.now_ms)
        owners = (compiler.owners(condition) for condition in self.conditions)
        return (selection for selection in owners if selection is not None)


@dataclass(frozen=True)
class _Walk:
    """A walk along the index of the first sort key; ``rows`` have the alias ``o``."""

    plan: _Plan
    lead: Metric | Param
    rows: Rows

    def steps(self, wanted: int) -> Iterator[_Step]:
        """First what has a number, then what is NaN or a text, then what lacks the key."""
        better, direction = (">", "DESC") if self.plan.order_by[0].descending else ("<", "ASC")
        value, text = ("o.last", None) if isinstance(self.lead, Metric) else ("o.number", "o.text")
        by_value = Sql(f"{value} {direction}")
        numbers, others = (all_of(self.rows.where, Sql(f"{value} IS {what}NULL"), *self._bounds) for what in ("NOT ", ""))
        edge = _beyond(self.plan.execute, PACE + wanted, self._rows(numbers, value, by_value))
        if edge:
            # Strictly better than the edge: then nothing that is not walked can come before what is.
            yield _Step(self._part(followed(numbers, f" AND {value} {better} ?", edge[0]), by_value))
            yield from self.plan.otherwise()
            return
        yield _Step(self._part(numbers, by_value))
        if _beyond(self.plan.execute, PACE, self._rows(others, "1")):
            yield from self.plan.otherwise()
            return
        yield _Step(self._part(others, *([Sql(f"{text} {direction}")] if text else [])))
        if not self._bounds:
            missing = Sql(f"NOT EXISTS ({self.rows.of('r.id').sql})", self.rows.where.params)
            yield _Step(self.plan.select(all_of(self.plan.where, missing), skip=1))

    @property
    def _bounds(self) -> list[Sql]:
        """The conditions on the sort key itself, which cut the index."""
        compiler = Compiler(RUN_SUBJECT, self.plan.now_ms)
        return [compiler.test(condition, "o") for condition in self.plan.conditions if tested(condition) == self.lead]

    def _rows(self, where: Sql, column: str, *order: Sql) -> Sql:
        ordered = joined([Sql(" ORDER BY "), *order], "") if order else Sql("")
        return joined([Sql(f"SELECT {column} FROM {self.rows.source} WHERE {where.sql}", where.params), ordered], "")

    def _part(self, test: Sql, *order: Sql) -> Sql:
        where = all_of(test, Sql("r.id = o.run"), self.plan.where)
        # CROSS JOIN is a plain join whose order SQLite keeps: the index first.
        statement = Sql(f"SELECT r.id FROM {self.rows.source} CROSS JOIN runs r WHERE {where.sql} ORDER BY ", where.params)
        rest = order_sql(RUN_SUBJECT, self.plan.order_by[1:], now_ms=self.plan.now_ms)
        return joined([statement, joined([*order, rest], ", ")], "")


def _are_small(execute: Execute, experiments: Sequence[int]) -> bool:
    scope = scope_sql(experiments, ViewType.ALL)
    return _beyond(execute, FEW, Sql(f"SELECT 1 FROM runs r WHERE {scope.sql}", scope.params)) is None


def _beyond(execute: Execute, place: int, statement: Sql) -> Sequence[Any] | None:
    """The row of a selection at a place; None if there are not so many."""
    page = page_sql(statement, 1, place)
    return next(iter(execute(page.sql, page.params)), None)


def _conjuncts(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, And):
        for part in expression.conditions:
            yield from _conjuncts(part)
    else:
        yield expression
