"""Options that several commands share, as decorators, and the store that they work on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbtrack.cli.commands import Refusal

if TYPE_CHECKING:
    from nbtrack.store.open import Place
    from nbtrack.tracking.client import Client

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_LIMIT = 50


class Output(str, Enum):
    """How a command writes what it found."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass
class StoreChoice:
    """What ``--store`` said, wherever on the line it stood."""

    uri: str | None = None


@dataclass(frozen=True)
class Selection:
    """Which runs a command is about, as typed."""

    filter: str
    order_by: tuple[str, ...]
    experiments: tuple[str, ...]
    limit: int | None
    deleted: bool


def store_option(function: F) -> F:
    """``--store URI``, taken before the noun and after it."""
    option = click.option(
        "--store",
        metavar="URI",
        expose_value=False,
        callback=_choose_store,
        help="A folder, or sqlite:///file.db.  [env: NBTRACK_TRACKING_URI; default: the nearest .nbtrack]",
    )
    return option(function)


def uses_store(function: Callable[..., None]) -> Callable[..., None]:
    """Give the command ``--store``, and the client of the store as its first argument; the store must be there."""
    return _with_client(function, create=False)


def makes_store(function: Callable[..., None]) -> Callable[..., None]:
    """As ``uses_store``, for a command that makes the store if it is not there."""
    return _with_client(function, create=True)


def output_options(function: F) -> F:
    """``--json`` and ``--csv``, as the argument ``output``."""
    function = click.option("--csv", "csv_asked", is_flag=True, help="Write CSV.")(function)
    return _fold(click.option("--json", "json_asked", is_flag=True, help="Write JSON.")(function), "output", _output)


def json_option(function: F) -> F:
    """``--json``, for what is no table."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(function)


def selection_options(function: F) -> F:
    """Which runs, in which order, as the argument ``selection``."""
    options = (
        click.option("-f", "--filter", default="", metavar="TEXT", help="Which runs: \"metrics.auc > 0.9 AND params.model = 'forest'\"."),
        click.option("-o", "--order-by", multiple=True, metavar="KEY", help="'metrics.auc DESC', 'start_time'; may be repeated."),
        click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only this experiment, by name or id; may be repeated."),
        click.option("-n", "--limit", type=click.IntRange(min=1), help=f"At most so many runs.  [default: {DEFAULT_LIMIT} in a table]"),
        click.option("--deleted", is_flag=True, help="Deleted runs instead."),
    )
    for option in reversed(options):
        function = option(function)
    return _fold(function, "selection", _selection)


def yes_option(function: F) -> F:
    """``--yes``, for what asks before it acts."""
    return click.option("-y", "--yes", is_flag=True, help="Don't ask.")(function)


def chosen_place() -> Place:
    """Where the store of this command line is, or would be made."""
    from nbtrack.config import read_settings
    from nbtrack.store.open import locate

    choice = click.get_current_context().ensure_object(StoreChoice)
    return locate(choice.uri or read_settings().tracking_uri)


def no_store(place: Place) -> Refusal:
    """The refusal of a command that needs a store where there is none."""
    return Refusal(
        f"there is no store at {place.uri}. Commands that read never make one: go to the folder of your notebooks, "
        "or name the store with --store FOLDER. `nbtrack demo` makes one to look at"
    )


def _with_client(function: Callable[..., None], *, create: bool) -> Callable[..., None]:
    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        function(_open_client(create=create), *args, **kwargs)

    return store_option(command)


def _open_client(*, create: bool) -> Client:
    from nbtrack.tracking.client import Client

    place = chosen_place()
    if not create and not place.exists:
        raise no_store(place)
    client = Client(place.uri)
    click.get_current_context().call_on_close(client.store.close)
    return client


def _choose_store(context: click.Context, _: click.Parameter, value: str | None) -> None:
    choice = context.ensure_object(StoreChoice)
    if value is not None:
        choice.uri = value


def _fold(function: F, name: str, combine: Callable[[dict[str, Any]], object]) -> F:
    """Replace several options by the one argument that ``combine`` takes out of all of them."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        kwargs[name] = combine(kwargs)
        return function(*args, **kwargs)

    return command  # type: ignore[return-value]


def _output(kwargs: dict[str, Any]) -> Output:
    as_json, as_csv = kwargs.pop("json_asked"), kwargs.pop("csv_asked")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other: choose one.")
    return Output.JSON if as_json else Output.CSV if as_csv else Output.TABLE


def _selection(kwargs: dict[str, Any]) -> Selection:
    return Selection(kwargs.pop("filter"), kwargs.pop("order_by"), kwargs.pop("experiments"), kwargs.pop("limit"), kwargs.pop("deleted"))
