"""Which modules the artifacts of a model need, told from their names and bytes without opening them as what they are."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from nbtrack.models.files import list_files

_SUFFIXES = {
    ".joblib": "joblib",
    ".keras": "keras",
    ".onnx": "onnxruntime",
    ".parquet": "pyarrow",
    ".pt": "torch",
    ".pth": "torch",
    ".safetensors": "safetensors",
    ".skops": "skops",
}
_PICKLES = (".joblib", ".pickle", ".pkl", ".sav")
_MAX_BYTES = 8 << 20  # of a pickle that are looked at; classes are named before their data

# How pickles name modules: a length and the text from protocol 4 on, "c<module>\n<name>\n" before.
_NAMES = re.compile(rb"\x8c(.)([A-Za-z_][\w.]*)|c([A-Za-z_][\w.]*)\n", re.DOTALL)


def modules_in(path: Path) -> set[str]:
    """Imported modules that a file, or the files of a folder, need to be read."""
    files = [path / name for name in list_files(path)] if path.is_dir() else [path]
    found: set[str] = set()
    for file in files:
        suffix = file.suffix.lower()
        found |= {_SUFFIXES[suffix]} if suffix in _SUFFIXES else set()
        if suffix in _PICKLES:
            found |= _pickled_modules(file)
    return found


def _pickled_modules(file: Path) -> set[str]:
    with file.open("rb") as source:
        content = source.read(_MAX_BYTES)
    names = {(match[2][: match[1][0]] if match[1] else match[3]).decode("ascii") for match in _NAMES.finditer(content)}
    # Texts that are no modules do not matter: they are not imported.
    return {name for name in names if name in sys.modules}
