from __future__ import annotations

import contextlib
import io
import sys

import pytest

from nbtrack.notebook.streams import listen


def test_what_is_written_is_heard_and_still_goes_where_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []
    stop = listen("stdout", heard.append)
    print("one", end="")
    stop()
    print("two", end="")
    assert "".join(heard) == "one"
    assert capsys.readouterr().out == "onetwo"


def test_the_stream_is_the_same_object_and_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    stop = listen("stderr", lambda text: None)
    assert sys.stderr is stream
    stop()
    stop()
    assert "write" not in vars(stream)


def test_listeners_come_and_go_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    first: list[str] = []
    second: list[str] = []
    stop_first, stop_second = listen("stdout", first.append), listen("stdout", second.append)
    sys.stdout.write("a")
    stop_first()
    sys.stdout.write("b")
    stop_second()
    sys.stdout.write("c")
    assert (first, second, stream.getvalue()) == (["a"], ["a", "b"], "abc")
    assert "write" not in vars(stream)


def test_a_write_that_someone_else_replaced_stays_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    heard: list[str] = []
    stop = listen("stdout", heard.append)
    ours = stream.write
    stream.write = lambda text: ours(text.upper())  # type: ignore[method-assign]
    sys.stdout.write("a")
    stop()
    sys.stdout.write("b")
    assert (heard, stream.getvalue()) == (["A"], "AB")


def test_a_replacement_from_before_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    plain = stream.write
    stream.write = theirs = lambda text: plain(text.upper())  # type: ignore[method-assign]
    stop = listen("stdout", lambda text: None)
    sys.stdout.write("a")
    stop()
    assert stream.getvalue() == "A"
    assert stream.write is theirs


def test_redirected_text_is_not_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    heard: list[str] = []
    stop = listen("stdout", heard.append)
    with contextlib.redirect_stdout(io.StringIO()):
        print("hidden")
    stop()
    assert heard == []


@pytest.mark.parametrize("stream", [None, object()])
def test_a_stream_that_can_not_be_heard_is_left_alone(monkeypatch: pytest.MonkeyPatch, stream: object) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    listen("stdout", lambda text: None)()
