"""What the terminal can show: its width, its characters, and text that must not steer it."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import sys
import unicodedata
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 160  # columns where no terminal says how wide it is
MIN_WIDTH = 40

# One character each, so that columns stay aligned where an encoding lacks the typographic one.
_TYPOGRAPHIC = "–—−…·•→▲▼└├│─µ‘’“”\u202f\u00a0×✓✗■▶"
_PLAIN = {**dict(zip(_TYPOGRAPHIC, "---~-*>+-`||-u''\"\"  x+x#>", strict=True)), "∞": "inf"}
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def degrade_typography() -> None:
    """Write characters that the terminal's encoding lacks as plain ones, rather than to fail."""
    codecs.register_error("nbtrack-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="nbtrack-plain")


def show_warnings_plainly() -> None:
    """A warning of the library is a line for people; where in the code it came from says nothing to them."""
    warnings.showwarning = _show_warning


def width() -> int:
    """How many columns there are to write in; ``COLUMNS`` overrules."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return max(int(columns), MIN_WIDTH)
    if not sys.stdout.isatty():
        return PIPE_WIDTH
    return max(shutil.get_terminal_size().columns, MIN_WIDTH)


def console(*, columns: int | None = None) -> Console:
    """Where tables are printed: colours on a terminal only, none with ``NO_COLOR``."""
    from rich.console import Console

    return Console(width=columns or width(), highlight=False, markup=False, emoji=False, soft_wrap=False)


def say(text: str = "", *, err: bool = False) -> None:
    """Write a line for people, to stdout or stderr.

    Not ``click.echo``, which writes UTF-8 where the encoding can't show a text, whatever reads it.
    """
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{text}\n")
    if err:
        stream.flush()


def one_line(text: str) -> str:
    """``text`` with line breaks and whatever would steer the terminal written as escapes."""
    return text if text.isprintable() else "".join(map(_escape, text))


def plain_text(text: str) -> str:
    """Text of several lines without colours and other control sequences."""
    kept = _ANSI.sub("", text).replace("\r\n", "\n").expandtabs(4)
    return "".join(character if character == "\n" else _escape(character) for character in kept)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"Warning: {message}", err=True)


def _is_control(character: str) -> bool:
    # Cc: escape, bell, backspace; Cf: marks that turn the writing direction; Cs: lone surrogates.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character != "\u200d"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode() if _is_control(character) else character


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in found), error.end
