"""Requirements: the packages that a model's modules are of, pinned, and what the user says instead."""

from __future__ import annotations

import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from nbtrack.errors import ModelError
from nbtrack.models.flavors.artifacts import modules_in
from nbtrack.models.requirements import (
    find_requirements,
    imports_of_file,
    join_requirements,
    module_of_package,
    package_of,
    pin,
    read_requirements,
    requirement_name,
)


def test_modules_are_told_by_the_package_that_brings_them():
    lines = find_requirements(["sklearn.tree._tree", "numpy._core.multiarray", "json", "__main__", "builtins"]).lines
    assert lines == (f"numpy=={metadata.version('numpy')}", f"scikit-learn=={metadata.version('scikit-learn')}")


def test_a_package_with_another_name_is_found_by_its_files():
    import dateutil  # noqa: F401

    assert package_of("dateutil.parser") == "python-dateutil"
    assert package_of("_pytest.fixtures") == "pytest"
    assert package_of("no_such_module") is None
    assert module_of_package("scikit-learn") == "sklearn"
    assert module_of_package("python-json-logger") == "python_json_logger"


def test_packages_that_are_not_installed_are_left_out():
    assert find_requirements([], ["no-such-package", "numpy"]).lines == (f"numpy=={metadata.version('numpy')}",)


def test_a_local_label_is_left_out_since_no_index_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cpu")
    pin.cache_clear()
    assert pin("some-package") == "some-package==2.13.0"
    pin.cache_clear()


def test_the_users_own_modules_are_followed_to_what_they_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "own_features.py").write_text("import own_other\n\ndef f():\n    from pandas import DataFrame\n")
    (tmp_path / "own_other.py").write_text("import scipy.stats, os\nfrom . import nothing\n")
    for name in ("own_features", "own_other"):
        module = types.ModuleType(name)
        module.__file__ = str(tmp_path / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, module)
    found = find_requirements(["own_features"])
    assert found.local_modules == ("own_features", "own_other")
    assert [line.partition("==")[0] for line in found.lines] == ["pandas", "scipy"]


def test_a_file_that_is_no_python_imports_nothing(tmp_path: Path):
    (tmp_path / "broken.py").write_text("def (")
    assert imports_of_file(tmp_path / "broken.py") == set()


def test_pickled_artifacts_say_what_they_need(tmp_path: Path, pipeline):
    import joblib

    joblib.dump(pipeline, tmp_path / "forest.joblib")
    (tmp_path / "weights.safetensors").write_bytes(b"")
    found = modules_in(tmp_path)
    assert {"joblib", "safetensors", "sklearn.pipeline", "sklearn.linear_model._logistic"} <= found
    assert not any(name.partition(".")[0] == "matplotlib" for name in found)


def test_lines_are_checked_and_files_are_followed(tmp_path: Path):
    (tmp_path / "more.txt").write_text("pandas>=2  # frames\n\n# nothing else\n")
    (tmp_path / "requirements.txt").write_text("--extra-index-url https://example.org/simple\nnumpy==2.0\n-r more.txt\n")
    expected = ["--extra-index-url https://example.org/simple", "numpy==2.0", "pandas>=2"]
    assert read_requirements(tmp_path / "requirements.txt") == expected
    assert read_requirements([f"-r {tmp_path / 'requirements.txt'}"]) == expected
    assert read_requirements(["git+https://example.org/a.git@main", "a[b]>=1; python_version>'3.9'"])[1].startswith("a[b]")
    for given, message in (
        (["numpy=1"], "'numpy=1' is no requirement"),
        ([5], "found int: 5"),
        (["-c constraints.txt"], "constraints file"),
        ("missing.txt", "missing.txt cannot be read"),
    ):
        with pytest.raises(ModelError, match=message):
            read_requirements(given)


def test_extra_requirements_replace_those_of_the_same_package():
    assert join_requirements(["numpy==2.0", "Scikit_Learn==1.5"], ["scikit-learn>=1.6", "lightgbm"]) == ["numpy==2.0", "scikit-learn>=1.6", "lightgbm"]
    assert requirement_name("Scikit_Learn[extra]>=1") == "scikit-learn"
    assert requirement_name("--no-binary x") is None
