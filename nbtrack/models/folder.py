"""Model folders, as MLflow lays them out: saved whole or not at all, loaded when somebody vouches for the bytes."""

from __future__ import annotations

import platform
import secrets
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from nbtrack._version import __version__
from nbtrack.errors import AlreadyExists, MissingDependency, ModelError, SchemaMismatch, UntrustedModel
from nbtrack.models.enforcement import enforce
from nbtrack.models.environment_files import REQUIREMENTS, read_conda, write_environment
from nbtrack.models.files import copy_into, file_digest, folder_digest, inside, list_files
from nbtrack.models.flavors import find_flavor, get_flavor, native_flavor, pyfunc_flavor
from nbtrack.models.flavors.base import Flavor, LoadOptions, Predictor, SavedModel, SaveOptions
from nbtrack.models.input_example import InputExample, write_example
from nbtrack.models.manifest import PYFUNC, Manifest, read_manifest, write_manifest
from nbtrack.models.pyfunc import PyFuncModel
from nbtrack.models.requirements import (
    Requirements,
    find_requirements,
    join_requirements,
    module_of_package,
    read_requirements,
    requirement_name,
)
from nbtrack.models.schema_inference import infer_schema
from nbtrack.models.signature import ModelSignature, infer_signature

_CODE = "code"


@dataclass(frozen=True, kw_only=True)
class _Extras:
    """What goes into a folder beside the model itself."""

    signature: ModelSignature | None
    example: InputExample | None
    pip_requirements: Sequence[str] | str | Path | None
    extra_pip_requirements: Sequence[str] | str | Path | None
    conda_env: Mapping[str, Any] | str | Path | None
    code_paths: Sequence[str | Path]
    metadata: Mapping[str, Any] | None


def save_model(
    model: Any,
    path: str | Path,
    *,
    flavor: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | str | Path | None = None,
    extra_pip_requirements: Sequence[str] | str | Path | None = None,
    conda_env: Mapping[str, Any] | str | Path | None = None,
    code_paths: Sequence[str | Path] | None = None,
    metadata: Mapping[str, Any] | None = None,
    serialization_format: str | None = None,
    artifacts: Mapping[str, str | Path] | None = None,
    model_config: Mapping[str, Any] | None = None,
    pyfunc_predict_fn: str = "predict",
    model_id: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
) -> Manifest:
    """Save a model as a folder that nbtrack and MLflow load.

    Parameters
    ----------
    path
        The folder, which does not exist yet or is empty. It appears complete or not at all.
    flavor
        The name of the flavor; found from the model if left out.
    signature
        Inferred from the input example, and the model's predictions for it, if there is one.
    input_example
        Data that the model takes, or a tuple of data and a dict of params.
    pip_requirements, extra_pip_requirements
        Requirement lines, or the path of a requirements file: instead of the packages that the
        model's own modules are of, or beside them.
    code_paths
        Files and folders of the user that the model imports.
    artifacts, model_config
        For Python models: name -> file or folder to copy, and plain settings.
    model_id, run_id, artifact_path
        Written into the manifest.

    Raises
    ------
    AlreadyExists
        There is something at ``path``.
    ModelError
        No flavor saves the model, it cannot be pickled, or something given with it is wrong.
    SchemaMismatch
        The input example does not fit the signature.
    """
    target = Path(path)
    _check_free(target)
    if signature is not None and not isinstance(signature, ModelSignature):
        raise ModelError(f"the signature is a ModelSignature, as infer_signature makes one; found {type(signature).__name__}")
    chosen = find_flavor(model) if flavor is None else get_flavor(flavor)
    if flavor is not None and not chosen.matches(model):
        raise ModelError(f"the flavor {flavor} saves {chosen.ACCEPTS}; found {type(model).__name__}")
    example = None if input_example is None else InputExample.of(input_example)
    options = SaveOptions(
        serialization_format=serialization_format,
        input_example=example.data if example else None,
        artifacts=artifacts or {},
        model_config=model_config,
        predict_fn=pyfunc_predict_fn,
    )
    extras = _Extras(
        signature=signature,
        example=example,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        conda_env=conda_env,
        code_paths=code_paths or (),
        metadata=metadata,
    )
    with _draft(target) as folder:
        manifest = _fill(folder, model, chosen, options, extras)
        manifest = replace(manifest, model_id=model_id, run_id=run_id, artifact_path=artifact_path, model_uuid=model_id or manifest.model_uuid)
        write_manifest(folder, manifest)
    return manifest


def load_model(
    path: str | Path,
    *,
    trusted: bool = False,
    digest: str | None = None,
    flavor: Literal["native", "pyfunc"] = "native",
    model_config: Mapping[str, Any] | None = None,
) -> Any:
    """Load a model folder that nbtrack or MLflow saved.

    Loading a pickle runs what it says, so somebody has to vouch for the bytes: the caller by
    ``trusted``, or the ``digest`` of the whole folder that was recorded when it was saved. Without
    either only models in the skops format are loaded.

    Parameters
    ----------
    flavor
        ``"native"`` for the model as its library made it, ``"pyfunc"`` for a `PyFuncModel`.
    model_config
        Overrides settings that the model was saved with; ``{"device": "cpu"}`` for PyTorch.

    Raises
    ------
    UntrustedModel
        Nobody vouches for the bytes, or they are not those of the digest.
    MissingDependency
        A package that the model needs is not installed; the message has the command.
    ModelError
        It is no model folder, a damaged one, or one of an unknown flavor.
    """
    if flavor not in ("native", "pyfunc"):
        raise ModelError(f"a model is loaded as 'native' or as 'pyfunc'; found flavor={flavor!r}")
    folder = Path(path)
    manifest = read_manifest(folder)
    if digest is not None and folder_digest(folder) != digest:
        raise UntrustedModel(f"the model in {folder} is not what was logged: its digest is another one. Loading it could run foreign code, so it is not loaded")
    list_files(folder)  # refuses links
    trusted = trusted or digest is not None
    chosen = pyfunc_flavor(manifest.flavors) if flavor == "pyfunc" else native_flavor(manifest.flavors)
    code = _code_of(manifest)
    if not trusted and (code or chosen.runs_code(manifest.flavors)):
        what = "has Python files that the model imports" if code else "runs code out of it"
        raise UntrustedModel(
            f"nobody vouches for the model in {folder}, and loading it {what}. If you trust whoever made it, load it with trusted=True; "
            "a model logged with serialization_format='skops' loads without"
        )
    options = LoadOptions(trusted=trusted, model_config=model_config)
    with _explained(folder):
        if code:
            _import_from(inside(folder, code, "the code"))
        if flavor == "native":
            return chosen.load(folder, manifest.flavors, options)
        return PyFuncModel(manifest, chosen.load_pyfunc(folder, manifest.flavors, options), folder.absolute())


def _fill(folder: Path, model: Any, flavor: Flavor, options: SaveOptions, extras: _Extras) -> Manifest:
    """Write everything but the manifest, which is returned."""
    saved = flavor.save(model, folder, options)
    code = _copy_code(folder, extras.code_paths)
    signature = _signature(folder, model, flavor, saved, options, extras)
    info = write_example(folder, extras.example) if extras.example else None
    environment = _write_environment(folder, saved, signature, extras)
    size = sum((folder / file).stat().st_size for file in list_files(folder))
    return Manifest(
        flavors=_blocks(flavor, saved, code, environment),
        signature=signature,
        saved_input_example_info=info,
        model_size_bytes=size,
        metadata=extras.metadata,
        nbtrack_version=__version__,
    )


def _blocks(flavor: Flavor, saved: SavedModel, code: str | None, environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    blocks: dict[str, dict[str, Any]] = {}
    if saved.pyfunc is not None:
        common = {"env": dict(environment), "python_version": platform.python_version()}
        blocks[PYFUNC] = {**common, **saved.pyfunc, **({_CODE: code} if code else {})}
    if saved.native is not None:
        blocks[flavor.NAME] = {**saved.native, **({_CODE: code} if code else {})}
    return blocks


def _signature(folder: Path, model: Any, flavor: Flavor, saved: SavedModel, options: SaveOptions, extras: _Extras) -> ModelSignature | None:
    """The signature given, checked with the example; or one inferred from the example and what the model makes of it."""
    example, signature = extras.example, extras.signature
    if example is None or saved.pyfunc is None:
        return signature
    if signature is not None:
        try:
            enforce(example.data, example.params, signature)
        except SchemaMismatch as error:
            raise SchemaMismatch(f"the input example does not fit the signature. {error}") from None
        return signature
    predictor: Predictor | None = flavor.predictor(model, options.predict_fn)
    if predictor is None:
        predictor = flavor.load_pyfunc(folder, _blocks(flavor, saved, None, {}), LoadOptions(trusted=True))
    given = infer_signature(example.data, None, example.params)
    try:
        # What is predicted here is what `PyFuncModel.predict` will do.
        output = (
            predictor.predict(*enforce(example.data, example.params, given)) if example.params else predictor.predict(enforce(example.data, None, given)[0])
        )
    except Exception as error:  # whatever the model raises
        raise ModelError(f"the model fails on its input example ({type(error).__name__}: {error}). Pass an example that it can predict") from error
    return replace(given, outputs=None if output is None else infer_schema(output, what="output"))


def _write_environment(folder: Path, saved: SavedModel, signature: ModelSignature | None, extras: _Extras) -> dict[str, str]:
    if extras.conda_env is not None:
        if extras.pip_requirements is not None or extras.extra_pip_requirements is not None:
            raise ModelError("conda_env and pip_requirements both say what to install; pass one of them")
        conda, lines = read_conda(extras.conda_env)
        return write_environment(folder, lines, conda)
    if extras.pip_requirements is not None:
        lines = read_requirements(extras.pip_requirements)
    else:
        columns = signature is not None and signature.inputs is not None and not signature.inputs.is_tensor_spec()
        found = find_requirements(saved.modules, (*saved.packages, *(("pandas",) if columns else ())))
        _warn_of_local(found, extras.code_paths)
        lines = list(found.lines)
    return write_environment(folder, join_requirements(lines, read_requirements(extras.extra_pip_requirements or ())))


def _warn_of_local(found: Requirements, code_paths: Sequence[str | Path]) -> None:
    """Say which of the user's own modules the folder would be loaded without."""
    present = {Path(path).stem for path in code_paths}
    missing = sorted({name.partition(".")[0] for name in found.local_modules} - present)
    if missing:
        files = [getattr(sys.modules.get(name), "__file__", None) or name for name in missing]
        paths = [str(Path(file).parent if Path(file).name == "__init__.py" else file) for file in files]
        warnings.warn(
            f"the model uses {', '.join(missing)}, which no installed package has: elsewhere it loads only with code_paths={paths}",
            stacklevel=6,
        )


def _copy_code(folder: Path, code_paths: Sequence[str | Path]) -> str | None:
    for path in code_paths:
        copy_into(path, folder / _CODE / Path(path).resolve().name, "the code path")
    return _CODE if code_paths else None


def _check_free(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        if any(target.iterdir()):
            raise AlreadyExists(f"Path '{target}' already exists and is not empty; save the model to another one, or remove it first")
    elif target.exists() or target.is_symlink():
        raise AlreadyExists(f"Path '{target}' already exists and is no folder; save the model to another one")


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that takes its place at the end, or vanishes on an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not a temporary folder, which nobody but its owner could read.
    folder = target.parent / f".{target.name}-{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        yield folder
        if target.is_dir():
            target.rmdir()
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _code_of(manifest: Manifest) -> str | None:
    """The folder of Python files that the model imports."""
    return next((str(block[_CODE]) for block in manifest.flavors.values() if block.get(_CODE)), None)


def _import_from(code: Path) -> None:
    """Let the model import its own files, before others of the same names."""
    path = str(code.absolute())
    for entry in sorted(code.iterdir()):
        file = entry / "__init__.py" if entry.is_dir() else entry
        loaded = getattr(sys.modules.get(entry.stem), "__file__", None)
        if loaded and file.is_file() and Path(loaded).is_file() and file_digest(Path(loaded)) != file_digest(file):
            warnings.warn(f"the module {entry.stem} is imported already, from {loaded}; the model gets that one and not its own, which differs", stacklevel=4)
    if path not in sys.path:
        sys.path.insert(0, path)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say how to install what is missing, with the version that the model was saved with."""
    try:
        yield
    except MissingDependency:
        raise
    except ImportError as error:
        module = (error.name or "").partition(".")[0]
        if not module:
            raise
        line = _saved_requirement(folder, module)
        if line is None:
            raise MissingDependency(
                f"the model in {folder} needs the module {module} ({error}), which is of no package that it was saved with: "
                f"put its folder on sys.path, or save the model again with code_paths=[...]"
            ) from error
        everything = f"everything that it was saved with: pip install -r {folder / REQUIREMENTS}"
        raise MissingDependency(f"the model in {folder} needs {module} ({error}). Install it: pip install {line!r}; or {everything}") from error


def _saved_requirement(folder: Path, module: str) -> str | None:
    try:
        lines = (folder / REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None  # a folder without it says nothing
    return next((line for line in lines if (name := requirement_name(line)) and module_of_package(name) == module), None)
