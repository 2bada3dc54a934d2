"""Plots as SVG, written by hand: drawing one with matplotlib takes longer than a small fit, and importing it longer still."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

_FONT = "font-family='Helvetica, Arial, sans-serif'"
_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#db2777", "#65a30d", "#475569", "#92400e")
_MAX_POINTS = 400
_MAX_LABEL = 18


def heatmap(counts: Sequence[Sequence[float]], labels: Sequence[str], *, title: str) -> bytes:
    """A confusion matrix: true labels downwards, predicted ones to the right."""
    size = max(26, min(72, 420 // max(1, len(labels))))
    left, top = 130, 48
    side = size * len(labels)
    highest = max((max(row) for row in counts), default=0) or 1
    parts = [_text(left + side / 2, 24, title, size=15, weight="600")]
    for row, (label, values) in enumerate(zip(labels, counts, strict=True)):
        y = top + row * size
        parts.append(_text(left - 8, y + size / 2 + 4, _short(label), anchor="end"))
        parts.append(_text(left + (row + 0.5) * size, top + side + 18, _short(label)))
        for column, value in enumerate(values):
            x, share = left + column * size, value / highest
            parts.append(f"<rect x='{x}' y='{y}' width='{size}' height='{size}' fill='#2563eb' fill-opacity='{share:.3f}' stroke='#e2e8f0'/>")
            parts.append(_text(x + size / 2, y + size / 2 + 4, f"{value:g}", colour="#ffffff" if share > 0.55 else "#0f172a"))
    parts.append(_text(left + side / 2, top + side + 42, "predicted"))
    parts.append(_text(18, top + side / 2, "true", rotate=True))
    return _document(left + side + 30, top + side + 58, parts)


def lines(series: Sequence[tuple[str, Any, Any]], *, title: str, across: str, up: str, diagonal: bool = False) -> bytes:
    """Curves in the unit square; each is a name, values from left to right, and heights."""
    left, top, side = 60, 48, 340

    def place(x: float, y: float) -> str:
        return f"{left + x * side:.1f},{top + (1 - y) * side:.1f}"

    parts = [_text(left + side / 2, 24, title, size=15, weight="600")]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + tick * side, top + (1 - tick) * side
        parts.append(f"<path d='M{x} {top}V{top + side}M{left} {y}H{left + side}' stroke='#e2e8f0'/>")
        parts += [_text(x, top + side + 18, f"{tick:g}"), _text(left - 8, y + 4, f"{tick:g}", anchor="end")]
    if diagonal:
        parts.append(f"<path d='M{place(0, 0)}L{place(1, 1)}' stroke='#94a3b8' stroke-dasharray='4 4'/>")
    for number, (name, xs, ys) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(place(float(xs[index]), float(ys[index])) for index in _thinned(len(xs)))
        parts.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>")
        parts.append(_text(left + side + 14, top + 12 + number * 18, name, anchor="start", colour=colour))
    parts += [_text(left + side / 2, top + side + 42, across), _text(18, top + side / 2, up, rotate=True)]
    return _document(left + side + 210, top + side + 58, parts)


def bars(values: Sequence[tuple[str, float]], *, title: str) -> bytes:
    """Horizontal bars, in the order given."""
    left, top, width, height = 170, 48, 340, 20
    highest = max((value for _, value in values), default=0) or 1
    parts = [_text(left + width / 2, 24, title, size=15, weight="600")]
    for row, (name, value) in enumerate(values):
        y = top + row * height
        parts.append(_text(left - 8, y + 14, _short(name), anchor="end"))
        parts.append(f"<rect x='{left}' y='{y + 3}' width='{max(0.0, value / highest) * width:.1f}' height='{height - 6}' fill='#2563eb'/>")
        parts.append(_text(left + max(0.0, value / highest) * width + 6, y + 14, f"{value:.4g}", anchor="start"))
    return _document(left + width + 90, top + height * len(values) + 16, parts)


def _document(width: float, height: float, parts: Sequence[str]) -> bytes:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' width='{width:g}' height='{height:g}' {_FONT}>"
    return "\n".join([head, "<rect width='100%' height='100%' fill='#ffffff'/>", *parts, "</svg>"]).encode("utf-8", "replace")


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle", weight: str = "400", colour: str = "#0f172a", rotate: bool = False) -> str:
    turn = f" transform='rotate(-90 {x:g} {y:g})'" if rotate else ""
    return f"<text x='{x:g}' y='{y:g}' font-size='{size}' font-weight='{weight}' text-anchor='{anchor}' fill='{colour}'{turn}>{escape(text)}</text>"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"


def _thinned(count: int) -> list[int]:
    """Indices of at most ``_MAX_POINTS`` points, both ends among them."""
    if count <= _MAX_POINTS:
        return list(range(count))
    return [round(index * (count - 1) / (_MAX_POINTS - 1)) for index in range(_MAX_POINTS)]
