"""Text for terminals: nothing that steers them, and characters that their encoding has."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.cli import terminal


@given(st.text())
def test_one_line_has_no_line_break_and_no_control_character(text: str) -> None:
    shown = terminal.one_line(text)
    assert {unicodedata.category(character) for character in shown if character != "\u200d"}.isdisjoint({"Cc", "Cf", "Cs"})


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert terminal.one_line(text) == text


def test_plain_text_keeps_lines_and_drops_colours() -> None:
    assert terminal.plain_text("\x1b[1;31mred\x1b[0m\r\nnext\tcell\x07") == "red\nnext    cell\\x07"
    assert terminal.plain_text("\x1b]8;;http://x\x07link\x1b]8;;\x07") == "link"


@pytest.mark.parametrize(("text", "plain"), [("0.5 – 1", "0.5 - 1"), ("a… ▲ b", "a~ + b"), ("∞", "inf"), ("日本", "??")])
def test_what_an_encoding_lacks_is_written_plainly(text: str, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    terminal.degrade_typography()
    stream.write(text)
    stream.flush()
    assert stream.buffer.getvalue().decode("ascii") == plain  # type: ignore[attr-defined]


def test_the_width_is_what_columns_says_and_wide_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", "72")
    assert terminal.width() == 72
    monkeypatch.delenv("COLUMNS")
    assert terminal.width() == terminal.PIPE_WIDTH
