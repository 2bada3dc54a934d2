"""Everything about one run on a page of text: what it gave, what it was made from, what went wrong."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.cli import terminal
from nbtrack.cli.run_table import STATUS_STYLES
from nbtrack.cli.tables import Cell, Column, column, fit, print_table
from nbtrack.entities import CellOutput, MetricSummary, Origin, OutputKind, Param, Run, RunCell, RunCode, Severity
from nbtrack.formatting import format_duration, format_number, format_size, format_time, format_value, natural_order, plural
from nbtrack.notebook.card import Failure, read_card
from nbtrack.notebook.card_words import delta_text, finding_title
from nbtrack.store.base import Store
from nbtrack.tracking.comparison import user_tags
from nbtrack.tracking.handle import NOTE_TAG

if TYPE_CHECKING:
    from rich.console import Console

_INDENT = 2
_MAX_VALUE_CHARS = 2000
_MAX_FILES = 40
_MAX_OUTPUT_LINES = 12
_SEVERITY_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def print_page(store: Store, run_id: str, *, code: bool, outputs: bool) -> None:
    """Print the page of a run.

    Parameters
    ----------
    code
        With the source of its cell and of the earlier ones that it needs.
    outputs
        With all that the cell wrote, not its last lines alone.
    """
    out = terminal.console()
    run = store.runs.get(run_id)
    facts = store.facts.all(run_id)
    cells = store.cells.code(run_id)
    shown = store.cells.outputs(run_id)
    _head(out, store, run)
    _failure(out, run, facts, shown)
    _metrics(out, store, run_id)
    _params(out, store, run_id)
    _findings(out, store, run_id)
    _data(out, run)
    _code(out, cells, facts, source=code)
    _artifacts(out, store, run_id)
    _outputs(out, [item for item in shown if item.kind is not OutputKind.ERROR], whole=outputs)
    _tags(out, run)
    _children(out, store, run_id)


def _head(out: Console, store: Store, run: Run) -> None:
    info = run.info
    experiment = store.experiments.get(info.experiment_id).name
    out.print(_rich((info.run_name, "bold"), ("  ", ""), (info.status.value.lower(), STATUS_STYLES[info.status]), ("  ", ""), (info.run_id, "dim")))
    facts = [experiment, f"started {format_time(info.start_time)}", f"took {format_duration(info.duration)}" if info.duration is not None else "", info.user_id]
    facts += [_from_here(run.data.tags.get("mlflow.source.name", "")), "deleted" if info.lifecycle_stage.value == "deleted" else ""]
    if info.parent_run_id is not None:
        facts.append(f"child of {store.runs.get(info.parent_run_id).info.run_name} ({info.parent_run_id[:8]})")
    out.print(_rich((" · ".join(fact for fact in facts if fact), "dim")))
    if note := run.data.tags.get(NOTE_TAG, "").strip():
        out.print(_block(note))


def _failure(out: Console, run: Run, facts: Any, outputs: Sequence[CellOutput]) -> None:
    if run.info.status_message is None:
        return
    place = facts.get("failure")
    failure = (
        Failure(run.info.status_message, place.get("line"), str(place.get("source", "")).strip())
        if isinstance(place, dict)
        else Failure(run.info.status_message)
    )
    out.print()
    where = f"  line {failure.line}: {failure.source}" if failure.line is not None else ""
    out.print(_rich((failure.message, STATUS_STYLES[run.info.status]), (where, "dim")))
    for item in outputs:
        if item.kind is OutputKind.ERROR:
            out.print(_block(_cut_note(item) + item.text.rstrip()))


def _metrics(out: Console, store: Store, run_id: str) -> None:
    summaries = store.metrics.summaries(run_id)
    if not summaries:
        return
    rows = {row.key: row for row in read_card(store, run_id).metrics}  # of the main metrics; each takes a search
    summaries = sorted(summaries, key=lambda item: (item.key not in rows, item.line is None, item.line or 0, natural_order(item.key)))
    against = [rows.get(item.key) for item in summaries]
    columns = [
        column("", [item.key for item in summaries], max_width=60),
        Column("last", [Cell(format_number(item.last), "bold") for item in summaries], right=True),
        column("vs best", ["" if row is None or row.best is None else delta_text(row.best) + (" best" if row.is_best else "") for row in against], right=True),
        column("vs previous", ["" if row is None or row.previous is None else delta_text(row.previous) for row in against], rank=3, right=True),
    ]
    if any(item.count > 1 for item in summaries):
        columns += [
            column("points", [f"{item.count:,}" for item in summaries], rank=1, right=True),
            column("last step", [f"{item.last_step:,}" if item.count > 1 else "" for item in summaries], rank=4, right=True),
            column("min", [format_number(item.min) if item.count > 1 else "" for item in summaries], rank=1, right=True),
            column("max", [format_number(item.max) if item.count > 1 else "" for item in summaries], rank=1, right=True),
        ]
    columns.append(column("from", [_metric_origin(item) for item in summaries], rank=2, style="dim", wrap=True))
    _section(out, "metrics")
    _table(out, columns)


def _params(out: Console, store: Store, run_id: str) -> None:
    params = store.params.all(run_id)
    if not params:
        return
    params = sorted(params, key=lambda param: (param.line is None, param.line or 0, natural_order(param.key)))
    _section(out, "params")
    _table(
        out,
        [
            column("", [param.key for param in params], max_width=60),
            column("", [format_value(param.value, width=_MAX_VALUE_CHARS) for param in params], wrap=True),
            column("", [_param_origin(param) for param in params], style="dim", max_width=60),
        ],
    )
    for change in store.params.history(run_id):
        values = f"{format_value(change.old_value)} → {format_value(change.new_value)}"
        out.print(_rich((f"  corrected at {format_time(change.timestamp)}: {change.key} {values}", "dim")))


def _findings(out: Console, store: Store, run_id: str) -> None:
    findings = store.facts.findings(run_id)
    if not findings:
        return
    _section(out, "findings")
    for finding in findings:
        place = f" (line {finding.line})" if finding.line is not None else ""
        words = f" {finding.message}{place}{f' {finding.fix}' if finding.fix else ''}"
        out.print(_indented(_rich((f"{finding_title(finding)}:", _SEVERITY_STYLES[finding.severity]), (words, ""))))


def _data(out: Console, run: Run) -> None:
    inputs = run.inputs.dataset_inputs
    if not inputs:
        return
    shapes = [item.dataset.profile.get("shape") for item in inputs]
    texts = [" × ".join(f"{size:,}" for size in shape) if isinstance(shape, (list, tuple)) else "" for shape in shapes]
    _section(out, "data")
    _table(
        out,
        [
            column("", [item.dataset.name for item in inputs], max_width=60),
            column("", [item.context or "" for item in inputs]),
            column("", texts, right=True),
            column("", [f"digest {item.dataset.digest[:12]}" for item in inputs], style="dim"),
            column("", [item.dataset.source for item in inputs], style="dim", max_width=60),
        ],
    )


def _code(out: Console, code: RunCode, facts: Any, *, source: bool) -> None:
    git, environment = facts.get("git"), facts.get("environment")
    lines = []
    if code.own is not None:
        earlier = ", ".join(f"In [{cell.execution_count or '?'}]" for cell in code.closure)
        lines.append(f"this cell{f' and the earlier {earlier}' if earlier else ', which needs no earlier one'}{'' if source else '  (--code shows them)'}")
    if code.unresolved:
        lines.append(f"where these come from is not known: {'; '.join(code.unresolved)}")
    if isinstance(git, dict) and git.get("commit"):
        state = ", with changes" if git.get("dirty") else ", clean" if git.get("dirty") is False else ""
        lines.append(f"git {str(git['commit'])[:12]}{f' on {branch}' if (branch := git.get('branch')) else ''}{state}")
    if isinstance(environment, dict):
        lines.append(f"Python {environment.get('python', '?')}, {plural(len(environment.get('packages') or {}), 'package')} imported")
    if not lines:
        return
    _section(out, "code")
    for line in lines:
        out.print(_indented(_rich((line, ""))))
    if source:
        _source(out, code.cells)


def _source(out: Console, cells: Sequence[RunCell]) -> None:
    from rich.syntax import Syntax

    for item in sorted(cells, key=lambda found: found.cell.position):
        needed = f"  for {', '.join(item.names)}" if item.names else ""
        out.print()
        out.print(_indented(_rich((f"In [{item.cell.execution_count or '?'}]", "dim"), (needed, "dim"))))
        text = terminal.plain_text(item.cell.source.rstrip())
        if out.is_terminal and out.color_system:
            out.print(_indented(Syntax(text, "python", theme="ansi_light", background_color="default", word_wrap=True)))
        else:  # whole lines, which can be run as they are
            terminal.say(textwrap.indent(text, " " * _INDENT))


def _artifacts(out: Console, store: Store, run_id: str) -> None:
    artifacts = store.artifacts.all(run_id)
    if not artifacts:
        return
    listed = artifacts[:_MAX_FILES]
    _section(out, "artifacts")
    _table(
        out,
        [
            column("", [item.path for item in listed], max_width=60),
            column("", [format_size(item.size) for item in listed], right=True),
            column("", [item.media_type or "" for item in listed], style="dim", max_width=60),
        ],
    )
    if len(artifacts) > len(listed):
        out.print(_rich((f"  and {len(artifacts) - len(listed):,} more; `nbtrack runs export --format folder` copies all", "dim")))


def _outputs(out: Console, outputs: Sequence[CellOutput], *, whole: bool) -> None:
    if not outputs:
        return
    _section(out, "outputs")
    for item in outputs:
        if item.artifact is not None:
            out.print(_indented(_rich((f"{item.kind}: ", "dim"), (item.artifact, ""))))
            continue
        lines = terminal.plain_text(item.text.rstrip("\n")).split("\n")
        hidden = 0 if whole else max(0, len(lines) - _MAX_OUTPUT_LINES)
        note = f", the last {_MAX_OUTPUT_LINES} of {len(lines):,} lines (--outputs shows all)" if hidden else ""
        out.print(_indented(_rich((f"{item.kind}{note}{_cut_note(item)}", "dim"))))
        out.print(_indented(_rich(("\n".join(lines[hidden:]), ""), lines=True), by=2 * _INDENT))


def _tags(out: Console, run: Run) -> None:
    tags = user_tags(run.data.tags)
    if tags:
        _section(out, "tags")
        _table(out, [column("", list(tags), max_width=60), column("", [value[:_MAX_VALUE_CHARS] for value in tags.values()], wrap=True)])


def _children(out: Console, store: Store, run_id: str) -> None:
    children = store.runs.children(run_id)
    if not children:
        return
    _section(out, "nested runs")
    _table(
        out,
        [
            column("", [info.run_name for info in children], max_width=60),
            Column("", [Cell(info.status.value.lower(), STATUS_STYLES[info.status]) for info in children]),
            column("", [format_duration(info.duration) for info in children], right=True),
            column("", [info.run_id[:8] for info in children], style="dim"),
        ],
    )


def _from_here(path: str) -> str:
    """A path below the working directory as it would be typed."""
    return os.path.relpath(path) if os.path.isabs(path) and path.startswith(os.path.join(os.getcwd(), "")) else path


def _metric_origin(item: MetricSummary) -> str:
    origin = "" if item.origin is Origin.LOGGED else item.origin.value
    parts = [item.definition or "", f"line {item.line}" if item.line is not None else origin]
    return " · ".join(part for part in parts if part)


def _param_origin(param: Param) -> str:
    return " · ".join(part for part in (f"line {param.line}" if param.line is not None else "", param.origin.value) if part)


def _cut_note(item: CellOutput) -> str:
    return f" ({item.truncated_chars:,} characters were not kept)\n" if item.truncated_chars else ""


def _section(out: Console, title: str) -> None:
    out.print()
    out.print(_rich((title, "bold")))


def _table(out: Console, columns: Sequence[Column]) -> None:
    """Those of the columns that say anything, as far as they fit."""
    shown, _ = fit([item for item in columns if any(cell.text for cell in item.cells)], out.width - _INDENT)
    print_table(out, shown, indent=_INDENT)


def _rich(*parts: tuple[str, str], lines: bool = False) -> Any:
    from rich.text import Text

    clean: Callable[[str], str] = terminal.plain_text if lines else terminal.one_line
    return Text.assemble(*((clean(text), style) for text, style in parts))


def _block(text: str) -> Any:
    return _indented(_rich((text, ""), lines=True))


def _indented(content: Any, by: int = _INDENT) -> Any:
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, by), expand=False)
