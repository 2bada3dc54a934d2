"""What nbtrack saved, real MLflow loads: as a pyfunc, and with its flavor's own loader."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from interop import models
from nbtrack.models.folder import save_model
from nbtrack.models.pyfunc import PythonModel
from nbtrack.models.signature import infer_signature

mlflow = pytest.importorskip("mlflow", reason="needs MLflow: pip install 'nbtrack[interop]'")
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore")]

ESTIMATORS = {
    "forest": ("sklearn", models.forest, {}),
    "forest in skops": ("sklearn", models.forest, {"serialization_format": "skops"}),
    "forest in plain pickle": ("sklearn", models.forest, {"serialization_format": "pickle"}),
    "pipeline": ("sklearn", models.pipeline, {}),
    "xgboost": ("xgboost", models.xgboost_classifier, {}),
    "xgboost booster": ("xgboost", lambda: models.xgboost_classifier().get_booster(), {}),
    "lightgbm": ("lightgbm", models.lightgbm_classifier, {}),
    "lightgbm in skops": ("lightgbm", models.lightgbm_classifier, {"serialization_format": "skops"}),
    "lightgbm booster": ("lightgbm", lambda: models.lightgbm_classifier().booster_, {}),
}


@pytest.mark.parametrize("case", ESTIMATORS)
def test_mlflow_loads_estimators_and_enforces_their_signature(case: str, tmp_path: Path):
    flavor, make, options = ESTIMATORS[case]
    X, y = models.cancer()
    model = make()
    manifest = save_model(model, tmp_path / "model", signature=infer_signature(X, y), input_example=X.head(2), **options)
    assert flavor in manifest.flavors
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    expected = mlflow_predictions(model, X)
    np.testing.assert_allclose(np.asarray(loaded.predict(X)), expected)
    assert loaded.metadata.signature.to_dict() == manifest.signature.to_dict()
    pd.testing.assert_frame_equal(loaded.input_example, X.head(2).reset_index(drop=True))
    with pytest.raises(mlflow.exceptions.MlflowException, match="Model is missing inputs"):
        loaded.predict(X.drop(columns=["mean radius"]))
    native = importlib.import_module(f"mlflow.{flavor}").load_model(str(tmp_path / "model"))
    assert type(native) is type(model)
    np.testing.assert_allclose(mlflow_predictions(native, X), expected)


def mlflow_predictions(model, X):
    if type(model).__module__.startswith("xgboost") and type(model).__name__ == "Booster":
        import xgboost

        return model.predict(xgboost.DMatrix(X))
    return model.predict(X)


@pytest.mark.parametrize("serialization_format", ["pickle", "pt2"])
def test_mlflow_loads_a_torch_network(serialization_format: str, tmp_path: Path):
    torch = pytest.importorskip("torch")
    network, data = models.torch_network(), models.floats()
    manifest = save_model(network, tmp_path / "model", input_example=data[:2], serialization_format=serialization_format)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    expected = network(torch.from_numpy(data)).detach().numpy()
    np.testing.assert_allclose(loaded.predict(data), expected, rtol=1e-5)
    assert loaded.metadata.signature.to_dict() == manifest.signature.to_dict()
    native = mlflow.pytorch.load_model(str(tmp_path / "model"))
    np.testing.assert_allclose(native(torch.from_numpy(data)).detach().numpy(), expected, rtol=1e-5)


def test_mlflow_loads_a_keras_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("keras")
    network, data = models.keras_network(), models.floats()
    save_model(network, tmp_path / "model", input_example=data[:2])
    expected = network.predict(data, verbose=0)
    np.testing.assert_allclose(mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(data), expected, rtol=1e-5)
    np.testing.assert_allclose(mlflow.keras.load_model(str(tmp_path / "model")).predict(data, verbose=0), expected, rtol=1e-5)


class Threshold(PythonModel):
    def load_context(self, context):
        self.threshold = float(Path(context.artifacts["threshold"]).read_text())

    def predict(self, context, model_input, params=None):
        scale = (params or {}).get("scale", context.model_config["scale"])
        return pd.DataFrame({"over": (model_input["a"] * scale > self.threshold).astype(int)})


def test_mlflow_loads_a_python_model_with_artifacts_params_and_config(tmp_path: Path):
    (tmp_path / "threshold.txt").write_text("2.5")
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    save_model(
        Threshold(),
        tmp_path / "model",
        artifacts={"threshold": tmp_path / "threshold.txt"},
        model_config={"scale": 1.0},
        signature=infer_signature(data, None, {"scale": 1.0}),
    )
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert loaded.predict(data)["over"].tolist() == [0, 0, 1]
    assert loaded.predict(data, params={"scale": 2.0})["over"].tolist() == [0, 1, 1]
    assert isinstance(loaded.unwrap_python_model(), Threshold)


def test_mlflow_loads_functions_and_objects(tmp_path: Path):
    class Doubler:
        def predict(self, data):
            return data * 2

    save_model(Doubler(), tmp_path / "object", input_example=np.array([[1.0]]))
    save_model(lambda data: data + 1, tmp_path / "function")
    assert mlflow.pyfunc.load_model(str(tmp_path / "object")).predict(np.array([[3.0]])).tolist() == [[6.0]]
    assert mlflow.pyfunc.load_model(str(tmp_path / "function")).predict(np.array([3.0])).tolist() == [4.0]


def test_mlflow_imports_the_code_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = tmp_path / "source"
    source.mkdir()
    (source / "own_scaling.py").write_text("def scale(data):\n    return data * 10\n")
    script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import own_scaling
        from nbtrack.models.folder import save_model
        save_model(own_scaling.scale, sys.argv[2], code_paths=[sys.argv[1] + "/own_scaling.py"])
    """
    run(script, source, tmp_path / "model")
    assert run(LOAD_WITHOUT_NBTRACK, tmp_path / "model").split() == ["30.0"]


LOAD_WITHOUT_NBTRACK = """
    import sys, warnings
    warnings.simplefilter("ignore")
    sys.modules["nbtrack"] = None  # as if it were not installed
    import mlflow, numpy
    print(mlflow.pyfunc.load_model(sys.argv[1]).predict(numpy.array([3.0]))[0])
"""


def test_mlflow_loads_a_python_model_where_nbtrack_is_not_installed(tmp_path: Path):
    script = """
        import sys
        from nbtrack.models.folder import save_model
        from nbtrack.models.pyfunc import PythonModel
        class Tripled(PythonModel):
            def predict(self, context, model_input, params=None):
                return model_input * 3
        save_model(Tripled(), sys.argv[1])
    """
    run(script, tmp_path / "model")
    assert run(LOAD_WITHOUT_NBTRACK, tmp_path / "model").split() == ["9.0"]


def run(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
