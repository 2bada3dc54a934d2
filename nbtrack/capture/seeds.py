"""Seeds: what a run fixed of its randomness, and what it left open.

A call that takes ``random_state`` and was given none is a finding when its result is known to
differ from run to run, unless a global seed was set before it. When in doubt (``**options``, a
generator that is passed along, ``set_params(random_state=...)``) nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbtrack.capture.bindings import Place
from nbtrack.capture.branches import Course
from nbtrack.capture.calls import Callee, CallSite, Resolver, Target, calls
from nbtrack.capture.closure import cell_label
from nbtrack.capture.code import CellCode, SessionNames, analyse_cell, resolver_for
from nbtrack.capture.libraries import AMBIGUOUS_RANDOM, FIXED_WHEN, GENERATORS, RANDOM_LIBRARIES, RANDOM_WHEN, in_modules
from nbtrack.capture.literals import NotTyped, typed_value
from nbtrack.capture.randomness import RANDOM_STATES, dotted_path, seeded_states
from nbtrack.capture.slices import statements_for
from nbtrack.entities import Finding, RunCell, Severity

_SEED_KEYWORDS = ("random_state", "seed", "random_seed")
_NUMPY = RANDOM_STATES["numpy"]


@dataclass(frozen=True)
class Seed:
    """A place where randomness was fixed: ``np.random.seed`` to 1, or ``random_state`` of a call to 0.

    ``value`` is None where it is not a literal.
    """

    call: str
    value: object
    line: int


@dataclass(frozen=True)
class Unseeded:
    """A call whose result differs from run to run, because nothing fixes its randomness."""

    call: str  # RandomForestClassifier(...)
    line: int
    keyword: str = "random_state"


@dataclass(frozen=True)
class SeedReport:
    """What one cell fixes and leaves open; ``seeds_numpy`` says that numpy's global generator is fixed from it on."""

    seeds: tuple[Seed, ...] = ()
    calls_without_seed: tuple[Unseeded, ...] = ()
    seeds_numpy: bool = False


def seeds(
    code: CellCode,
    *,
    earlier: SessionNames | None = None,
    values: Mapping[str, object] | None = None,
    seeded_before: bool = False,
    names: Sequence[str] | None = None,
) -> SeedReport:
    """What a cell fixes of its randomness, and which of its calls it leaves open.

    Parameters
    ----------
    earlier
        What the cells before said, for their imports.
    values
        What names hold after the cell ran; tells a DataFrame's ``sample`` from others, and a
        branch that was not taken.
    seeded_before
        A cell that ran before has fixed numpy's global generator.
    names
        The names that are wanted from the cell, where it is not wanted as a whole: calls that have
        no part in them are not looked at.
    """
    known = earlier or SessionNames()
    resolver = resolver_for(code, known, values or {})
    course = Course(code, values or {})
    found: list[Seed] = []
    missing: list[Unseeded] = []
    numpy_seeded = seeded_before
    later = _seeded_afterwards(code)
    for site in _sites(code, names):
        if not course.may_have_run(site.place, site.line):
            continue
        found += _fixed_by(site, resolver.imports)
        numpy_seeded = numpy_seeded or _NUMPY in seeded_states(site.node, resolver.imports)
        unseeded = _unseeded(site, resolver)
        if unseeded is not None and not later and not (numpy_seeded and unseeded.keyword == "random_state"):
            missing.append(unseeded)
    return SeedReport(tuple(found), tuple(missing), numpy_seeded)


def _sites(code: CellCode, names: Sequence[str] | None) -> list[CallSite]:
    """The calls that have a part in ``names``; those in the bodies of functions that are used included."""
    wanted = None if names is None else statements_for(code.source, frozenset(names))
    sites = [site for site in code.calls if wanted is None or site.place.top in wanted]
    used = set(code.reads) | set(names or ())
    for index, statement in enumerate(code.body):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and statement.name in used and (wanted is None or index in wanted):
            bodies = [item.body for item in ast.walk(statement) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
            sites += [CallSite(site.callee, site.node, Place(top=index)) for body in bodies for site in calls(body)]
    return sorted(sites, key=lambda site: (site.line, site.node.col_offset))


def seed_values(reports: Sequence[SeedReport]) -> dict[str, object]:
    """The seeds of a run by the call that they were given to; the last one counts."""
    return {seed.call: seed.value for report in reports for seed in report.seeds if seed.value is not None}


def seed_findings(
    code: CellCode, closure: Sequence[RunCell] = (), *, earlier: SessionNames | None = None, values: Mapping[str, object] | None = None
) -> tuple[dict[str, object], list[Finding]]:
    """The seeds of a run, and a finding for each call that has none.

    ``closure`` is the earlier cells that the run needs, in executed order: a split without a seed
    there makes this run's numbers as unrepeatable as one in its own cell.
    """
    before = SessionNames()
    reports: list[SeedReport] = []
    findings: list[Finding] = []
    seeded = False
    for item in closure:
        part = analyse_cell(item.cell.source)
        report = seeds(part, earlier=before, seeded_before=seeded, names=item.names)
        before.observe(part)
        seeded = report.seeds_numpy
        reports.append(report)
        findings += [_finding(unseeded, item) for unseeded in report.calls_without_seed]
    own = seeds(code, earlier=earlier, values=values, seeded_before=seeded)
    return seed_values([*reports, own]), [*(_finding(unseeded, None) for unseeded in own.calls_without_seed), *findings]


def _finding(unseeded: Unseeded, item: RunCell | None) -> Finding:
    where = f"line {unseeded.line}" if item is None else f"{cell_label(item.cell)} line {unseeded.line}"
    return Finding(
        kind="seed",
        severity=Severity.WARNING,
        message=f"{unseeded.call} {where} has no {unseeded.keyword}: running again will not give these numbers.",
        cell=None if item is None else item.cell.cell_id,
        line=unseeded.line,
        evidence={"call": unseeded.call, "keyword": unseeded.keyword},
        fix=f"Give it {unseeded.keyword}=0, or any other number that you keep." if unseeded.keyword == "random_state" else "Give it a number that you keep.",
    )


def _seeded_afterwards(code: CellCode) -> bool:
    """Whether the cell sets ``random_state`` on objects that exist: ``set_params(clf__random_state=0)``, ``m.random_state = 0``."""
    for site in code.calls:
        if site.callee.parts[-1:] == ("set_params",):
            given = [keyword.arg for keyword in site.node.keywords]
            if any(name is None or name.endswith("random_state") for name in given):
                return True
    stored = (target for statement in code.body for node in ast.walk(statement) if isinstance(node, ast.Assign) for target in node.targets)
    return any(isinstance(target, ast.Attribute) and target.attr == "random_state" for target in stored)


def _fixed_by(site: CallSite, imported: Mapping[str, str]) -> Iterator[Seed]:
    path = dotted_path(site.callee, imported)
    if path is not None and (seeded_states(site.node, imported) or path in GENERATORS) and (site.node.args or site.node.keywords):
        argument = site.node.args[0] if site.node.args else site.node.keywords[0].value
        yield Seed(path, _literal(argument), site.line)
    for keyword in site.node.keywords:
        if keyword.arg in _SEED_KEYWORDS and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
            yield Seed(f"{_short(site.callee)}.{keyword.arg}", _literal(keyword.value), site.line)


def _literal(node: ast.expr) -> object:
    try:
        return typed_value(node)
    except NotTyped:
        return None


def _short(callee: Callee) -> str:
    return callee.text.rpartition(".")[2] if callee.text else "call"


def _unseeded(site: CallSite, resolver: Resolver) -> Unseeded | None:
    """The call as one without a seed, if it is one whose result then differs."""
    given = {keyword.arg: keyword.value for keyword in site.node.keywords}
    target = resolver.target(site.callee)
    name = _short(site.callee)
    call = f"{name}(...)" if site.node.args or given else f"{name}()"
    path = target.path if target is not None else ""
    if path in GENERATORS:
        return None if site.node.args or given else Unseeded(call, site.line, "seed")
    if None in given or not _is_random(site.callee, target, given):
        return None  # with **options there may be a random_state among them
    fixed = given.get("random_state")
    if fixed is None or (isinstance(fixed, ast.Constant) and fixed.value is None) or _holds_none(fixed, resolver):
        return Unseeded(call, site.line)
    return None


def _holds_none(node: ast.expr, resolver: Resolver) -> bool:
    if not isinstance(node, ast.Name) or resolver.resolve is None:
        return False
    try:
        return resolver.resolve(node.id) is None
    except KeyError:
        return False


def _is_random(callee: Callee, target: Target | None, given: Mapping[str | None, ast.expr]) -> bool:
    if target is not None and target.method and target.name == "sample":
        return target.path.startswith("pandas.") and not {"n", "frac"}.isdisjoint(given)
    name = target.name if target is not None else callee.text
    if name not in RANDOM_WHEN or not _is_the_librarys(callee, target, name):
        return False
    if name in FIXED_WHEN:
        keyword, value = FIXED_WHEN[name]
        if keyword in given and _literal(given[keyword]) == value:
            return False
    condition = RANDOM_WHEN[name]
    return condition is None or (condition[0] in given and _hashable(_literal(given[condition[0]])) in condition[1])


def _is_the_librarys(callee: Callee, target: Target | None, name: str) -> bool:
    if target is not None:
        return not target.method and in_modules(target.path, RANDOM_LIBRARIES)
    return not callee.parts and name not in AMBIGUOUS_RANDOM  # its import was not seen


def _hashable(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else None
