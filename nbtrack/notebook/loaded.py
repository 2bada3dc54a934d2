"""Data that a cell loads and then reads itself, as a whole example in one cell does."""

from __future__ import annotations

import ast
import re

from nbtrack.capture.calls import callee_of
from nbtrack.capture.code import CellCode

# Functions whose result is data from outside, or a part of it: read_csv, load_iris, fetch_openml, train_test_split.
_LOADING = re.compile(r"(read|load|fetch|make|open|get|import|scan|from)_\w+|(load|read|fetch)(er|s)?|train_test_split|split_data\w*")


def loaded_names(code: CellCode) -> set[str]:
    """Names that the cell binds to the result of a loading function and reads afterwards.

    What it computes from them (predictions, features) is no input of the run.
    """
    found = set()
    for binding in code.bindings:
        value = binding.value
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Call) and code.reads.get(binding.name, 0) > binding.line:
            name = callee_of(value.func).text.rpartition(".")[2]
            if _LOADING.fullmatch(name) and not binding.name.startswith("_"):
                found.add(binding.name)
    return found
