"""The root command: help, exit codes, where the store is, what is imported."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import nbtrack
from cli.conftest import NbtrackCommand, make_run
from nbtrack.cli.main import NOUNS, Root, cli


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands below the root with their full names, groups included."""
    context = click.Context(cli, info_name="nbtrack")
    waiting = [("nbtrack", cli)]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        if isinstance(command, click.Group):
            waiting.extend((f"{name} {child}", command.get_command(context, child)) for child in command.list_commands(context))


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_has_a_help_text_with_an_example_of_itself(name: str, command: click.Command) -> None:
    assert command.help
    assert command.examples
    assert all(example.startswith("nbtrack") for example in command.examples)
    if not isinstance(command, click.Group):
        assert all(name in example for example in command.examples)


@pytest.mark.parametrize("name", [name for name, _ in every_command()])
def test_help_shows_the_examples_whole(name: str, call: NbtrackCommand) -> None:
    result = call(*name.split()[1:], "--help", width=60)
    assert result.exit_code == 0
    command = dict(every_command())[name]
    assert all(example in result.output for example in command.examples)


@pytest.mark.parametrize("name", [name for name, command in every_command() if isinstance(command, click.Group)])
def test_the_commands_of_a_group_are_listed_with_whole_sentences(name: str, call: NbtrackCommand) -> None:
    assert "..." not in call(*name.split()[1:], "--help", width=80).output.replace("[ARGS]...", "")


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_option_and_argument_says_what_it_is(name: str, command: click.Command) -> None:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_each_line_of_the_root_help_is_the_beginning_of_the_nouns_own_help() -> None:
    context = click.Context(cli)
    for name in NOUNS:
        assert cli.get_command(context, name).name == name


@pytest.mark.parametrize("name", [name for name, command in every_command() if not isinstance(command, click.Group)])
def test_the_examples_parse(name: str) -> None:
    """An example with an option that does not exist would be worse than none."""
    command = dict(every_command())[name]
    for example in command.examples:
        line = re.sub(r" > \S+$", "", example)
        arguments = shlex.split(line)[len(name.split()) :]
        command.make_context(name, arguments, resilient_parsing=False).close()


def test_version_is_printed(call: NbtrackCommand) -> None:
    assert call("--version").output.strip() == f"nbtrack, version {nbtrack.__version__}"


def test_an_unknown_command_is_wrong_usage_and_names_a_close_one(call: NbtrackCommand) -> None:
    result = call("run")
    assert result.exit_code == 2
    assert "Did you mean 'nbtrack runs'?" in result.stderr


def test_an_unknown_option_is_wrong_usage(call: NbtrackCommand) -> None:
    assert call("runs", "list", "--sorted").exit_code == 2


def test_reading_where_there_is_no_store_is_refused_and_makes_none(call: NbtrackCommand, empty_folder: Path) -> None:
    for arguments in (("runs", "list"), ("runs", "show", "x"), ("experiments", "list"), ("runs", "delete", "x", "--yes")):
        result = call(*arguments)
        assert result.exit_code == 1
        assert str(empty_folder / ".nbtrack") in result.stderr
    assert list(empty_folder.iterdir()) == []


def test_an_error_of_nbtrack_is_one_message_without_a_traceback(call: NbtrackCommand, tumours: dict[str, str]) -> None:
    result = call("runs", "list", "--filter", "metrics.auc >")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: filter, column ")
    assert "Traceback" not in result.stderr


def test_any_other_exception_keeps_its_traceback() -> None:
    class Faulty(Root):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return click.Command("runs", callback=lambda: {}["bug"])

    result = CliRunner().invoke(Faulty(), ["runs"])
    assert isinstance(result.exception, KeyError)


def test_a_file_that_is_no_database_is_refused_and_left_alone(call: NbtrackCommand, empty_folder: Path) -> None:
    (empty_folder / "notes.db").write_text("These are notes, and no database at all, however you read them.\n" * 4)
    result = call("--store", "notes.db", "runs", "list")
    assert result.exit_code == 1
    assert "not a database" in result.stderr
    assert (empty_folder / "notes.db").read_text().startswith("These are notes")


def test_the_store_may_be_named_before_the_noun_and_after_it(call: NbtrackCommand, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = empty_folder / "other"
    nbtrack.set_tracking_uri(other)
    make_run("elsewhere")
    nbtrack.set_tracking_uri(None)
    for arguments in (("--store", "other", "runs", "list"), ("runs", "list", "--store", "other"), ("--store", "nowhere", "runs", "list", "--store", "other")):
        assert "elsewhere" in call(*arguments).stdout
    monkeypatch.setenv("NBTRACK_TRACKING_URI", str(other))
    assert "elsewhere" in call("runs", "list").stdout


def test_the_store_is_found_from_a_folder_below(call: NbtrackCommand, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("above")
    below = empty_folder / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert "above" in call("runs", "list").stdout


def test_importing_the_commands_loads_nothing_heavy() -> None:
    heavy = "rich pandas numpy matplotlib IPython sqlite3 sklearn nbformat nbclient jupyter_client asyncio"
    nouns = "; ".join(f"import nbtrack.cli.{name}" for name in NOUNS)
    code = f"import sys, nbtrack.__main__; {nouns}; print([name for name in {heavy.split()!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def in_a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "nbtrack", *arguments], capture_output=True, env={**os.environ, **environment}, check=False, timeout=60)


def test_a_real_process_lists_runs_and_says_by_its_exit_code_how_it_went(tumours: dict[str, str]) -> None:
    listed = in_a_process("runs", "list", COLUMNS="100")
    assert listed.returncode == 0
    assert b"forest" in listed.stdout
    assert b"\x1b[" not in listed.stdout
    refused = in_a_process("runs", "show", "nobody")
    assert refused.returncode == 1
    assert refused.stderr.startswith(b"Error: no run has the id or name 'nobody'") or refused.stderr.startswith(b"Error: no run")
    assert in_a_process("runs", "show").returncode == 2


def test_an_encoding_without_the_typographic_characters_gets_plain_ones() -> None:
    nbtrack.set_experiment("a")
    make_run("naïve 🎲", metrics={"auc": 0.5})
    make_run("other", params={"p": 1})
    result = in_a_process("runs", "list", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    text = result.stdout.decode("ascii")
    assert "na?ve ?" in text
    assert " - " in text


def test_a_reader_that_leaves_early_is_no_error() -> None:
    nbtrack.set_experiment("many")
    for number in range(40):
        make_run(f"run-{number}")
    command = f"{sys.executable} -m nbtrack runs list --all | head -n 1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""
