"""One observed call of a training function: what all libraries have in common."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nbtrack.autologging.inputs import FitData, head, name_data
from nbtrack.autologging.record import FitRecord
from nbtrack.entities import Dataset

SIGNATURE_ROWS = 1_000
EXAMPLE_ROWS = 5


class ObservedFit:
    """Begins before the call and logs when it is over; a library's own fit says what, in `before` and `after`."""

    def __init__(self, record: FitRecord, args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType) -> None:
        self.record = record
        self.args = args
        self.kwargs = kwargs
        self._data: FitData | None = None
        self._restore: list[Callable[[], None]] = []
        try:
            with untouched_surroundings():
                self.before(caller)
        except BaseException as error:  # an interrupt; all else is a note of the record
            self.failed(error)
            raise
        self.began = time.perf_counter()

    # --- for a library -------------------------------------------------------------------------

    def before(self, caller: FrameType) -> None:
        """Log params, begin the digests, put callbacks in place."""
        raise NotImplementedError

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        """Compute scores and plots; returns what writes them. The store's lock is taken in between, for no longer than that."""
        raise NotImplementedError

    def log_model(self, result: Any) -> None:
        """Log the model."""
        raise NotImplementedError

    def read(self, caller: FrameType | None, named: Mapping[str, tuple[Any, str]]) -> None:
        """Begin the digests of the data, named by the variables of ``caller`` if that is given."""
        if self.record.settings.log_datasets:
            with self.record.guard("input data"):
                self._data = FitData(name_data(caller, named))

    def afterwards(self, restore: Callable[[], None]) -> None:
        """Call ``restore`` when the call is over, however it ends."""
        self._restore.append(restore)

    # --- of an Observer ------------------------------------------------------------------------

    def failed(self, error: BaseException) -> None:
        """The call raised."""
        self._put_back()
        with untouched_surroundings():
            self.record.end(error)

    def finished(self, result: Any) -> None:
        """The call returned."""
        seconds = time.perf_counter() - self.began
        self._put_back()
        record = self.record
        try:
            with untouched_surroundings():
                write: Callable[[], None] = _nothing
                with record.guard("its scores"):
                    write = self.after(result, seconds)
                datasets = self._datasets()
                with record.guard("its record"), record.run.store.transaction():
                    write()
                    record.inputs(datasets)
                if record.settings.log_models:
                    with record.guard("the model"):
                        self.log_model(result)
        finally:
            record.end()

    def _put_back(self) -> None:
        for restore in self._restore:
            with self.record.guard("taking the callback off"):
                restore()

    def _datasets(self) -> list[tuple[Dataset, str]]:
        if self._data is not None:
            with self.record.guard("input data"):
                datasets, missing = self._data.datasets()
                for problem in missing:
                    self.record.note(problem)
                return datasets
        return []


def _nothing() -> None:
    """Write nothing: what there would have been failed."""


def infer_model_signature(record: FitRecord, data: Any, predict: Callable[[Any], Any] | None) -> Any | None:
    """The signature of a model from the data that it was fitted on; None if it is not wanted or can't be told."""
    if not record.settings.log_model_signatures or not record.settings.log_models:
        return None
    with record.guard("the signature"):
        from nbtrack.models.signature import infer_signature

        sample = head(data, SIGNATURE_ROWS)
        if sample is not None:
            return infer_signature(sample, None if predict is None else predict(sample))
    return None


def input_example(record: FitRecord, data: Any) -> Any | None:
    """The first rows, if they are wanted."""
    return head(data, EXAMPLE_ROWS) if record.settings.log_input_examples and record.settings.log_models else None


@contextmanager
def untouched_surroundings() -> Iterator[None]:
    """Show no warning, and leave numpy's global random state as it was: a fit gives the same numbers with and without us."""
    numpy = sys.modules.get("numpy")
    state = None if numpy is None else numpy.random.get_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if numpy is not None:
            numpy.random.set_state(state)
