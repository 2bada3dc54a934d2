"""Flavors: found from the model without importing anything, and each loads what it saved."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from nbtrack.errors import ModelError, SchemaMismatch, UntrustedModel
from nbtrack.models import flavors
from nbtrack.models.flavors import find_flavor, flavor_names, get_flavor
from nbtrack.models.flavors.base import SavedModel
from nbtrack.models.folder import load_model, save_model
from nbtrack.models.manifest import read_manifest
from nbtrack.models.pyfunc import PythonModel


class OwnEstimator(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Predicts:
    def predict(self, data):
        return data


class Own(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


def identity(data):
    return data


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (StandardScaler(), "sklearn"),
        (GridSearchCV(RandomForestClassifier(), {}), "sklearn"),
        (OwnEstimator(), "sklearn"),
        (Predicts(), "python_function"),
        (Own(), "python_function"),
        (identity, "python_function"),
        (lambda data: data, "python_function"),
        (functools.partial(identity), "python_function"),
        (Predicts().predict, "python_function"),
    ],
)
def test_the_flavor_is_found_from_the_object(model: object, name: str):
    assert name == find_flavor(model).NAME


@pytest.mark.parametrize("model", [RandomForestClassifier, 5, "models:/a/1", pd.DataFrame(), {"a": 1}, None])
def test_for_other_objects_it_is_said_what_was_tried(model: object):
    with pytest.raises(ModelError) as caught:
        find_flavor(model)
    for name in ("xgboost: an XGBoost booster", "sklearn: a scikit-learn estimator", "python_function: a PythonModel, a function"):
        assert name in str(caught.value)
    if isinstance(model, type):
        assert "pass a fitted instance, such as RandomForestClassifier(...).fit(X, y)" in str(caught.value)


def test_asking_for_a_flavor_imports_no_library():
    script = """
        import sys
        from nbtrack.models.flavors import find_flavor
        assert find_flavor(print).NAME == "python_function"
        print(" ".join({name.partition(".")[0] for name in sys.modules} & {"sklearn", "xgboost", "lightgbm", "torch", "keras", "pandas", "skops"}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_an_unknown_flavor_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"there is no flavor 'skleran'.*Did you mean 'sklearn'.*nbtrack.flavors"):
        get_flavor("skleran")


@pytest.mark.parametrize("serialization_format", ["cloudpickle", "pickle", "skops"])
def test_a_pipeline_is_loaded_as_it_was_in_each_format(serialization_format: str, cancer, pipeline, tmp_path: Path):
    if serialization_format == "skops":
        pytest.importorskip("skops", reason="needs the extra skops")
    save_model(pipeline, tmp_path / "model", serialization_format=serialization_format)
    loaded = load_model(tmp_path / "model", trusted=True)
    np.testing.assert_array_equal(loaded.predict(cancer[0]), pipeline.predict(cancer[0]))
    block = read_manifest(tmp_path / "model").flavors["sklearn"]
    assert block["serialization_format"] == serialization_format


def test_skops_loads_untrusted_and_pickles_do_not(cancer, tmp_path: Path):
    pytest.importorskip("skops", reason="needs the extra skops")
    forest = RandomForestClassifier(n_estimators=3, random_state=0).fit(*cancer)
    save_model(forest, tmp_path / "skops", serialization_format="skops")
    # What skops itself trusts differs between its versions.
    assert read_manifest(tmp_path / "skops").flavors["sklearn"]["skops_trusted_types"] in (None, ["sklearn.tree._tree.Tree"])
    np.testing.assert_array_equal(load_model(tmp_path / "skops").predict(cancer[0]), forest.predict(cancer[0]))
    save_model(forest, tmp_path / "pickle")
    with pytest.raises(UntrustedModel, match=r"nobody vouches for the model.*trusted=True.*skops"):
        load_model(tmp_path / "pickle")


def test_the_list_of_trusted_types_in_a_foreign_folder_counts_for_nothing(cancer, tmp_path: Path):
    pytest.importorskip("skops", reason="needs the extra skops")
    with pytest.warns(UserWarning, match="does not load without trusted=True elsewhere: .*OwnEstimator"):
        save_model(OwnEstimator().fit(*cancer), tmp_path / "model", serialization_format="skops", pip_requirements=[])
    assert any("OwnEstimator" in name for name in read_manifest(tmp_path / "model").flavors["sklearn"]["skops_trusted_types"])
    with pytest.raises(UntrustedModel, match="types that are not known to run no code: .*OwnEstimator"):
        load_model(tmp_path / "model")
    assert isinstance(load_model(tmp_path / "model", trusted=True), OwnEstimator)


def test_an_unknown_format_is_refused(pipeline, tmp_path: Path):
    with pytest.raises(ModelError, match="the flavor sklearn has no serialization_format 'joblib'; it has 'cloudpickle', 'pickle', 'skops'"):
        save_model(pipeline, tmp_path / "model", serialization_format="joblib")
    assert not list(tmp_path.iterdir())


def test_the_pyfunc_can_call_another_method(cancer, pipeline, tmp_path: Path):
    save_model(pipeline, tmp_path / "model", pyfunc_predict_fn="predict_proba")
    predictions = load_model(tmp_path / "model", trusted=True, flavor="pyfunc").predict(cancer[0])
    np.testing.assert_array_equal(predictions, pipeline.predict_proba(cancer[0]))


def test_a_transformer_has_no_pyfunc(cancer, tmp_path: Path):
    save_model(StandardScaler().fit(cancer[0]), tmp_path / "model")
    assert isinstance(load_model(tmp_path / "model", trusted=True), StandardScaler)
    with pytest.raises(ModelError, match='Model does not have the "python_function" flavor; it has sklearn'):
        load_model(tmp_path / "model", trusted=True, flavor="pyfunc")


def test_params_reach_the_method_that_has_them(cancer, tmp_path: Path):
    from sklearn.gaussian_process import GaussianProcessRegressor

    from nbtrack.models.signature import infer_signature

    X, y = cancer
    model = GaussianProcessRegressor().fit(X[:20], y[:20])
    save_model(model, tmp_path / "model", signature=infer_signature(X, None, {"return_std": False, "other": 1}))
    loaded = load_model(tmp_path / "model", trusted=True, flavor="pyfunc")
    with pytest.warns(UserWarning, match=r"the params \['other'\] are in the signature, but .*predict does not take them"):
        assert len(loaded.predict(X[:5], params={"return_std": True})) == 2


class Thirdparty:
    """What another package would register."""

    NAME = "lines"
    ACCEPTS = "a straight line"
    LOADER_MODULE = "lines.mlflow"

    def matches(self, model: Any) -> bool:
        return isinstance(model, slice)

    def save(self, model: Any, folder: Path, options: Any) -> SavedModel:
        (folder / "line.txt").write_text(f"{model.start} {model.stop}")
        return SavedModel(native={"file": "line.txt"}, pyfunc={"loader_module": self.LOADER_MODULE})

    def runs_code(self, blocks: Any) -> bool:
        return False

    def load(self, folder: Path, blocks: Any, options: Any) -> slice:
        return slice(*map(int, (folder / blocks["lines"]["file"]).read_text().split()))

    def load_pyfunc(self, folder: Path, blocks: Any, options: Any) -> Any:
        return self.predictor(self.load(folder, blocks, options), "predict")

    def predictor(self, model: Any, predict_fn: str) -> Any:
        class Line:
            def predict(self, data: Any, params: Any = None) -> Any:
                return model.start + model.stop * data

        return Line()


THIRD_PARTY = Thirdparty()


def test_other_packages_add_flavors_by_entry_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    point = EntryPoint("lines", f"{__name__}:THIRD_PARTY", "nbtrack.flavors")
    monkeypatch.setattr(flavors, "entry_points", lambda group: [point] if group == "nbtrack.flavors" else [])
    flavors._third_parties.cache_clear()
    try:
        assert flavor_names()[-2:] == ["lines", "python_function"]
        manifest = save_model(slice(1, 2), tmp_path / "model", input_example=np.array([3.0]))
        assert list(manifest.flavors) == ["python_function", "lines"]
        assert manifest.signature is not None
        assert load_model(tmp_path / "model") == slice(1, 2)
        assert load_model(tmp_path / "model", flavor="pyfunc").predict(np.array([3.0])).tolist() == [7.0]
    finally:
        flavors._third_parties.cache_clear()
    monkeypatch.undo()
    with pytest.raises(ModelError, match="there is no flavor 'lines'"):
        load_model(tmp_path / "model")
    with pytest.raises(ModelError, match="loaded by 'lines.mlflow', which is of none of the flavors xgboost, lightgbm"):
        load_model(tmp_path / "model", flavor="pyfunc")


@pytest.mark.parametrize("kind", ["classifier", "booster", "subclass"])
def test_xgboost(kind: str, cancer, tmp_path: Path):
    xgboost = pytest.importorskip("xgboost", reason="needs the extra xgboost")
    X, y = cancer
    fitted = xgboost.XGBClassifier(n_estimators=3).fit(X, y)
    model = fitted.get_booster() if kind == "booster" else fitted
    if kind == "subclass":
        model = type("Mine", (xgboost.XGBClassifier,), {"__module__": "__main__"})(n_estimators=3).fit(X, y)
    manifest = save_model(model, tmp_path / "model", input_example=X.head())
    assert ("sklearn" if kind == "subclass" else "xgboost") in manifest.flavors
    predictions = load_model(tmp_path / "model", trusted=True, flavor="pyfunc").predict(X)
    expected = model.predict(xgboost.DMatrix(X)) if kind == "booster" else model.predict(X)
    np.testing.assert_allclose(predictions, expected)
    assert "xgboost" in (tmp_path / "model" / "requirements.txt").read_text()
    with pytest.raises(UntrustedModel):
        load_model(tmp_path / "model")


def test_xgboost_loads_classes_of_xgboost_only(cancer, tmp_path: Path):
    xgboost = pytest.importorskip("xgboost", reason="needs the extra xgboost")
    save_model(xgboost.XGBClassifier(n_estimators=2).fit(*cancer), tmp_path / "model")
    file = tmp_path / "model" / "MLmodel"
    file.write_text(file.read_text().replace("xgboost.sklearn.XGBClassifier", "subprocess.Popen"))
    with pytest.raises(ModelError, match=r"a subprocess.Popen, which is no class of XGBoost"):
        load_model(tmp_path / "model", trusted=True)


@pytest.mark.parametrize("serialization_format", [None, "skops", "booster"])
def test_lightgbm(serialization_format: str | None, cancer, tmp_path: Path):
    lightgbm = pytest.importorskip("lightgbm", reason="needs the extra lightgbm")
    X, y = cancer
    model: Any = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
    if serialization_format == "booster":
        model, serialization_format = model.booster_, None
    manifest = save_model(model, tmp_path / "model", serialization_format=serialization_format, input_example=X.head())
    assert "lightgbm" in manifest.flavors
    loaded = load_model(tmp_path / "model", trusted=serialization_format != "skops", flavor="pyfunc")
    np.testing.assert_allclose(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("serialization_format", ["pickle", "pt2"])
def test_pytorch(serialization_format: str, tmp_path: Path):
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.9))
    data = np.ones((4, 3), "float32")
    network.train()
    save_model(network, tmp_path / "model", serialization_format=serialization_format, input_example=data)
    assert network.training
    network.eval()
    expected = network(torch.from_numpy(data)).detach().numpy()
    loaded = load_model(tmp_path / "model", trusted=True, flavor="pyfunc", model_config={"device": "cpu"})
    np.testing.assert_allclose(loaded.predict(data), expected, rtol=1e-5)
    np.testing.assert_allclose(loaded.predict(data[:1].tolist()), expected[:1], rtol=1e-5)
    with pytest.raises(SchemaMismatch, match="Shape of input"):
        loaded.predict(np.ones((4, 5), "float32"))


def test_a_torch_module_that_cannot_be_pickled_is_named(tmp_path: Path):
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    import threading

    network = torch.nn.Linear(3, 2)
    network.lock = threading.Lock()
    with pytest.raises(ModelError, match=r"model.lock is a _thread.lock"):
        save_model(network, tmp_path / "model")
    with pytest.raises(ModelError, match="needs an input_example"):
        save_model(torch.nn.Linear(3, 2), tmp_path / "model", serialization_format="pt2")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras.*")
def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs the extra keras")
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    data = np.ones((4, 3), "float32")
    save_model(network, tmp_path / "model", input_example=data)
    loaded = load_model(tmp_path / "model", trusted=True, flavor="pyfunc")
    np.testing.assert_allclose(loaded.predict(data), network.predict(data, verbose=0), rtol=1e-5)
    frame = pd.DataFrame(data, index=list("abcd"))
    assert load_model(tmp_path / "model", trusted=True, flavor="pyfunc").predict(frame).shape == (4, 2)
