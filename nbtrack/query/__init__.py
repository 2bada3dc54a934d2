"""The search grammar: filters and orderings as trees, checked while they are read.

All of MLflow's grammar is accepted, and more::

    metrics.auc > 0.9 AND params.model = 'forest'
    params.lr BETWEEN 0.001 AND 0.1 OR NOT (status IN ('FAILED', 'KILLED'))
    metrics.auc_train - metrics.auc_test <= 0.05 AND min(metrics.loss) < 0.2
    start_time > '2 days ago' AND duration < '5 min' AND notebook = 'train.ipynb'

``metrics``, ``params``, ``tags`` and ``datasets`` stand before a key, which is quoted by backticks
where it has other characters than letters, digits, ``_`` and dots; a bare word is an attribute.
Text is quoted, numbers and ``true`` and ``false`` are not: ``params.lr = 0.1`` compares the number,
``params.lr = '0.1'`` the text. What a run lacks matches no comparison, ``!=`` included. NaN matches
none either; it is found by ``metrics.loss IS NAN``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nbtrack.query.evaluation import Lookup, evaluate, number_of
from nbtrack.query.nodes import (
    CONDITIONS,
    CONSTANTS,
    REFERENCES,
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Between,
    Boolean,
    Comparison,
    Constant,
    DatasetField,
    Expression,
    In,
    IsNan,
    IsNull,
    Like,
    Metric,
    Node,
    Not,
    Number,
    Operand,
    Or,
    OrderBy,
    Param,
    Reference,
    Tag,
    Text,
    Unary,
)
from nbtrack.query.parser import FilterParser, OrderByParser
from nbtrack.query.tokens import Source
from nbtrack.query.vocabulary import EXPERIMENTS, RUNS, Entity, Kind, Vocabulary

__all__ = [
    "Aggregate",
    "And",
    "Arithmetic",
    "Attribute",
    "Between",
    "Boolean",
    "CONDITIONS",
    "CONSTANTS",
    "Comparison",
    "Constant",
    "DatasetField",
    "EXPERIMENTS",
    "Entity",
    "Expression",
    "In",
    "IsNan",
    "IsNull",
    "Kind",
    "Like",
    "Lookup",
    "Metric",
    "Node",
    "Not",
    "Number",
    "Operand",
    "Or",
    "OrderBy",
    "Param",
    "REFERENCES",
    "RUNS",
    "Reference",
    "Tag",
    "Text",
    "Unary",
    "Vocabulary",
    "evaluate",
    "number_of",
    "parse_experiment_filter",
    "parse_experiment_order_by",
    "parse_filter",
    "parse_order_by",
]


def parse_filter(text: str | None, *, vocabulary: Vocabulary = RUNS, now: datetime | None = None) -> Expression | None:
    """The condition that ``text`` states; None for a blank text.

    Quoted dates without a zone are local times; ``now`` is what ``'2 days ago'`` counts from.

    Raises
    ------
    InvalidFilter
        The text does not parse, or compares what can't be compared; the message shows the place.
    """
    if text is None or not text.strip():
        return None
    return FilterParser(Source(text, "filter"), vocabulary, now or datetime.now()).filter()


def parse_order_by(items: str | Sequence[str] | None, *, vocabulary: Vocabulary = RUNS) -> list[OrderBy]:
    """Sort keys such as ``["metrics.rmse DESC", "params.p"]``; an item may hold several, separated by commas.

    Raises
    ------
    InvalidFilter
        An item does not parse; its ``text`` is the item, and ``what`` is ``"order_by"``.
    """
    texts = [items] if isinstance(items, str) else items or []
    return [key for text in texts for key in OrderByParser(Source(text, "order_by"), vocabulary, datetime.now()).order_by()]


def parse_experiment_filter(text: str | None, *, now: datetime | None = None) -> Expression | None:
    """``parse_filter`` for experiments: their attributes and tags."""
    return parse_filter(text, vocabulary=EXPERIMENTS, now=now)


def parse_experiment_order_by(items: str | Sequence[str] | None) -> list[OrderBy]:
    """``parse_order_by`` for experiments."""
    return parse_order_by(items, vocabulary=EXPERIMENTS)
