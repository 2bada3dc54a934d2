"""Every error that nbtrack raises on purpose.

::

    NbtrackError
    ├── InvalidInput (ValueError)      the call is wrong: change what was typed
    │   ├── InvalidName                a name outside the naming rule
    │   ├── InvalidFilter              a filter or order_by that does not parse; knows the column
    │   ├── InvalidMetric              a metric value that is no number
    │   ├── InvalidParam               a param value that cannot be stored
    │   ├── InvalidPath                an artifact path that leaves its run, a URI of the wrong form
    │   ├── InvalidStage               a stage that there is not, or that the call can't be about
    │   ├── InvalidPolicy              a promotion policy with an error; knows the line and the key
    │   ├── InvalidCardField           a field of a model card that there is not, or of the wrong kind
    │   ├── ModelError                 a model, or a model folder, that cannot be saved or loaded as it is
    │   └── SchemaMismatch             data or params that do not fit a model's signature
    ├── NotFound (LookupError)         the thing named does not exist here
    │   ├── ExperimentNotFound
    │   ├── RunNotFound
    │   ├── ArtifactNotFound
    │   ├── TagNotFound
    │   ├── RegisteredModelNotFound
    │   ├── ModelVersionNotFound       also: no version in the stage that was asked for
    │   ├── AliasNotFound
    │   ├── LoggedModelNotFound
    │   └── RequestNotFound
    ├── Conflict                       the call is fine, the state of the thing forbids it
    │   ├── AlreadyExists
    │   ├── ParamFrozen                a param of an ended run is given another value
    │   ├── RunAlreadyActive
    │   ├── RunNotActive               the run is deleted, or no run is active
    │   ├── InUse                      an alias or a stage points to what is to be deleted
    │   ├── PromotionRefused           a promotion that does not meet its policy; has the conditions
    │   ├── PromotionOvertaken         someone else changed the stage since it was looked at
    │   ├── NotPermitted               this person may not approve, or override
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
from collections.abc import Iterable, Sequence
from typing import Any


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


class InvalidStage(InvalidInput):
    """There is no such stage, or the call can't be about it."""


class InvalidPolicy(InvalidInput):
    """A promotion policy has an error, so no promotion passes.

    ``source`` names the file, ``line`` is 1-based (0 where there is none), ``key`` is the path to the
    entry, such as ``rules[0].metrics``.
    """

    def __init__(self, problem: str, *, source: str, line: int = 0, key: str = "") -> None:
        super().__init__(problem, source, line, key)
        self.problem = problem
        self.source = source
        self.line = line
        self.key = key

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        key = f", key {self.key}" if self.key else ""
        end = "" if self.problem.endswith((".", "?")) else "."
        return f"{self.source}{line}{key}: {self.problem}{end} No promotion passes until the policy is corrected"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_invalid_policy, (self.problem, self.source, self.line, self.key)


def _rebuild_invalid_policy(problem: str, source: str, line: int, key: str) -> InvalidPolicy:
    return InvalidPolicy(problem, source=source, line=line, key=key)


class InvalidCardField(InvalidInput):
    """A model card has no such field, or its value is of the wrong kind."""


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


class RegisteredModelNotFound(NotFound):
    """No registered model has this name."""


class ModelVersionNotFound(NotFound):
    """The registered model has no such version, or none in the stage."""


class AliasNotFound(NotFound):
    """The registered model has no such alias."""


class LoggedModelNotFound(NotFound):
    """No logged model has this id, or the run logged none under this name."""


class RequestNotFound(NotFound):
    """No promotion request has this number."""


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


class InUse(Conflict):
    """An alias or a stage points to what is to be deleted."""


class PromotionRefused(Conflict):
    """A promotion does not meet its policy.

    ``conditions`` are all that were asked, those that hold too; each has ``text``, ``found`` and
    ``passed``.
    """

    def __init__(self, name: str, version: int, stage: str, conditions: Sequence[Any]) -> None:
        super().__init__(name, version, stage, tuple(conditions))
        self.name = name
        self.version = version
        self.stage = stage
        self.conditions = tuple(conditions)

    def __str__(self) -> str:
        failed = sum(not condition.passed for condition in self.conditions)
        listed = [f"  {item}" for item in self.conditions]
        head = f"version {self.version} of {self.name!r} may not go to {self.stage}: {failed} of {len(listed)} conditions of its policy fail"
        tail = "Nothing was changed. Meet them, or override the policy: override=True, reason='...' (nbtrack registry promote --override --reason '...')"
        return "\n".join([head, *listed, tail])


class PromotionOvertaken(Conflict):
    """Someone else changed the stage between the look at it and the change; nothing was changed by this call."""


class NotPermitted(Conflict):
    """This person may not do it; another one has to."""


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
