"""The record of one fit: the run that it goes to, and what is written there.

Whatever goes wrong here is one line of warning and a finding of the run; the fit goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import time_ns
from typing import Any

from nbtrack.autologging.params import plain_key, plain_params
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.summary import FitSummary, tell, warn
from nbtrack.entities import Dataset, DatasetInput, Finding, InputTag, Metric, Origin, Param, Severity
from nbtrack.models.signature import ModelSignature
from nbtrack.tracking.exits import describe_error
from nbtrack.tracking.handle import CONTEXT_TAG, RunHandle
from nbtrack.tracking.renderings import media_type
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import current_session

AUTOLOG_TAG = "mlflow.autologging"  # on runs that autologging started
FIT_TAG = "nbtrack.autolog"  # on runs that hold the record of a fit
MODEL_NAME = "model"

_fits: dict[str, int] = {}  # how many fits each run has had
_lock = threading.Lock()


class FitRecord:
    """Writes one fit into a run."""

    def __init__(self, flavor: str, title: str, settings: Settings) -> None:
        self.flavor = flavor
        self.title = title  # such as RandomForestClassifier
        self.settings = settings
        self.run: RunHandle
        self._owned: ActiveRun | None = None  # the run, if it is the fit's own
        self._names: dict[str, str | None] = {}  # of metrics, where the user logged that name himself; None to leave out
        self._counts: dict[str, int] = {}
        self._problems: list[str] = []

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> bool:
        """Take the active run if it has had no fit, else start one; False if nothing is to be logged."""
        session = current_session()
        enclosing = session.joined()
        tags = {FIT_TAG: f"{self.flavor} {self.title}", **self.settings.extra_tags}
        if enclosing is not None and self.settings.exclusive:
            return False
        number = 1 if enclosing is None else _next_fit(enclosing)
        if enclosing is not None and number == 1 and isinstance(enclosing, ActiveRun):
            self.run = enclosing
            self._set_missing_tags(tags)
            return True
        tags[AUTOLOG_TAG] = self.flavor
        if enclosing is None:
            self._owned = session.start_run(tags=tags)
        elif session.active is None:  # the run is that of a process above this one
            self._owned = session.start_run(run_name=f"{self.title} {number}", parent_run_id=enclosing.run_id, tags=tags)
        else:
            self._owned = session.start_run(run_name=f"{self.title} {number}", nested=True, tags=tags)
        self.run = self._owned
        return True

    def end(self, error: BaseException | None = None) -> None:
        """Say what was logged and what was left out, and end the run if it is the fit's own."""
        try:
            if error is None:
                self._report()
        finally:
            if self._owned is not None and not self._owned.ended:
                with self.guard("how the run ended"):
                    if error is None:
                        self._owned.end()
                    else:
                        self._owned.fail(error)

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Turn a failure into a line of warning."""
        try:
            yield
        except Exception as error:  # a process edge: the user's fit goes on whatever we, the library or the store do
            self.note(f"{what} ({describe_error(error)})")

    def note(self, problem: str) -> None:
        """Remember something that was left out."""
        if problem not in self._problems:
            self._problems.append(problem)

    # --- writing -------------------------------------------------------------------------------

    def params(self, params: Mapping[str, Any]) -> None:
        """Log params; one that the user logged with another value stays, and ours gets the title before its name."""
        known = {item.key: item for item in self.run.store.params.all(self.run.run_id) if item.origin is Origin.LOGGED} if self._owned is None else {}
        kept = []
        for key, value in plain_params(params).items():
            if key in known and known[key].value != value:
                key = plain_key(f"{self.title}.{key}")
            if key not in known:
                kept.append(Param(key, value, Origin.AUTOLOG))
        self.run.store.params.log(self.run.run_id, kept)
        self.count("params", len(kept))

    def metrics(self, metrics: Mapping[str, float], *, step: int = 0, definitions: Mapping[str, str] | None = None) -> None:
        """Append a point to each series; a series that the user logged stays, and ours gets the title before its name."""
        now = time_ns() // 1_000_000
        points, new = [], []
        for key, value in metrics.items():
            if key not in self._names:
                new.append(key)
                self._names[key] = self._free_name(plain_key(key))
            if (name := self._names[key]) is not None:
                points.append(Metric(name, float(value), now, step))
        store, run_id = self.run.store, self.run.run_id
        with store.transaction():
            store.metrics.log_batch(run_id, points)
            for key in new:
                if (name := self._names[key]) is not None:
                    store.metrics.annotate(run_id, name, origin=Origin.AUTOLOG, line=None, definition=(definitions or {}).get(key))
        self.count("metrics", sum(self._names[key] is not None for key in new))

    def step(self, metrics: Mapping[str, float], step: int) -> None:
        """A point for each series while the fit goes on; never raises."""
        with self.guard("metrics by step"):
            self.metrics(metrics, step=step)

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set those tags that the user did not set."""
        self._set_missing_tags(tags)

    def files(self, files: Mapping[str, bytes], *, kind: str) -> None:
        """Store artifacts; ``kind`` names them in the summary."""
        for path, data in files.items():
            self.run.store.artifacts.put_bytes(self.run.run_id, path, data, media_type=media_type(path))
        self.count(kind, len(files))

    def inputs(self, datasets: Sequence[tuple[Dataset, str]]) -> None:
        """Store the data that was read; what the run knows already stays as it is."""
        known = {(item.dataset.name, item.dataset.digest) for item in self.run.store.inputs.all(self.run.run_id)} if self._owned is None else set()
        new = [DatasetInput(dataset, [InputTag(CONTEXT_TAG, role)]) for dataset, role in datasets if (dataset.name, dataset.digest) not in known]
        self.run.store.inputs.log(self.run.run_id, new)
        self.count("data sets", len(datasets))

    def model(self, model: Any, name: str = MODEL_NAME, *, signature: ModelSignature | None = None, input_example: Any = None) -> None:
        """Log the fitted model; one that the user logged under this name stays, and ours gets the title before it."""
        settings = self.settings
        taken = self._owned is None and bool(self.run.list_artifacts(name))
        self.run.log_model(
            model,
            f"{self.title}_{name}" if taken else name,
            signature=signature if settings.log_model_signatures else None,
            input_example=input_example if settings.log_input_examples else None,
            registered_model_name=settings.registered_model_name if name == MODEL_NAME else None,
        )
        self.count("model", 1)

    # --- inside --------------------------------------------------------------------------------

    def _free_name(self, key: str) -> str | None:
        if self._owned is not None:
            return key
        logged = {item.key for item in self.run.store.metrics.summaries(self.run.run_id) if item.origin is Origin.LOGGED}
        return next((name for name in (key, plain_key(f"{self.title}.{key}")) if name not in logged), None)

    def _set_missing_tags(self, tags: Mapping[str, str]) -> None:
        known = self.run.fetch().data.tags if self._owned is None else {}
        self.run.set_tags({key: value for key, value in tags.items() if key not in known})

    def count(self, what: str, number: int) -> None:
        """Note for the summary that so many were logged."""
        if number:
            self._counts[what] = self._counts.get(what, 0) + number

    def _report(self) -> None:
        if self._problems:
            text = f"{self.title} was logged without {'; '.join(self._problems)}"
            with self.guard("the finding"):
                self.run.store.facts.add_findings(self.run.run_id, [Finding("autolog", Severity.WARNING, text)])
            if not self.settings.silent:
                warn(text)
        if not self.settings.silent:
            name = self.run.name if isinstance(self.run, ActiveRun) else self.run.run_id[:8]
            counts = ", ".join(what if what == "model" else f"{number} {what}" for what, number in self._counts.items())
            tell(FitSummary(self.title, name, counts or "nothing to log"))


def start_record(flavor: str, title: str, settings: Settings) -> FitRecord | None:
    """A record that has its run; None if the fit is not to be logged, or no run could be started."""
    record = FitRecord(flavor, title, settings)
    try:
        return record if record.start() else None
    except Exception as error:  # a process edge: the fit runs unlogged
        if not settings.silent:
            warn(f"{title} is not logged: {describe_error(error)}")
        return None


def _next_fit(run: RunHandle) -> int:
    """The number of the fit that begins now in ``run``, which an earlier process may have filled."""
    with _lock:
        if run.run_id not in _fits:
            _fits[run.run_id] = int(FIT_TAG in run.fetch().data.tags)
        _fits[run.run_id] += 1
        return _fits[run.run_id]
