"""Which statements of a cell have a part in a name."""

from __future__ import annotations

import ast
from functools import lru_cache

from nbtrack.capture.calls import imports
from nbtrack.capture.facts import CellFacts
from nbtrack.capture.ipython_syntax import parse_cell
from nbtrack.capture.names import statement_facts


@lru_cache(maxsize=1024)
def statements_for(source: str, names: frozenset[str]) -> frozenset[int]:
    """The places of the cell's top-level statements that may have a part in what ``names`` hold after it."""
    body = parse_cell(source).tree.body
    try:
        facts = _statement_facts(source)
    except RecursionError:
        return frozenset(range(len(body)))
    chosen: set[int] = set()
    wanted = set(names)
    grown = True
    while grown:
        before = len(chosen)
        for index, own in enumerate(facts):
            if index not in chosen and not wanted.isdisjoint(_touched(own)):
                chosen.add(index)
                wanted |= own.reads.keys() | own.soft_reads
                wanted |= {free for bound in own.bound if bound.function is not None for free in bound.function.free}
        grown = len(chosen) > before
    return frozenset(chosen)


@lru_cache(maxsize=1024)
def _statement_facts(source: str) -> tuple[CellFacts, ...]:
    body = parse_cell(source).tree.body
    imported = imports(body)
    return tuple(statement_facts(statement, imported) for statement in body)


def _touched(facts: CellFacts) -> set[str]:
    passed = {name for call in facts.passed if call.statement for _, name in call.arguments}
    return {*facts.binds, *facts.may_bind, *facts.changes, *facts.deletes, *passed}


def slice_text(source: str, name: str) -> tuple[str, ...]:
    """The statements that have a part in ``name``, without layout and comments: equal for equal code."""
    body = parse_cell(source).tree.body
    try:
        return tuple(ast.dump(body[index]) for index in sorted(statements_for(source, frozenset({name}))))
    except RecursionError:
        return (source,)
