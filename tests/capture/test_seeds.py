from __future__ import annotations

import pandas as pd
import pytest

from nbtrack.capture.closure import closure
from nbtrack.capture.code import SessionNames, analyse_cell
from nbtrack.capture.seeds import Seed, seed_findings, seeds
from nbtrack.entities import Cell, Severity

IMPORTS = """
import numpy as np
import random
from sklearn.decomposition import PCA
from sklearn.ensemble import *
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, train_test_split
from sklearn.svm import SVC
from sklearn.utils import shuffle
from xgboost import XGBClassifier
"""


def unseeded(source: str, *, given: dict[str, object] | None = None) -> list[tuple[str, int]]:
    report = seeds(analyse_cell(source), earlier=SessionNames([IMPORTS]), values=given)
    return [(call.call, call.line) for call in report.calls_without_seed]


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("m = RandomForestClassifier(300, max_depth=8)", "RandomForestClassifier(...)"),
        ("m = RandomForestClassifier()", "RandomForestClassifier()"),
        ("a, b = train_test_split(X, test_size=0.2)", "train_test_split(...)"),
        ("cv = KFold(5, shuffle=True)", "KFold(...)"),
        ("X = shuffle(X)", "shuffle(...)"),
        ("m = LogisticRegression(solver='saga')", "LogisticRegression(...)"),
        ("m = SVC(probability=True)", "SVC(...)"),
        ("m = RandomForestClassifier(random_state=None)", "RandomForestClassifier(...)"),
        ("rng = np.random.default_rng()", "default_rng()"),
        ("for m in [RandomForestClassifier(n) for n in x]:\n    pass", "RandomForestClassifier(...)"),
        ("import sklearn.cluster as c\nm = c.KMeans(3)", "KMeans(...)"),
        ("random.seed(0)\nm = RandomForestClassifier(3)", "RandomForestClassifier(...)"),  # another generator
        ("m = RandomForestClassifier(3)\nnp.random.seed(0)", "RandomForestClassifier(...)"),  # too late
        ("np.random.seed()\nm = RandomForestClassifier(3)", "RandomForestClassifier(...)"),  # fixes nothing
    ],
)
def test_a_random_call_without_a_seed_is_found(source: str, call: str) -> None:
    assert [name for name, _ in unseeded(source)] == [call]


@pytest.mark.parametrize(
    "source",
    [
        "m = RandomForestClassifier(random_state=0)",
        "m = RandomForestClassifier(random_state=SEED)",
        "m = RandomForestClassifier(**options)",
        "a, b = train_test_split(X, shuffle=False)",
        "cv = KFold(5)",
        "m = LogisticRegression()",
        "m = SVC()",
        "m = PCA(2)",
        "m = XGBClassifier(n_estimators=3)",  # takes a fixed seed by itself
        "np.random.seed(0)\nm = RandomForestClassifier(3)",
        "seed_everything(42)\nm = RandomForestClassifier(3)",
        "m = RandomForestClassifier(3)\nm.set_params(random_state=0)",
        "m = RandomForestClassifier(3)\nm.random_state = 0",
        "def make():\n    return RandomForestClassifier(3)",
        "m = models.RandomForestClassifier",
        "class RandomForestClassifier2: pass\nm = RandomForestClassifier2()",
        "rng = np.random.default_rng(0)",
        "df.sample(3)",
        "from mine import resample\nx = resample(y)",
    ],
)
def test_a_call_that_is_fixed_or_not_random_is_left_alone(source: str) -> None:
    assert unseeded(source) == []


def test_a_seed_that_holds_none_is_no_seed() -> None:
    assert unseeded("m = RandomForestClassifier(random_state=SEED)", given={"SEED": None}) == [("RandomForestClassifier(...)", 1)]
    assert unseeded("m = RandomForestClassifier(random_state=SEED)", given={"SEED": 3}) == []


def test_a_frames_sample_is_random_and_other_samples_are_not() -> None:
    assert unseeded("small = df.sample(frac=0.5)", given={"df": pd.DataFrame({"a": [1]})}) == [("sample(...)", 1)]
    assert unseeded("small = df.sample(frac=0.5, random_state=0)", given={"df": pd.DataFrame({"a": [1]})}) == []
    assert unseeded("small = random.sample(x, k=2)") == []


def test_a_branch_that_did_not_run_is_left_alone() -> None:
    source = "if kind == 'forest':\n    m = RandomForestClassifier(3)"
    assert unseeded(source, given={"kind": "linear"}) == []
    assert unseeded(source, given={"kind": "forest"}) == [("RandomForestClassifier(...)", 2)]


def test_the_body_of_a_function_that_is_used_counts() -> None:
    assert unseeded("def make():\n    return RandomForestClassifier(3)\nm = make()") == [("RandomForestClassifier(...)", 2)]


def test_the_seeds_that_were_set_are_named_by_their_call() -> None:
    report = seeds(
        analyse_cell("np.random.seed(1)\nrandom.seed(2)\nm = RandomForestClassifier(random_state=3)\nx = f(seed=SEED)"), earlier=SessionNames([IMPORTS])
    )
    assert report.seeds == (
        Seed("numpy.random.seed", 1, 1),
        Seed("random.seed", 2, 2),
        Seed("RandomForestClassifier.random_state", 3, 3),
        Seed("f.seed", None, 4),
    )
    assert report.seeds_numpy


def session(*sources: str) -> list[Cell]:
    return [Cell(position, source, cell_id=f"c{position}", execution_count=position) for position, source in enumerate(sources, start=1)]


def findings(*sources: str) -> list[str]:
    """The messages for the last cell, with all the others before it."""
    *earlier, own = session(IMPORTS, *sources)
    names = SessionNames([cell.source for cell in earlier])
    return [finding.message for finding in seed_findings(analyse_cell(own.source), closure(own, earlier).cells, earlier=names)[1]]


def test_a_finding_says_what_will_happen_and_what_to_do() -> None:
    own = analyse_cell("%%track_run forest -e churn\nn_estimators, max_depth = 300, 8\nmodel = RandomForestClassifier(n_estimators, max_depth=max_depth)")
    values, (finding,) = seed_findings(own, earlier=SessionNames([IMPORTS]))
    assert values == {}
    assert finding.message == "RandomForestClassifier(...) line 3 has no random_state: running again will not give these numbers."
    assert (finding.kind, finding.severity, finding.line, finding.cell) == ("seed", Severity.WARNING, 3, None)
    assert "random_state=0" in finding.fix


def test_a_split_without_a_seed_in_an_earlier_cell_is_found_with_its_cell() -> None:
    assert findings("X = 1\nA, B = train_test_split(X)", "m = RandomForestClassifier(random_state=0).fit(A)") == [
        "train_test_split(...) In [2] line 2 has no random_state: running again will not give these numbers."
    ]


def test_a_seed_of_an_earlier_cell_counts_from_there_on() -> None:
    assert findings("np.random.seed(0)", "A, B = train_test_split(X)", "m = RandomForestClassifier(3).fit(A)") == []
    assert len(findings("A, B = train_test_split(X)", "np.random.seed(0)", "m = RandomForestClassifier(3).fit(A)")) == 1


def test_calls_of_earlier_cells_that_have_no_part_in_this_one_are_left_alone() -> None:
    assert findings("other = RandomForestClassifier(3)\nX = [1]", "m = len(X)") == []
    assert findings("def make():\n    return RandomForestClassifier(3)\ndef load():\n    return [1]", "m = len(load())") == []
    assert len(findings("def make():\n    return RandomForestClassifier(3)\ndef load():\n    return [1]", "m = make()")) == 1


def test_the_seeds_of_all_cells_of_a_run_are_given() -> None:
    *earlier, own = session(IMPORTS, "np.random.seed(4)", "A, B = train_test_split(X, random_state=0)", "m = RandomForestClassifier(random_state=1).fit(A)")
    values, _ = seed_findings(analyse_cell(own.source), closure(own, earlier).cells, earlier=SessionNames([cell.source for cell in earlier]))
    assert values == {"numpy.random.seed": 4, "train_test_split.random_state": 0, "RandomForestClassifier.random_state": 1}
