"""Python models: with their context, their params, and as the functions and objects that they wrap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbtrack.errors import InvalidPath, ModelError
from nbtrack.models.folder import load_model, save_model
from nbtrack.models.manifest import read_manifest
from nbtrack.models.pyfunc import PythonModel
from nbtrack.models.signature import infer_signature


def make_threshold() -> PythonModel:
    """Of a class that is no module's, as one of a notebook."""

    class Threshold(PythonModel):
        def load_context(self, context):
            import json

            with open(context.artifacts["threshold"]) as file:
                self.threshold = json.load(file)
            self.loads = getattr(self, "loads", 0) + 1

        def predict(self, context, model_input, params=None):
            return pd.DataFrame({"over": model_input["a"] * context.model_config["scale"] > self.threshold})

    return Threshold()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a Python model, an artifact and a setting."""
    (tmp_path / "threshold.json").write_text("2.5")
    save_model(make_threshold(), tmp_path / "model", artifacts={"threshold": "threshold.json"}, model_config={"scale": 1.0})
    return tmp_path / "model"


def test_the_context_has_artifacts_and_settings(saved: Path):
    (saved.parent / "threshold.json").unlink()
    data = pd.DataFrame({"a": [2.0, 3.0]})
    loaded = load_model(saved, trusted=True, flavor="pyfunc")
    assert loaded.predict(data)["over"].tolist() == [False, True]
    overridden = load_model(saved, trusted=True, flavor="pyfunc", model_config={"scale": 2.0})
    assert overridden.predict(data)["over"].tolist() == [True, True]
    model = loaded.unwrap_python_model()
    assert type(model).__name__ == "Threshold"
    assert model.loads == 1
    assert loaded.get_raw_model() is model
    assert repr(loaded) == "PyFuncModel(flavor=python_function)"
    assert read_manifest(saved).flavors["python_function"]["artifacts"] == {"threshold": {"path": "artifacts/threshold.json", "uri": "threshold.json"}}


def test_the_native_model_is_what_was_saved(saved: Path, tmp_path: Path):
    assert load_model(saved, trusted=True).threshold == 2.5
    save_model(np.mean, tmp_path / "function")
    assert load_model(tmp_path / "function", trusted=True) is np.mean


def test_arguments_are_passed_as_the_model_takes_them(tmp_path: Path):
    class Without(PythonModel):
        def predict(self, model_input, params=None):  # type: ignore[override]
            return [len(model_input), params]

    class Plain(PythonModel):
        def predict(self, model_input):  # type: ignore[override]
            return model_input

    class Old(PythonModel):
        def predict(self, ctx, model_input):  # type: ignore[override]
            return [type(ctx).__name__, model_input]

    class Object:
        def predict(self, data, params):
            return params

    def function(data, params=None):
        return params

    signature = infer_signature(params={"t": 0.5})
    expected = {"Without": [2, {"t": 0.5}], "Plain": [1, 2], "Old": ["PythonModelContext", [1, 2]], "Object": {"t": 0.5}, "function": {"t": 0.5}}
    for model in (Without(), Plain(), Old(), Object(), function):
        name = getattr(model, "__name__", type(model).__name__)
        save_model(model, tmp_path / name, signature=signature)
        assert load_model(tmp_path / name, trusted=True, flavor="pyfunc").predict([1, 2]) == expected[name]


def test_an_example_is_predicted_by_a_model_that_was_loaded(saved: Path, tmp_path: Path):
    model = make_threshold()
    manifest = save_model(
        model,
        tmp_path / "second",
        artifacts={"threshold": tmp_path / "threshold.json"},
        model_config={"scale": 1.0},
        input_example=pd.DataFrame({"a": [1.0]}),
    )
    assert repr(manifest.signature.outputs) == "['over': boolean (required)]"
    assert not hasattr(model, "threshold")


def test_requirements_have_what_functions_import_and_artifacts_need(tmp_path: Path, pipeline):
    import joblib

    joblib.dump(pipeline, tmp_path / "pipeline.joblib")

    class Loads(PythonModel):
        def load_context(self, context):
            import joblib

            self.model = joblib.load(context.artifacts["model"])

        def predict(self, context, model_input, params=None):
            return self.model.predict(model_input)

    save_model(Loads(), tmp_path / "model", artifacts={"model": tmp_path / "pipeline.joblib"})
    names = [line.partition("==")[0] for line in (tmp_path / "model" / "requirements.txt").read_text().splitlines()]
    assert names == ["cloudpickle", "joblib", "numpy", "scikit-learn"]


def test_files_of_one_name_are_kept_apart(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.txt").write_text(name)
    save_model(lambda data: data, tmp_path / "model", artifacts={"one": tmp_path / "a" / "data.txt", "two": tmp_path / "b" / "data.txt"})
    artifacts = read_manifest(tmp_path / "model").flavors["python_function"]["artifacts"]
    assert [(tmp_path / "model" / item["path"]).read_text() for item in artifacts.values()] == ["a", "b"]


@pytest.mark.parametrize("artifact", ["../../secret.txt", "/etc/hostname", "artifacts/link"])
def test_artifacts_outside_of_the_folder_are_refused(artifact: str, saved: Path):
    (saved.parent / "secret.txt").write_text("1")
    if artifact == "artifacts/link":
        (saved / artifact).symlink_to("/etc/hostname")
    file = saved / "MLmodel"
    file.write_text(file.read_text().replace("artifacts/threshold.json", artifact))
    with pytest.raises(InvalidPath, match="outside of the folder|symbolic link"):
        load_model(saved, trusted=True)


def test_links_are_no_artifacts(tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(InvalidPath, match="the artifact 'a' .*link is a symbolic link; give the path that it points to"):
        save_model(lambda data: data, tmp_path / "model", artifacts={"a": tmp_path / "link"})


def test_wrong_models_are_refused(tmp_path: Path):
    class Forgot(PythonModel):
        pass

    for model, options, message in (
        (Forgot(), {}, "Forgot does not define predict"),
        (lambda data: data, {"artifacts": {"a": "nowhere.txt"}}, "the artifact 'a' nowhere.txt does not exist"),
        (lambda data: data, {"artifacts": {"a": 5}}, "artifacts map names to paths"),
        (lambda data: data, {"serialization_format": "skops"}, "has no serialization_format 'skops'"),
    ):
        with pytest.raises(ModelError, match=message):
            save_model(model, tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()


def test_a_model_in_a_script_is_refused_with_a_reason(saved: Path):
    file = saved / "MLmodel"
    file.write_text(file.read_text().replace("    streamable: false", "    streamable: false\n    model_code_path: model.py"))
    with pytest.raises(ModelError, match=r"its model as a script \(model.py\), which is not supported"):
        load_model(saved, trusted=True, flavor="pyfunc")


def test_another_flavor_has_no_python_model(pipeline, tmp_path: Path):
    save_model(pipeline, tmp_path / "model")
    loaded = load_model(tmp_path / "model", trusted=True, flavor="pyfunc")
    with pytest.raises(ModelError, match=r"of the flavor sklearn; get_raw_model\(\) gives it"):
        loaded.unwrap_python_model()
    assert type(loaded.get_raw_model()).__name__ == "Pipeline"
