"""Where the words of a filter are in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nbtrack.query import EXPERIMENTS, RUNS, Attribute, DatasetField, Kind, Metric, Operand, Param, Reference, Tag, Text, Vocabulary
from nbtrack.store.sql.fragments import TRUE, Sql, all_of


@dataclass(frozen=True)
class Rows:
    """The rows that things have under a reference; ``owner`` is the column with the thing's key."""

    source: str  # what stands after FROM
    alias: str
    owner: str
    where: Sql

    def of(self, key: str, test: Sql = TRUE, *, column: str = "1") -> Sql:
        """SELECT the rows of the thing with this key, an expression."""
        return self._select(column, all_of(Sql(f"{self.owner} = {key}"), self.where, test))

    def owners(self, test: Sql) -> Sql:
        """SELECT the keys of the things that have a row which meets ``test``."""
        return self._select(self.owner, all_of(self.where, test))

    def _select(self, column: str, where: Sql) -> Sql:
        return Sql(f"SELECT {column} FROM {self.source} WHERE {where.sql}", where.params)


@dataclass(frozen=True)
class Subject:
    """What is searched: a table, and the expressions and rows behind a vocabulary.

    ``columns`` maps each attribute to an expression over ``alias``, in which ``?`` is the present
    time. ``tags`` is the table of tags, in which the column ``owner`` names the thing.
    """

    vocabulary: Vocabulary
    table: str
    alias: str
    columns: Mapping[str, str]
    tags: str
    owner: str
    nullable: frozenset[str] = frozenset()
    default_order: str = ""

    @property
    def key(self) -> str:
        """The expression of the integer key."""
        return f"{self.alias}.id"

    def rows(self, reference: Reference, alias: str = "") -> Rows | None:
        """The rows under a reference; None for an attribute, which is in the thing's own row."""
        if isinstance(reference, Metric):
            return _keyed("metric_series", alias or "m", "run", reference.key)
        if isinstance(reference, Param):
            return _keyed("params", alias or "p", "run", reference.key)
        if isinstance(reference, Tag):
            return _keyed(self.tags, alias or "t", self.owner, reference.key)
        if isinstance(reference, DatasetField):
            return Rows("run_inputs i JOIN datasets d ON d.id = i.dataset", "d", "i.run", TRUE)
        return None

    def column(self, reference: Reference, alias: str, *, now_ms: int, textual: bool = False) -> Sql:
        """The expression of a reference's value, within its row; ``textual`` asks for the text of a param."""
        if isinstance(reference, Metric):
            return Sql(f"{alias}.{reference.aggregate}")
        if isinstance(reference, Param):
            return Sql(f"{alias}.{'text' if textual else 'number'}")
        if isinstance(reference, Tag):
            return Sql(f"{alias}.value")
        if isinstance(reference, DatasetField):
            return Sql("i.context" if reference.name == "context" else f"d.{reference.name}")
        column = self.columns[reference.name]
        return Sql(column, (now_ms,) * column.count("?"))

    def textual(self, operand: Operand) -> bool:
        """Whether the operand is surely a text; a param may be one too."""
        if isinstance(operand, Attribute):
            return self.vocabulary.attributes[operand.name] is Kind.TEXT
        return isinstance(operand, (Text, Tag, DatasetField))


def _keyed(table: str, alias: str, owner: str, key: str) -> Rows:
    return Rows(f"{table} {alias}", alias, f"{alias}.{owner}", Sql(f"{alias}.key = ?", (key,)))


RUN_SUBJECT = Subject(
    RUNS,
    "runs",
    "r",
    {
        "run_id": "r.run_id",
        "run_name": "r.name",
        "status": "r.status",
        "start_time": "r.start_time",
        "end_time": "r.end_time",
        "duration": "((COALESCE(r.end_time, ?) - r.start_time) / 1000.0)",  # of a running run: so far
        "user_id": "r.user_id",
        "notebook": "r.notebook",
        "experiment": "(SELECT x.name FROM experiments x WHERE x.id = r.experiment)",
        "experiment_id": "(SELECT x.experiment_id FROM experiments x WHERE x.id = r.experiment)",
        "parent_run_id": "r.parent_run_id",
        "lifecycle_stage": "r.lifecycle_stage",
        "artifact_uri": "('runs:/' || r.run_id)",
    },
    tags="tags",
    owner="run",
    nullable=frozenset({"end_time", "notebook", "parent_run_id"}),
    default_order="r.start_time DESC, r.run_id",
)

EXPERIMENT_SUBJECT = Subject(
    EXPERIMENTS,
    "experiments",
    "e",
    {name: f"e.{name}" for name in EXPERIMENTS.attributes},
    tags="experiment_tags",
    owner="experiment",
    default_order="e.last_update_time DESC, e.experiment_id",
)
