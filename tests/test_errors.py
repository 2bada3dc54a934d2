"""The error tree: pickled, drawn, caught by the standard classes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from nbtrack import errors
from nbtrack.errors import InvalidFilter, InvalidName, NbtrackError, RunNotFound, did_you_mean

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, NbtrackError)]


def test_filter_error_shows_the_place_and_survives_pickling() -> None:
    error = InvalidFilter("expected a number after '>'", text="metrics.auc > 'x'", column=15)
    assert str(error) == "filter, column 15: expected a number after '>'\n  metrics.auc > 'x'\n                ^"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.column, again.text) == (str(error), 15, error.text)


def test_errors_are_caught_by_the_standard_classes() -> None:
    assert issubclass(InvalidName, ValueError)
    assert issubclass(RunNotFound, LookupError)
    assert str(RunNotFound("no run")) == "no run"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_error_is_in_the_drawing_and_documented(kind: type[NbtrackError]) -> None:
    assert kind.__name__ in str(errors.__doc__)
    assert kind.__doc__


def test_close_names_are_suggested() -> None:
    assert did_you_mean("acuracy", ["accuracy", "loss"]) == " Did you mean 'accuracy'?"
    assert did_you_mean("zzz", ["accuracy"]) == ""
