"""The rules for names and paths, and the identifiers."""

from __future__ import annotations

import posixpath
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbtrack.errors import InvalidName, InvalidPath
from nbtrack.ids import check_artifact_path, check_key, check_title, new_experiment_id, new_run_id, random_run_name

# MLflow's rule as its documentation gives it, written a second time.
MLFLOW_KEY = re.compile(r"^[/\w.\- :]*$")


def follows_mlflows_rule(key: str) -> bool:
    plain = posixpath.normpath(key) == key and key not in (".", "..") and not key.startswith(("/", "../"))
    return 0 < len(key) <= 250 and MLFLOW_KEY.fullmatch(key) is not None and plain


@given(st.text(max_size=260) | st.text(alphabet="ab/. -:_", max_size=20))
@example("a\n")
@example("../a")
@example("a/./b")
def test_key_is_accepted_where_mlflow_accepts_it(key: str) -> None:
    if follows_mlflows_rule(key):
        assert check_key(key, "metric") == key
    else:
        with pytest.raises(InvalidName, match="metric name"):
            check_key(key, "metric")


@given(st.text(max_size=60) | st.text(alphabet="ab/.\\C:", max_size=20))
def test_artifact_path_stays_inside_or_is_refused(path: str) -> None:
    try:
        plain = check_artifact_path(path)
    except InvalidPath:
        return
    assert plain
    assert posixpath.normpath(plain) == plain
    assert not plain.startswith(("/", "../"))
    assert ".." not in plain.split("/")
    assert check_artifact_path(plain) == plain


@given(st.text(max_size=600))
def test_title_is_one_line_of_text(name: str) -> None:
    fine = bool(name.strip()) and len(name) <= 500 and not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", name)
    if fine:
        assert check_title(name, "run") == name
    else:
        with pytest.raises(InvalidName, match="run name"):
            check_title(name, "run")


@pytest.mark.parametrize("value", [None, 3, b"x", ["a"]])
def test_what_is_no_text_is_no_name(value: object) -> None:
    for check in (check_key, check_title):
        with pytest.raises(InvalidName, match="must be a string"):
            check(value, "tag")
    with pytest.raises(InvalidPath, match="must be a string"):
        check_artifact_path(value)


def test_message_names_the_bad_character_and_a_name_that_would_do() -> None:
    with pytest.raises(InvalidName, match=r"has the character '%'"):
        check_key("50%", "metric")
    with pytest.raises(InvalidName, match=r"such as 'a/b' would be accepted"):
        check_key("/a//b", "metric")


def test_ids_have_their_forms() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", new_run_id())
    assert re.fullmatch(r"[1-9]\d{17}", new_experiment_id())
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", name) and len(name) <= 20 for name in (random_run_name() for _ in range(500)))


def test_names_do_not_repeat_after_a_seed() -> None:
    import random

    random.seed(1)
    first = random_run_name(), new_run_id()
    random.seed(1)
    assert (random_run_name(), new_run_id()) != first
