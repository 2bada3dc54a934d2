"""Identifiers and the rules for names.

Run ids are 32 hex digits as in MLflow; experiment ids are 18 decimal digits drawn at random, so
that the stores of two people can be merged, but for the default experiment, which is ``"0"``.
"""

from __future__ import annotations

import hashlib
import posixpath
import random
import re
import uuid

from nbtrack.errors import InvalidName, InvalidPath

DEFAULT_EXPERIMENT_ID = "0"
DEFAULT_EXPERIMENT_NAME = "Default"

MAX_KEY_CHARS = 250  # of a param, metric or tag key, as in MLflow
MAX_TITLE_CHARS = 500  # of an experiment or run name

# MLflow's rule for keys of params, metrics and tags (mlflow/utils/validation.py).
_KEY = re.compile(r"[/\w.\- :]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# The system's own random source: a notebook that calls random.seed() must not repeat names.
_random = random.SystemRandom()

_ADJECTIVES = (
    "able amber ample apt bold brave bright brisk calm clean clear clever cool crisp deft eager early easy even fair fast fine firm fleet fond free "
    "fresh gentle glad golden grand green handy happy honest humble jolly keen kind large lean light lively loyal lucid lucky merry mild neat nimble noble "
    "open patient plain polite proud quick quiet rapid rare ready rosy sage sharp shy silent smart smooth snug solid sound spry stable steady still "
    "sturdy subtle sunny sure swift tidy tough true upbeat vivid warm wise witty young zesty"
).split()
_NOUNS = (
    "acorn alder ant apple ash aspen badger bass bay bear beaver bee beech birch bison brook cedar cherry clam cliff cloud clover cod crab crane creek "
    "crow deer delta dove duck dune eagle eel elk elm fern finch fir fish fjord fox frog gecko goat goose grove gull hare hawk hazel hill heron ibex iris "
    "ivy jay kite koala lake lark leaf lemur lily lion lynx maple marsh mesa mink mole moose moss moth newt oak olive orca otter owl palm panda "
    "pear pine plum pond pony puma quail rain raven reef ridge river robin rose sage seal shore shrew sky slug snail snow sole spruce squid star stoat "
    "stork swan tern tide toad trout tulip vale vole wave whale willow wolf wren yak yew"
).split()


def new_run_id() -> str:
    """A fresh run id: 32 lower-case hex digits."""
    return uuid.uuid4().hex


def new_experiment_id() -> str:
    """A fresh experiment id: 18 decimal digits, the first not zero."""
    return str(_random.randrange(10**17, 10**18))


def random_run_name() -> str:
    """A name such as ``swift-otter-417`` (at most 20 characters)."""
    return f"{_random.choice(_ADJECTIVES)}-{_random.choice(_NOUNS)}-{_random.randrange(1000)}"


def text_digest(text: str) -> str:
    """sha256 of ``text`` in UTF-8, as hex; lone surrogates are kept apart rather than refused."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_key(key: object, kind: str) -> str:
    """Return ``key`` if it can name a param, metric or tag (``kind`` says which).

    Raises
    ------
    InvalidName
        The key is no string, empty, too long, or outside MLflow's rule.
    """
    if not isinstance(key, str):
        raise InvalidName(f"a {kind} name must be a string; found {type(key).__name__}: {key!r:.80}")
    if not key:
        raise InvalidName(f"a {kind} name must not be empty")
    if len(key) > MAX_KEY_CHARS:
        raise InvalidName(f"the {kind} name {key[:40]!r}... has {len(key)} characters; at most {MAX_KEY_CHARS} are allowed")
    if not _KEY.fullmatch(key):
        bad = next(character for character in key if not _KEY.fullmatch(character))
        raise InvalidName(
            f"the {kind} name {key!r} has the character {bad!r}. Names may only contain alphanumerics, underscores (_), dashes (-), "
            "periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    if posixpath.normpath(key) != key or key in (".", "..") or key.startswith(("/", "../")):
        raise InvalidName(f"the {kind} name {key!r} reads as a path that is not plain; a name such as {_plain(key)!r} would be accepted")
    return key


def check_title(name: object, kind: str) -> str:
    """Return ``name`` if it can name an experiment or a run: any text of one line, emoji included.

    Raises
    ------
    InvalidName
        The name is no string, blank, too long, or has control characters.
    """
    if not isinstance(name, str):
        raise InvalidName(f"the {kind} name must be a string; found {type(name).__name__}: {name!r:.80}")
    if not name.strip():
        raise InvalidName(f"the {kind} name must not be blank")
    if len(name) > MAX_TITLE_CHARS:
        raise InvalidName(f"the {kind} name {name[:40]!r}... has {len(name)} characters; at most {MAX_TITLE_CHARS} are allowed")
    if found := _CONTROL.search(name):
        raise InvalidName(f"the {kind} name {name!r} has the control character {found.group()!r} at {found.start() + 1}")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidName(f"the {kind} name {name!r} is not valid Unicode: {error.reason} at {error.start + 1}") from None
    return name


def check_artifact_path(path: object) -> str:
    """Return ``path`` in its plain form: relative, with ``/``, inside the run.

    Raises
    ------
    InvalidPath
        The path is empty, absolute, has ``..``, a drive, a NUL or another control character.
    """
    if not isinstance(path, str):
        raise InvalidPath(f"an artifact path must be a string; found {type(path).__name__}: {path!r:.80}")
    text = path.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    problem = ""
    if not parts:
        problem = "it is empty"
    elif text.startswith("/") or re.match(r"[A-Za-z]:", text):
        problem = "it is absolute"
    elif ".." in parts:
        problem = "it has '..'"
    elif _CONTROL.search(text):
        problem = "it has a control character"
    if problem:
        raise InvalidPath(f"invalid artifact path {path!r}: {problem}. An artifact stays inside its run; use a relative path such as 'plots/roc.png'")
    return "/".join(parts)


def _plain(key: str) -> str:
    """The nearest name that the rule accepts, for a message."""
    return "/".join(part for part in key.split("/") if part not in ("", ".", "..")) or "name"
