"""Input examples are written as MLflow writes them, and read back as what they were."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from nbtrack.errors import ModelError
from nbtrack.models.input_example import MAX_ROWS, InputExample, read_example, write_example


def test_a_frame_is_split_into_columns_and_rows(tmp_path: Path):
    frame = pd.DataFrame({"a": [1.5, np.nan], "t": pd.to_datetime(["2020-01-01", None]), "s": ["x", None]})
    info = write_example(tmp_path, InputExample.of(frame))
    assert info == {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe",
        "pandas_orient": "split",
    }
    content = {"columns": ["a", "t", "s"], "data": [[1.5, "2020-01-01T00:00:00", "x"], [None, None, None]]}
    assert json.loads((tmp_path / "input_example.json").read_text()) == content
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == {"dataframe_split": content}
    assert read_example(tmp_path, info).data["a"].tolist()[0] == 1.5


@pytest.mark.parametrize(
    ("data", "kind", "serving"),
    [
        (pd.DataFrame(np.eye(2)), "dataframe", {"dataframe_split": {"data": [[1.0, 0.0], [0.0, 1.0]]}}),
        (np.array([[1.0, np.nan]]), "ndarray", {"inputs": [[1.0, None]]}),
        ({"x": np.array([1, 2])}, "ndarray", {"inputs": {"x": [1, 2]}}),
        ([{"a": 1}], "json_object", {"inputs": [{"a": 1}]}),
        ("text", "json_object", {"inputs": "text"}),
        ({"a": datetime.date(2020, 1, 1), "b": b"xyz", "c": np.float32(0.5)}, "json_object", {"inputs": {"a": "2020-01-01", "b": "eHl6\n", "c": 0.5}}),
        (scipy.sparse.csr_matrix(np.eye(2)), "sparse_matrix_csr", {"inputs": [[1.0, 0.0], [0.0, 1.0]]}),
    ],
)
def test_other_data_keep_their_kind(data: object, kind: str, serving: object, tmp_path: Path):
    info = write_example(tmp_path, InputExample.of(data))
    assert info["type"] == kind
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == serving
    back = read_example(tmp_path, info).data
    assert type(back).__name__ == type(data).__name__


def test_params_stand_beside_the_data(tmp_path: Path):
    info = write_example(tmp_path, InputExample.of((np.array([1.0]), {"t": 0.5})))
    assert info["params"] == "true"
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == {"inputs": [1.0], "params": {"t": 0.5}}
    example = read_example(tmp_path, info)
    assert (example.data.tolist(), example.params) == ([1.0], {"t": 0.5})


def test_long_data_are_cut_since_an_example_is_no_copy():
    assert len(InputExample.of(pd.DataFrame({"a": range(1000)})).data) == MAX_ROWS
    assert InputExample.of(np.zeros((1000, 2))).data.shape == (MAX_ROWS, 2)
    assert InputExample.of(pd.Series([1.0], name="a")).data.columns.tolist() == ["a"]


def test_data_without_a_form_in_json_are_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="no form in JSON: object"):
        write_example(tmp_path, InputExample.of([object()]))


def test_damaged_examples_are_named(tmp_path: Path):
    (tmp_path / "input_example.json").write_text("{")
    with pytest.raises(ModelError, match=r"input_example.json is not JSON"):
        read_example(tmp_path, {"artifact_path": "input_example.json", "type": "dataframe"})
    (tmp_path / "input_example.json").write_text("{}")
    with pytest.raises(ModelError, match="of the type 'hologram'"):
        read_example(tmp_path, {"artifact_path": "input_example.json", "type": "hologram"})
