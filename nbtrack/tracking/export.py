"""Runs as documents: everything that the store knows of a run, as JSON that any reader accepts.

JSON has no NaN and no infinities; they are written as the texts ``"NaN"``, ``"Infinity"`` and
``"-Infinity"``, as MLflow's REST API does. Times are milliseconds since the epoch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbtrack._version import __version__
from nbtrack.entities import Experiment, Param, Run, RunCode
from nbtrack.errors import InvalidPath, StoreNotWritable
from nbtrack.store.base import Store

FORMAT = "nbtrack-run"
FORMAT_VERSION = 1
DOCUMENT = "run.json"
ARTIFACTS = "artifacts"
_INDENTED_LEVELS = 2
_UNSAFE_IN_NAMES = re.compile(r"[^\w.\-]+")


def run_record(run: Run, experiment: str) -> dict[str, Any]:
    """What a table of runs shows of a run: its info, last metric values, typed params and tags."""
    info = asdict(run.info)
    data = run.data
    return {
        **info,
        "experiment": experiment,
        "duration": run.info.duration,
        "params": dict(data.params),
        "metrics": dict(data.metrics),
        "tags": dict(data.tags),
        "inputs": [asdict(item) for item in run.inputs.dataset_inputs],
    }


def run_document(store: Store, run_id: str) -> dict[str, Any]:
    """All of a run: every point, param correction, cell, output, fact and finding; of artifacts the names and digests."""
    run = store.runs.get(run_id)
    experiment = store.experiments.get(run.info.experiment_id)
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "nbtrack": __version__,
        "info": asdict(run.info),
        "experiment": _experiment(experiment),
        "params": [_param(item) for item in store.params.all(run_id)],
        "param_changes": [asdict(change) for change in store.params.history(run_id)],
        "metrics": _series(store, run_id),
        "tags": dict(run.data.tags),
        "inputs": [asdict(item) for item in run.inputs.dataset_inputs],
        "code": _code(store.cells.code(run_id)),
        "outputs": [asdict(output) for output in store.cells.outputs(run_id)],
        "facts": store.facts.all(run_id),
        "findings": [asdict(finding) for finding in store.facts.findings(run_id)],
        "artifacts": [asdict(artifact) for artifact in store.artifacts.all(run_id)],
        "events": [asdict(event) for event in store.events.list(subject=run_id)],
    }


def export_folder(store: Store, run_ids: Iterable[str], folder: Path) -> list[Path]:
    """Write each run into a folder of its own below ``folder``: ``run.json`` and ``artifacts/``.

    Raises
    ------
    InvalidPath
        ``folder`` is a file, or has something in it.
    StoreNotWritable
        The folder can't be written.
    ArtifactNotFound
        The bytes of an artifact are missing from the store.
    """
    if folder.is_file():
        raise InvalidPath(f"can't export into {folder}: it is a file. Name a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidPath(f"can't export into {folder}: there is something in it already. Name a new or an empty folder")
    written = []
    try:
        for run_id in run_ids:
            document = run_document(store, run_id)
            target = folder / folder_name(document["info"]["run_name"], run_id)
            target.mkdir(parents=True)
            (target / DOCUMENT).write_bytes(json_bytes(document))
            if document["artifacts"]:
                store.artifacts.download(run_id, None, target / ARTIFACTS)
            written.append(target)
    except OSError as error:
        raise StoreNotWritable(f"can't export into {folder}: {error}") from error
    return written


def folder_name(run_name: str, run_id: str) -> str:
    """A name for a run's folder that every file system accepts, and no other run has."""
    return f"{_UNSAFE_IN_NAMES.sub('-', run_name)[:60].strip('-.') or 'run'}-{run_id[:8]}"


def json_bytes(value: Any) -> bytes:
    """``value`` as strict JSON in UTF-8: indented at the top, compact further down, with a line break at the end."""
    plain = _finite(value)
    try:
        return f"{_indented(plain, ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return f"{_indented(plain, ensure_ascii=True)}\n".encode()


def _indented(value: Any, *, ensure_ascii: bool, depth: int = 0) -> str:
    """A line for each record, rather than for each of a hundred thousand points."""
    nested = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    flat = depth > 0 and not any(isinstance(item, (dict, list)) for item in nested)
    if flat or not nested or depth == _INDENTED_LEVELS:
        return json.dumps(value, ensure_ascii=ensure_ascii, allow_nan=False)
    inside = [_indented(item, ensure_ascii=ensure_ascii, depth=depth + 1) for item in nested]
    if isinstance(value, dict):
        inside = [f"{json.dumps(key, ensure_ascii=ensure_ascii)}: {text}" for key, text in zip(value, inside, strict=True)]
    start, end = "{}" if isinstance(value, dict) else "[]"
    space = "  " * depth
    return f"{start}\n" + ",\n".join(f"{space}  {text}" for text in inside) + f"\n{space}{end}"


def _experiment(experiment: Experiment) -> dict[str, Any]:
    return {"experiment_id": experiment.experiment_id, "name": experiment.name, "tags": dict(experiment.tags)}


def _param(param: Param) -> dict[str, Any]:
    """With the type, since a text may say NaN too; a list or dict that holds one carries its exact form."""
    value = param.value
    kind = "json" if isinstance(value, (list, dict)) else "none" if value is None else type(value).__name__
    record = {**asdict(param), "type": kind}
    if kind == "json" and _finite(value) != value:
        record["exact"] = json.dumps(value)
    return record


def _series(store: Store, run_id: str) -> list[dict[str, Any]]:
    columns = store.metrics.columns([run_id])
    points: dict[str, dict[str, list[Any]]] = {key: {"steps": [], "timestamps": [], "values": []} for key in columns.keys}
    for place, series in enumerate(columns.series):
        target = points[columns.keys[series]]
        target["steps"].append(int(columns.steps[place]))
        target["timestamps"].append(int(columns.timestamps[place]))
        target["values"].append(float(columns.values[place]))
    return [{**asdict(summary), "points": points.get(summary.key, {})} for summary in store.metrics.summaries(run_id)]


def _code(code: RunCode) -> dict[str, Any]:
    cells = [{**asdict(item.cell), "role": item.role, "names": list(item.names)} for item in code.cells]
    return {"session_id": code.session_id, "cells": cells, "unresolved": list(code.unresolved)}


def _finite(value: Any) -> Any:
    """``value`` with NaN and the infinities as texts, all the way down."""
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_finite(item) for item in value]
    return value
