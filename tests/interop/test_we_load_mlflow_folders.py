"""What real MLflow 3 saved, nbtrack loads, with MLflow's imports out of the way where the model does not need them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from interop import models
from nbtrack.errors import SchemaMismatch, UntrustedModel
from nbtrack.models.folder import load_model
from nbtrack.models.manifest import read_manifest

mlflow = pytest.importorskip("mlflow", reason="needs MLflow: pip install 'nbtrack[interop]'")
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore")]

# Without requirements: MLflow takes seconds to find them, in another process.
FAST = {"pip_requirements": ["numpy"]}

SAVED = {
    "forest": lambda path, **more: mlflow.sklearn.save_model(models.forest(), path, serialization_format="cloudpickle", **FAST, **more),
    "forest in plain pickle": lambda path, **more: mlflow.sklearn.save_model(models.forest(), path, serialization_format="pickle", **FAST, **more),
    "pipeline in skops": lambda path, **more: mlflow.sklearn.save_model(models.pipeline(), path, **FAST, **more),
    "xgboost": lambda path, **more: mlflow.xgboost.save_model(models.xgboost_classifier(), path, **FAST, **more),
    "xgboost booster": lambda path, **more: mlflow.xgboost.save_model(models.xgboost_classifier().get_booster(), path, **FAST, **more),
    "lightgbm": lambda path, **more: mlflow.lightgbm.save_model(models.lightgbm_classifier(), path, **FAST, **more),
    "lightgbm booster": lambda path, **more: mlflow.lightgbm.save_model(models.lightgbm_classifier().booster_, path, **FAST, **more),
}


@pytest.mark.parametrize("case", SAVED)
def test_we_load_estimators_and_enforce_their_signature(case: str, tmp_path: Path):
    X, y = models.cancer()
    path = str(tmp_path / "model")
    SAVED[case](path, signature=mlflow.models.infer_signature(X, y), input_example=X.head(2))
    loaded = load_model(path, trusted=True, flavor="pyfunc")
    np.testing.assert_allclose(loaded.predict(X), mlflow.pyfunc.load_model(path).predict(X))
    pd.testing.assert_frame_equal(loaded.input_example, X.head(2).reset_index(drop=True))
    assert loaded.metadata.mlflow_version == mlflow.__version__
    with pytest.raises(SchemaMismatch, match="Model is missing inputs \\['mean radius'\\]"):
        loaded.predict(X.drop(columns=["mean radius"]))
    native = load_model(path, trusted=True)
    assert type(native).__name__ in ("RandomForestClassifier", "Pipeline", "XGBClassifier", "LGBMClassifier", "Booster")


def test_only_the_skops_format_is_loaded_untrusted(tmp_path: Path):
    X, _ = models.cancer()
    for case in SAVED:
        path = tmp_path / case
        SAVED[case](str(path))
        if case in ("pipeline in skops", "lightgbm"):
            assert len(load_model(path, flavor="pyfunc").predict(X)) == len(X)
        else:
            with pytest.raises(UntrustedModel, match="trusted=True"):
                load_model(path, flavor="pyfunc")


@pytest.mark.parametrize("serialization_format", ["pickle", "pt2"])
def test_we_load_a_torch_network(serialization_format: str, tmp_path: Path):
    torch = pytest.importorskip("torch")
    network, data = models.torch_network(), models.floats()
    signature = mlflow.models.infer_signature(data, network(torch.from_numpy(data)).detach().numpy())
    mlflow.pytorch.save_model(network, str(tmp_path / "model"), signature=signature, input_example=data[:2], serialization_format=serialization_format, **FAST)
    expected = network(torch.from_numpy(data)).detach().numpy()
    # The graph of an export is for the number of rows of its example.
    rows = data if serialization_format == "pickle" else data[:2]
    loaded = load_model(tmp_path / "model", trusted=True, flavor="pyfunc")
    np.testing.assert_allclose(loaded.predict(rows), expected[: len(rows)], rtol=1e-5)
    native = load_model(tmp_path / "model", trusted=True)
    np.testing.assert_allclose(native(torch.from_numpy(rows)).detach().numpy(), expected[: len(rows)], rtol=1e-5)


def test_we_load_a_keras_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("keras")
    network, data = models.keras_network(), models.floats()
    mlflow.keras.save_model(network, str(tmp_path / "model"), **FAST)
    expected = network.predict(data, verbose=0)
    np.testing.assert_allclose(load_model(tmp_path / "model", trusted=True, flavor="pyfunc").predict(data), expected, rtol=1e-5)
    np.testing.assert_allclose(load_model(tmp_path / "model", trusted=True).predict(data, verbose=0), expected, rtol=1e-5)


SAVE_A_PYTHON_MODEL = """
    import sys
    import mlflow, pandas as pd
    class Threshold(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            self.threshold = float(open(context.artifacts["threshold"]).read())
        def predict(self, context, model_input, params=None):
            scale = (params or {}).get("scale", context.model_config["scale"])
            return pd.DataFrame({"over": (model_input["a"] * scale > self.threshold).astype(int)})
    folder = sys.argv[1]
    open(folder + "/threshold.txt", "w").write("2.5")
    signature = mlflow.models.infer_signature(pd.DataFrame({"a": [1.0]}), None, {"scale": 1.0})
    mlflow.pyfunc.save_model(folder + "/model", python_model=Threshold(), artifacts={"threshold": folder + "/threshold.txt"},
                             model_config={"scale": 1.0}, signature=signature, pip_requirements=["numpy"])
    def doubled(model_input):
        return model_input * 2
    mlflow.pyfunc.save_model(folder + "/function", python_model=doubled, signature=mlflow.models.infer_signature(pd.DataFrame({"a": [1.0]})),
                             pip_requirements=["numpy"])
"""

LOAD_IT_WITHOUT_MLFLOW = """
    import sys
    sys.modules["mlflow"] = None  # as if it were not installed
    import pandas as pd
    from nbtrack.models.folder import load_model
    data = pd.DataFrame({"a": [1, 2, 3]})
    model = load_model(sys.argv[1] + "/model", trusted=True, flavor="pyfunc")
    print(model.predict(data)["over"].tolist(), model.predict(data, params={"scale": 2})["over"].tolist())
    print(load_model(sys.argv[1] + "/model", trusted=True, flavor="pyfunc", model_config={"scale": 2.0}).metadata.flavors["python_function"]["config"])
    print(load_model(sys.argv[1] + "/function", trusted=True, flavor="pyfunc").predict(data)["a"].tolist())
"""


def test_we_load_a_python_model_and_a_function_where_mlflow_is_not_installed(tmp_path: Path):
    run(SAVE_A_PYTHON_MODEL, tmp_path)
    assert run(LOAD_IT_WITHOUT_MLFLOW, tmp_path).splitlines() == ["[0, 0, 1] [0, 1, 1]", "{'scale': 1.0}", "[2.0, 4.0, 6.0]"]


def test_what_mlflow_wrote_and_we_do_not_know_is_kept(tmp_path: Path):
    mlflow.sklearn.save_model(models.forest(), str(tmp_path / "model"), serialization_format="pickle", metadata={"team": "risk"}, **FAST)
    manifest = read_manifest(tmp_path / "model")
    assert manifest.metadata == {"team": "risk"}
    assert mlflow.models.Model.from_dict(manifest.to_dict()).flavors == manifest.flavors
    assert {"prompts"} <= manifest.extra.keys()


def run(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
