"""Every error that nbtrack raises on purpose.

::

    NbtrackError
    ├── InvalidInput (ValueError)      the call is wrong: change what was typed
    │   ├── InvalidName                a name outside the naming rule
    │   ├── InvalidFilter              a filter or order_by that does not parse; knows the column
    │   ├── InvalidMetric              a metric value that is no number
    │   ├── InvalidParam               a param value that cannot be stored
    │   ├── InvalidPath                an artifact path that leaves its run, a URI of the wrong form
    │   ├── ModelError                 a model, or a model folder, that cannot be saved or loaded as it is
    │   └── SchemaMismatch             data or params that do not fit a model's signature
    ├── NotFound (LookupError)         the thing named does not exist here
    │   ├── ExperimentNotFound
    │   ├── RunNotFound
    │   ├── ArtifactNotFound
    │   └── TagNotFound
    ├── Conflict                       the call is fine, the state of the thing forbids it
    │   ├── AlreadyExists
    │   ├── ParamFrozen                a param of an ended run is given another value
    │   ├── RunAlreadyActive
    │   ├── RunNotActive               the run is deleted, or no run is active
    │   └── UntrustedModel             a model whose bytes nobody vouches for, or that are not what was logged
    ├── StoreError                     the store cannot be used as it is
    │   ├── StoreNotWritable
    │   ├── StoreCorrupt
    │   ├── StoreTooNew
    │   ├── StoreBusy
    │   └── StoreFull
    ├── CaptureFailed                  something that a cell made or read could not be captured
    └── MissingDependency (ImportError)  an extra is not installed; the message has the command

A message names the thing, what was found, and what to do next. The tree knows nothing of HTTP
statuses or exit codes: the REST layer and the command line map classes to theirs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NbtrackError(Exception):
    """Base of all errors that nbtrack raises on purpose."""


class InvalidInput(NbtrackError, ValueError):
    """The call is wrong: an argument has a value that can't be used."""


class InvalidName(InvalidInput):
    """A param, metric, tag, experiment or artifact name breaks the naming rule."""


class InvalidFilter(InvalidInput):
    """A filter or ``order_by`` does not parse.

    ``column`` is the 1-based place in ``text``; ``what`` is ``"filter"`` or ``"order_by"``.
    """

    def __init__(self, problem: str, *, text: str, column: int, what: str = "filter") -> None:
        super().__init__(problem, text, column, what)
        self.problem = problem
        self.text = text
        self.column = column
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}, column {self.column}: {self.problem}\n  {self.text}\n  {' ' * (self.column - 1)}^"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_invalid_filter, (self.problem, self.text, self.column, self.what)


def _rebuild_invalid_filter(problem: str, text: str, column: int, what: str) -> InvalidFilter:
    return InvalidFilter(problem, text=text, column=column, what=what)


class InvalidMetric(InvalidInput):
    """A metric value is no number."""


class InvalidParam(InvalidInput):
    """A param value cannot be stored."""


class InvalidPath(InvalidInput):
    """An artifact path leaves its run, or a URI has the wrong form."""


class ModelError(InvalidInput):
    """A model, or a model folder, cannot be saved or loaded as it is."""


class SchemaMismatch(InvalidInput):
    """Data or params do not fit the signature of a model."""


class NotFound(NbtrackError, LookupError):
    """The thing named does not exist in this store."""


class ExperimentNotFound(NotFound):
    """No experiment has this id or name."""


class RunNotFound(NotFound):
    """No run has this id."""


class ArtifactNotFound(NotFound):
    """The run has no artifact at this path, or its blob is missing."""


class TagNotFound(NotFound):
    """The run or experiment has no tag with this key."""


class Conflict(NbtrackError):
    """The call is well formed, but the state of the thing forbids it."""


class AlreadyExists(Conflict):
    """A thing with this name exists already."""


class ParamFrozen(Conflict):
    """A param of a run that has ended was given another value."""


class RunAlreadyActive(Conflict):
    """A run was started while another one is active, without ``nested=True``."""


class RunNotActive(Conflict):
    """The run is deleted, or the call needs an active run and there is none."""


class UntrustedModel(Conflict):
    """Loading the model would run code from bytes that nobody vouches for, or that were changed since they were logged."""


class StoreError(NbtrackError):
    """The store cannot be used as it is."""


class StoreNotWritable(StoreError):
    """The store's folder or file does not accept writes."""


class StoreCorrupt(StoreError):
    """The file is not a SQLite database, or a damaged one. It is never overwritten."""


class StoreTooNew(StoreError):
    """The store was written by a later nbtrack, whose schema this one does not know."""


class StoreBusy(StoreError):
    """Another process held the write lock for longer than the busy timeout."""


class StoreFull(StoreError):
    """The disk is full, or a quota is reached; what was committed before is safe."""


class CaptureFailed(NbtrackError):
    """A figure, a data set or another thing of the cell could not be captured; the run goes on without it."""


class MissingDependency(NbtrackError, ImportError):
    """An optional dependency is not installed; the message has the ``pip install`` line."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence naming up to three of ``known`` that are close to ``name``, or ``""``."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(candidate) for candidate in close)}?" if close else ""
