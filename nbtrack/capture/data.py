"""Fingerprints of data: which frames and arrays a run read, told by their whole content.

The digest is the sha256 over the kind of object, its shape, all labels and names, and the digest of
each column and index level (`data_columns` and `data_values` state the bytes). So it covers every
row, every dtype, the order of rows and columns, and the index; equal content has an equal digest in
every process, on every platform, however the library cuts or stores it. Left out are attributes
that are no content (``DataFrame.attrs``, Arrow metadata, memory order) and the name of the variable.

sha256, since every current processor computes it in hardware (2.1 GB/s on one core where this was
measured; blake2b 1.5, sha512 1.2), the segments of a column go to several cores, and the artifacts
use it too. Not a faster checksum: a digest that can be forged proves no reproduction.

A digest is never cached: that an object has the same ``id`` does not show that it is unchanged.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from nbtrack.entities import Dataset
from nbtrack.errors import CaptureFailed

INLINE_ELEMENTS = 50_000  # so small that starting a thread would take longer
FORMAT = b"nbtrack data 1\n"

_SKETCH_ROWS = 64
_SKETCH_COLUMNS = 100

# Library and class, as found among an object's base classes, and the reader that takes it (see `data_readers`).
_KINDS = {
    ("numpy", "ndarray"): "numpy.ndarray",
    ("pandas", "DataFrame"): "pandas.DataFrame",
    ("pandas", "Series"): "pandas.Series",
    ("pandas", "Index"): "pandas.Index",
    ("polars", "DataFrame"): "polars.DataFrame",
    ("polars", "Series"): "polars.Series",
    ("pyarrow", "Table"): "pyarrow.Table",
    ("pyarrow", "RecordBatch"): "pyarrow.RecordBatch",
    ("scipy", "_spbase"): "scipy.sparse",
    ("scipy", "spmatrix"): "scipy.sparse",
    ("torch", "Tensor"): "torch.Tensor",
    ("tensorflow", "EagerTensor"): "tensorflow.Tensor",
}
_IMMUTABLE = frozenset({"pandas.Index", "pyarrow.Table", "pyarrow.RecordBatch", "tensorflow.Tensor"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ROLES = (
    ("train", re.compile(r"[xy]?(tr|trn|train(ing)?)(set|data|df|[xy])?")),
    ("test", re.compile(r"[xy]?(te|tst|test(ing)?|holdout)(set|data|df|[xy])?")),
    ("validation", re.compile(r"[xy]?(va|val|valid(ation)?|dev|eval(uation)?)(set|data|df|[xy])?")),
)


def data_kind(obj: object) -> str | None:
    """Library and type of ``obj`` if it is a frame or an array of one dimension or more, else None.

    Looks at class names alone: a library that the user has not loaded is not loaded here. Tensors
    on another device than the processor, and weights of a torch model, are no data.
    """
    for cls in type(obj).__mro__:
        kind = _KINDS.get((str(cls.__module__).partition(".")[0], cls.__name__))
        if kind is not None:
            return kind if _is_readable(obj, kind) else None
    return None


def is_data(obj: object) -> bool:
    """True if `fingerprint` can take ``obj``."""
    return data_kind(obj) is not None


def _is_readable(obj: Any, kind: str) -> bool:
    if kind == "torch.Tensor":
        dense = obj.device.type == "cpu" and str(obj.layout) == "torch.strided" and not obj.is_quantized
        return dense and obj.dim() > 0 and type(obj).__name__ not in ("Parameter", "Buffer")
    return kind not in ("numpy.ndarray", "tensorflow.Tensor") or len(obj.shape) > 0


def guess_context(name: str) -> str | None:
    """``train``, ``test`` or ``validation`` as the name of a variable says; None if it says nothing, or several.

    ``X_train``, ``yTest``, ``df_val``, ``training_data`` and ``xtrain`` all speak.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    roles = {role for role, pattern in _ROLES for word in words if pattern.fullmatch(word)}
    return roles.pop() if len(roles) == 1 else None


def fingerprint(obj: object, name: str) -> Dataset | None:
    """The dataset that stands for ``obj`` in a run: digest, schema and profile; None if ``obj`` is no data.

    Cells without a canonical form (see `data_values`) count by their type alone; the profile lists
    them under ``not_covered``.

    Raises
    ------
    CaptureFailed
        The object as a whole could not be read; what its cells hold never leads to this.
    """
    kind = data_kind(obj)
    if kind is None:
        return None
    # The modules behind this import numpy, which is loaded when there is data, and not by `import nbtrack`.
    from nbtrack.capture.data_profile import MAX_PROFILE_COLUMNS, column_names, profile_of, schema_of
    from nbtrack.capture.data_readers import READERS

    try:
        reading = READERS[kind](obj)
        names = column_names(reading, name)
        shown = min(MAX_PROFILE_COLUMNS, len(reading.columns))
        digest, columns = _digest(reading, statistics=shown)
        return Dataset(name=name, digest=digest, schema=schema_of(reading, names, columns), profile=profile_of(reading, names, columns))
    except Exception as error:
        # Classes derived from a frame run their own code here and may raise anything.
        raise CaptureFailed(f"no fingerprint of {name} ({type(obj).__name__}): {type(error).__name__}: {error}") from error


def _digest(reading: Any, *, statistics: int) -> tuple[str, Any]:
    from nbtrack.capture.data_columns import digest_columns
    from nbtrack.capture.data_values import encode_or_type, pack

    columns = digest_columns([*reading.columns, *reading.index], statistics=statistics)
    head = (reading.kind, reading.shape, len(reading.columns), len(reading.index), *reading.labels, *reading.names)
    whole = sha256(FORMAT + pack(encode_or_type(item) for item in head))
    for column in columns:
        whole.update(column.digest)
    return whole.hexdigest(), columns[: len(reading.columns)]


class DigestJob:
    """The fingerprint of one object, taken in a thread while the cell goes on.

    What the digest is of: the state of the object when the job was made. That is so where the library
    has a copy that costs nothing until one side is written (pandas with copy-on-write, which is pandas
    3 and later; polars), and for what cannot change (Arrow, an Index): ``is_isolated``. The others
    (numpy, scipy, torch, older pandas) share their memory with the cell, so wait for their jobs before
    the cell runs, as `fingerprint_many` does.

    A sample of the values is taken before and after. If it differs, the cell wrote into the memory that
    was being read: the profile has ``changed_while_read: True``, and the digest is of no one state. A
    change that the sample misses is not noticed. Python objects inside cells are always shared.
    """

    def __init__(self, obj: object, name: str) -> None:
        self.name = name
        self._done = threading.Event()
        self._result: Dataset | None = None
        self._problem: CaptureFailed | None = None
        self._sketch: str | None = None
        try:
            self._object, self.is_isolated = _isolate(obj)
            self._sketch = _sketch(self._object)
        except Exception as error:
            # As in fingerprint(): a derived class may fail in any way; join() says how.
            self._object, self.is_isolated = None, True
            self._problem = CaptureFailed(f"no fingerprint of {name} ({type(obj).__name__}): {type(error).__name__}: {error}")
            self._done.set()

    @property
    def done(self) -> bool:
        """True once `join` returns at once."""
        return self._done.is_set()

    def start(self) -> DigestJob:
        """Take the fingerprint in a thread of its own; a daemon, so that it never keeps a process alive."""
        threading.Thread(target=self.run, name=f"nbtrack-digest-{self.name}", daemon=True).start()
        return self

    def run(self) -> None:
        """Take the fingerprint in this thread."""
        if self._done.is_set():
            return
        try:
            result = fingerprint(self._object, self.name)
            if result is not None and _sketch(self._object) != self._sketch:
                result = replace(result, profile={**result.profile, "changed_while_read": True})
            self._result = result
        except CaptureFailed as problem:
            self._problem = problem
        finally:
            self._object = None  # a shallow copy that stays makes the user's next write copy the data
            self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until `done`, at most ``timeout`` seconds; returns `done`."""
        return self._done.wait(timeout)

    def join(self, timeout: float | None = None) -> Dataset | None:
        """The fingerprint; None if it is not done after ``timeout`` seconds (or the object is no data).

        Raises
        ------
        CaptureFailed
            The object could not be read.
        """
        self.wait(timeout)
        if self._problem is not None:
            raise self._problem
        return self._result


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints by variable name: those that are ready, the jobs that go on, and why others failed."""

    ready: dict[str, Dataset] = field(default_factory=dict)
    pending: dict[str, DigestJob] = field(default_factory=dict)
    failed: dict[str, CaptureFailed] = field(default_factory=dict)

    def take(self, obj: object, name: str) -> None:
        """Add the fingerprint of ``obj``, taken now."""
        try:
            dataset = fingerprint(obj, name)
        except CaptureFailed as problem:
            self.failed[name] = problem
        else:
            if dataset is not None:
                self.ready[name] = dataset

    def share(self, name: str, other: str) -> None:
        """Give ``other`` what ``name`` has: both are one object."""
        if name in self.ready:
            self.ready[other] = replace(self.ready[name], name=other)
        elif name in self.pending:
            self.pending[other] = self.pending[name]
        elif name in self.failed:
            self.failed[other] = self.failed[name]

    def join(self, timeout: float | None = None) -> Fingerprints:
        """Wait for the jobs, ``timeout`` seconds in all (None: until done); what is not done then stays pending."""
        deadline = None if timeout is None else time.monotonic() + timeout
        ready, pending, failed = dict(self.ready), dict(self.pending), dict(self.failed)
        for name, job in self.pending.items():
            job_timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                dataset = job.join(job_timeout)
            except CaptureFailed as problem:
                failed[name] = problem
            else:
                if not job.done:
                    continue
                if dataset is not None:
                    ready[name] = replace(dataset, name=name)
            del pending[name]
        return Fingerprints(ready, pending, failed)


def fingerprint_many(named: Mapping[str, object], *, budget_s: float = 1.0) -> Fingerprints:
    """Fingerprints of what a cell reads, begun before the cell runs.

    Small data is done when this returns. Large data is digested in a thread: this waits up to
    ``budget_s`` seconds for what the cell could change under the digest, and not at all for what
    is isolated from it (see `DigestJob`). Join what is ``pending`` at the end of the run. Names that
    are no data are left out; two names of one object share one digest.
    """
    deadline = time.monotonic() + budget_s
    first_names: dict[int, str] = {}
    found = Fingerprints()
    for name, obj in named.items():
        if not is_data(obj):
            continue
        first = first_names.setdefault(id(obj), name)
        if first != name:
            found.share(first, name)
        elif _elements(obj) <= INLINE_ELEMENTS and time.monotonic() < deadline:
            found.take(obj, name)
        else:
            found.pending[name] = DigestJob(obj, name)
    # Those first that hold the cell up.
    waiting = sorted(set(found.pending.values()), key=lambda job: job.is_isolated)
    if waiting:
        threading.Thread(target=_run_all, args=(waiting,), name="nbtrack-digests", daemon=True).start()
    for job in waiting:
        if not job.is_isolated:
            job.wait(max(0.0, deadline - time.monotonic()))
    return found.join(0)


def _run_all(jobs: list[DigestJob]) -> None:
    for job in jobs:
        job.run()


def _elements(obj: Any) -> int:
    """About how many values there are."""
    shape = getattr(obj, "shape", (0,))
    count = 1
    for size in shape:
        count *= int(size)
    return int(obj.nnz) if hasattr(obj, "nnz") else count


def _isolate(obj: Any) -> tuple[Any, bool]:
    """The object, or a copy that shares its memory until one of them is written; and whether it is safe from changes."""
    kind = data_kind(obj)
    if kind in _IMMUTABLE:
        return obj, True
    if kind in ("polars.DataFrame", "polars.Series"):
        return obj.clone(), True
    if kind in ("pandas.DataFrame", "pandas.Series"):
        import pandas as pd

        copies_on_write = int(pd.__version__.partition(".")[0]) >= 3 or pd.options.mode.copy_on_write is True
        return (obj.copy(deep=False), True) if copies_on_write else (obj, False)
    return obj, False


def _sketch(obj: Any) -> str | None:
    """The digest of a few rows spread over the data and of its shape; None where it is no data any more."""
    kind = data_kind(obj)
    if kind is None:
        return None
    step = max(1, (obj.shape[0] if kind != "scipy.sparse" else 1) // _SKETCH_ROWS)
    if kind == "scipy.sparse":
        sample: Any = obj.data[:: max(1, len(obj.data) // _SKETCH_ROWS)] if hasattr(obj, "data") else obj
    elif kind == "pandas.DataFrame":
        sample = obj.iloc[::step, :_SKETCH_COLUMNS]
    elif kind == "pandas.Series":
        sample = obj.iloc[::step]
    else:
        sample = obj[::step]
    dataset = fingerprint(sample, "sample")
    return None if dataset is None else f"{obj.shape} {dataset.digest}"
