"""``nbtrack registry``: list, show, register, check, promote, rollback, alias, and the requests, cards and lineage of versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbtrack.cli.commands import Noun
from nbtrack.cli.options import Output, json_option, output_options, uses_store

if TYPE_CHECKING:
    from nbtrack.tracking.client import Client

_STAGES = ("Staging", "Production")


def _stage_option(*stages: str, default: str | None = None) -> Callable[..., Any]:
    choice = click.Choice(stages, case_sensitive=False)
    return click.option("-s", "--stage", type=choice, required=default is None, default=default, show_default=default is not None, help="Which stage.")


def _reason_option(text: str = "Why, for the log of events.") -> Callable[..., Any]:
    return click.option("-r", "--reason", metavar="TEXT", help=text)


@click.group(name="registry", cls=Noun, examples=("nbtrack registry list", "nbtrack registry check churn/3 --stage Production"))
def command() -> None:
    """Registered models: their versions, who promotes them and why.

    VERSION is NAME/3, NAME/Production, NAME/latest or NAME@ALIAS.
    """


@command.command("list", examples=("nbtrack registry list", "nbtrack registry list --filter \"name LIKE 'churn%'\"", "nbtrack registry list --json"))
@click.option("-f", "--filter", "filter_text", default="", metavar="TEXT", help="Which: \"name LIKE 'churn%' AND tags.team = 'sales'\".")
@output_options
@uses_store
def list_models(client: Client, filter_text: str, output: Output) -> None:
    """List registered models with what stands in their stages."""
    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.cli.registry_pages import write_models

    write_models(open_registry(client).search_registered_models(filter_text, max_results=100_000), output, place=client.tracking_uri)


@command.command(examples=("nbtrack registry show churn", "nbtrack registry show churn/3", "nbtrack registry show churn@champion --json"))
@click.argument("model")
@json_option
@uses_store
def show(client: Client, model: str, as_json: bool) -> None:
    """Show a model with all its versions, or one version.

    MODEL is a name or a VERSION.
    """
    from nbtrack.cli.registry_lookup import find, names_version, open_registry
    from nbtrack.cli.registry_pages import write_model, write_version

    registry = open_registry(client)
    if names_version(model):
        write_version(registry, find(registry, model), as_json=as_json)
    else:
        write_model(registry, registry.get_registered_model(model), as_json=as_json)


@command.command(examples=("nbtrack registry register runs:/RUN_ID/model churn", "nbtrack registry register models:/churn/3 churn-eu -t region=eu"))
@click.argument("uri")
@click.argument("name")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("-d", "--description", metavar="TEXT", help="What this version is.")
@uses_store
def register(client: Client, uri: str, name: str, tags: tuple[str, ...], description: str | None) -> None:
    """Make the model at URI a version of NAME.

    Prints its number.
    """
    from nbtrack.cli.registry_lookup import key_values, open_registry

    version = open_registry(client).register_model(uri, name, tags=key_values(tags, "a tag"), description=description)
    click.echo(f"{version.version}")


@command.command(examples=("nbtrack registry check churn/3 --stage Production", "nbtrack registry check churn/latest --stage Staging --json"))
@click.argument("version")
@_stage_option(*_STAGES)
@json_option
@uses_store
def check(client: Client, version: str, stage: str, as_json: bool) -> None:
    """Say whether the policy lets a version go to a stage.

    The exit code is 1 if not. The policy is in nbtrack.policy.yml, in or beside the folder of the store, and in the store itself.
    """
    from nbtrack.cli.registry_lookup import find, open_registry
    from nbtrack.cli.registry_pages import write_conditions
    from nbtrack.entities import ModelStage

    registry = open_registry(client)
    found = find(registry, version)
    conditions = registry.check(found.name, found.version, stage)
    write_conditions(conditions, found.name, found.version, ModelStage(stage), as_json=as_json)
    if not all(condition.passed for condition in conditions):
        raise click.exceptions.Exit(1)


@command.command(examples=("nbtrack registry promote churn/3 --stage Production --archive", "nbtrack registry promote churn/2 --stage Archived -r leaks"))
@click.argument("version")
@_stage_option("None", *_STAGES, "Archived")
@click.option("--archive", is_flag=True, help="Archive all other versions in the stage.")
@_reason_option()
@click.option("--override", is_flag=True, help="Go on although the policy refuses; needs --reason.")
@uses_store
def promote(client: Client, version: str, stage: str, archive: bool, reason: str | None, override: bool) -> None:
    """Move a version to a stage, if the policy lets it."""
    from nbtrack.cli.registry_lookup import find, open_registry

    if override and not (reason or "").strip():
        raise click.UsageError("--override goes on although the policy refuses, so it needs --reason.")
    registry = open_registry(client)
    found = find(registry, version)
    seen = registry.seen(found.name, found.version, stage)
    moved = registry.transition_model_version_stage(found.name, found.version, stage, archive, reason, override=override, seen=seen)
    click.echo(f"{moved.name}/{moved.version}: {found.current_stage} → {moved.current_stage}")


@command.command(examples=("nbtrack registry rollback churn", "nbtrack registry rollback churn --stage Staging -r 'version 4 is slow'"))
@click.argument("name")
@_stage_option(*_STAGES, default="Production")
@_reason_option()
@uses_store
def rollback(client: Client, name: str, stage: str, reason: str | None) -> None:
    """Put back what stood in a stage before.

    What came since is archived; again, it goes one step further back.
    """
    from nbtrack.cli.registry_lookup import open_registry

    version = open_registry(client).rollback(name, stage, reason)
    click.echo(f"{version.name}/{version.version} is back in {version.current_stage}")


@command.command(examples=("nbtrack registry alias churn/3 champion", "nbtrack registry alias churn@champion champion --delete"))
@click.argument("version")
@click.argument("alias")
@click.option("--delete", is_flag=True, help="Remove the alias.")
@_reason_option()
@uses_store
def alias(client: Client, version: str, alias: str, delete: bool, reason: str | None) -> None:
    """Point an alias to a version."""
    from nbtrack.cli.registry_lookup import find, open_registry

    registry = open_registry(client)
    found = find(registry, version)
    if delete:
        registry.delete_registered_model_alias(found.name, alias, reason=reason)
        click.echo(f"{found.name}@{alias} is gone")
        return
    registry.set_registered_model_alias(found.name, alias, found.version, reason=reason)
    click.echo(f"{found.name}@{alias} is version {found.version}")


@command.command(examples=("nbtrack registry request churn/3 --stage Production --archive -r 'better recall'",))
@click.argument("version")
@_stage_option(*_STAGES)
@click.option("--archive", is_flag=True, help="Archive all other versions in the stage.")
@_reason_option()
@uses_store
def request(client: Client, version: str, stage: str, archive: bool, reason: str | None) -> None:
    """Ask others to approve a promotion.

    Prints the number of the request.
    """
    from nbtrack.cli.registry_lookup import find, open_registry

    registry = open_registry(client)
    found = find(registry, version)
    click.echo(str(registry.request_transition(found.name, found.version, stage, archive, reason).request_id))


@command.command(examples=("nbtrack registry requests", "nbtrack registry requests churn --all"))
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Those that are closed too.")
@output_options
@uses_store
def requests(client: Client, name: str | None, everything: bool, output: Output) -> None:
    """List open requests of one model or of all."""
    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.cli.registry_pages import write_requests

    write_requests(open_registry(client).requests(name, state=None if everything else "open"), output)


def _verdict(name: str, help_text: str) -> None:
    """A command that says something to a request."""

    @command.command(name, help=help_text, examples=(f"nbtrack registry {name} 4 -m 'seen the card'",))
    @click.argument("request_id", type=click.IntRange(min=1), metavar="REQUEST")
    @click.option("-m", "--comment", metavar="TEXT", help="What to say.")
    @uses_store
    def say(client: Client, request_id: int, comment: str | None) -> None:
        from nbtrack.cli.registry_lookup import open_registry

        said = getattr(open_registry(client), name)(request_id, comment)
        click.echo(f"request {said.request_id} ({said.name}/{said.version} to {said.stage}) is {said.state}")
        if said.state.value == "open":
            click.echo(f"it waits for more; see: nbtrack registry check {said.name}/{said.version} --stage {said.stage}", err=True)


_verdict("approve", "Approve a request.\n\nThe last approval that it needs carries it out.")
_verdict("reject", "Refuse a request, which closes it.")
_verdict("cancel", "Take your own request back.")


@command.command(
    examples=(
        "nbtrack registry card churn/3",
        "nbtrack registry card churn/3 --format html > card.html",
        "nbtrack registry card churn/3 --set contact=me",
    )
)
@click.argument("version")
@click.option("--format", "form", type=click.Choice(("markdown", "html", "json")), default="markdown", show_default=True, help="How to write it.")
@click.option("--set", "fields", multiple=True, metavar="FIELD=TEXT", help="Fill a field first; may be repeated. An empty text removes it.")
@uses_store
def card(client: Client, version: str, form: str, fields: tuple[str, ...]) -> None:
    """Write the model card of a version.

    It is filled from what is known about the version, and from the fields that people wrote.
    """
    from nbtrack.cli.registry_lookup import find, key_values, open_registry
    from nbtrack.registry.card_fields import CARD_FIELDS, FieldKind

    registry = open_registry(client)
    found = find(registry, version)
    given = key_values(fields, "a field")
    lists = {name for name, field in CARD_FIELDS.items() if field.kind is FieldKind.TEXTS}
    values: dict[str, Any] = {name: [part.strip() for part in text.split(",")] if name in lists else text for name, text in given.items()}
    written = registry.update_model_card(found.name, found.version, values)
    click.echo({"markdown": written.to_markdown, "html": written.to_html, "json": written.to_json}[form]().rstrip("\n"))


@command.command(examples=("nbtrack registry lineage churn/3", "nbtrack registry lineage churn/Production --svg lineage.svg"))
@click.argument("version")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it into a file instead.")
@uses_store
def lineage(client: Client, version: str, svg: Path | None) -> None:
    """Write where a version comes from, as JSON."""
    from nbtrack.cli.registry_lookup import find, open_registry
    from nbtrack.tracking.export import json_bytes

    registry = open_registry(client)
    found = find(registry, version)
    line = registry.lineage(found.name, found.version)
    if svg is None:
        click.echo(json_bytes(line.to_dict()), nl=False)
        return
    svg.write_text(line.to_svg(), encoding="utf-8")
    click.echo(f"wrote {svg}", err=True)


@command.command("used-by", examples=("nbtrack registry used-by 5d41402abc4b",))
@click.argument("digest")
@json_option
@uses_store
def used_by(client: Client, digest: str, as_json: bool) -> None:
    """List the versions made from some data.

    DIGEST is the sha256 that the run recorded, or the beginning of it.
    """
    from dataclasses import asdict

    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.tracking.export import json_bytes

    versions = open_registry(client).versions_using(digest)
    if as_json:
        click.echo(json_bytes([asdict(version) for version in versions]), nl=False)
        return
    for version in versions:
        click.echo(f"{version.name}/{version.version}  {version.current_stage}")


@command.command(examples=("nbtrack registry policy", "nbtrack registry policy --set policy.yml -r 'after the audit'"))
@click.option("--set", "path", type=click.Path(path_type=Path), metavar="FILE", help="Keep the policy of this file in the store.")
@click.option("--remove", is_flag=True, help="Remove the policy that is kept in the store.")
@_reason_option()
@uses_store
def policy(client: Client, path: Path | None, remove: bool, reason: str | None) -> None:
    """Show where the rules of the policy are.

    They are in nbtrack.policy.yml beside the folder .nbtrack, or kept in the store by --set:

    \b
      rules:
        - model: churn*
          stage: Production
          metrics: metrics.recall >= 0.7 AND metrics.auc_train - metrics.auc_test <= 0.05
          improvement: {metric: auc, goal: max, tolerance: 0.01}
          signature: true
          approvals: 2

    The exit code is 1 if one of them has an error, since then no promotion passes.
    """
    from nbtrack.cli.registry_lookup import open_registry
    from nbtrack.registry.policy_file import read_policy_file

    if path is not None and remove:
        raise click.UsageError("--set and --remove exclude each other: choose one.")
    registry = open_registry(client)
    if path is not None or remove:
        if path is not None:
            read_policy_file(path)  # an error is told with the name of the file
        registry.set_policy(None if path is None else path.read_text(encoding="utf-8"), reason=reason)
    rules = registry.policy()
    for rule in rules:
        click.echo(f"{rule.place}  {rule.model} to {rule.stage}")
    if not rules:
        click.echo("no rule: every promotion passes")
