"""Folders appear whole or not at all, have what is needed to make their environment, and load when somebody vouches for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from nbtrack.errors import AlreadyExists, MissingDependency, ModelError, SchemaMismatch, UntrustedModel
from nbtrack.models.files import folder_digest
from nbtrack.models.folder import load_model, save_model
from nbtrack.models.manifest import read_manifest
from nbtrack.models.signature import infer_signature


@pytest.fixture
def saved(cancer, pipeline, tmp_path: Path) -> Path:
    """A folder with a fitted pipeline, its signature and an example."""
    X, _ = cancer
    save_model(pipeline, tmp_path / "model", signature=infer_signature(X, pipeline.predict(X)), input_example=X.head(2))
    return tmp_path / "model"


def test_a_folder_has_what_mlflow_puts_in_one(saved: Path):
    assert sorted(file.name for file in saved.iterdir()) == [
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "model.pkl",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    ]
    content = yaml.safe_load((saved / "MLmodel").read_text())
    python = ".".join(map(str, sys.version_info[:3]))
    assert content["flavors"]["python_function"] == {
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.sklearn",
        "model_path": "model.pkl",
        "predict_fn": "predict",
        "python_version": python,
    }
    assert content["flavors"]["sklearn"].keys() == {"code", "pickled_model", "serialization_format", "sklearn_version", "skops_trusted_types"}
    assert content["saved_input_example_info"]["pandas_orient"] == "split"
    lines = (saved / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in lines] == ["cloudpickle", "numpy", "pandas", "scikit-learn", "scipy"]
    conda = yaml.safe_load((saved / "conda.yaml").read_text())
    assert conda["dependencies"][-1] == {"pip": lines}
    assert yaml.safe_load((saved / "python_env.yaml").read_text())["dependencies"] == ["-r requirements.txt"]


def test_it_is_loaded_natively_and_as_a_pyfunc(saved: Path, cancer, pipeline):
    X, _ = cancer
    np.testing.assert_array_equal(load_model(saved, trusted=True).predict(X), pipeline.predict(X))
    loaded = load_model(saved, trusted=True, flavor="pyfunc")
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
    np.testing.assert_array_equal(loaded.predict(X.round().astype(int)), pipeline.predict(X.round()))
    assert loaded.metadata == read_manifest(saved)
    assert loaded.model_id is None
    pd.testing.assert_frame_equal(loaded.input_example, X.head(2).reset_index(drop=True))
    with pytest.raises(SchemaMismatch, match="Model is missing inputs \\['mean radius'\\]"):
        loaded.predict(X.drop(columns="mean radius"))


def test_ids_of_a_store_are_written(pipeline, tmp_path: Path):
    manifest = save_model(pipeline, tmp_path / "model", model_id="m-1", run_id="r-1", artifact_path="forest", metadata={"team": "risk"})
    assert manifest == read_manifest(tmp_path / "model")
    assert (manifest.model_id, manifest.model_uuid, manifest.run_id, manifest.artifact_path) == ("m-1", "m-1", "r-1", "forest")
    assert manifest.model_size_bytes == sum(file.stat().st_size for file in (tmp_path / "model").iterdir() if file.name != "MLmodel")


def test_nobody_is_taken_at_his_word(saved: Path):
    with pytest.raises(UntrustedModel, match="nobody vouches for the model in .*loading it runs code out of it"):
        load_model(saved)
    digest = folder_digest(saved)
    assert load_model(saved, digest=digest) is not None
    file = saved / "model.pkl"
    file.write_bytes(file.read_bytes().replace(b"LogisticRegression", b"LogisticRegressiom"))
    with pytest.raises(UntrustedModel, match="is not what was logged: its digest is another one"):
        load_model(saved, digest=digest, trusted=True)


def test_a_folder_that_has_something_is_left_alone(saved: Path, pipeline):
    before = folder_digest(saved)
    with pytest.raises(AlreadyExists, match="Path '.*model' already exists and is not empty"):
        save_model(pipeline, saved)
    assert folder_digest(saved) == before
    with pytest.raises(AlreadyExists, match="is no folder"):
        save_model(pipeline, saved / "MLmodel")
    empty = saved.parent / "empty"
    empty.mkdir()
    save_model(pipeline, empty)
    assert (empty / "MLmodel").exists()


def test_a_failed_save_leaves_nothing(cancer, pipeline, tmp_path: Path):
    for options, error, message in (
        ({"metadata": {"a": object()}}, ModelError, r"metadata\['a'\] holds a value of the type object"),
        ({"signature": "double"}, ModelError, "found str"),
        ({"flavor": "xgboost"}, ModelError, "the flavor xgboost saves an XGBoost booster or estimator; found Pipeline"),
        ({"code_paths": ["nowhere.py"]}, ModelError, "the code path nowhere.py does not exist"),
        ({"pip_requirements": ["a b c"]}, ModelError, "is no requirement"),
        ({"pip_requirements": ["a"], "conda_env": {"dependencies": []}}, ModelError, "pass one of them"),
        ({"conda_env": {"name": "x"}}, ModelError, "a list under the key 'dependencies'"),
        ({"input_example": np.array([[1.0]])}, ModelError, "the model fails on its input example"),
        ({"input_example": [1.0], "signature": infer_signature(cancer[0])}, SchemaMismatch, "the input example does not fit the signature.*mean area"),
    ):
        with pytest.raises(error, match=message):
            save_model(pipeline, tmp_path / "model", **options)
        assert not list(tmp_path.iterdir()), options


def test_the_signature_is_inferred_from_an_example_and_its_predictions(cancer, pipeline, tmp_path: Path):
    manifest = save_model(pipeline, tmp_path / "model", input_example=cancer[0].head(3))
    assert manifest.signature.inputs.input_names() == list(cancer[0].columns)
    assert repr(manifest.signature.outputs) == "[Tensor('int64', (-1,))]"


def test_the_user_says_what_to_install(pipeline, tmp_path: Path):
    save_model(pipeline, tmp_path / "pip", pip_requirements=["scikit-learn>=1"], extra_pip_requirements=["shap==0.46"])
    assert (tmp_path / "pip" / "requirements.txt").read_text().splitlines() == ["scikit-learn>=1", "shap==0.46"]
    conda = {"name": "mine", "channels": ["defaults"], "dependencies": ["python=3.11", {"pip": ["scikit-learn==1.5"]}]}
    save_model(pipeline, tmp_path / "conda", conda_env=conda)
    assert yaml.safe_load((tmp_path / "conda" / "conda.yaml").read_text()) == conda
    assert (tmp_path / "conda" / "requirements.txt").read_text() == "scikit-learn==1.5"


SAVE_WITH_OWN_CODE = """
    import sys, warnings
    sys.path.insert(0, sys.argv[1])
    import own_features
    from nbtrack.models.folder import save_model
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        save_model(own_features.Scaled(), sys.argv[2] + "/bare")
    print(said[0].message)
    save_model(own_features.Scaled(), sys.argv[2] + "/whole", code_paths=[sys.argv[1] + "/own_features.py"])
"""


def test_own_code_travels_with_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = tmp_path / "source"
    source.mkdir()
    (source / "own_features.py").write_text("class Scaled:\n    def predict(self, data):\n        return data * 10\n")
    said = run(SAVE_WITH_OWN_CODE, source, tmp_path)
    assert "the model uses own_features, which no installed package has" in said
    assert f"code_paths=['{source / 'own_features.py'}']" in said
    with pytest.raises(MissingDependency, match="needs the module own_features .*save the model again with code_paths"):
        load_model(tmp_path / "bare", trusted=True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    loaded = load_model(tmp_path / "whole", trusted=True, flavor="pyfunc")
    assert loaded.predict(np.array([1.0])).tolist() == [10.0]
    assert read_manifest(tmp_path / "whole").flavors["python_function"]["code"] == "code"
    shutil.copytree(tmp_path / "whole", tmp_path / "other")
    (tmp_path / "other" / "code" / "own_features.py").write_text("class Scaled: pass\n")
    with pytest.warns(UserWarning, match="own_features is imported already"):
        load_model(tmp_path / "other", trusted=True)
    monkeypatch.delitem(sys.modules, "own_features")


def test_code_in_a_foreign_folder_is_not_run_even_beside_skops(pipeline, tmp_path: Path):
    pytest.importorskip("skops", reason="needs the extra skops")
    (tmp_path / "helper.py").write_text("raise SystemExit('ran')\n")
    save_model(pipeline, tmp_path / "model", serialization_format="skops", code_paths=[tmp_path / "helper.py"])
    with pytest.raises(UntrustedModel, match="has Python files that the model imports"):
        load_model(tmp_path / "model")


def test_a_missing_package_is_named_with_the_command(saved: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingDependency, match=r"needs sklearn .*pip install 'scikit-learn==.*pip install -r .*requirements.txt"):
        load_model(saved, trusted=True)


def test_links_in_a_foreign_folder_are_refused(saved: Path):
    (saved / "model.pkl").rename(saved.parent / "elsewhere.pkl")
    (saved / "model.pkl").symlink_to(saved.parent / "elsewhere.pkl")
    with pytest.raises(ValueError, match=r"model.pkl is a symbolic link"):
        load_model(saved, trusted=True)


def test_a_model_of_a_notebook_is_saved_without_a_word(tmp_path: Path):
    script = """
        import sys, warnings
        warnings.simplefilter("error")
        import pandas as pd
        from sklearn.datasets import load_breast_cancer
        from sklearn.ensemble import RandomForestClassifier
        from nbtrack.models.folder import load_model, save_model
        from nbtrack.models.signature import infer_signature
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        forest = RandomForestClassifier(n_estimators=5).fit(X, y)
        save_model(forest, sys.argv[1], signature=infer_signature(X, forest.predict_proba(X)))
        print(len(load_model(sys.argv[1], trusted=True, flavor="pyfunc").predict(X)))
    """
    assert run(script, tmp_path / "model").strip() == "569"


def run(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
