"""The rows as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.contenders import MLFLOW, NBTRACK, RAW
from tests.benchmarks.harness import Budget, Row

_MIN_COLUMNS = 180  # where the output is no terminal, rich would fold the table to 80


def print_table(rows: Sequence[Row], *, absent: str = "") -> None:
    """Print the rows, with ``ok`` or ``OVER`` for those that have a budget; ``absent`` says why there is no MLflow."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_MIN_COLUMNS)
    caption = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()}; medians of rounds in turns"
    table = Table("workload", caption=caption, caption_justify="left")
    for title in ("unit", NBTRACK, RAW, f"{MLFLOW} ({absent})" if absent else MLFLOW, "ratio to raw", "MLflow to nbtrack", "budget", ""):
        table.add_column(title, justify="left" if title in ("unit", "") else "right")
    for row in rows:
        verdict = {"over": "[bold red]OVER[/]", "ok": "[green]ok[/]", "": ""}[row.verdict]
        figures = (_figure(row, NBTRACK), _reference(row), _figure(row, MLFLOW))
        table.add_row(row.workload, row.unit, *figures, _times(row.ratio), _times(row.times_better_than(MLFLOW)), _budget(row), verdict)
    console.print(table)


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows with their figures, ratios, budgets and verdicts."""
    found = [
        {
            "workload": row.workload,
            "unit": row.unit,
            "figures": dict(row.figures),
            "reference": row.reference,
            "ratio": row.ratio,
            "budget": _budget(row) or None,
            "verdict": row.verdict or None,
        }
        for row in rows
    ]
    about = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "machine": platform.platform()}
    path.write_text(json.dumps({"about": about, "rows": found}, indent=2) + "\n", encoding="utf-8")


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _figure(row: Row, name: str) -> str:
    return number(row.figures[name]) if name in row.figures else "-"


def _reference(row: Row) -> str:
    """The figure that the ratio is taken to, with its name where it is no sqlite3."""
    if row.reference == RAW or row.reference not in row.figures:
        return _figure(row, RAW)
    return f"{row.reference}: {_figure(row, row.reference)}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2g} x" if ratio < 10 else f"{number(ratio)} x"


def _budget(row: Row) -> str:
    return ", ".join(_limit(budget) for budget in row.budgets)


def _limit(budget: Budget) -> str:
    sign = "≥" if budget.at_least else "≤"
    if budget.of is None:
        return f"{sign} {number(budget.limit)}"
    return f"{sign} {budget.limit:g} x {'raw' if budget.of == RAW else budget.of}"
