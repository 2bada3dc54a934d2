"""The files of a model folder that say how to make its environment: for pip, virtualenv and conda."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nbtrack.errors import ModelError
from nbtrack.models.manifest import dump_yaml
from nbtrack.models.requirements import pin, read_requirements

REQUIREMENTS = "requirements.txt"
PYTHON_ENV = "python_env.yaml"
CONDA = "conda.yaml"


def write_environment(folder: Path, requirements: Sequence[str], conda_env: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Write the three files; returns how the ``python_function`` flavor names them."""
    python = platform.python_version()
    pip = pin("pip")
    build = [pip or "pip", pin("setuptools") or "setuptools", pin("wheel") or "wheel"]
    conda = conda_env or {
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", pip.replace("==", "<=") if pip else "pip", {"pip": list(requirements)}],
        "name": "mlflow-env",
    }
    (folder / REQUIREMENTS).write_text("\n".join(requirements), encoding="utf-8")
    (folder / CONDA).write_text(dump_yaml(dict(conda)), encoding="utf-8")
    python_env = {"python": python, "build_dependencies": build, "dependencies": [f"-r {REQUIREMENTS}"]}
    (folder / PYTHON_ENV).write_text(dump_yaml(python_env, sort_keys=False), encoding="utf-8")
    return {"conda": CONDA, "virtualenv": PYTHON_ENV}


def read_conda(given: Mapping[str, Any] | str | Path) -> tuple[dict[str, Any], list[str]]:
    """A conda environment, given as such or as the path of its file, and the requirements in its pip part.

    Raises
    ------
    ModelError
        The file cannot be read, or holds no environment.
    """
    if isinstance(given, (str, Path)):
        try:
            found = yaml.safe_load(Path(given).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ModelError(f"the conda environment {given} cannot be read: {error}") from None
    else:
        found = dict(given)
    dependencies = found.get("dependencies") if isinstance(found, dict) else None
    if not isinstance(dependencies, list):
        raise ModelError(f"a conda environment has a list under the key 'dependencies'; found {found!r:.120}")
    pip: list[str] = next((item["pip"] for item in dependencies if isinstance(item, dict) and isinstance(item.get("pip"), list)), [])
    return found, read_requirements(pip)
