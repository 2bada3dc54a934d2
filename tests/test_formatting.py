"""How numbers, times, sizes and values are written for people."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from nbtrack.formatting import format_duration, format_number, format_size, format_time, format_value, natural_order, plural


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91274, "0.9127"),
        (12, "12"),
        (12345.0, "12,345"),
        (12.5678, "12.57"),
        (1234.56, "1,234.6"),
        (1.2e-7, "1.200e-07"),
        (1.23456e8, "123,456,000"),
        (1.5e20, "1.500e+20"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (0.0, "0"),
        (-0.5, "-0.5000"),
        (1.5e-7, "1.500e-07"),
        (44.648, "44.65"),
        (2.5e9, "2,500,000,000"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.0, "0 ms"), (0.0824, "82 ms"), (0.82, "820 ms"), (2.44, "2.4 s"), (192, "3 min 12 s"), (3840, "1 h 04 min"), (90_000, "25 h 00 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (512, "512 B"), (1500, "1.5 kB"), (3_200_000, "3.2 MB"), (5_000_000_000, "5.0 GB"), (10**12, "1000.0 GB")]
)
def test_sizes(size: int, text: str) -> None:
    assert format_size(size) == text


def test_times_are_short_today_and_have_the_year_when_it_is_another() -> None:
    moment = datetime(2026, 11, 3, 14, 2)
    timestamp_ms = round(moment.timestamp() * 1000)
    assert format_time(timestamp_ms, now=datetime(2026, 11, 3, 20, 0)) == "14:02"
    assert format_time(timestamp_ms, now=datetime(2026, 12, 3)) == "3 Nov 14:02"
    assert format_time(timestamp_ms, now=datetime(2027, 1, 1)) == "3 Nov 2026 14:02"
    assert format_time(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", '"a"'), ('a "b"\n', '"a \\"b\\"\\n"'), ('say "x"\n', '"say \\"x\\"\\n"'), (0.1, "0.1"), (None, "None"), ([1, 2], "[1, 2]"), (True, "True")],
)
def test_values_are_written_as_they_were_typed(value: object, text: str) -> None:
    assert format_value(value) == text


def test_a_long_value_is_cut_to_the_width() -> None:
    assert len(format_value("x" * 500, width=20)) == 20
    assert format_value("x" * 100, width=10) == '"xxxxxxxx…'
    assert format_value("x" * 500, width=20).endswith("…")


def test_counts_agree_with_their_nouns() -> None:
    assert [plural(count, "run") for count in (0, 1, 2, 1200)] == ["0 runs", "1 run", "2 runs", "1,200 runs"]
    assert plural(2, "entry", "entries") == "2 entries"


def test_numbers_inside_names_are_ordered_as_numbers() -> None:
    names = ["step10", "Step2", "step1", "10", "9", "step", "step2b"]
    assert sorted(names, key=natural_order) == ["step", "step1", "Step2", "step2b", "step10", "9", "10"]
