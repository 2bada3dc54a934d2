"""The first line of a tracked cell: ``%%track_run [NAME] [options]``, read without IPython.

Words are split as a shell does, but for braces: ``{...}`` holds Python and stays together. What is
in the braces is worked out when the cell starts; the rest of the line is checked before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbtrack.errors import InvalidInput, did_you_mean
from nbtrack.ids import check_key

# What later versions of nbtrack will do; taking an option off this list switches it on.
NOT_AVAILABLE_YET = {
    "live": "the live panel",
}


@dataclass(frozen=True)
class Wanted:
    """A param or metric asked for by name: ``expression`` is worked out after the cell ran."""

    key: str
    expression: str


@dataclass(frozen=True)
class TrackOptions:
    """How a cell or block is to be tracked."""

    name: str | None = None
    experiment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Sequence[Wanted] = ()
    metrics: Sequence[Wanted] = ()
    infer: bool = True
    figures: bool = True
    outputs: bool = True
    nested: bool = False
    notes: str | None = None
    quiet: bool = False
    models: bool = True  # keep the fitted model with the run
    register: str | None = None  # the registered model that it becomes a version of


@dataclass(frozen=True)
class _Option:
    """One option: its names, what its value is called (None for a switch), and what it is for."""

    long: str
    short: str | None = None
    value: str | None = None
    example: str = ""
    repeats: bool = False

    @property
    def label(self) -> str:
        return f"{self.short}/{self.long}" if self.short else self.long


_OPTIONS = (
    _Option("--experiment", "-e", "NAME", "-e churn"),
    _Option("--tag", "-t", "KEY=VALUE", "-t team=red", repeats=True),
    _Option("--param", "-p", "NAME or NAME=EXPRESSION", "-p rows=len(X_train)", repeats=True),
    _Option("--metric", "-m", "NAME or NAME=EXPRESSION", "-m best_score", repeats=True),
    _Option("--no-infer"),
    _Option("--no-figures"),
    _Option("--no-outputs"),
    _Option("--no-models"),
    _Option("--nested"),
    _Option("--notes", None, "TEXT", '--notes "the smaller tree"'),
    _Option("--register", None, "MODEL", "--register churn-model"),
    _Option("--live"),
    _Option("--quiet", "-q"),
)
_BY_NAME = {name: option for option in _OPTIONS for name in (option.long, option.short) if name}


@dataclass(frozen=True)
class Word:
    """One word of the line: as it was typed, and with its quotes taken off."""

    typed: str
    text: str

    @property
    def expression(self) -> str:
        """The word as Python: quotes inside belong to it, quotes around all of it do not."""
        return self.text if self.typed[:1] in ("'", '"') else self.typed


def split_words(line: str) -> list[Word]:
    """The words of ``line``; quotes group, and so do braces, which stay.

    Raises
    ------
    InvalidInput
        A quote or a brace is left open.
    """
    words: list[Word] = []
    typed = text = ""
    quote, depth = "", 0
    for character in [*line, " "]:
        if quote and not depth:
            quote = "" if character == quote else quote
            text += character if quote else ""
        elif depth or character == "{":
            depth += {"{": 1, "}": -1}.get(character, 0)
            text += character
        elif character in "'\"":
            quote = character
        elif not character.isspace():
            text += character
        else:
            if typed:
                words.append(Word(typed, text))
            typed = text = ""
            continue
        typed += character
    if quote or depth:
        opened = "a brace is" if depth else "a quote is"
        raise InvalidInput(f"{opened} left open in {line.strip()!r}; close it, or put the other kind of quote around text that has one")
    return words


def parse_options(line: str) -> tuple[TrackOptions, Mapping[str, str]]:
    """Read the options of ``%%track_run``.

    Returns
    -------
    tuple
        The options with texts as they were typed (``{...}`` not worked out), and, for messages, the
        label of the option that each text with braces came from.

    Raises
    ------
    InvalidInput
        An option is unknown, lacks its value, or has one of the wrong form. The message names it.
    """
    found = _read(split_words(line))
    templates = {word.text: label for label, words in found.items() for word in words if _has_braces(word.text)}
    refuse_unavailable(live="--live" in found)
    return _options(found), templates


def refuse_unavailable(*, live: bool) -> None:
    """Refuse what this version can't do yet, rather than leave it out silently.

    Raises
    ------
    InvalidInput
        It is asked for.
    """
    for option, asked in (("live", live),):
        if asked and option in NOT_AVAILABLE_YET:
            raise InvalidInput(f"{option} is not available yet: {NOT_AVAILABLE_YET[option]} comes with a later version of nbtrack. Leave it out")


def expand(text: str, namespace: Mapping[str, Any], *, label: str) -> str:
    """``text`` with each ``{python_expression}`` replaced by its value, as in an f-string.

    Raises
    ------
    InvalidInput
        An expression does not parse, or raises.
    """
    if not _has_braces(text):
        return text
    quotes = "'''" if '"' in text else '"""'
    try:
        return str(eval(compile(f"rf{quotes}{text}{quotes}", "<track_run>", "eval"), dict(namespace)))
    except Exception as error:  # whatever the user's expression raises
        raise InvalidInput(f"can't work out {text!r} ({label}): {type(error).__name__}: {error}") from None


def expanded(options: TrackOptions, labels: Mapping[str, str], namespace: Mapping[str, Any]) -> TrackOptions:
    """``options`` with the braces of its texts worked out in ``namespace``."""

    def plain(text: str | None) -> str | None:
        return None if text is None else expand(text, namespace, label=labels.get(text, "NAME"))

    tags = {key: expand(value, namespace, label=f"-t {key}") for key, value in options.tags.items()}
    return replace(
        options, name=plain(options.name), experiment=plain(options.experiment), notes=plain(options.notes), register=plain(options.register), tags=tags
    )


def _has_braces(text: str) -> bool:
    return "{" in text or "}" in text


def _read(words: Sequence[Word]) -> dict[str, list[Word]]:
    """The words of each option under its long name; names of runs under ``NAME``."""
    found: dict[str, list[Word]] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not _is_option(word):
            found.setdefault("NAME", []).append(word)
            continue
        name, equals, value = word.typed.partition("=")
        option = _known(name)
        if option.value is None:
            if equals:
                raise InvalidInput(f"{option.label} is a switch and takes no value; found {word.typed!r}")
            found.setdefault(option.long, [])
            continue
        if equals:
            given = split_words(value)[0] if value else Word("", "")
        elif rest and not _is_option(rest[0]):
            given = rest.pop(0)
        else:
            given = Word("", "")
        if not given.text:
            raise InvalidInput(f"{option.label} needs a value: {option.value}, as in {option.example}")
        if option.long in found and not option.repeats:
            raise InvalidInput(f"{option.label} is given twice; leave one out")
        found.setdefault(option.long, []).append(given)
    if len(names := found.get("NAME", [])) > 1:
        raise InvalidInput(f"a run has one name; found {' and '.join(repr(word.text) for word in names)}. Put a name with spaces in quotes")
    return found


def _is_option(word: Word) -> bool:
    return word.typed.startswith("-") and len(word.typed) > 1


def _known(name: str) -> _Option:
    option = _BY_NAME.get(name)
    if option is None:
        near = did_you_mean(name, _BY_NAME) or f" The options are {', '.join(option.label for option in _OPTIONS)}."
        raise InvalidInput(f"unknown option {name}.{near} %%track_run? shows what each does")
    return option


def _options(found: Mapping[str, Sequence[Word]]) -> TrackOptions:
    def text(label: str) -> str | None:
        return found[label][0].text if label in found else None

    return TrackOptions(
        name=text("NAME"),
        experiment=text("--experiment"),
        tags=dict(_tag(word) for word in found.get("--tag", ())),
        params=tuple(_wanted(word, "param") for word in found.get("--param", ())),
        metrics=tuple(_wanted(word, "metric") for word in found.get("--metric", ())),
        infer="--no-infer" not in found,
        figures="--no-figures" not in found,
        outputs="--no-outputs" not in found,
        nested="--nested" in found,
        notes=text("--notes"),
        quiet="--quiet" in found,
        models="--no-models" not in found,
        register=text("--register"),
    )


def _tag(word: Word) -> tuple[str, str]:
    key, equals, value = word.text.partition("=")
    if not equals or not key:
        raise InvalidInput(f"-t/--tag takes KEY=VALUE, as in -t team=red; found {word.text!r}")
    return check_key(key, "tag"), value


def _wanted(word: Word, kind: str) -> Wanted:
    """``NAME``, ``NAME=EXPRESSION``, or ``NAME={expression}``; the expression is checked, not run."""
    key, equals, expression = word.expression.partition("=")
    expression = expression.strip() if equals else key
    if expression.startswith("{") and expression.endswith("}") and _is_expression(expression[1:-1]):
        expression = expression[1:-1]
    if not _is_expression(expression):
        raise InvalidInput(f"--{kind} takes NAME or NAME=EXPRESSION; {expression!r} of {word.text!r} is no Python expression")
    return Wanted(check_key(key.strip(), kind), expression)


def _is_expression(text: str) -> bool:
    try:
        compile(text.strip(), "<track_run>", "eval")
    except (SyntaxError, ValueError):
        return False
    return True
