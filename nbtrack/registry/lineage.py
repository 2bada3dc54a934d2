"""Where a version comes from, as data; and which versions used some data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nbtrack.entities import Cell, ModelVersion, RunCode, ViewType
from nbtrack.errors import InvalidInput
from nbtrack.ids import text_digest
from nbtrack.query import Comparison, DatasetField, In, Like, Text
from nbtrack.query.nodes import Attribute
from nbtrack.registry.evidence import NOTEBOOK_TAG, Evidence, gather
from nbtrack.store.base import RunQuery, Store

COPIED_FROM_TAG = "nbtrack.copiedFrom"
MIN_DIGEST_CHARS = 6

_COMMIT_TAG = "mlflow.source.git.commit"
_BRANCH_TAG = "mlflow.source.git.branch"
_REPO_TAG = "mlflow.source.git.repoURL"
_CHUNK = 500


@dataclass(frozen=True)
class LineageCell:
    """A cell that the run executed or needs; ``digest`` is that of its source."""

    digest: str
    source: str
    cell_id: str | None
    execution_count: int | None


@dataclass(frozen=True)
class LineageData:
    """Data that the run read."""

    name: str
    digest: str
    context: str | None
    rows: int | None


@dataclass(frozen=True)
class LineageRun:
    """The run that made the model; ``source`` is its notebook or script."""

    run_id: str
    name: str
    experiment: str | None
    user: str
    started: int
    status: str
    source: str | None


@dataclass(frozen=True)
class LineageCode:
    """The state of the repository; ``dirty`` says that it had changes which are not in the commit."""

    commit: str | None
    branch: str | None
    repository: str | None
    dirty: bool | None


@dataclass(frozen=True)
class Lineage:
    """All that a version comes from; what is not known is None or empty.

    ``parent`` is the version before, ``copied_from`` the ``models:/`` URI of the version that this is a
    copy of. ``environment`` has ``python``, ``platform`` and ``packages``.
    """

    name: str
    version: int
    digest: str | None
    model_id: str | None
    parent: int | None
    copied_from: str | None
    run: LineageRun | None
    cell: LineageCell | None
    closure: Sequence[LineageCell]
    data: Sequence[LineageData]
    code: LineageCode | None
    environment: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The lineage as JSON values."""
        return asdict(self)

    def to_svg(self) -> str:
        """The lineage as a picture."""
        from nbtrack.registry.lineage_svg import lineage_svg

        return lineage_svg(self)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def lineage(store: Store, version: ModelVersion) -> Lineage:
    """What a version comes from."""
    return lineage_of(gather(store, version))


def lineage_of(evidence: Evidence) -> Lineage:
    """What a version comes from, of what is known about it."""
    version, run = evidence.version, evidence.run
    return Lineage(
        name=version.name,
        version=version.version,
        digest=version.digest,
        model_id=version.model_id,
        parent=version.parent,
        copied_from=version.tags.get(COPIED_FROM_TAG),
        run=_run(evidence),
        cell=_own_cell(evidence.code),
        closure=[_cell(cell) for cell in evidence.code.closure],
        data=[
            LineageData(item.dataset.name, item.dataset.digest, item.context, item.dataset.profile.get("num_rows"))
            for item in (run.inputs.dataset_inputs if run is not None else ())
        ],
        code=_code(evidence),
        environment=dict(evidence.facts.get("environment") or {}),
    )


def versions_using(store: Store, digest: str) -> list[ModelVersion]:
    """The versions whose run read data with this digest, or with digests that begin so; latest changed first.

    Raises
    ------
    InvalidInput
        The beginning has fewer than 6 characters.
    """
    if not isinstance(digest, str) or len(digest) < MIN_DIGEST_CHARS or not digest.isalnum():
        raise InvalidInput(f"a data digest is a text of letters and digits, of which {MIN_DIGEST_CHARS} at least are needed; found {digest!r}")
    field = DatasetField("digest")
    match = Comparison(field, "=", Text(digest)) if len(digest) >= 64 else Like(field, f"{digest}%", ignore_case=True)
    runs = [run.info.run_id for run in store.runs.search(RunQuery(filter=match, view=ViewType.ALL))]
    found: list[ModelVersion] = []
    for start in range(0, len(runs), _CHUNK):
        wanted = tuple(Text(run_id) for run_id in runs[start : start + _CHUNK])
        found += store.registry.versions.search(filter=In(Attribute("run_id"), wanted))
    return sorted(found, key=lambda version: version.last_updated_timestamp, reverse=True)


def _run(evidence: Evidence) -> LineageRun | None:
    if evidence.run is None:
        return None
    info = evidence.run.info
    experiment = None if evidence.experiment is None else evidence.experiment.name
    source = evidence.run.data.tags.get(NOTEBOOK_TAG)
    return LineageRun(info.run_id, info.run_name, experiment, info.user_id, info.start_time, info.status.value, source)


def _own_cell(code: RunCode) -> LineageCell | None:
    return None if code.own is None else _cell(code.own)


def _cell(cell: Cell) -> LineageCell:
    return LineageCell(text_digest(cell.source), cell.source, cell.cell_id, cell.execution_count)


def _code(evidence: Evidence) -> LineageCode | None:
    fact = evidence.facts.get("git") or {}
    tags = {} if evidence.run is None else evidence.run.data.tags
    commit = fact.get("commit") or tags.get(_COMMIT_TAG)
    if not commit and not fact:
        return None
    return LineageCode(commit, fact.get("branch") or tags.get(_BRANCH_TAG), fact.get("repo_url") or tags.get(_REPO_TAG), fact.get("dirty"))
