"""Plots drawn by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from nbtrack.autologging.drawing import bars, heatmap, lines

SVG = "{http://www.w3.org/2000/svg}"


def _texts(image: bytes) -> list[str]:
    return [element.text for element in ElementTree.fromstring(image).iter(f"{SVG}text")]


def test_heatmap_shows_each_count_and_keeps_odd_labels_harmless() -> None:
    texts = _texts(heatmap([[5.0, 1.0], [0.0, 12.5]], ["<b>&", "a label that is much too long"], title="Counts"))
    assert {"5", "1", "0", "12.5", "<b>&", "Counts"} <= set(texts)
    assert "a label that is m…" in texts


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    many = [index / 99_999 for index in range(100_000)]
    image = lines([("one", many, many)], title="ROC", across="x", up="y", diagonal=True)
    (curve,) = ElementTree.fromstring(image).iter(f"{SVG}polyline")
    points = curve.get("points").split()
    assert len(points) == 400
    assert points[0] == "60.0,388.0"
    assert points[-1] == "400.0,48.0"


def test_bars_of_nothing_and_of_negative_values_are_drawn() -> None:
    assert _texts(bars([], title="Empty")) == ["Empty"]
    widths = [float(element.get("width")) for element in ElementTree.fromstring(bars([("a", 2.0), ("b", -1.0)], title="t")).findall(f"{SVG}rect")[1:]]
    assert widths == [340.0, 0.0]
