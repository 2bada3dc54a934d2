"""What counts as data, its role, its schema and profile, and fingerprints taken beside a running cell."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from nbtrack.capture import data
from nbtrack.capture.data import DigestJob, Fingerprints, data_kind, fingerprint, fingerprint_many, guess_context, is_data
from nbtrack.errors import CaptureFailed

LARGE = data.INLINE_ELEMENTS + 1


@pytest.mark.parametrize(
    ("obj", "kind"),
    [
        (pd.DataFrame(), "pandas.DataFrame"),
        (type("GeoDataFrame", (pd.DataFrame,), {})(), "pandas.DataFrame"),
        (pd.Series([1]), "pandas.Series"),
        (pd.MultiIndex.from_tuples([(1, 2)]), "pandas.Index"),
        (np.zeros(2), "numpy.ndarray"),
        (np.ma.array([1]), "numpy.ndarray"),
        (pl.DataFrame(), "polars.DataFrame"),
        (pl.Series([1]), "polars.Series"),
        (pa.table({}), "pyarrow.Table"),
        (pa.RecordBatch.from_pydict({"a": [1]}), "pyarrow.RecordBatch"),
        (sparse.csr_array((2, 2)), "scipy.sparse"),
        (sparse.csr_matrix((2, 2)), "scipy.sparse"),
    ],
)
def test_frames_and_arrays_are_data(obj: object, kind: str):
    assert data_kind(obj) == kind
    assert fingerprint(obj, "x").name == "x"


@pytest.mark.parametrize(
    "obj", [None, 1, "a", [1, 2], {"a": [1]}, np.float64(1), np.array(3.0), pl.LazyFrame({"a": [1]}), pd.DataFrame, np, SimpleNamespace(shape=(1,))]
)
def test_numbers_lists_lazy_frames_and_classes_are_not_data(obj: object):
    assert not is_data(obj)
    assert fingerprint(obj, "x") is None


def tensor(*, device: str = "cpu", name: str = "Tensor", dims: int = 1) -> object:
    namespace = {"__module__": "torch", "device": SimpleNamespace(type=device), "layout": "torch.strided", "is_quantized": False, "dim": lambda self: dims}
    base = type("Tensor", (), namespace)
    return base() if name == "Tensor" else type(name, (base,), {"__module__": "torch.nn.parameter"})()


def test_tensors_are_data_unless_they_are_elsewhere_or_weights_or_numbers():
    assert is_data(tensor())
    assert not is_data(tensor(device="cuda"))
    assert not is_data(tensor(name="Parameter"))
    assert not is_data(tensor(dims=0))


def test_a_torch_tensor_has_a_digest_of_its_values():
    torch = pytest.importorskip("torch")
    values = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    assert fingerprint(values, "x").digest == fingerprint(values.t().contiguous().t(), "x").digest
    assert fingerprint(values, "x").digest != fingerprint(values.bfloat16(), "x").digest


def test_asking_what_is_data_loads_no_library():
    code = "import sys; from nbtrack.capture.data import is_data; print(is_data(3), {'numpy', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False set()\n"


@pytest.mark.parametrize(
    ("name", "context"),
    [
        *((name, "train") for name in ("X_train", "y_train", "train", "df_train", "trainX", "xtrain", "training_data", "X_tr", "trainset", "TRAIN_DF")),
        *((name, "test") for name in ("X_test", "testY", "test_df", "holdout", "x_te", "df_tst", "XTest")),
        *((name, "validation") for name in ("X_val", "valid", "validation_set", "dev", "eval_df", "yVal")),
        *((name, None) for name in ("X", "df", "latest", "contest", "train_test", "straining", "value", "evaluate_me", "", "42")),
    ],
)
def test_the_role_is_told_by_the_name(name: str, context: str | None):
    assert guess_context(name) == context


def test_the_schema_has_the_type_names_of_mlflow():
    frame = pd.DataFrame(
        {
            "flag": [True],
            "small": np.array([1], "int8"),
            "wide": np.array([1], "uint64"),
            "long": [1],
            "nullable": pd.array([1], dtype="Int32"),
            "half": np.array([1], "float32"),
            "double": [1.0],
            "text": ["a"],
            "objects": pd.Series(["a"], dtype=object),
            "bytes": [b"a"],
            "when": pd.to_datetime(["2024-01-01"]),
            "zoned": pd.to_datetime(["2024-01-01"]).tz_localize("UTC"),
            "span": pd.to_timedelta(["1s"]),
            "kind": pd.Categorical(["a"]),
            "steps": pd.Categorical([1]),
            "lists": [[1]],
            "complex": [1j],
            "none": [None],
        }
    )
    assert {entry["name"]: entry["type"] for entry in fingerprint(frame, "df").schema} == {
        "flag": "boolean",
        "small": "integer",
        "wide": "any",
        "long": "long",
        "nullable": "integer",
        "half": "float",
        "double": "double",
        "text": "string",
        "objects": "string",
        "bytes": "binary",
        "when": "datetime",
        "zoned": "datetime",
        "span": "any",
        "kind": "string",
        "steps": "long",
        "lists": "any",
        "complex": "any",
        "none": "any",
    }


@pytest.mark.parametrize(
    ("obj", "types"),
    [
        (pl.DataFrame({"a": [1], "b": [1.5], "c": ["x"], "d": [True]}), ["long", "double", "string", "boolean"]),
        (pl.Series(["k"], dtype=pl.Categorical), ["string"]),
        (pa.table({"a": pa.array([1], pa.int8()), "b": pa.array([1], pa.float32()), "c": ["x"]}), ["integer", "float", "string"]),
        (pa.table({"d": pa.array([0], pa.timestamp("us"))}), ["datetime"]),
        (np.array([("a", 1)], dtype=[("s", "U3"), ("n", "i8")]), ["string", "long"]),
    ],
)
def test_other_libraries_have_the_same_type_names(obj: object, types: list[str]):
    assert [entry["type"] for entry in fingerprint(obj, "x").schema] == types


def test_the_schema_of_a_matrix_is_one_entry_with_its_shape():
    assert fingerprint(np.zeros((5, 3), "float32"), "X").schema == [{"name": "X", "type": "float", "dtype": "float32", "shape": [-1, 3]}]
    assert fingerprint(np.zeros(5), "y").schema == [{"name": "y", "type": "double", "dtype": "float64"}]


def test_the_profile_has_shape_nulls_classes_and_ranges():
    frame = pd.DataFrame({"age": [20, 30, 40], "fare": [1.5, None, 2.5], "name": ["a", None, None], "target": [0, 1, 1]})
    profile = fingerprint(frame, "df").profile
    assert (profile["kind"], profile["shape"], profile["num_rows"], profile["num_elements"]) == ("pandas.DataFrame", [3, 4], 3, 12)
    assert profile["null_counts"] == {"name": 2, "fare": 1}
    assert profile["class_counts"] == {"target": {"1": 2, "0": 1}}
    assert profile["stats"]["age"] == {"min": 20, "max": 40, "mean": 30.0}
    assert profile["stats"]["fare"] == {"min": 1.5, "max": 2.5, "mean": 2.0}
    assert "name" not in profile["stats"]
    assert profile["memory_bytes"] > 0


def test_column_digests_tell_which_column_changed():
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    before = fingerprint(frame, "df").profile["column_digests"]
    after = fingerprint(frame.assign(b=[3, 5]), "df").profile["column_digests"]
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        (np.array([3, 3, 7]), {"3": 2, "7": 1}),
        (np.array([-1, 1, 1], "int8"), {"1": 2, "-1": 1}),
        (np.array([0.0, 1.0, 1.0, np.nan]), {"1": 2, "0": 1}),
        (np.array([True, False, True]), {"True": 2, "False": 1}),
        (pd.Series(["cat", "dog", "cat", None]), {"cat": 2, "dog": 1}),
        (pd.Series(["cat", 1, None], dtype=object), {"cat": 1, "1": 1}),
        (pd.Series(pd.Categorical(["b", "a", "b"], categories=["a", "b", "unused"])), {"b": 2, "a": 1}),
        (pd.Series([1, None, 1], dtype="Int64"), {"1": 2}),
        (pl.Series(["x", "y", "x"]), {"x": 2, "y": 1}),
        (np.array(["p", "q"]), None),
        (np.array([0.5, 1.5]), None),
        (np.arange(1000), None),
        (np.array([0, 2**62]), None),
        (np.array([2**64 - 1, 2**64 - 1], "uint64"), None),
        (pd.Series([[1], [2]]), None),
        (np.zeros((2, 2)), None),
        (np.array([]), None),
    ],
)
def test_labels_are_counted_where_there_are_few(labels: object, counts: dict[str, int] | None):
    assert fingerprint(labels, "y").profile.get("class_counts", {}).get("y") == counts


def test_infinities_and_overflow_leave_no_statistics_that_json_cannot_hold():
    frame = pd.DataFrame({"a": [1.0, np.inf], "b": [1e308, 1e308], "c": [np.nan, np.nan], "d": [2**63, 2**64 - 1]})
    profile = fingerprint(frame, "df").profile
    assert profile["stats"]["d"].pop("mean") == pytest.approx(1.38e19, rel=0.01)
    assert profile["stats"] == {"a": {"min": 1.0}, "b": {"min": 1e308, "max": 1e308}, "d": {"min": 2**63, "max": 2**64 - 1}}
    json.dumps(profile, allow_nan=False)


def test_with_ten_thousand_columns_schema_and_profile_stay_bounded():
    dataset = fingerprint(pd.DataFrame(np.zeros((2, 10_000))), "wide")
    assert len(dataset.schema) == 1000
    assert dataset.profile["columns_not_listed"] == 9800
    assert len(json.dumps(dataset.profile)) < 40_000


def test_a_class_that_fails_as_a_whole_is_reported_by_name():
    class Broken(pd.DataFrame):
        @property
        def _constructor(self):
            return Broken

        def items(self):
            raise OSError("the file is gone")

    with pytest.raises(CaptureFailed, match=r"no fingerprint of df \(Broken\): OSError: the file is gone"):
        fingerprint(Broken({"a": [1]}), "df")
    found = fingerprint_many({"df": Broken({"a": [1]}), "ok": np.zeros(2)})
    assert (list(found.ready), list(found.failed)) == (["ok"], ["df"])


# -- beside the cell ------------------------------------------------------------------------------


def test_small_data_is_ready_at_once_and_other_names_are_left_out():
    frame = pd.DataFrame({"a": [1]})
    found = fingerprint_many({"df": frame, "same": frame, "n": 3})
    assert (list(found.ready), found.pending, found.failed) == (["df", "same"], {}, {})
    assert found.ready["same"].name == "same"
    assert found.ready["same"].digest == found.ready["df"].digest == fingerprint(frame, "df").digest


@pytest.mark.parametrize("make", [lambda: pd.DataFrame({"a": np.zeros(LARGE)}), lambda: np.zeros(LARGE), lambda: pl.DataFrame({"a": np.zeros(LARGE)})])
def test_large_data_is_joined_later_and_gives_the_same_digest(make):
    obj = make()
    found = fingerprint_many({"x": obj}).join()
    assert found.pending == {}
    assert found.ready["x"] == fingerprint(obj, "x")


def test_an_array_is_waited_for_since_the_cell_may_change_it():
    assert list(fingerprint_many({"x": np.zeros(LARGE)}, budget_s=60).ready) == ["x"]


copies_on_write = pytest.mark.skipif(int(pd.__version__.partition(".")[0]) < 3, reason="needs copy-on-write")


@copies_on_write
def test_changes_of_a_frame_after_the_job_was_made_do_not_reach_its_digest():
    frame = pd.DataFrame({"a": np.zeros(1000), "b": ["x"] * 1000})
    before = fingerprint(frame, "df").digest
    job = DigestJob(frame, "df")
    assert job.is_isolated
    frame.loc[3, "a"] = 1.0
    frame["c"] = 2
    frame.iloc[5, 1] = "y"
    assert job.start().join().digest == before
    assert fingerprint(frame, "df").digest != before


@copies_on_write
def test_changes_that_go_around_copy_on_write_are_noticed():
    array = np.zeros((1000, 1))
    frame = pd.DataFrame(array, copy=False)
    job = DigestJob(frame, "df")
    array += 1
    job.run()
    assert job.join().profile["changed_while_read"] is True


def test_changes_of_an_array_while_it_is_read_are_noticed():
    array = np.zeros(1000)
    job = DigestJob(array, "x")
    assert not job.is_isolated
    array += 1
    job.run()
    assert job.join().profile["changed_while_read"] is True
    quiet = DigestJob(array, "x")
    quiet.run()
    assert "changed_while_read" not in quiet.join().profile


@pytest.mark.parametrize("obj", [np.zeros((500, 3)), sparse.random(9, 9, 0.5, "csr"), sparse.random(9, 9, 0.5, "dok"), pd.Index([1, 2]), pa.table({"a": [1]})])
def test_jobs_take_every_kind_of_data(obj: object):
    job = DigestJob(obj, "x").start()
    assert job.wait(60)
    assert job.join() == fingerprint(obj, "x")


@copies_on_write
def test_a_job_that_is_not_done_gives_none_and_stays_pending(monkeypatch: pytest.MonkeyPatch):
    gate = threading.Event()
    real = data.fingerprint
    frame = pd.DataFrame({"a": np.zeros(LARGE)})
    monkeypatch.setattr(data, "fingerprint", lambda obj, name: real(obj, name) if name == "sample" else gate.wait(60) and real(obj, name))
    found = fingerprint_many({"df": frame})
    assert (found.ready, list(found.pending)) == ({}, ["df"])
    assert found.pending["df"].join(0) is None
    assert list(found.join(0).pending) == ["df"]
    gate.set()
    assert list(found.join(60).ready) == ["df"]


def test_two_names_of_one_large_object_share_one_job():
    array = np.zeros(LARGE)
    found = fingerprint_many({"a": array, "b": array}, budget_s=60)
    assert found.ready["a"].digest == found.ready["b"].digest
    assert found.ready["b"].name == "b"


def test_an_object_whose_class_lies_about_its_module_is_no_data():
    assert not is_data(type("Odd", (), {"__module__": None})())


def test_nothing_to_do_is_no_trouble():
    assert fingerprint_many({}) == Fingerprints()
    assert Fingerprints().join() == Fingerprints()
