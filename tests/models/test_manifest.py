"""The MLmodel file is read and written without losing what this version does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nbtrack.errors import ModelError, NotFound
from nbtrack.models.manifest import Manifest, read_manifest, write_manifest
from nbtrack.models.schema import ColSpec, Schema
from nbtrack.models.signature import ModelSignature

# As MLflow 3.17.2 wrote it.
MLFLOW = """\
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn: {code: null, pickled_model: model.pkl, serialization_format: cloudpickle, sklearn_version: 1.9.1, skops_trusted_types: null}
is_signature_from_type_hint: false
metadata: {team: risk}
mlflow_version: 3.17.2
model_id: null
model_size_bytes: 882
model_uuid: d0cb2c2442b44b5c94dbec855ebe8d14
prompts: null
some_key_of_tomorrow: [1, 2]
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}]'
  outputs: null
  params: null
type_hint_from_example: false
utc_time_created: '2026-11-21 02:33:05.605660'
"""


def test_what_mlflow_wrote_is_read_and_written_back_whole(tmp_path: Path):
    (tmp_path / "MLmodel").write_text(MLFLOW)
    manifest = read_manifest(tmp_path)
    assert manifest.signature == ModelSignature(Schema([ColSpec("double", "a")]))
    assert manifest.get_input_schema() == manifest.signature.inputs
    assert manifest.metadata == {"team": "risk"}
    assert manifest.extra["some_key_of_tomorrow"] == [1, 2]
    write_manifest(tmp_path, manifest)
    assert yaml.safe_load((tmp_path / "MLmodel").read_text()) == yaml.safe_load(MLFLOW)


def test_a_new_manifest_has_an_id_and_a_time():
    first, second = Manifest(flavors={"sklearn": {}}), Manifest(flavors={"sklearn": {}})
    assert first.model_uuid != second.model_uuid
    assert first.utc_time_created
    assert "model_id" in first.to_dict()
    assert "signature" not in first.to_dict()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no manifest: it holds NoneType"),
        ("flavors: [", "is not YAML"),
        ("model_id: x", "under the key 'flavors'; found None"),
        ("flavors: {sklearn: 5}", "under the key 'flavors'"),
        ("flavors: {}\nsignature: yes", "the signature of an MLmodel file"),
        ("flavors: {}\nsignature: {inputs: '[{}]'}", "MLmodel: a schema lacks the key 'type'"),
        ("flavors: !!python/object/apply:os.system [id]", "is not YAML"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused_with_its_path(text: str, message: str, tmp_path: Path):
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(ModelError, match=message) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path / "MLmodel") in str(caught.value)


def test_a_folder_without_one_says_what_it_has(tmp_path: Path):
    (tmp_path / "model.pkl").write_text("")
    with pytest.raises(ModelError, match=r"no model folder: it has no file MLmodel. It has model.pkl"):
        read_manifest(tmp_path)
    with pytest.raises(NotFound, match="there is no model folder .*it is a file"):
        read_manifest(tmp_path / "model.pkl")
    with pytest.raises(NotFound, match="there is no model folder"):
        read_manifest(tmp_path / "nothing")


def test_metadata_that_is_not_plain_is_named(tmp_path: Path):
    with pytest.raises(ModelError, match=r"metadata\['a'\]\[1\] holds a value of the type object"):
        write_manifest(tmp_path, Manifest(flavors={}, metadata={"a": [1, object()]}))
