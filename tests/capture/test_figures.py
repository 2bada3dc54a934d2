from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from types import SimpleNamespace

import altair as alt
import matplotlib as mpl
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from bokeh.layouts import row
from bokeh.plotting import figure as bokeh_figure
from PIL import Image

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbtrack.capture import figures
from nbtrack.capture.figures import FigureCollection, figure_kind, figure_of, open_matplotlib_figures, render, safe_name
from nbtrack.errors import CaptureFailed


@pytest.fixture(autouse=True)
def no_open_figures():
    yield
    plt.close("all")


def line(title: str = "", y=(1, 2)) -> Figure:
    figure, axes = plt.subplots()
    axes.plot(y)
    axes.set_title(title)
    return figure


def image_of(rendered) -> Image.Image:
    return Image.open(io.BytesIO(rendered.data))


def test_a_matplotlib_figure_is_a_png_named_by_its_title():
    rendered = render(line("ROC curve: model α/β"))
    assert rendered.file_name == "ROC_curve_model_α_β.png"
    assert (rendered.media_type, rendered.kind) == ("image/png", "matplotlib")
    assert image_of(rendered).width > 300


def test_the_heading_goes_before_the_axes_title_and_a_number_is_last():
    figure = line("axes")
    figure.suptitle("heading")
    assert render(figure).name == "heading"
    assert render(line(), number=7).name == "figure_7"
    assert render(plt.figure("loss by epoch")).name == "loss_by_epoch"
    left = line()
    left.axes[0].set_title("on the left", loc="left")
    assert render(left).name == "on_the_left"


def test_rendering_leaves_figure_and_pyplot_as_they_were():
    first, second = line("a"), line("b")
    first.set_dpi(37)
    first.set_facecolor("red")
    drawn = []
    first.canvas.mpl_connect("draw_event", drawn.append)
    before = (first.dpi, first.get_size_inches().tolist(), first.get_facecolor(), first.canvas, plt.gcf(), dict(mpl.rcParams))
    render(first)
    assert (first.dpi, first.get_size_inches().tolist(), first.get_facecolor(), first.canvas, plt.gcf(), dict(mpl.rcParams)) == before
    assert plt.gcf() is second
    assert drawn == []


def test_equal_figures_have_equal_digests():
    assert render(line("a")).digest == render(line("a")).digest
    assert render(line("a")).digest != render(line("a", y=(2, 1))).digest


def test_a_figure_without_pyplot_is_rendered_too():
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    assert render(figure).media_type == "image/png"


def test_what_plotting_calls_return_leads_to_the_figure():
    figure, axes = plt.subplots(2)
    lines = axes[0].plot([1, 2])
    bars = axes[1].bar([1, 2], [3, 4])
    histograms = pd.DataFrame({"a": [1, 2], "b": [3, 4]}).hist(ax=axes)
    for obj in (figure, axes, axes[0], lines, lines[0], bars, histograms):
        assert figure_of(obj) is figure
        assert figure_kind(obj) == "matplotlib"
    nested = plt.figure()
    assert figure_of(nested.subfigures(1, 2)[0].subplots()) is nested


def test_displays_of_scikit_learn_lead_to_their_figure():
    metrics = pytest.importorskip("sklearn.metrics")
    display = metrics.ConfusionMatrixDisplay.from_predictions([0, 1], [0, 1])
    assert figure_of(display) is display.figure_


def test_grids_of_seaborn_lead_to_their_figure():
    grid = type("FacetGrid", (), {"__module__": "seaborn.axisgrid", "figure": line()})()
    assert figure_kind(grid) == "matplotlib"


@pytest.mark.parametrize("obj", [None, 1, "text", [], [1], np.zeros(3), np.array([None]), pd.DataFrame({"a": [1]}), SimpleNamespace(figure=1), object])
def test_other_objects_are_no_figures(obj):
    assert figure_kind(obj) is None
    with pytest.raises(CaptureFailed, match="is no figure"):
        render(obj)


def test_a_plotly_figure_is_the_json_that_draws_it_again():
    figure = go.Figure(go.Scatter(y=[1, 2]), layout={"title": "<b>Loss</b> &amp; more"})
    rendered = render(figure)
    assert (rendered.name, rendered.extension, rendered.media_type) == ("Loss_amp_more", "plotly.json", "application/vnd.plotly.v1+json")
    assert go.Figure(json.loads(rendered.data)) == figure
    assert rendered.digest == render(figure).digest
    assert rendered.also == ()


def test_a_page_on_request_carries_its_library():
    page = render(go.Figure(go.Scatter(y=[1])), html=True).also[0]
    assert (page.file_name, page.media_type) == ("figure_1.html", "text/html")
    assert len(page.data) > 1_000_000
    assert b"<script src=" not in page.data
    assert render(line("x"), html=True).also == ()


def test_an_altair_chart_carries_its_data_whatever_the_users_transformer():
    chart = alt.Chart(pd.DataFrame({"a": range(6000)}), title=["two", "lines"]).mark_line().encode(x="a:Q")
    before = alt.data_transformers.active
    rendered = render(chart)
    assert (rendered.file_name, alt.data_transformers.active) == ("two_lines.vl.json", before)
    assert rendered.media_type.startswith("application/vnd.vegalite.v")
    assert b'"a":5999' in rendered.data
    assert figure_kind(alt.hconcat(chart, chart)) == "altair"


def test_a_bokeh_figure_has_one_digest_each_time_it_is_rendered():
    plot = bokeh_figure(title="Bars")
    plot.line([1, 2], [3, 4])
    rendered = render(plot)
    assert rendered.file_name == "Bars.bokeh.json"
    assert json.loads(rendered.data)["doc"]["roots"]
    assert rendered.digest == render(plot).digest
    assert figure_kind(row(plot)) == "bokeh"
    other = bokeh_figure(title="Bars")
    other.line([1, 2], [3, 5])
    assert render(other).digest != rendered.digest
    assert b"<script" in render(plot, html=True).also[0].data


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "F", "HSV"])
def test_an_image_of_any_mode_is_a_png(mode: str):
    image = Image.new(mode, (4, 3))
    rendered = render(image, number=2)
    assert (rendered.file_name, image_of(rendered).size) == ("figure_2.png", (4, 3))
    assert image.mode == mode


def test_a_figure_that_fails_to_draw_gives_an_error_that_names_it():
    figure = line("broken")
    figure.axes[0].xaxis.set_major_formatter(lambda value, position: 1 / 0)
    with pytest.raises(CaptureFailed, match=r"the matplotlib figure 'broken' could not be drawn: ZeroDivisionError: division by zero"):
        render(figure)
    figure = line(r"$\nosuchsymbol$")
    with pytest.raises(CaptureFailed, match="could not be drawn: ValueError"):
        render(figure)


def test_a_figure_that_would_be_too_large_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(figures, "MAX_FIGURE_BYTES", 1000)
    with pytest.raises(CaptureFailed, match="takes 0 MB; at most"):
        render(line("big"))


def test_no_warning_of_the_library_is_shown():
    figure = line("文字")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert render(figure).name == "文字"
    assert shown == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("a\\b\x00c:d", "a_b_c_d"),
        ("   ", ""),
        ("…!", ""),
        ("x" * 300, "x" * 80),
        ("v1.5 - final", "v1.5_-_final"),
        ("Größe 🙂", "Größe"),
    ],
)
def test_titles_become_names_that_are_safe_in_a_path(title: str, name: str):
    assert safe_name(title) == name


def test_a_collection_keeps_equal_figures_once_and_names_apart():
    collection = FigureCollection()
    same = line("loss")
    assert collection.add(same).file_name == "loss.png"
    assert collection.add(same) is None
    assert collection.add(line("Loss", y=(3, 4))).file_name == "Loss_2.png"
    with pytest.raises(CaptureFailed):
        collection.add(object())
    assert collection.add(line(y=(5, 6))).file_name == "figure_3.png"
    assert [figure.file_name for figure in collection.figures] == ["loss.png", "Loss_2.png", "figure_3.png"]


def test_open_figures_are_listed_by_number_and_the_current_one_stays():
    second, first = plt.figure(5), plt.figure(2)
    assert open_matplotlib_figures() == [first, second]
    assert plt.gcf() is first


def test_looking_for_figures_loads_no_library():
    code = (
        "import sys; from nbtrack.capture.figures import figure_kind, open_matplotlib_figures as o;"
        "print(o(), figure_kind(3), {'matplotlib', 'plotly', 'PIL', 'numpy', 'altair', 'bokeh'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[] None set()\n"
