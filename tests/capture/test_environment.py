from __future__ import annotations

import json
import os
import platform
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from nbtrack.capture import environment
from nbtrack.capture.environment import conda_environment, installed_distributions, normal_name, python_environment, requirements_lock
from nbtrack.ids import text_digest


def install(folder: Path, name: str, version: str, *, files: dict[str, str] | None = None, direct_url: object = None, top_level: str = "") -> Path:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    files = files or {}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{path},sha256=x,1\n" for path in [*files, f"{info.name}/METADATA", "../../../bin/tool", f"{name}.pth"]))
    if top_level:
        (info / "top_level.txt").write_text(top_level)
    if direct_url is not None:
        (info / "direct_url.json").write_text(json.dumps(direct_url) if not isinstance(direct_url, str) else direct_url)
    return info


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on the path, and a cache that starts anew."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(environment, "_cache", environment._Cache())
    return folder


def test_imported_packages_have_the_versions_that_their_metadata_names():
    import numpy as np
    import pandas as pd
    import PIL.Image

    facts = python_environment()
    assert facts["python"] == platform.python_version()
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["packages"]["pandas"] == pd.__version__
    assert facts["packages"]["pillow"] == PIL.__version__
    assert json.loads(json.dumps(facts)) == facts


def test_all_installed_distributions_are_found():
    expected = {normal_name(item.metadata["Name"]): item.version for item in reversed(list(metadata.distributions()))}
    assert {name: item.version for name, item in installed_distributions().items()} == expected


def test_a_package_whose_module_has_another_name_is_found_by_its_files(site: Path, monkeypatch: pytest.MonkeyPatch):
    install(site, "dist_by_record", "1.0", files={"nbt_one/__init__.py": ""})
    install(site, "dist_by_top_level", "2.0", files={"nbt_two.py": ""}, top_level="nbt_two\n")
    monkeypatch.setitem(sys.modules, "nbt_one", _module("nbt_one", site / "nbt_one/__init__.py"))
    assert python_environment()["packages"]["dist-by-record"] == "1.0"
    assert "dist-by-top-level" not in python_environment()["packages"]
    monkeypatch.setitem(sys.modules, "nbt_two", _module("nbt_two", site / "nbt_two.py"))
    assert python_environment()["packages"]["dist-by-top-level"] == "2.0"


def test_of_a_namespace_only_loaded_parts_count(site: Path, monkeypatch: pytest.MonkeyPatch):
    install(site, "nbtspace_alpha", "1.0", files={"nbtspace/alpha/__init__.py": ""})
    install(site, "nbtspace_beta", "1.0", files={"nbtspace/beta/__init__.py": ""})
    monkeypatch.setitem(sys.modules, "nbtspace", types.ModuleType("nbtspace"))
    monkeypatch.setitem(sys.modules, "nbtspace.alpha", types.ModuleType("nbtspace.alpha"))
    packages = python_environment()["packages"]
    assert "nbtspace-alpha" in packages
    assert "nbtspace-beta" not in packages


def test_a_module_of_the_user_belongs_to_no_package(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(site, "other", "1.0", files={"nbt_helper.py": ""})
    monkeypatch.setitem(sys.modules, "nbt_helper", _module("nbt_helper", tmp_path / "nbt_helper.py"))
    assert "other" not in python_environment()["packages"]


def test_installing_another_version_does_not_change_what_is_imported(site: Path, monkeypatch: pytest.MonkeyPatch):
    old = install(site, "nbtchanging", "1.0", files={"nbtchanging.py": ""})
    monkeypatch.setitem(sys.modules, "nbtchanging", _module("nbtchanging", site / "nbtchanging.py"))
    assert python_environment()["packages"]["nbtchanging"] == "1.0"
    old.rename(site / "nbtchanging-2.0.dist-info")
    os.utime(site, (1, 1))
    assert installed_distributions()["nbtchanging"].version == "2.0"
    assert python_environment()["packages"]["nbtchanging"] == "1.0"


def test_what_is_returned_may_be_changed_without_harm():
    python_environment()["packages"].clear()
    assert python_environment()["packages"]


def test_an_editable_package_is_named_with_its_folder(site: Path, monkeypatch: pytest.MonkeyPatch):
    install(site, "nbteditable", "0.1", direct_url={"url": "file:///home/ada/my%20lib", "dir_info": {"editable": True}})
    monkeypatch.setitem(sys.modules, "nbteditable", _module("nbteditable", Path("/home/ada/my lib/nbteditable.py")))
    assert python_environment()["editable"]["nbteditable"] == "file:///home/ada/my%20lib"
    assert "# editable: nbteditable==0.1 from /home/ada/my lib\n" in requirements_lock().text


def test_a_package_that_setuptools_develops_in_place_has_its_version(site: Path):
    info = site.parent / "work" / "nbtold.egg-info"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text("Name: nbtold\nVersion: 3.1\n")
    sys.path.insert(0, str(info.parent))
    assert installed_distributions()["nbtold"].version == "3.1"
    assert f"# editable: nbtold==3.1 from {info.parent}\n" in requirements_lock().text
    sys.path.remove(str(info.parent))


def test_the_lock_has_exact_versions_and_addresses_without_credentials(site: Path):
    vcs = {"url": "https://ada:token@example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    install(site, "nbtvcs", "1.0", direct_url=vcs)
    install(site, "nbtwheel", "1.0", direct_url={"url": "https://example.org/nbtwheel-1.0.whl", "archive_info": {}})
    install(site, "nbtlocal", "1.0", direct_url={"url": "file:///tmp/nbtlocal.whl", "archive_info": {}})
    install(site, "nbtbroken", "1.0", direct_url="{no json")
    lock = requirements_lock()
    for line in (
        "nbtvcs @ git+https://example.org/a.git@abc",
        "nbtwheel @ https://example.org/nbtwheel-1.0.whl",
        "# local: nbtlocal==1.0 from /tmp/nbtlocal.whl",
        "nbtbroken==1.0",
        f"pytest=={metadata.version('pytest')}",
    ):
        assert f"{line}\n" in lock.text
    assert lock.digest == text_digest(lock.text)
    assert lock == requirements_lock()


def test_the_first_of_two_distributions_with_one_name_counts(site: Path):
    install(site, "pytest", "0.0.1")
    assert installed_distributions()["pytest"].version == "0.0.1"


def test_conda_is_named_only_if_this_python_is_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    variables = {"CONDA_PREFIX": str(tmp_path), "CONDA_DEFAULT_ENV": "science"}
    assert conda_environment(variables) is None
    assert conda_environment({}) is None
    (tmp_path / "conda-meta").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert conda_environment(variables) == "science"
    assert conda_environment({**variables, "CONDA_PREFIX": "/opt/conda"}) == tmp_path.name


def _module(name: str, file: Path) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__file__ = str(file)
    return module
