"""Quoted times and durations as numbers: ``'2026-03-01'``, ``'2 days ago'``, ``'1h 30min'``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)[\s,]*")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]+)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?", re.IGNORECASE)


def parse_duration(text: str) -> float | None:
    """Seconds that ``text`` means, such as ``'90 s'``, ``'2h'`` or ``'1h 30min'``; None if it is no duration."""
    seconds, place, lowered = 0.0, 0, text.strip().lower()
    while place < len(lowered):
        found = _PART.match(lowered, place)
        if found is None or found[2] not in _UNITS:
            return None
        seconds += float(found[1]) * _UNITS[found[2]]
        place = found.end()
    return seconds if place else None


def parse_time(text: str, now: datetime) -> int | None:
    """Milliseconds since the epoch that ``text`` means; None if it is no time.

    Known are ISO dates and times (local ones, unless they end in ``Z`` or an offset), ``now``,
    ``today``, ``yesterday``, and a duration with ``ago``. A date is its first instant.
    """
    word = text.strip().lower()
    try:
        if word == "now":
            return _milliseconds(now)
        if word in ("today", "yesterday"):
            return _milliseconds(_midnight(now) - timedelta(days=word == "yesterday"))
        if word.endswith("ago"):
            seconds = parse_duration(word[:-3])
            return None if seconds is None else _milliseconds(now - timedelta(seconds=seconds))
        found = _DATE.fullmatch(text.strip())
        return None if found is None else _milliseconds(_date(found))
    except (ValueError, OverflowError, OSError):  # the 30th of February, the year 0, a million weeks ago
        return None


def _date(found: re.Match[str]) -> datetime:
    day, time, seconds, fraction, zone = found.groups(default="")
    micros = (fraction[1:7] or "0").ljust(6, "0")
    zone = zone.upper().replace("Z", "+00:00")
    zone = zone if ":" in zone or not zone else f"{zone[:3]}:{zone[3:]}"
    # Spelled out in full, which Python 3.10 reads as later ones do.
    return datetime.fromisoformat(f"{day}T{time or '00:00'}{seconds or ':00'}.{micros}{zone}")


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _milliseconds(moment: datetime) -> int:
    """A time without a zone is local, as ``datetime.timestamp`` has it."""
    return round(moment.timestamp() * 1000)
