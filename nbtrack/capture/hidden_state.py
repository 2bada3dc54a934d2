"""Hidden state: what a cell used that the notebook, as it stands, would not give it again.

Three things are found: a name that came from a cell edited since it ran, one that came from a
cell deleted since, and a need that runs against the order of the notebook. Where the front end
tells no cell ids (nbconvert, a terminal) nothing is said; nor is it about changes that are only
possible, or edits that have no part in the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nbtrack.capture.closure import Closure, Link, cell_label
from nbtrack.capture.slices import slice_text
from nbtrack.entities import Cell, Finding, Severity

KIND = "hidden-state"

_AGAIN = "Run that cell again, and then this one."
_RESTART = "Restart the kernel and run all cells to see what the notebook gives by itself."


def hidden_state(
    cell: Cell, found: Closure, earlier: Sequence[Cell], *, notebook_cells: Mapping[str, str] | None = None, saved_at: int | None = None
) -> list[Finding]:
    """Findings on the closure ``found`` of ``cell``.

    Parameters
    ----------
    earlier
        The cells that ran before in this session.
    notebook_cells
        The code cells of the notebook as it stands, cell id to source, in the notebook's order.
    saved_at
        When that is read from the saved file: the time of saving in milliseconds. A cell that ran
        later may be new or edited there, and is not judged by the file.
    """
    notebook = notebook_cells or {}
    findings: list[Finding] = []
    for item in found.cells:
        names = [name for name in item.names if _surely_needed(found.links, item.cell, name)]
        if item.cell.cell_id is not None and names:
            findings += _stale(item.cell, names, cell, earlier, notebook if notebook and _judged(item.cell, saved_at) else None)
    return findings + _out_of_order(found.links, cell, notebook)


def _surely_needed(links: Sequence[Link], provider: Cell, name: str) -> bool:
    return any(link.provider is provider and link.name == name and link.certain for link in links)


def _judged(cell: Cell, saved_at: int | None) -> bool:
    return saved_at is None or (cell.started is not None and cell.started <= saved_at)


def _stale(provider: Cell, names: list[str], cell: Cell, earlier: Sequence[Cell], notebook: Mapping[str, str] | None) -> Iterable[Finding]:
    """The names that ``provider`` gave, and that its cell would not give in the same way any more."""
    cell_id = provider.cell_id or ""
    later = [item for item in (*earlier, cell) if item.cell_id == cell_id and item.position > provider.position]
    if notebook is not None and cell_id not in notebook and not later:
        message = f"{_listed(names)} came from {cell_label(provider)}, which is no longer in the notebook."
        yield _finding("deleted", names, provider, message, "Put its code back into a cell.")
        return
    current = notebook[cell_id] if notebook is not None and cell_id in notebook else later[-1].source if later else provider.source
    changed = [name for name in names if slice_text(provider.source, name) != slice_text(current, name)]
    if changed and cell_id == cell.cell_id:
        yield _finding("edited", changed, provider, f"{_listed(changed)} came from an earlier version of this cell ({cell_label(provider)}).", _RESTART)
    elif changed:
        yield _finding("edited", changed, provider, f"{_listed(changed)} came from {cell_label(provider)}, which was edited since it ran.", _AGAIN)


def _out_of_order(links: Sequence[Link], cell: Cell, notebook: Mapping[str, str]) -> list[Finding]:
    """One finding for each pair of cells of which the upper needs the lower."""
    order = {cell_id: place for place, cell_id in enumerate(notebook)}
    pairs: dict[tuple[int, int], list[Link]] = {}
    for link in links:
        upper, lower = order.get(link.consumer.cell_id or ""), order.get(link.provider.cell_id or "")
        if link.certain and upper is not None and lower is not None and upper < lower:
            pairs.setdefault((link.consumer.position, link.provider.position), []).append(link)
    findings = []
    for group in pairs.values():
        names = [link.name for link in group]
        consumer, provider = group[0].consumer, group[0].provider
        user = "this cell" if consumer is cell else cell_label(consumer)
        message = f"{_listed(names)} came from {cell_label(provider)}, which stands below {user} in the notebook."
        findings.append(_finding("order", names, provider, message, _RESTART))
    return findings


def _finding(reason: str, names: list[str], provider: Cell, message: str, fix: str) -> Finding:
    return Finding(
        kind=KIND,
        severity=Severity.WARNING,
        message=message,
        cell=provider.cell_id,
        evidence={"reason": reason, "names": names, "cell_id": provider.cell_id, "execution_count": provider.execution_count},
        fix=fix,
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
