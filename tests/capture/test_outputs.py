from __future__ import annotations

import json
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.outputs import BoundedText, clean_text, describe, table_payload, without_address
from nbtrack.errors import CaptureFailed


class Angry:
    def __repr__(self):
        raise ValueError("no repr today")


def written(*parts: str, limit: int = 1000) -> BoundedText:
    text = BoundedText(limit)
    for part in parts:
        text.write(part)
    return text


def test_text_within_the_limit_is_kept_as_it_is():
    text = written("epoch 1\n", "epoch", " 2\n", "done")
    assert (text.text(), text.truncated_chars) == ("epoch 1\nepoch 2\ndone", 0)


def test_longer_text_keeps_head_and_tail_and_says_how_much_was_cut():
    text = written(*(f"{number:04d}\n" for number in range(1000)), limit=50)
    assert text.truncated_chars == 4950
    assert text.text() == "0000\n0001\n0002\n0003\n0004\n\n[... 4,950 characters cut ...]\n0995\n0996\n0997\n0998\n0999\n"


@given(st.lists(st.text(alphabet="ab\n", max_size=30), max_size=30), st.integers(1, 40))
def test_no_character_is_lost_uncounted_however_text_is_written(parts: list[str], limit: int):
    whole = "".join(parts)
    text = written(*parts, limit=limit)
    assert text.truncated_chars == max(0, len(whole) - limit)
    if len(whole) <= limit:
        assert text.text() == whole
    else:
        assert text.text().startswith(whole[: limit // 2])
        assert text.text().endswith(whole[len(whole) - (limit - limit // 2) :])


def test_of_a_progress_bar_the_last_state_is_kept():
    bar = [f"\r{percent:3d}%|{'#' * (percent // 10):10s}|" for percent in range(101)]
    assert written("start\n", *bar, "\nend").text() == "start\n100%|##########|\nend"
    assert written(*(bar * 50), limit=60).truncated_chars == 0


def test_a_shorter_rewrite_overwrites_only_the_start_of_its_line():
    assert clean_text("downloading\rdone") == "doneloading"
    assert clean_text("a\r\nb") == "a\nb"


def test_a_line_that_never_ends_is_kept_in_bounds():
    text = written(*(["x" * 1000] * 100), limit=100)
    assert text.truncated_chars == 99_900
    assert len(text._line) <= 500


def test_terminal_codes_are_removed_even_when_they_come_in_pieces():
    coloured = "\x1b[1;31mred\x1b[0m \x1b]8;;https://x.org\x1b\\link\x1b]8;;\x07 \x1b[2K\x1b(Bplain\x1b7"
    assert clean_text(coloured) == "red link plain"
    assert written(*coloured, "\n").text() == "red link plain\n"


def test_threads_may_write_at_once():
    text = BoundedText(10_000_000)
    threads = [threading.Thread(target=lambda: [text.write("line\n") for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert text.text() == "line\n" * 8000


def test_describing_never_raises_and_is_bounded():
    assert describe(Angry()) == "<Angry: __repr__ raised ValueError>"
    assert describe([Angry()]) == "<list: __repr__ raised ValueError>"
    assert describe("x" * 5000, limit=10) == "'xxxxxxxx…"
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert describe(deep) == "<list: __repr__ raised RecursionError>"
    while deep:  # freeing it in one go would recurse in C
        deep = deep.pop()


def test_describing_something_large_reads_only_its_start():
    assert describe(list(range(5000))).endswith(", 99, ...]")
    assert describe("x" * 10_000_000, limit=5) == "'xxx…"
    assert describe({number: Angry() for number in range(2000)}).startswith("{0: <Angry instance at ")


def test_addresses_can_be_left_out():
    assert without_address("<Foo object at 0x7f00aa>, <Bar at 0xFF>") == "<Foo object>, <Bar>"


def test_a_table_has_its_head_as_text_and_its_whole_size():
    frame = pd.DataFrame({"n": range(100), "t": ["<b>"] * 100, "x": [0.123456789] * 100}, index=pd.RangeIndex(100, name="row"))
    table = table_payload(frame, max_rows=2, max_columns=2)
    assert table.to_dict() == {"header": ["row", "n", "t"], "cells": [["0", "0", "<b>"], ["1", "1", "<b>"]], "rows": 100, "columns": 3}
    assert table.is_cut
    assert json.loads(json.dumps(table.to_dict())) == table.to_dict()
    assert "<td>&lt;b&gt;</td>" in table.to_html()
    assert "100 rows, 3 columns" in table.to_html()


def test_small_tables_of_each_kind_are_whole():
    assert table_payload(pd.Series([0.5], name="auc")).to_dict() == {"header": ["", "auc"], "cells": [["0", "0.5"]], "rows": 1, "columns": 1}
    assert table_payload(pl.DataFrame({"a": [1], "b": [None]})).cells == [["0", "1", "None"]]
    assert table_payload(pl.Series("s", ["x"])).header == ["", "s"]
    assert not table_payload(pd.DataFrame({"a": []})).is_cut
    assert table_payload(pd.DataFrame()).to_html() == "<table><thead><tr><th></th></tr></thead><tbody></tbody></table>"


def test_a_table_of_hostile_cells_and_labels_is_text_all_the_same():
    frame = pd.DataFrame([[Angry(), [1, {2}], "x" * 5000]], columns=pd.Index(["a", "a", Angry()], dtype=object), index=pd.Index([Angry()], dtype=object))
    table = table_payload(frame)
    assert table.header == ["", "a", "a", "<Angry: __repr__ raised ValueError>"]
    assert table.cells[0][:3] == ["<Angry: __repr__ raised ValueError>", "<Angry: __repr__ raised ValueError>", "[1, {2}]"]
    assert len(table.cells[0][3]) == 200


def test_what_is_no_table_is_refused_with_its_type():
    with pytest.raises(CaptureFailed, match="no table of an object of type ndarray"):
        table_payload(np.zeros(3))
