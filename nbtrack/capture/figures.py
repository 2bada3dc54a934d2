"""Figures as bytes: matplotlib and PIL as PNG, plotly, altair and bokeh as the JSON that draws them again.

The JSON holds the data and draws the figure in any front end that has the library's JavaScript, at a
hundredth of the size: a self-contained HTML page carries 1 MB (bokeh) to 5 MB (plotly) of it each
time, and is made where it is asked for.

Rendering leaves the figure and the library's settings as they were, shows no warning, and runs no
callback of the user. Libraries are told by class names; none is imported that is not loaded.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from nbtrack._optional import require
from nbtrack.errors import CaptureFailed

MAX_FIGURE_BYTES = 50_000_000

_MIN_DPI, _MAX_DPI = 100, 200
_MAX_NAME_CHARS = 80
_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})

# Library and class as found among an object's base classes; the class name that marks it may stand in any sub-module.
_KINDS = {
    ("matplotlib", "Figure"): "matplotlib",
    ("plotly", "BaseFigure"): "plotly",
    ("altair", "TopLevelMixin"): "altair",
    ("bokeh", "LayoutDOM"): "bokeh",
    ("PIL", "Image"): "pil",
}


@dataclass(frozen=True)
class RenderedFigure:
    """A figure as a file: ``name`` is safe for a path and has no extension; ``digest`` is equal for equal figures."""

    name: str
    media_type: str
    data: bytes
    extension: str  # without the first dot: "png", "plotly.json"
    digest: str
    kind: str  # the library
    also: tuple[RenderedFigure, ...] = ()  # the same figure in further formats

    @property
    def file_name(self) -> str:
        """Name and extension."""
        return f"{self.name}.{self.extension}"


def figure_kind(obj: object) -> str | None:
    """``matplotlib``, ``plotly``, ``altair``, ``bokeh`` or ``pil`` if `render` can take ``obj``, else None."""
    figure = figure_of(obj)
    return None if figure is None else _kind(figure)


def figure_of(obj: Any) -> Any | None:
    """The figure that ``obj`` is or belongs to; None if there is none.

    Axes and other artists lead to their figure, and so do what plotting calls return: arrays, lists
    and containers of them (pandas ``hist``, ``plt.plot``), seaborn's grids, scikit-learn's displays.
    """
    if _kind(obj) is not None:
        return obj
    if _is_of(obj, "numpy", "ndarray"):
        return _root(obj.flat[0]) if obj.dtype == object and obj.size else None
    if isinstance(obj, (list, tuple)):
        return _root(obj[0]) if obj else None
    return _root(obj)


def render(obj: Any, *, number: int = 1, html: bool = False, drawn: bytes | None = None) -> RenderedFigure:
    """Render a figure, or the figure that ``obj`` belongs to.

    Parameters
    ----------
    number
        Names the figure (``figure_3``) if it has no title.
    html
        Also as a self-contained HTML page, where the library makes one.
    drawn
        The PNG that a front end was just given of a matplotlib figure, which is then not drawn again.

    Raises
    ------
    CaptureFailed
        It is no figure, it failed to draw, or it takes more than 50 MB.
    """
    figure = figure_of(obj)
    kind = None if figure is None else _kind(figure)
    if kind is None:
        raise CaptureFailed(f"an object of type {type(obj).__name__} is no figure of {', '.join(sorted(set(_KINDS.values())))}")
    name = f"figure_{number}"
    try:
        name = safe_name(_TITLES[kind](figure)) or name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rendered = replace(_png(drawn, kind) if drawn is not None and kind == "matplotlib" else _RENDERERS[kind](figure), name=name)
            page = _HTML[kind](figure).encode("utf-8", "replace") if html and kind in _HTML else b""
    except Exception as error:
        # Drawing runs code of the library and of the user (formatters, artists, lazy images), which may raise anything.
        raise CaptureFailed(f"the {kind} figure {name!r} could not be drawn: {type(error).__name__}: {error}") from error
    size = max(len(rendered.data), len(page))
    if size > MAX_FIGURE_BYTES:
        raise CaptureFailed(f"the {kind} figure {name!r} takes {size / 1e6:,.0f} MB; at most {MAX_FIGURE_BYTES / 1e6:,.0f} MB are kept")
    if page:
        rendered = replace(rendered, also=(RenderedFigure(name, "text/html", page, "html", sha256(page).hexdigest(), kind),))
    return rendered


class FigureCollection:
    """The figures of one run: equal ones once, each under a name of its own."""

    def __init__(self) -> None:
        self.figures: list[RenderedFigure] = []
        self._digests: set[str] = set()
        self._names: set[str] = set()
        self._number = 0

    def add(self, obj: Any, *, drawn: bytes | None = None) -> RenderedFigure | None:
        """Render a figure and keep it; None if an equal one is there already. ``drawn`` is as of `render`.

        Raises
        ------
        CaptureFailed
            As `render` does; the collection stays as it was.
        """
        rendered = render(obj, number=self._number + 1, drawn=drawn)
        if rendered.digest in self._digests:
            return None
        self._number += 1
        name, count = rendered.name, 1
        while rendered.file_name.casefold() in self._names:  # also where the file system ignores case
            count += 1
            rendered = replace(rendered, name=f"{name}_{count}")
        self._names.add(rendered.file_name.casefold())
        self._digests.add(rendered.digest)
        self.figures.append(rendered)
        return rendered


def open_matplotlib_figures() -> list[Any]:
    """The figures that pyplot has open, by number; none if pyplot is not loaded."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None or "matplotlib.pyplot" not in sys.modules:
        return []
    # pyplot.figure(number) would make each of them the current one.
    return [manager.canvas.figure for manager in sorted(helpers.Gcf.get_all_fig_managers(), key=lambda manager: manager.num)]


def safe_name(title: str) -> str:
    """A title as a file name: letters of any script, digits, ``_``, ``-`` and ``.``; empty if nothing is left."""
    text = unicodedata.normalize("NFC", re.sub(r"<[^<>]*>", " ", title))
    return re.sub(r"[^\w.-]+", "_", text)[:_MAX_NAME_CHARS].strip("_.-")


def _is_of(obj: object, library: str, name: str) -> bool:
    return any(cls.__name__ == name and str(cls.__module__).partition(".")[0] == library for cls in type(obj).__mro__)


def _kind(obj: object) -> str | None:
    for cls in type(obj).__mro__:
        kind = _KINDS.get((str(cls.__module__).partition(".")[0], cls.__name__))
        if kind is not None:
            return kind
    return None


def _root(obj: Any) -> Any | None:
    """The matplotlib figure of an artist, a container of artists, a seaborn grid or a scikit-learn display."""
    if _is_of(obj, "matplotlib", "Container") and obj:
        obj = obj[0]
    library = str(type(obj).__module__).partition(".")[0]
    if _is_of(obj, "matplotlib", "Artist") or library == "seaborn":
        owner = getattr(obj, "figure", None)
        while owner is not None and not _is_of(owner, "matplotlib", "Figure"):  # a sub-figure, in the end in a figure
            owner = owner.figure if owner.figure is not owner else None
        return owner
    display = getattr(obj, "figure_", None) if library == "sklearn" else None
    return display if _is_of(display, "matplotlib", "Figure") else None


def _matplotlib_title(figure: Any) -> str:
    heading = getattr(figure, "_suptitle", None)
    titles = [heading.get_text() if heading is not None else ""]
    titles += [axes.get_title(loc=place) for axes in figure.axes for place in ("center", "left", "right")]
    return next((title for title in titles if title.strip()), str(figure.get_label() or ""))


def _plotly_title(figure: Any) -> str:
    return str(figure.layout.title.text or "")


def _altair_title(chart: Any) -> str:
    title = getattr(chart, "title", "")
    title = getattr(title, "text", title)
    return " ".join(title) if isinstance(title, list) else title if isinstance(title, str) else ""


def _bokeh_title(model: Any) -> str:
    return str(getattr(getattr(model, "title", None), "text", "") or "")


def _pil_title(image: Any) -> str:
    return PurePath(str(getattr(image, "filename", "") or "")).stem


_TITLES: dict[str, Callable[[Any], str]] = {
    "matplotlib": _matplotlib_title,
    "plotly": _plotly_title,
    "altair": _altair_title,
    "bokeh": _bokeh_title,
    "pil": _pil_title,
}


def _png(data: bytes, kind: str) -> RenderedFigure:
    return RenderedFigure("", "image/png", data, "png", sha256(data).hexdigest(), kind)


def _json(data: bytes, kind: str, media_type: str, extension: str, *, same: bytes | None = None) -> RenderedFigure:
    return RenderedFigure("", media_type, data, extension, sha256(data if same is None else same).hexdigest(), kind)


def _render_matplotlib(figure: Any) -> RenderedFigure:
    buffer = io.BytesIO()
    dpi = min(max(figure.dpi, _MIN_DPI), _MAX_DPI)
    callbacks = figure.canvas.callbacks
    with callbacks.blocked() if hasattr(callbacks, "blocked") else contextlib.nullcontext():
        # Without matplotlib's version in the file, equal figures are equal bytes.
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None})
    return _png(buffer.getvalue(), "matplotlib")


def _render_pil(image: Any) -> RenderedFigure:
    buffer = io.BytesIO()
    (image if image.mode in _PNG_MODES else image.convert("RGB")).save(buffer, format="PNG")
    return _png(buffer.getvalue(), "pil")


def _render_plotly(figure: Any) -> RenderedFigure:
    text = figure.to_json()
    # A figure that was read back from its JSON has its keys in another order.
    same = json.dumps(json.loads(text), sort_keys=True)
    return _json(text.encode(), "plotly", "application/vnd.plotly.v1+json", "plotly.json", same=same.encode())


def _render_altair(chart: Any) -> RenderedFigure:
    altair = require("altair", purpose="rendering an altair chart")
    # The data in the chart, whatever the user's transformer does: others write files, or refuse more than 5,000 rows.
    with altair.data_transformers.enable("default", max_rows=None):
        specification = chart.to_dict()
    version = re.search(r"/v(\d+)", specification.get("$schema", ""))
    media_type = f"application/vnd.vegalite.v{version[1] if version else 5}+json"
    return _json(json.dumps(specification, separators=(",", ":")).encode(), "altair", media_type, "vl.json")


def _render_bokeh(model: Any) -> RenderedFigure:
    embed = require("bokeh.embed", purpose="rendering a bokeh figure")
    text = json.dumps(embed.json_item(model), separators=(",", ":"))
    # bokeh numbers some parts anew at each rendering; numbered by first occurrence they compare.
    places: dict[str, str] = {}
    same = re.sub(r'"p\d+"', lambda found: places.setdefault(found[0], f'"p#{len(places)}"'), text)
    return _json(text.encode(), "bokeh", "application/json", "bokeh.json", same=same.encode())


_RENDERERS: dict[str, Callable[[Any], RenderedFigure]] = {
    "matplotlib": _render_matplotlib,
    "plotly": _render_plotly,
    "altair": _render_altair,
    "bokeh": _render_bokeh,
    "pil": _render_pil,
}


def _bokeh_page(model: Any) -> str:
    embed, resources = (require(f"bokeh.{part}", purpose="the page of a bokeh figure") for part in ("embed", "resources"))
    return str(embed.file_html(model, resources.INLINE))


_HTML: dict[str, Callable[[Any], str]] = {
    "plotly": lambda figure: str(figure.to_html(include_plotlyjs=True)),
    "bokeh": _bokeh_page,
}
