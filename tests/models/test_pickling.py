"""Pickles know what they need, and an error names the part that cannot be pickled."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from nbtrack.errors import ModelError
from nbtrack.models.pickling import dump_pickle, load_pickle


class Plain:
    """An object with attributes; pickled by reference."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Hiding(Plain):
    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "lock"}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (Plain(lock=threading.Lock()), "model.lock is a _thread.lock"),
        (Plain(steps=[("a", 1), ("b", Plain(inner={"k": threading.Lock()}))]), r"model.steps\[1\]\[1\].inner\['k'\] is a _thread.lock"),
        (Hiding(lock=threading.Lock(), rows=(i for i in [])), "model.rows is a generator"),
        (threading.Lock(), "model is a _thread.lock"),
    ],
)
def test_the_part_that_cannot_be_pickled_is_named(model: object, path: str, tmp_path: Path):
    with pytest.raises(ModelError, match=f"the model cannot be pickled: {path} .*leave it out in __getstate__"):
        dump_pickle(model, tmp_path / "model.pkl")


def test_what_a_function_takes_from_around_it_is_named(tmp_path: Path):
    handle = threading.Lock()

    def predict(data):
        return data if handle else None

    with pytest.raises(ModelError, match=r"model \(its variable handle\) is a _thread.lock"):
        dump_pickle(predict, tmp_path / "model.pkl")


def test_plain_pickle_refuses_what_it_cannot_find_again(tmp_path: Path):
    with pytest.raises(ModelError, match="cannot be pickled"):
        dump_pickle(lambda: 1, tmp_path / "model.pkl", serialization_format="pickle")


def test_a_full_disk_is_not_the_models_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    class Full:
        def __reduce__(self):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        dump_pickle(Full(), tmp_path / "model.pkl")


def test_the_trace_has_the_modules_of_classes_functions_and_late_imports(tmp_path: Path):
    script = """
        import sys
        from pathlib import Path
        import numpy as np
        from nbtrack.models.pickling import dump_pickle
        def predict(data):
            import sqlite3, wave
            return np.mean(data)
        print(" ".join(sorted(dump_pickle(predict, Path(sys.argv[1])))))
    """
    modules = set(run(script, tmp_path / "model.pkl").split())
    assert {"numpy", "sqlite3", "wave"} <= modules
    assert any(name.startswith("numpy") for name in dump_pickle(np.ones(3), tmp_path / "array.pkl"))


def test_classes_of_a_script_load_in_another_process(tmp_path: Path):
    script = """
        import sys
        from pathlib import Path
        from nbtrack.models.pickling import dump_pickle
        from nbtrack.models.python_model import PythonModel
        class Doubled(PythonModel):
            def predict(self, context, model_input, params=None):
                return model_input * 2
        dump_pickle(Doubled(), Path(sys.argv[1]))
    """
    run(script, tmp_path / "model.pkl")
    model = load_pickle(tmp_path / "model.pkl")
    from nbtrack.models.python_model import PythonModel

    assert isinstance(model, PythonModel)
    assert model.predict(None, 3) == 6
    without = "import sys, pickle\nsys.modules['nbtrack'] = None\nprint(pickle.load(open(sys.argv[1], 'rb')).predict(None, 3))"
    assert run(without, tmp_path / "model.pkl").strip() == "6"


def test_damaged_files_are_said_to_be(tmp_path: Path):
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(list(range(100)))[:-20])
    with pytest.raises(ModelError, match="is no complete pickle"):
        load_pickle(file)
    file.write_bytes(b"cbuiltins\nno_such_thing\n.")
    with pytest.raises(ModelError, match="no_such_thing"):
        load_pickle(file)


def run(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
