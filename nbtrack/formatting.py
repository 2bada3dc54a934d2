"""How numbers, times and sizes are written for people, the same on cards, tables and terminals."""

from __future__ import annotations

import math
import re
from datetime import datetime


def format_number(value: float, *, digits: int = 4) -> str:
    """A metric value for reading: ``0.9127``, ``1.2e-07``, ``12,345``, ``NaN``.

    Whole numbers keep all their digits; others show ``digits`` significant decimals.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    magnitude = abs(value)
    if magnitude >= 1e6 or magnitude < 10**-digits:
        return f"{value:.{digits - 1}e}"
    if magnitude >= 1000:
        return f"{value:,.1f}"
    return f"{value:.{digits}f}" if magnitude < 10 else f"{value:.{digits}g}"


def format_duration(seconds: float | None) -> str:
    """``820 ms``, ``2.4 s``, ``3 min 12 s``, ``1 h 04 min``; ``–`` for None."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_size(size_bytes: int) -> str:
    """``512 B``, ``1.5 kB``, ``3.2 MB``, ``1.0 GB`` (powers of 1,000)."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable: the last unit returns")


def format_time(timestamp_ms: int | None, *, now: datetime | None = None) -> str:
    """A start time for a table in local time: ``14:02`` today, ``3 Nov 14:02`` this year, else with the year."""
    if timestamp_ms is None:
        return "–"
    moment = datetime.fromtimestamp(timestamp_ms / 1000)
    today = now or datetime.now()
    if moment.date() == today.date():
        return moment.strftime("%H:%M")
    day = f"{moment.day} {moment.strftime('%b')}"
    return f"{day} {moment.strftime('%H:%M')}" if moment.year == today.year else f"{day} {moment.year} {moment.strftime('%H:%M')}"


def format_value(value: object, *, width: int = 60) -> str:
    """A param's value as it was typed (strings in quotes), cut to ``width`` characters."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        text = f'"{escaped}"'
    else:
        text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """``1 run``, ``3 runs``; ``nouns`` for an irregular plural."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def natural_order(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which ``step2`` comes before ``step10``, and upper case beside lower case."""
    parts = re.split(r"(\d+)", text.lower())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part]
