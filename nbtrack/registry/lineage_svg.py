"""A lineage as a picture: what went in on the left, the run in the middle, the version on the right."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from nbtrack.formatting import plural
from nbtrack.registry.lineage import Lineage, LineageCell

_BOX_WIDTH, _BOX_HEIGHT = 230, 48
_GAP_X, _GAP_Y, _MARGIN = 70, 14, 16
_TEXT_CHARS = 30
_SHOWN = 6  # boxes of one kind

_COLOURS = {"data": "#3b82c4", "cell": "#7a5fb5", "code": "#5f6b7a", "run": "#c47a1b", "version": "#2f8f5b", "parent": "#8aa398"}


class _Box(NamedTuple):
    kind: str
    title: str
    text: str
    hint: str  # all of it, shown under the mouse
    x: int = 0
    y: int = 0


def lineage_svg(lineage: Lineage) -> str:
    """The picture as a text that stands alone; names in it are escaped."""
    inputs = _stacked(_inputs(lineage), 0)
    run = _stacked([_run_box(lineage)], 1)
    versions = _stacked(_version_boxes(lineage), 2)
    height = max(len(inputs), len(run), len(versions)) * (_BOX_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    columns = [_centred(column, height) for column in (inputs, run, versions)]
    width = 3 * _BOX_WIDTH + 2 * _GAP_X + 2 * _MARGIN
    middle, target = columns[1][0], columns[2][-1]
    arrows = [_arrow(box, middle) for box in columns[0]] + [_arrow(middle, target)]
    arrows += [_down(box, target) for box in columns[2][:-1]]
    label = escape(f"Lineage of version {lineage.version} of {lineage.name}", quote=True)
    boxes = [_drawn(box) for column in columns for box in column]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{label}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        '<defs><marker id="nbtrack-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#8a8f98"/></marker></defs>\n' + "\n".join([*arrows, *boxes]) + "\n</svg>\n"
    )


def _inputs(lineage: Lineage) -> list[_Box]:
    data = [
        _Box("data", f"data · {item.context}" if item.context else "data", f"{item.name} · {item.digest[:12]}", f"{item.name}\nsha256 {item.digest}")
        for item in lineage.data
    ]
    cells = [_cell_box("cell", cell) for cell in lineage.closure]
    boxes = _bounded(data, "data") + _bounded(cells, "cell")
    if lineage.code is not None:
        dirty = " + uncommitted changes" if lineage.code.dirty else ""
        text = f"{(lineage.code.commit or 'no commit')[:10]}{dirty}"
        boxes.append(_Box("code", "code", text, f"{lineage.code.repository or ''}\n{lineage.code.commit or ''}{dirty}".strip()))
    packages = lineage.environment.get("packages") or {}
    if lineage.environment:
        text = f"Python {lineage.environment.get('python', '?')}, {plural(len(packages), 'package')}"
        boxes.append(_Box("code", "environment", text, "\n".join(f"{name} {version}" for name, version in packages.items())))
    return boxes


def _run_box(lineage: Lineage) -> _Box:
    if lineage.run is None:
        return _Box("run", "run", "not in this store", "the version was registered without a run of this store")
    hint = f"{lineage.run.run_id}\n{lineage.run.source or ''}\n{lineage.cell.source if lineage.cell is not None else ''}".strip()
    return _Box("run", f"run · {lineage.run.run_id[:8]}", lineage.run.name, hint)


def _version_boxes(lineage: Lineage) -> list[_Box]:
    boxes = []
    if lineage.parent is not None:
        boxes.append(_Box("parent", "parent", f"{lineage.name} · version {lineage.parent}", f"models:/{lineage.name}/{lineage.parent}"))
    if lineage.copied_from is not None:
        boxes.append(_Box("parent", "copied from", lineage.copied_from, lineage.copied_from))
    digest = f"sha256 {lineage.digest}" if lineage.digest else "no digest recorded"
    return [*boxes, _Box("version", f"version {lineage.version}", lineage.name, f"models:/{lineage.name}/{lineage.version}\n{digest}")]


def _cell_box(kind: str, cell: LineageCell) -> _Box:
    number = "" if cell.execution_count is None else f" [{cell.execution_count}]"
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
    return _Box(kind, f"cell{number}", first, cell.source)


def _bounded(boxes: list[_Box], kind: str) -> list[_Box]:
    if len(boxes) <= _SHOWN:
        return boxes
    rest = boxes[_SHOWN - 1 :]
    return [*boxes[: _SHOWN - 1], _Box(kind, "…", f"and {len(rest)} more", "\n".join(box.text for box in rest[:50]))]


def _stacked(boxes: Sequence[_Box], column: int) -> list[_Box]:
    x = _MARGIN + column * (_BOX_WIDTH + _GAP_X)
    return [box._replace(x=x, y=_MARGIN + place * (_BOX_HEIGHT + _GAP_Y)) for place, box in enumerate(boxes)]


def _centred(boxes: Sequence[_Box], height: int) -> list[_Box]:
    taken = len(boxes) * (_BOX_HEIGHT + _GAP_Y) - _GAP_Y
    shift = max(0, (height - 2 * _MARGIN - taken) // 2)
    return [box._replace(y=box.y + shift) for box in boxes]


def _arrow(start: _Box, end: _Box) -> str:
    x1, y1, x2, y2 = start.x + _BOX_WIDTH, start.y + _BOX_HEIGHT // 2, end.x, end.y + _BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    return f'<path d="M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}" fill="none" stroke="#8a8f98" stroke-width="1.2" marker-end="url(#nbtrack-arrow)"/>'


def _down(start: _Box, end: _Box) -> str:
    x = start.x + _BOX_WIDTH // 2
    y = start.y + _BOX_HEIGHT
    return f'<path d="M{x} {y}V{end.y}" fill="none" stroke="#8a8f98" stroke-width="1.2" stroke-dasharray="4 3" marker-end="url(#nbtrack-arrow)"/>'


def _drawn(box: _Box) -> str:
    colour = _COLOURS[box.kind]
    return (
        f'<g><title>{_clean(box.hint, 2000)}</title><rect x="{box.x}" y="{box.y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6" fill="{colour}" '
        f'fill-opacity="0.12" stroke="{colour}"/><text x="{box.x + 12}" y="{box.y + 19}" fill="{colour}" font-weight="600">{_clean(box.title)}</text>'
        f'<text x="{box.x + 12}" y="{box.y + 37}" fill="currentColor">{_clean(box.text)}</text></g>'
    )


def _clean(text: str, limit: int = _TEXT_CHARS) -> str:
    """Text that XML can hold, cut and escaped."""
    kept = "".join(character if character.isprintable() or character in "\n\t" else "\ufffd" for character in text)
    return escape(kept if len(kept) <= limit else f"{kept[: limit - 1]}…", quote=True)
