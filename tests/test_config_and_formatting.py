"""What the environment says, and how numbers and times are written."""

from __future__ import annotations

from datetime import datetime

import pytest

from nbtrack.config import Durability, Settings, read_settings
from nbtrack.errors import InvalidInput
from nbtrack.formatting import format_duration, format_number, format_size, format_time, format_value, plural


def test_settings_come_from_the_variables() -> None:
    assert read_settings({}) == Settings()
    found = read_settings({"NBTRACK_TRACKING_URI": "runs", "NBTRACK_DURABILITY": "FULL", "NBTRACK_USER": "ada", "NBTRACK_RUN_ID": ""})
    assert (found.tracking_uri, found.durability, found.user, found.run_id) == ("runs", Durability.FULL, "ada", None)


def test_unknown_durability_is_refused() -> None:
    with pytest.raises(InvalidInput, match="NBTRACK_DURABILITY is 'always'; set it to 'normal' or 'full'"):
        read_settings({"NBTRACK_DURABILITY": "always"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91274, "0.9127"),
        (0.0, "0"),
        (12345.0, "12,345"),
        (1.5e-7, "1.500e-07"),
        (float("nan"), "NaN"),
        (float("-inf"), "-∞"),
        (44.648, "44.65"),
        (1234.56, "1,234.6"),
        (2.5e9, "2,500,000,000"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(None, "–"), (0.0824, "82 ms"), (2.44, "2.4 s"), (192, "3 min 12 s"), (3840, "1 h 04 min")])
def test_durations(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


def test_sizes_times_values_and_plurals() -> None:
    assert [format_size(size) for size in (512, 1500, 3_200_000, 5_000_000_000)] == ["512 B", "1.5 kB", "3.2 MB", "5.0 GB"]
    moment = datetime(2026, 11, 3, 14, 2)
    stamp = int(moment.timestamp() * 1000)
    assert format_time(stamp, now=moment) == "14:02"
    assert format_time(stamp, now=datetime(2026, 12, 1)) == "3 Nov 14:02"
    assert format_time(stamp, now=datetime(2027, 1, 1)) == "3 Nov 2026 14:02"
    assert format_value('a "b"\n') == '"a \\"b\\"\\n"'
    assert format_value("x" * 100, width=10) == '"xxxxxxxx…'
    assert (plural(1, "run"), plural(1200, "run"), plural(2, "entry", "entries")) == ("1 run", "1,200 runs", "2 entries")
