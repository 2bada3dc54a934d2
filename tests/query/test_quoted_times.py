from __future__ import annotations

from datetime import datetime, timezone

import pytest

from nbtrack.query.literals import parse_duration, parse_time

NOW = datetime(2026, 3, 10, 15, 30, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5 min", 300),
        ("2h", 7200),
        (" 1.5 Hours ", 5400),
        ("1h 30min", 5400),
        ("1h30m", 5400),
        ("1 day, 2 hours", 93600),
        ("250 ms", 0.25),
        ("2 weeks", 1209600),
        ("", None),
        ("5", None),
        ("min", None),
        ("5 parsecs", None),
        ("-5 min", None),
        ("5 min later", None),
    ],
)
def test_a_duration_is_read(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:20:30Z", datetime(2026, 3, 1, 10, 20, 30, tzinfo=timezone.utc)),
        ("2026-03-01 10:20:30.5+02:00", datetime(2026, 3, 1, 8, 20, 30, 500_000, tzinfo=timezone.utc)),
        ("2026-03-01 10:20 -0500", datetime(2026, 3, 1, 15, 20, tzinfo=timezone.utc)),
        ("2026-03-01t10:20z", datetime(2026, 3, 1, 10, 20, tzinfo=timezone.utc)),
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01 10:20", datetime(2026, 3, 1, 10, 20)),
        ("now", NOW),
        ("today", datetime(2026, 3, 10, tzinfo=timezone.utc)),
        ("Yesterday", datetime(2026, 3, 9, tzinfo=timezone.utc)),
        ("2 h ago", datetime(2026, 3, 10, 13, 30, 20, tzinfo=timezone.utc)),
    ],
)
def test_a_time_is_read(text: str, moment: datetime) -> None:
    assert parse_time(text, NOW) == moment.timestamp() * 1000


@pytest.mark.parametrize(
    "text", ["", "soon", "2026", "2026-3-1", "2026-02-30", "2026-01-01 25:00", "0000-01-01", "99999999 weeks ago", "long ago", "2026-01-01 10"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text, NOW) is None
