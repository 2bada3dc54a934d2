"""What a tracked stretch of code shows while it runs: text, displays, tables and figures, all bounded."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nbtrack.capture.figures import FigureCollection, RenderedFigure, figure_kind, figure_of, open_matplotlib_figures
from nbtrack.capture.outputs import BoundedText, TablePayload, clean_text, table_payload
from nbtrack.entities import CellOutput, Finding, OutputKind, Severity
from nbtrack.errors import CaptureFailed
from nbtrack.notebook.card import FIGURES_FOLDER
from nbtrack.notebook.displays import DisplayTap
from nbtrack.notebook.streams import listen
from nbtrack.tracking.exits import describe_error

OUTPUTS_FOLDER = "outputs"

MAX_DISPLAYS = 50
MAX_FIGURES = 200
MAX_DISPLAY_CHARS = 20_000

_PLOTLY_BUNDLE = "application/vnd.plotly.v1+json"
_OPENED_BY_BINDING = ("plotly", "altair", "bokeh")


@dataclass
class Problems:
    """Captures that failed: each is one finding of the run, and never an exception in the user's cell."""

    findings: list[Finding] = field(default_factory=list)

    @contextmanager
    def guard(self, what: str) -> Any:
        """Whatever goes wrong inside costs ``what`` alone."""
        try:
            yield
        except CaptureFailed as problem:
            self.note(str(problem))
        except Exception as error:  # a process edge: the objects of the notebook run their code in ours
            self.note(f"{what}: {describe_error(error)}")

    def note(self, message: str) -> None:
        """Add a warning, once."""
        finding = Finding("capture", Severity.WARNING, message)
        if finding not in self.findings:
            self.findings.append(finding)


@dataclass
class _Display:
    """One displayed object: its text, and the table or figure that it is."""

    text: str
    object_id: int
    table: TablePayload | None = None
    figure: RenderedFigure | None = None


class Evidence:
    """Listens from `start` to `stop`; a ``DisplayListener``."""

    def __init__(self, problems: Problems, *, figures: bool, outputs: bool) -> None:
        self._problems = problems
        self._wants_figures = figures
        self._wants_outputs = outputs
        self._stdout, self._stderr = BoundedText(), BoundedText()
        self._displays: list[_Display] = []
        self._more_displays = 0
        self._figures = FigureCollection()
        self._rendered: dict[int, RenderedFigure] = {}
        self._known_figures: list[Any] = []
        self._stops: list[Callable[[], None]] = []

    @property
    def figures(self) -> list[RenderedFigure]:
        """The captured figures."""
        return self._figures.figures

    def start(self, tap: DisplayTap | None) -> None:
        """Begin to listen; ``tap`` is None where nothing displays, as in a script."""
        if self._wants_outputs:
            # A terminal shows results and displays on stdout: those are kept as what they are.
            stdout = self._stdout.write if tap is None else lambda text: None if tap.is_printing else self._stdout.write(text)
            self._stops += [listen("stdout", stdout), listen("stderr", self._stderr.write)]
        if self._wants_figures:
            self._known_figures = open_matplotlib_figures()
        if tap is not None and (self._wants_outputs or self._wants_figures):
            self._stops.append(tap.listen(self))

    def stop(self) -> None:
        """Hear nothing more."""
        for stop in reversed(self._stops):
            stop()
        self._stops = []

    def displayed(self, obj: Any, bundle: Mapping[str, Any]) -> None:
        """An object was shown."""
        with self._problems.guard("what the cell displayed"):
            # A part of a figure (axes, a title) is shown as text; its figure comes by itself.
            is_figure = self._wants_figures and figure_of(obj) is obj and figure_kind(obj) is not None
            figure = self._add_figure(obj, drawn=_png(bundle)) if is_figure else None
            if self._wants_outputs:
                self._add_display(obj, bundle, figure)

    def published(self, bundle: Mapping[str, Any]) -> None:
        """A bundle without an object was shown: ``fig.show()`` of plotly, HTML."""
        with self._problems.guard("what the cell displayed"):
            if self._wants_figures and _PLOTLY_BUNDLE in bundle:
                self._add_figure(_plotly_figure(bundle[_PLOTLY_BUNDLE]))
            elif self._wants_outputs and isinstance(text := bundle.get("text/plain"), str):
                self._add_display(None, {"text/plain": text}, None)

    def gather_figures(self, made: Mapping[str, Any]) -> None:
        """Take the figures that were made and not shown: those that pyplot has open, and those in the names of ``made``."""
        if not self._wants_figures:
            return
        for figure in open_matplotlib_figures():
            if not any(figure is known for known in self._known_figures):
                with self._problems.guard("a figure"):
                    self._add_figure(figure)
        for name, value in made.items():
            with self._problems.guard(f"the figure {name}"):
                if figure_kind(value) in _OPENED_BY_BINDING:
                    self._add_figure(value)
        self._known_figures = []

    def outputs(self, *, result: object | None, error: str | None) -> list[CellOutput]:
        """What was shown, in the order of the kinds: text, displays, the result, the traceback."""
        if not self._wants_outputs:
            return [] if error is None else [CellOutput(OutputKind.ERROR, error)]
        shown = [
            CellOutput(kind, text.text(), truncated_chars=text.truncated_chars)
            for kind, text in ((OutputKind.STDOUT, self._stdout), (OutputKind.STDERR, self._stderr))
            if text.text()
        ]
        last = len(self._displays) - 1
        for number, display in enumerate(self._displays):
            is_result = number == last and result is not None and display.object_id == id(result)
            shown.append(self._output(display, number, OutputKind.RESULT if is_result else OutputKind.DISPLAY))
        if self._more_displays:
            shown.append(CellOutput(OutputKind.DISPLAY, f"[... {self._more_displays:,} more displays ...]"))
        return [*shown, *([] if error is None else [CellOutput(OutputKind.ERROR, error)])]

    def tables(self) -> dict[str, bytes]:
        """Displayed tables as JSON by artifact path."""
        tables = {_table_path(number): display.table for number, display in enumerate(self._displays) if display.table is not None}
        return {path: json.dumps(table.to_dict(), ensure_ascii=False).encode("utf-8", "replace") for path, table in tables.items()}

    def _output(self, display: _Display, number: int, kind: OutputKind) -> CellOutput:
        cut = max(0, len(display.text) - MAX_DISPLAY_CHARS)
        text = display.text[:MAX_DISPLAY_CHARS] + ("…" if cut else "")
        if display.figure is not None:
            return CellOutput(kind, text, display.figure.media_type, figure_path(display.figure), cut)
        if display.table is not None:
            return CellOutput(kind, text, "application/json", _table_path(number), cut)
        return CellOutput(kind, text, truncated_chars=cut)

    def _add_display(self, obj: Any, bundle: Mapping[str, Any], figure: RenderedFigure | None) -> None:
        if len(self._displays) >= MAX_DISPLAYS:
            self._more_displays += 1
            return
        text = bundle.get("text/plain", "")
        display = _Display(clean_text(text)[: 2 * MAX_DISPLAY_CHARS] if isinstance(text, str) else "", id(obj), figure=figure)
        if _is_table(obj):
            with self._problems.guard("a displayed table"):
                display.table = table_payload(obj)
        self._displays.append(display)

    def _add_figure(self, obj: Any, *, drawn: bytes | None = None) -> RenderedFigure | None:
        """The figure as it was rendered; one that was rendered before with the same look is found again."""
        if len(self._figures.figures) >= MAX_FIGURES:
            self._problems.note(f"more than {MAX_FIGURES} figures; the first {MAX_FIGURES} were kept")
            return None
        owner = id(figure_of(obj))
        rendered = self._figures.add(obj, drawn=drawn)
        if rendered is not None:
            self._rendered[owner] = rendered
        return self._rendered.get(owner)


def figure_path(figure: RenderedFigure) -> str:
    """Where a figure is kept among the run's artifacts."""
    return f"{FIGURES_FOLDER}/{figure.file_name}"


def _png(bundle: Mapping[str, Any]) -> bytes | None:
    """The PNG in a bundle, which IPython holds as base64."""
    data = bundle.get("image/png")
    try:
        return data if isinstance(data, bytes) else base64.b64decode(data, validate=False) if isinstance(data, str) else None
    except ValueError:
        return None


def _table_path(number: int) -> str:
    return f"{OUTPUTS_FOLDER}/table_{number + 1}.json"


def _is_table(obj: Any) -> bool:
    return any((cls.__module__.partition(".")[0], cls.__name__) in (("pandas", "DataFrame"), ("polars", "DataFrame")) for cls in type(obj).__mro__)


def _plotly_figure(bundle: Any) -> Any:
    """The plotly figure whose JSON was published; plotly is loaded, since it published it."""
    from plotly import io

    return io.from_json(json.dumps({"data": bundle["data"], "layout": bundle.get("layout", {})}), skip_invalid=True)
