"""Runs into files: one JSON document, a CSV, or a folder with artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from nbtrack.cli import terminal
from nbtrack.cli.lookup import experiment_names
from nbtrack.cli.run_table import runs_csv
from nbtrack.errors import StoreNotWritable
from nbtrack.formatting import plural
from nbtrack.store.base import Store
from nbtrack.tracking.export import export_folder, json_bytes, run_document


def export_runs(store: Store, run_ids: Sequence[str], form: str, target: str | None) -> None:
    """Write the runs as ``json``, ``csv`` or ``folder`` to ``target``, by default to stdout."""
    wanted = list(dict.fromkeys(run_ids))
    if form == "folder":
        for folder in export_folder(store, wanted, Path(str(target))):
            terminal.say(str(folder))
        return
    if form == "csv":
        data = runs_csv(store.runs.get_many(wanted), experiment_names(store))
    else:
        documents = [run_document(store, run_id) for run_id in wanted]
        data = json_bytes(documents[0] if len(documents) == 1 else documents)
    if target is None:
        click.echo(data, nl=False)
        return
    try:
        Path(target).write_bytes(data)
    except OSError as error:
        raise StoreNotWritable(f"can't write {target}: {error.strerror or error}") from error
    terminal.say(f"wrote {plural(len(wanted), 'run')} to {target}", err=True)
