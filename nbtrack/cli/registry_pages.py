"""Registered models, versions, conditions, requests and events, as tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from nbtrack.cli import terminal
from nbtrack.cli.options import Output
from nbtrack.cli.run_table import csv_bytes, utc_time
from nbtrack.cli.tables import Cell, Column, column, fit, print_table
from nbtrack.entities import Event, ModelStage, ModelVersion, PolicyCondition, PromotionRequest, RegisteredModel
from nbtrack.formatting import format_time, plural
from nbtrack.registry.audit import event_dict
from nbtrack.registry.service import Registry
from nbtrack.tracking.export import json_bytes

STAGE_STYLES = {ModelStage.PRODUCTION: "bold green", ModelStage.STAGING: "yellow", ModelStage.ARCHIVED: "dim", ModelStage.NONE: ""}


def write_models(models: Sequence[RegisteredModel], output: Output, *, place: str) -> None:
    """Write the models with what stands in their stages."""
    if output is Output.JSON:
        click.echo(json_bytes([asdict(model) for model in models]), nl=False)
        return
    heads = [{version.current_stage: version.version for version in model.latest_versions} for model in models]
    latest = [str(max(found.values(), default="")) for found in heads]
    aliases = [", ".join(f"@{alias} {version}" for alias, version in model.aliases.items()) for model in models]
    staging, production = ([str(found.get(stage, "")) for found in heads] for stage in (ModelStage.STAGING, ModelStage.PRODUCTION))
    if output is Output.CSV:
        rows = zip(models, latest, staging, production, aliases, strict=True)
        head = ["name", "latest", "staging", "production", "aliases", "last_updated"]
        click.echo(csv_bytes([head, *([model.name, *texts, utc_time(model.last_updated_timestamp)] for model, *texts in rows)]), nl=False)
        return
    out = terminal.console()
    if models:
        columns = [
            column("model", [model.name for model in models], max_width=48),
            column("latest", latest, right=True),
            column("staging", staging, right=True),
            column("production", production, right=True, style="bold green"),
            column("aliases", aliases, rank=1, max_width=40),
            column("changed", [format_time(model.last_updated_timestamp) for model in models], rank=2, right=True),
            column("description", [model.description or "" for model in models], rank=3, style="dim", max_width=60),
        ]
        print_table(out, fit(columns, out.width)[0])
        out.print()
    out.print(f"{plural(len(models), 'registered model')} · {terminal.one_line(place)}", style="dim")


def write_model(registry: Registry, model: RegisteredModel, *, as_json: bool) -> None:
    """Write one model with all its versions."""
    versions = registry.search_model_versions(f"name = '{_quoted(model.name)}'", order_by=["version_number DESC"])
    if as_json:
        click.echo(json_bytes({**asdict(model), "versions": [asdict(version) for version in versions]}), nl=False)
        return
    out = terminal.console()
    out.print(terminal.one_line(model.name), style="bold")
    if model.description:
        out.print(terminal.one_line(model.description))
    out.print()
    if versions:
        print_table(out, fit(_version_columns(versions), out.width)[0])
    else:
        out.print("no version yet: nbtrack registry register runs:/RUN_ID/model " + terminal.one_line(model.name))


def write_version(registry: Registry, version: ModelVersion, *, as_json: bool) -> None:
    """Write one version: what it is, where it comes from, what was said about it."""
    requests = registry.requests(version.name, version.version)
    if as_json:
        click.echo(json_bytes({**asdict(version), "requests": [asdict(request) for request in requests]}), nl=False)
        return
    out = terminal.console()
    out.print(f"{terminal.one_line(version.name)}, version {version.version}", style="bold")
    rows = {
        "stage": version.current_stage.value,
        "aliases": ", ".join(version.aliases),
        "description": version.description or "",
        "registered": f"{format_time(version.creation_timestamp)} by {version.user_id or 'unknown'}",
        "source": version.source,
        "run": version.run_id or "",
        "parent": "" if version.parent is None else f"version {version.parent}",
        "digest": version.digest or "none recorded",
        "tags": ", ".join(f"{key}={value}" for key, value in version.tags.items()),
    }
    shown = {key: text for key, text in rows.items() if text}
    print_table(out, [column("", list(shown), style="dim"), column("", list(shown.values()), wrap=True)], indent=2)
    if requests:
        out.print()
        write_requests(requests, Output.TABLE)


def write_conditions(conditions: Sequence[PolicyCondition], name: str, version: int, stage: ModelStage, *, as_json: bool) -> None:
    """Write what the policy asks and what was found."""
    passed = all(condition.passed for condition in conditions)
    if as_json:
        listed = [asdict(condition) for condition in conditions]
        click.echo(json_bytes({"name": name, "version": version, "stage": stage.value, "passed": passed, "conditions": listed}), nl=False)
        return
    out = terminal.console()
    if conditions:
        marks = [Cell("ok", "green") if condition.passed else Cell("FAIL", "bold red") for condition in conditions]
        texts = (
            column("condition", [condition.text for condition in conditions], wrap=True),
            column("found", [condition.found for condition in conditions], wrap=True),
            column("rule", [condition.rule for condition in conditions], style="dim", rank=1, max_width=60),
        )
        print_table(out, fit([Column("", marks), *texts], out.width)[0])
        out.print()
    what = f"version {version} of {terminal.one_line(name)!r}"
    failed = sum(not condition.passed for condition in conditions)
    asked = plural(len(conditions), "condition") if conditions else "no rule of the policy"
    verdict = f"may go to {stage} ({asked})" if passed else f"may not go to {stage}: {failed} of {asked} fail"
    out.print(f"{what} {verdict}", style="green" if passed else "red")


def write_requests(requests: Sequence[PromotionRequest], output: Output) -> None:
    """Write requests with what was said to them."""
    if output is Output.JSON:
        click.echo(json_bytes([asdict(request) for request in requests]), nl=False)
        return
    said = ["; ".join(f"{item.verdict} by {item.user}{f': {item.comment}' if item.comment else ''}" for item in request.approvals) for request in requests]
    if output is Output.CSV:
        head = ["request", "name", "version", "stage", "state", "requested_by", "time", "reason", "approvals"]
        rows = [
            [item.request_id, item.name, item.version, item.stage.value, item.state.value, item.requested_by, utc_time(item.timestamp), item.reason, text]
            for item, text in zip(requests, said, strict=True)
        ]
        click.echo(csv_bytes([head, *rows]), nl=False)
        return
    out = terminal.console()
    if requests:
        columns = [
            column("request", [str(item.request_id) for item in requests], right=True),
            column("version", [f"{item.name}/{item.version}" for item in requests], max_width=48),
            column("to", [item.stage.value for item in requests]),
            column("state", [item.state.value for item in requests]),
            column("by", [item.requested_by for item in requests], rank=1),
            column("when", [format_time(item.timestamp) for item in requests], rank=3, right=True),
            column("why", [item.reason for item in requests], rank=4, max_width=40),
            column("said", said, rank=2, max_width=60),
        ]
        print_table(out, fit(columns, out.width)[0])
        out.print()
    out.print(plural(len(requests), "request"), style="dim")


def write_events(events: Sequence[Event], *, as_json: bool) -> None:
    """Write events, oldest first."""
    if as_json:
        click.echo(json_bytes([event_dict(event) for event in events]), nl=False)
        return
    out = terminal.console()
    if events:
        columns = [
            column("event", [str(event.sequence) for event in events], right=True, style="dim"),
            column("when", [format_time(event.timestamp) for event in events], right=True),
            column("who", [event.actor for event in events]),
            column("what", [event.action for event in events]),
            column("of", [event.subject for event in events], max_width=48),
            column("change", [_change(event) for event in events], rank=1, max_width=70),
            column("why", [event.details.get("reason") or "" for event in events], rank=2, max_width=50),
        ]
        print_table(out, fit(columns, out.width)[0])
        out.print()
    out.print(plural(len(events), "event"), style="dim")


def _version_columns(versions: Sequence[ModelVersion]) -> list[Column]:
    return [
        column("version", [str(version.version) for version in versions], right=True),
        Column("stage", [Cell(version.current_stage.value, STAGE_STYLES[version.current_stage]) for version in versions]),
        column("aliases", [", ".join(version.aliases) for version in versions], rank=1),
        column("registered", [format_time(version.creation_timestamp) for version in versions], rank=2, right=True),
        column("by", [version.user_id or "" for version in versions], rank=3),
        column("run", [(version.run_id or "")[:8] for version in versions], rank=1, style="dim"),
        column("description", [version.description or "" for version in versions], rank=4, style="dim", max_width=60),
    ]


def _change(event: Event) -> str:
    """Before and after, as short as they can be read."""
    before, after = event.details.get("before"), event.details.get("after")
    if isinstance(before, dict) and isinstance(after, dict) and isinstance(after.get("stages"), dict) and isinstance(before.get("stages"), dict):
        return ", ".join(f"{version}: {before['stages'].get(version)} → {stage}" for version, stage in after["stages"].items())
    return " → ".join(_compact(part) for part in (before, after) if part)


def _compact(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, sort_keys=True)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
