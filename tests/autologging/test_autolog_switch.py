"""Turning autologging on and off, before and after a library is imported."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("sklearn")

import sklearn.base
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from nbtrack.autologging.api import autolog, autolog_flavor, is_autologging
from nbtrack.autologging.patching import Patched
from nbtrack.autologging.quiet import quiet_capture
from nbtrack.errors import InvalidInput

BASE = sklearn.base.BaseEstimator


def _everything() -> dict[str, object]:
    """What is patched of all estimator classes of the library, by identity."""
    found, waiting = {}, [BASE]
    while waiting:
        cls = waiting.pop()
        if not cls.__module__.startswith("sklearn."):
            continue  # of another test
        found.update({f"{cls.__module__}.{cls.__qualname__}.{name}": id(value) for name, value in vars(cls).items() if name.startswith(("fit", "__init_sub"))})
        waiting.extend(cls.__subclasses__())
    return found


def test_disabling_leaves_the_library_exactly_as_it_was() -> None:
    before, finders = _everything(), list(sys.meta_path)
    autolog()
    assert isinstance(vars(LogisticRegression)["fit"], Patched)
    assert _everything() != before
    autolog(disable=True)
    assert _everything() == before
    assert sys.meta_path == finders


def test_turning_on_twice_and_capturing_meanwhile_patches_once() -> None:
    before = _everything()
    autolog()
    patched = vars(LogisticRegression)["fit"]
    autolog(silent=True)
    with quiet_capture():
        assert vars(LogisticRegression)["fit"] is patched
    autolog(disable=True)
    assert _everything() == before


def test_someone_elses_patch_over_ours_is_not_undone() -> None:
    owner = next(cls for cls in RandomForestClassifier.__mro__ if "fit" in vars(cls))
    original = vars(owner)["fit"]
    autolog()
    ours = vars(owner)["fit"]

    def theirs(self: object, X: object, y: object) -> object:
        return ours.__get__(self, type(self))(X, y)

    try:
        owner.fit = theirs
        autolog(disable=True)
        assert vars(owner)["fit"] is theirs
        RandomForestClassifier(n_estimators=1).fit([[0.0], [1.0]], [0, 1])
    finally:
        owner.fit = original


def test_flavors_are_turned_on_one_by_one_and_excluded() -> None:
    autolog_flavor("xgboost")
    assert is_autologging("xgboost")
    assert not is_autologging("sklearn")
    autolog(exclude_flavors=["scikit-learn"])
    assert not is_autologging("sklearn")
    assert is_autologging("keras")
    autolog_flavor("keras", disable=True)
    assert not is_autologging("keras")


def test_wrong_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="knows no flavor 'sklern'.*Did you mean 'sklearn'"):
        autolog(exclude_flavors=["sklern"])
    with pytest.raises(InvalidInput, match="no option 'log_model'.*Did you mean 'log_models'"):
        autolog_flavor("sklearn", log_model=False)
    with pytest.raises(InvalidInput, match="max_tuning_runs is -1"):
        autolog(max_tuning_runs=-1)


def test_a_version_that_is_too_old_is_said_once(notices: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from nbtrack.autologging import switch as module
    from nbtrack.autologging.summary import _said

    monkeypatch.setitem(module.LIBRARIES, "sklearn", module.Library("scikit-learn", (99, 0)))
    _said.clear()
    for _ in range(2):
        autolog(disable_for_unsupported_versions=True)
        autolog(disable=True)
    (notice,) = notices
    assert "scikit-learn" in notice
    assert "is older than 99.0, which is supported; it is not logged" in notice


def test_autolog_before_the_import_loads_nothing_and_works() -> None:
    program = """
        import sys
        import nbtrack
        from nbtrack.autologging.api import autolog
        autolog(log_models=False)
        heavy = {"sklearn", "numpy", "pandas", "matplotlib", "torch", "keras", "xgboost", "IPython"} & set(sys.modules)
        assert not heavy, heavy
        import sklearn
        assert type(sklearn.__loader__).__module__ != "nbtrack.autologging.imports", sklearn.__loader__
        assert sklearn.__spec__.loader is sklearn.__loader__
        from sklearn.linear_model import LinearRegression
        LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5])
        print(nbtrack.last_active_run().data.metrics["training_r2_score"])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.9
    assert done.stderr.count("nbtrack: ") == 1


def test_a_forked_worker_logs_to_its_parents_run() -> None:
    program = """
        import multiprocessing, nbtrack
        from nbtrack.autologging.api import autolog
        from sklearn.linear_model import LinearRegression
        autolog(log_models=False, silent=True)
        def work(shift):
            LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5 + shift])
        with nbtrack.start_run() as run:
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(work, [0, 1])
        print(len(run.store.runs.children(run.run_id)), run.data.params)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "2 {}", done.stderr
