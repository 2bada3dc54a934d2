"""A small line of a metric as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from nbtrack.formatting import format_number
from nbtrack.notebook.card import Trend

WIDTH, HEIGHT = 200, 62
_LEFT, _RIGHT, _TOP, _BOTTOM = 4, 8, 8, 8


def sparkline_svg(trend: Trend, *, colour: str) -> str:
    """The trend as a line in the colour of the text, its last point in ``colour``; "" for fewer than two values."""
    if len(trend.values) < 2:
        return ""
    points = place(trend.values)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = HEIGHT - 2
    area = f"{points[0][0]:.1f},{floor} {line} {points[-1][0]:.1f},{floor}"
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="currentColor" opacity=".45"/>' for x, y in points[:-1]) if trend.of_runs else ""
    last_x, last_y = points[-1]
    title = f"{trend.metric}: from {format_number(trend.values[0])} to {format_number(trend.values[-1])}"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="display:block;overflow:visible">'
        f"<title>{escape(title)}</title>"
        f'<polygon points="{area}" fill="{colour}" opacity=".07"/>'
        f'<line x1="{_LEFT}" y1="{floor}" x2="{WIDTH - _RIGHT}" y2="{floor}" stroke="currentColor" stroke-width="1" opacity=".15"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" opacity=".5"/>'
        f'{dots}<circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="6.5" fill="{colour}" opacity=".18"/>'
        f'<circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="3.5" fill="{colour}"/></svg>'
    )


def place(values: Sequence[float]) -> list[tuple[float, float]]:
    """Where the values are drawn: left to right, the largest at the top; equal ones in the middle."""
    low, high = min(values), max(values)
    step = (WIDTH - _LEFT - _RIGHT) / (len(values) - 1)
    height = HEIGHT - _TOP - _BOTTOM
    span = high / 2 - low / 2  # halves, since the difference of two huge values overflows
    return [(_LEFT + number * step, _TOP + height * ((high / 2 - value / 2) / span if span > 0 else 0.5)) for number, value in enumerate(values)]
