"""Objects to the bytes of artifacts: dicts, tables, figures, images, datasets."""

from __future__ import annotations

import io
import json
import mimetypes
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from nbtrack._optional import require
from nbtrack.entities import Dataset
from nbtrack.errors import InvalidInput

_MEDIA_TYPES = {
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".ipynb": "application/x-ipynb+json",
    ".log": "text/plain",
    ".py": "text/x-python",
}


def media_type(name: str) -> str | None:
    """The media type that a file's name tells; None if it tells none."""
    return _MEDIA_TYPES.get(PurePosixPath(name).suffix.lower()) or mimetypes.guess_type(name, strict=False)[0]


def dict_bytes(value: Any, artifact_file: str) -> bytes:
    """JSON, or YAML by the file's name. What JSON doesn't know is written as its text."""
    text = _json_text(value, artifact_file, indent=2)
    if artifact_file.lower().endswith((".yml", ".yaml")):
        yaml = require("yaml", purpose=f"log_dict to {artifact_file!r}")
        return str(yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True)).encode("utf-8", "replace")
    return text.encode("utf-8", "replace")


def figure_bytes(figure: Any, artifact_file: str, save_kwargs: Mapping[str, Any]) -> bytes:
    """A figure in the format that the file's extension names.

    Raises
    ------
    TypeError
        The object is no figure of matplotlib, plotly, altair or bokeh.
    """
    extension = PurePosixPath(artifact_file).suffix.lower().lstrip(".")
    library = type(figure).__module__.partition(".")[0]
    owner = getattr(figure, "figure", figure)  # seaborn's grids and matplotlib's axes have one
    if hasattr(owner, "savefig"):
        buffer = io.BytesIO()
        owner.savefig(buffer, format=extension or "png", **save_kwargs)
        return buffer.getvalue()
    if library == "plotly":
        return _plotly_bytes(figure, extension, save_kwargs)
    if library == "altair" and hasattr(figure, "to_dict"):
        return (figure.to_html(**save_kwargs) if extension == "html" else json.dumps(figure.to_dict(), indent=1)).encode()
    if library == "bokeh":
        return _bokeh_bytes(figure, extension)
    raise TypeError(f"Unsupported figure object type: {type(figure)}. log_figure takes figures of matplotlib, plotly, altair and bokeh")


def _plotly_bytes(figure: Any, extension: str, save_kwargs: Mapping[str, Any]) -> bytes:
    if extension == "html":
        return str(figure.to_html(**{"include_plotlyjs": True, **save_kwargs})).encode()
    if extension == "json":
        return str(figure.to_json(**save_kwargs)).encode()
    if extension in ("png", "jpeg", "jpg", "webp", "svg", "pdf"):
        return bytes(figure.to_image(format=extension, **save_kwargs))
    raise TypeError(f"plotly figures are stored as .html, .json or an image; found the extension {extension!r}")


def _bokeh_bytes(figure: Any, extension: str) -> bytes:
    embed, resources = require("bokeh.embed", purpose="log_figure of a bokeh figure"), require("bokeh.resources", purpose="log_figure of a bokeh figure")
    if extension == "json":
        return json.dumps(embed.json_item(figure)).encode()
    return str(embed.file_html(figure, resources.INLINE)).encode()


def image_bytes(image: Any, artifact_file: str) -> bytes:
    """An image in the format that the file's extension names (PNG by default).

    Raises
    ------
    TypeError
        The object is neither a PIL image nor an array of an image's shape.
    """
    if not hasattr(image, "save"):
        image = _image_from_array(image)
    extension = PurePosixPath(artifact_file).suffix.lower().lstrip(".") or "png"
    formats = {"jpg": "JPEG", "tif": "TIFF"}
    buffer = io.BytesIO()
    if extension in ("jpg", "jpeg") and getattr(image, "mode", "") in ("RGBA", "P", "LA"):
        image = image.convert("RGB")
    image.save(buffer, format=formats.get(extension, extension.upper()))
    return buffer.getvalue()


def _image_from_array(array: Any) -> Any:
    numpy = require("numpy", purpose="log_image of an array")
    pil = require("PIL.Image", purpose="log_image of an array")
    pixels = numpy.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise TypeError(f"an image is a PIL image or an array of shape (height, width[, 1, 3 or 4]); found {type(array).__name__} of shape {pixels.shape}")
    if pixels.dtype == bool:
        pixels = pixels.astype("uint8") * 255
    elif pixels.dtype.kind == "f":
        if not (numpy.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError("an image of floats has values from 0 to 1; scale it, or convert it to integers from 0 to 255")
        pixels = (pixels * 255).round().astype("uint8")
    elif pixels.dtype.kind in "iu":
        if pixels.size and (pixels.min() < 0 or pixels.max() > 255):
            raise ValueError(f"an image of integers has values from 0 to 255; found {pixels.min()} to {pixels.max()}")
        pixels = pixels.astype("uint8")
    else:
        raise TypeError(f"an image has numbers as pixels; found an array of {pixels.dtype}")
    return pil.fromarray(pixels)


def series_image_name(key: str, step: int, timestamp: int) -> str:
    """MLflow's name of an image in a series."""
    return f"images/{key.replace('/', '#')}+step+{step}+timestamp+{timestamp}+{uuid.uuid4().hex}.png"


# --- tables ------------------------------------------------------------------------------------


def table(data: Any) -> dict[str, Any]:
    """``{"columns": [...], "data": [[...]]}`` of a DataFrame or a dict of columns.

    Raises
    ------
    TypeError
        It is neither.
    InvalidInput
        The columns have different lengths.
    """
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        split = json.loads(data.to_json(orient="split", index=False, date_format="iso", default_handler=str))
        return {"columns": [str(column) for column in split["columns"]], "data": split["data"]}
    if not isinstance(data, Mapping):
        raise TypeError(f"log_table takes a DataFrame or a dict of columns; found {type(data).__name__}")
    columns = {str(key): list(value) if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else [value] for key, value in data.items()}
    lengths = {key: len(value) for key, value in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"the columns of a table have one length; found {lengths}")
    return {"columns": list(columns), "data": [list(row) for row in zip(*columns.values(), strict=True)]}


def appended(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables' rows below each other; a column that one lacks is None there."""
    columns = list(dict.fromkeys([*old["columns"], *new["columns"]]))
    rows = []
    for part in (old, new):
        place = {column: number for number, column in enumerate(part["columns"])}
        rows += [[row[place[column]] if column in place else None for column in columns] for row in part["data"]]
    return {"columns": columns, "data": rows}


def table_bytes(value: Mapping[str, Any], artifact_file: str) -> bytes:
    """The table as JSON. Raises ``InvalidInput`` for another extension."""
    extension = PurePosixPath(artifact_file).suffix.lower()
    if extension != ".json":
        raise InvalidInput(f"log_table stores JSON; name the file with the extension .json (found {artifact_file!r})")
    return _json_text(value, artifact_file).encode("utf-8", "replace")


def table_frame(value: Mapping[str, Any]) -> Any:
    """The table as a pandas DataFrame."""
    pandas = require("pandas", purpose="load_table")
    return pandas.DataFrame(value["data"], columns=value["columns"])


def dataset(value: Any, name: str) -> Dataset:
    """``value`` if it is a dataset, else its fingerprint.

    Raises
    ------
    InvalidInput
        It is neither a dataset nor data that can be fingerprinted.
    """
    from nbtrack.capture.data import fingerprint

    if isinstance(value, Dataset):
        return value
    found = fingerprint(value, name)
    if found is None:
        raise InvalidInput(f"log_input takes a Dataset, a DataFrame, a Series or an array; found {type(value).__module__}.{type(value).__qualname__}")
    return found


def target_folder(dst_path: str | Path | None) -> Path:
    """The folder to download to: ``dst_path``, made if needed, or a new temporary one."""
    if dst_path is None:
        return Path(tempfile.mkdtemp(prefix="nbtrack-artifacts-"))
    folder = Path(dst_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _json_text(value: Any, artifact_file: str, *, indent: int | None = None) -> str:
    """``value`` as JSON.

    Raises
    ------
    InvalidInput
        It holds itself, a key that is no text, or an object that can't say what it is.
    """
    try:
        return json.dumps(value, indent=indent, default=_jsonable, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"what is logged as {artifact_file!r} can't be written as JSON: {error}") from error


def _jsonable(value: Any) -> Any:
    """numpy scalars and arrays as numbers and lists, all else as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    try:
        return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)
    except Exception as error:  # whatever the user's __str__ or __repr__ raises
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(f"a {kind} in it has no text: its __str__ or __repr__ raised {type(error).__name__}: {error}") from error
