"""Files, text, dicts, figures, images and tables of a run."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

import nbtrack
from nbtrack.entities import FileInfo
from nbtrack.errors import ArtifactNotFound, InvalidInput, InvalidPath


def test_file_and_folder_come_back_as_they_were(empty_folder: Path) -> None:
    (empty_folder / "plots").mkdir()
    (empty_folder / "plots" / "a.txt").write_text("a")
    (empty_folder / "plots" / "deep").mkdir()
    (empty_folder / "plots" / "deep" / "b.bin").write_bytes(b"\x00\x01")
    (empty_folder / "notes.md").write_text("# notes")
    with nbtrack.start_run() as run:
        nbtrack.log_artifact("notes.md")
        nbtrack.log_artifact("notes.md", "docs")
        nbtrack.log_artifact("plots")
        nbtrack.log_artifacts("plots", "more")
    assert run.list_artifacts() == [
        FileInfo("docs", True, None),
        FileInfo("more", True, None),
        FileInfo("notes.md", False, 7),
        FileInfo("plots", True, None),
    ]
    assert [item.path for item in run.list_artifacts("plots")] == ["plots/a.txt", "plots/deep"]
    local = Path(run.download_artifacts("plots"))
    assert (local / "deep" / "b.bin").read_bytes() == b"\x00\x01"
    assert (Path(run.download_artifacts(dst_path="copy")) / "docs" / "notes.md").read_text() == "# notes"


def test_equal_content_is_stored_once(empty_folder: Path) -> None:
    with nbtrack.start_run() as run:
        for number in range(5):
            run.log_text("same", f"{number}.txt")
    blobs = [path for path in (empty_folder / ".nbtrack" / "artifacts").rglob("*") if path.is_file()]
    assert len(blobs) == 1


def test_missing_file_is_an_error() -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(FileNotFoundError, match=r"there is no file 'gone.png' \(looked in"):
            nbtrack.log_artifact("gone.png")
        with pytest.raises(FileNotFoundError, match="there is no folder 'gone'"):
            nbtrack.log_artifacts("gone")
    assert run.list_artifacts() == []


@pytest.mark.parametrize("path", ["../x.txt", "/etc/x.txt", "a/../../x", "", ".", "C:\\x", "a\x00b", "..\\x"])
def test_path_that_leaves_the_run_is_refused(path: str) -> None:
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidPath):
            nbtrack.log_text("x", path)
        with pytest.raises(InvalidPath):
            nbtrack.log_dict({}, path)
    assert run.list_artifacts() == []


def test_link_that_leads_out_of_a_folder_is_refused(empty_folder: Path) -> None:
    (empty_folder / "secret").write_text("s")
    (empty_folder / "folder").mkdir()
    os.symlink(empty_folder / "secret", empty_folder / "folder" / "link")
    with nbtrack.start_run(), pytest.raises(InvalidInput, match="leads out of"):
        nbtrack.log_artifacts("folder")


def test_name_is_a_file_or_a_folder_but_not_both() -> None:
    with nbtrack.start_run() as run:
        run.log_text("x", "a/b.txt")
        with pytest.raises(InvalidPath, match="is a folder of this run"):
            run.log_text("x", "a")
        with pytest.raises(InvalidPath, match="'a/b.txt' is a file"):
            run.log_text("x", "a/b.txt/c")


def test_unknown_artifact_names_those_that_are_there() -> None:
    with nbtrack.start_run() as run:
        run.log_text("x", "roc.png")
    with pytest.raises(ArtifactNotFound, match=r"no artifact 'rok.png'. Did you mean 'roc.png'"):
        run.download_artifacts("rok.png")


def test_dict_is_json_or_yaml_by_its_name() -> None:
    with nbtrack.start_run() as run:
        run.log_dict({"lr": np.float64(0.1), "layers": (1, 2)}, "a.json")
        run.log_dict({"lr": 0.1, "name": "Zürich"}, "a.yml")
    assert json.loads(run.store.artifacts.read(run.run_id, "a.json")) == {"lr": 0.1, "layers": [1, 2]}
    assert run.store.artifacts.read(run.run_id, "a.yml").decode() == "lr: 0.1\nname: Zürich\n"
    assert run.store.artifacts.get(run.run_id, "a.json").media_type == "application/json"


def test_what_has_no_json_is_refused_by_the_artifacts_name() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError("boom")

    loop: dict[str, object] = {}
    loop["loop"] = loop
    with nbtrack.start_run() as run:
        for value in ({"a": Silent()}, {"a": [Silent()]}):
            with pytest.raises(InvalidInput, match=r"'a\.json'.*Silent in it has no text.*RuntimeError: boom"):
                run.log_dict(value, "a.json")
        with pytest.raises(InvalidInput, match=r"'a\.yml' can't be written as JSON: Circular reference"):
            run.log_dict(loop, "a.yml")
        with pytest.raises(InvalidInput, match=r"'a\.json' can't be written as JSON: keys must be"):
            run.log_dict({(1, 2): 3}, "a.json")
        with pytest.raises(InvalidInput, match=r"'t\.json'.*Silent in it has no text"):
            run.log_table({"a": [Silent()]}, "t.json")
    assert run.store.artifacts.all(run.run_id) == []


@pytest.mark.parametrize(("name", "begin"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_matplotlib_figure_by_extension(name: str, begin: bytes) -> None:
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    with nbtrack.start_run() as run:
        nbtrack.log_figure(figure, name, save_kwargs={"dpi": 40})
    assert run.store.artifacts.read(run.run_id, name).startswith(begin)


def test_plotly_figure_is_html_or_json() -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(y=[1, 2]))
    with nbtrack.start_run() as run:
        nbtrack.log_figure(figure, "f.html")
        nbtrack.log_figure(figure, "f.json")
    assert b"<html" in run.store.artifacts.read(run.run_id, "f.html")
    assert "data" in json.loads(run.store.artifacts.read(run.run_id, "f.json"))


def test_what_is_no_figure_is_refused() -> None:
    with nbtrack.start_run(), pytest.raises(TypeError, match="Unsupported figure object type"):
        nbtrack.log_figure(object(), "f.png")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6), dtype="uint8"),
        np.ones((4, 6, 3)) * 0.5,
        np.zeros((4, 6, 4), dtype="int64"),
        np.ones((4, 6, 1), dtype=bool),
        Image.new("RGB", (6, 4), "red"),
    ],
)
def test_image_of_each_kind(image: Any) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_image(image, "i.png")
        nbtrack.log_image(image, key="layer/1", step=3)
    assert Image.open(io.BytesIO(run.store.artifacts.read(run.run_id, "i.png"))).size == (6, 4)
    (series,) = run.list_artifacts("images")
    assert series.path.startswith("images/layer#1+step+3+timestamp+")
    assert run.data.tags["mlflow.loggedImages"] == "True"


@pytest.mark.parametrize(
    ("image", "error"),
    [(np.zeros((2, 2, 5)), TypeError), (np.full((2, 2), 2.5), ValueError), (np.full((2, 2), 300), ValueError), (np.array([["a"]]), TypeError)],
)
def test_what_is_no_image_is_refused(image: Any, error: type[Exception]) -> None:
    with nbtrack.start_run(), pytest.raises(error):
        nbtrack.log_image(image, "i.png")


def test_image_needs_a_file_or_a_key() -> None:
    with nbtrack.start_run():
        for arguments in ({}, {"artifact_file": "a.png", "key": "k"}):
            with pytest.raises(TypeError, match="either artifact_file"):
                nbtrack.log_image(np.zeros((2, 2)), **arguments)


def test_table_appends_and_fills_new_columns() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_table({"x": [1, 2], "y": ["a", "b"]}, "t.json")
        nbtrack.log_table(pd.DataFrame({"x": [3], "z": [0.5]}), "t.json")
    assert json.loads(run.store.artifacts.read(run.run_id, "t.json")) == {
        "columns": ["x", "y", "z"],
        "data": [[1, "a", None], [2, "b", None], [3, None, 0.5]],
    }
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "t.json", "type": "table"}]
    frame = nbtrack.load_table("t.json", extra_columns=["run_id"])
    assert list(frame["run_id"]) == [run.run_id] * 3


def test_table_of_uneven_columns_or_another_kind_is_refused() -> None:
    with nbtrack.start_run():
        with pytest.raises(InvalidInput, match="one length"):
            nbtrack.log_table({"x": [1, 2], "y": [1]}, "t.json")
        with pytest.raises(TypeError, match="DataFrame or a dict"):
            nbtrack.log_table([1], "t.json")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match=r"\.json"):
            nbtrack.log_table({"x": [1]}, "t.csv")


def test_input_is_kept_as_a_fingerprint_with_its_role() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    with nbtrack.start_run() as run:
        nbtrack.log_input(frame, context="train", name="X_train", tags={"team": "a"})
        nbtrack.log_input(frame.copy(), context="train", name="X_train")
    (found,) = nbtrack.get_run(run.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.context) == ("X_train", "train")
    with nbtrack.start_run(), pytest.raises(InvalidInput, match="takes a Dataset"):
        nbtrack.log_input("train.csv")


def test_large_file_is_streamed(empty_folder: Path) -> None:
    import resource

    with (empty_folder / "big.bin").open("wb") as stream:
        stream.truncate(300_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with nbtrack.start_run() as run:
        nbtrack.log_artifact("big.bin")
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert run.list_artifacts() == [FileInfo("big.bin", False, 300_000_000)]
    assert grown_kb < 100_000
