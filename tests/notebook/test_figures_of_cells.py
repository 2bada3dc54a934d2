"""Figures that a cell makes or shows."""

from __future__ import annotations

import warnings

import pytest
from cells import Notebook

from nbtrack.entities import OutputKind


@pytest.fixture(autouse=True)
def closed_figures() -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def inline(notebook: Notebook) -> Notebook:
    """A notebook with the inline backend, which shows and closes figures at the end of a cell."""
    from matplotlib_inline.backend_inline import configure_inline_support
    from matplotlib_inline.config import InlineBackend

    # Both hold on to the first shell of a process.
    InlineBackend.clear_instance()
    configure_inline_support.current_backend = "other"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nfrom IPython.display import display")
    return notebook


def paths(notebook: Notebook) -> list[str]:
    return [artifact.path for artifact in notebook.store.artifacts.all(notebook.last.info.run_id)]


def test_a_figure_that_is_left_open_is_kept_by_its_title(notebook: Notebook) -> None:
    notebook.run("import matplotlib.pyplot as plt\nold = plt.figure()")
    notebook.run("%%track_run\nfig, ax = plt.subplots()\nax.set_title('ROC curve')\nplt.figure();")
    assert paths(notebook) == ["figures/ROC_curve.png", "figures/figure_2.png"]
    assert notebook.store.artifacts.read(notebook.last.info.run_id, "figures/ROC_curve.png").startswith(b"\x89PNG")


def test_the_inline_backend_shows_them_as_without_tracking(inline: Notebook) -> None:
    cell = "plt.plot([1, 2])\nplt.title('line')\nplt.show()\nplt.plot([2, 1])\n'text'"
    inline.displayed.clear()
    inline.run(cell)
    plain = [sorted(bundle) for bundle in inline.displayed]
    inline.displayed.clear()
    inline.run(f"%%track_run -q\n{cell}")
    assert [sorted(bundle) for bundle in inline.displayed] == plain == [["image/png", "text/plain"]] * 2
    assert paths(inline) == ["figures/figure_2.png", "figures/line.png"]


def test_what_was_shown_is_kept_as_it_was_shown(inline: Notebook) -> None:
    import base64

    inline.displayed.clear()
    inline.run("%%track_run -q\nplt.plot([1, 2])\nplt.title('line')\nplt.show()")
    shown = base64.b64decode(inline.displayed[0]["image/png"])
    assert inline.store.artifacts.read(inline.last.info.run_id, "figures/line.png") == shown


def test_equal_figures_are_kept_once(inline: Notebook) -> None:
    inline.run("%%track_run -q\nfor _ in range(3):\n    plt.plot([1, 2])\n    plt.show()")
    assert paths(inline) == ["figures/figure_1.png"]


def test_displayed_figures_and_their_outputs_are_linked(inline: Notebook) -> None:
    inline.run("%%track_run -q\nfig, ax = plt.subplots()\nax.set_title('shown')\ndisplay(fig)\nplt.close(fig)")
    displays = [output for output in inline.store.cells.outputs(inline.last.info.run_id) if output.kind is OutputKind.DISPLAY]
    assert [(output.media_type, output.artifact) for output in displays] == [("image/png", "figures/shown.png")]


def test_plotly_figures_shown_made_or_ending_a_cell(notebook: Notebook) -> None:
    notebook.run("import plotly.graph_objects as go, plotly.io as pio\npio.renderers.default = 'plotly_mimetype'")
    figures = "first, second = (go.Figure(layout={'title': {'text': title}}) for title in ('first', 'second'))"
    notebook.run(f"%%track_run -q\n{figures}\nfirst.show()\nfirst")
    assert paths(notebook) == ["figures/first.plotly.json", "figures/second.plotly.json"]


def test_altair_and_bokeh_figures(notebook: Notebook) -> None:
    notebook.run("import altair as alt, pandas as pd\nfrom bokeh.plotting import figure\ndf = pd.DataFrame({'x': [1, 2]})")
    chart = "chart = alt.Chart(df, title='a chart').mark_point().encode(x='x:Q')"
    notebook.run(f"%%track_run -q\n{chart}\nplot = figure(title='a plot')\nplot.scatter([1], [2])\nchart")
    assert paths(notebook) == ["figures/a_chart.vl.json", "figures/a_plot.bokeh.json"]


def test_a_figure_that_fails_to_render_is_a_finding(notebook: Notebook) -> None:
    notebook.run("import matplotlib.pyplot as plt")
    notebook.run("%%track_run\nfig, ax = plt.subplots()\nax.set_title('$\\\\frac{$')\nloss = len('a') / 2")
    assert notebook.last.data.metrics == {"loss": 0.5}
    (finding,) = notebook.store.facts.findings(notebook.last.info.run_id)
    assert finding.kind == "capture"
    assert "could not be drawn" in finding.message
    assert "Not captured" in notebook.cards[-1]


def test_figures_can_be_turned_off(notebook: Notebook) -> None:
    notebook.run("import matplotlib.pyplot as plt")
    notebook.run("%%track_run --no-figures\nplt.figure()")
    assert paths(notebook) == []


def test_figures_of_a_block(notebook: Notebook) -> None:
    notebook.run("import nbtrack, matplotlib.pyplot as plt")
    notebook.run("plt.figure()\nwith nbtrack.track_run():\n    plt.figure()\n    plt.title('inside')\nplt.figure()")
    assert paths(notebook) == ["figures/inside.png"]
