"""The input example of a model folder: what the model takes, as JSON, and the request that a server would get.

At most `MAX_ROWS` rows are kept, since an example shows the form of the data and is no copy of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np

from nbtrack.errors import ModelError
from nbtrack.models.files import inside
from nbtrack.models.schema_inference import is_frame, is_missing, is_series, is_sparse, to_plain

MAX_ROWS = 100
FILE = "input_example.json"
SERVING_FILE = "serving_input_example.json"


@dataclass(frozen=True)
class InputExample:
    """Data that the model takes, and params if there are some."""

    data: Any
    params: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, given: Any) -> InputExample:
        """Take what the user gave: data, or a tuple of data and a dict of params."""
        if isinstance(given, InputExample):
            return given
        data, params = given if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict) else (given, None)
        plain = to_plain(data)
        if is_series(plain):
            plain = plain.to_frame()
        return cls(_cut(plain), params)


def write_example(folder: Path, example: InputExample) -> dict[str, Any]:
    """Write the two files; returns the entry of the manifest that describes them.

    Raises
    ------
    ModelError
        The data have no form in JSON.
    """
    info, content, serving = _encode(example.data)
    if example.params is not None:
        content = {"data": content, "params": dict(example.params)}
        serving = None if serving is None else {**serving, "params": dict(example.params)}
        info["params"] = "true"
    try:
        (folder / FILE).write_text(json.dumps(content, default=_encode_value), encoding="utf-8")
        if serving is not None:
            (folder / SERVING_FILE).write_text(json.dumps(serving, default=_encode_value, indent=2), encoding="utf-8")
    except (TypeError, ValueError) as error:
        raise ModelError(f"the input example has no form in JSON: {error}") from None
    return {"artifact_path": FILE, **({} if serving is None else {"serving_input_path": SERVING_FILE}), **info}


def read_example(folder: Path, info: Mapping[str, Any]) -> InputExample:
    """Read what `write_example`, or MLflow, wrote.

    Raises
    ------
    ModelError
        The file is missing or no JSON, or of a kind that is not known.
    """
    file = inside(folder, info.get("artifact_path"), "the input example")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{file} is not JSON: {error}") from None
    params = None
    if info.get("params"):
        content, params = content["data"], content["params"]
    return InputExample(_decode(content, str(info.get("type")), file), params)


def _cut(data: Any) -> Any:
    if is_frame(data):
        return data.iloc[:MAX_ROWS]
    if is_sparse(data):
        return data.tocsr()[:MAX_ROWS]
    if isinstance(data, (list, np.ndarray)) and np.ndim(data):
        return data[:MAX_ROWS]
    if isinstance(data, dict) and data and all(isinstance(value, np.ndarray) and value.ndim for value in data.values()):
        return {name: value[:MAX_ROWS] for name, value in data.items()}
    return data


def _encode(data: Any) -> tuple[dict[str, Any], Any, dict[str, Any] | None]:
    """How the data are described, the data as JSON, and the body of a request with them."""
    if is_frame(data):
        content = _split(data)
        return {"type": "dataframe", "pandas_orient": "split" if "columns" in content else "values"}, content, {"dataframe_split": content}
    if isinstance(data, np.ndarray):
        return {"type": "ndarray"}, _array(data), {"inputs": _array(data)}
    if is_sparse(data):
        rows = data.tocsr()
        content = {"data": _array(rows.data), "indices": rows.indices.tolist(), "indptr": rows.indptr.tolist(), "shape": list(rows.shape)}
        return {"type": "sparse_matrix_csr"}, content, {"inputs": _array(rows.toarray())}
    if isinstance(data, dict) and data and all(isinstance(value, np.ndarray) for value in data.values()):
        arrays = {name: _array(value) for name, value in data.items()}
        return {"type": "ndarray"}, arrays, {"inputs": arrays}
    return {"type": "json_object"}, data, {"inputs": data}


def _split(frame: Any) -> dict[str, Any]:
    """Columns and rows, without the index; without the columns too where they are only numbered."""
    rows = [[_null(value) for value in row] for row in zip(*(frame.iloc[:, position].tolist() for position in range(len(frame.columns))), strict=True)]
    labels = frame.columns.tolist()
    return {"data": rows} if labels == list(range(len(labels))) else {"columns": labels, "data": rows}


def _array(array: Any) -> Any:
    """Nested lists, NaN as null."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        cleared = array.astype(object)
        cleared[np.isnan(array)] = None
        return cleared.tolist()
    return array.tolist()


def _null(value: Any) -> Any:
    return None if not isinstance(value, (list, dict, np.ndarray)) and is_missing(value) else value


def _encode_value(value: Any) -> Any:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__}: {value!r:.80}")


def _decode(content: Any, kind: str, file: Path) -> Any:
    if kind == "dataframe":
        import pandas as pd

        return pd.DataFrame(content["data"], columns=_labels(content.get("columns")))
    if kind == "ndarray":
        return {name: np.asarray(value) for name, value in content.items()} if isinstance(content, dict) else np.asarray(content)
    if kind.startswith("sparse_matrix"):
        from scipy import sparse

        make = sparse.csc_matrix if kind.endswith("csc") else sparse.csr_matrix
        return make((content["data"], content["indices"], content["indptr"]), shape=tuple(content["shape"]))
    if kind == "json_object":
        return content
    raise ModelError(f"{file} is an input example of the type {kind!r}, which is not known")


def _labels(columns: Any) -> Any:
    return None if columns is None else [tuple(label) if isinstance(label, list) else label for label in columns]
