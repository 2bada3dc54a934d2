"""What a model costs beyond its own library: kept, loaded, registered and promoted, and a fit that logs itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import MLFLOW, ModelKeeper
from tests.benchmarks.harness import Bench, Budget, Row, alternate, medians, percentiles, seconds, timed

_DUMP, _LOAD, _FIT = "joblib.dump", "joblib.load", "plain fit"
_NAME = "tumours"


def measure(bench: Bench) -> Iterator[Row]:
    """The life of one fitted model, and a short fit under autolog."""
    keepers = {contender.name: contender for contender in bench.contenders if isinstance(contender, ModelKeeper)}
    yield from _life(bench, keepers)
    yield from _fits(bench, keepers)


def _life(bench: Bench, keepers: dict[str, ModelKeeper]) -> Iterator[Row]:
    """A model is logged without any option, loaded, registered, and moved to a stage."""
    data, strengths = _data(), count(1)

    def fitted() -> Any:
        return _estimator(strength=next(strengths)).fit(*data)  # another one each time: what a store has already, it need not write

    file = bench.folder() / "model.joblib"
    ours = {name: partial(_keep, keeper, bench.folder(), fitted, data[0]) for name, keeper in keepers.items()}
    tasks: dict[str, Callable[[], dict[str, float]]] = {**ours, _DUMP: partial(_dump, file, fitted)}
    alternate(tasks, 1)  # what is read once, the installed packages, is not the cost of the next model
    calls = alternate(tasks, bench.sized(15, 7), fewer={MLFLOW: bench.sized(3, 1)})

    def took(step: str) -> dict[str, float]:
        return medians({name: [times[step] for times in rounds if step in times] for name, rounds in calls.items()}, 1e3)

    logged = took("log")
    beyond = {name: logged[name] - logged[_DUMP] for name in keepers}
    yield Row("log_model of a fitted model: beyond joblib.dump", "ms", {**beyond, _DUMP: logged[_DUMP]}, [Budget(25)], reference=_DUMP)
    loaded = took("load")
    yield Row("load_model", "ms", {**loaded, _LOAD: loaded[_DUMP]}, reference=_LOAD)
    yield Row("register_model", "ms", took("register"))
    yield Row("transition to Production", "ms", took("promote"))


def _keep(keeper: ModelKeeper, folder: Path, fitted: Callable[[], Any], rows: Any) -> dict[str, float]:
    """How long each step takes, in seconds; the model that came back has to predict the same."""
    model = fitted()
    keeper.use(folder)
    keeper.start_run()
    logging, uri = timed(lambda: keeper.log_model(model))
    keeper.end_run()
    loading, loaded = timed(lambda: keeper.load_model(uri))
    if (loaded.predict(rows) != model.predict(rows)).any():
        raise RuntimeError(f"{keeper.name} loaded another model than it was given")
    registering, version = timed(lambda: keeper.register_model(uri, _NAME))
    return {"log": logging, "load": loading, "register": registering, "promote": seconds(lambda: keeper.promote(_NAME, version))}


def _dump(file: Path, fitted: Callable[[], Any]) -> dict[str, float]:
    import joblib

    model = fitted()
    return {"log": seconds(lambda: joblib.dump(model, file)), "load": seconds(lambda: joblib.load(file))}


def _fits(bench: Bench, keepers: dict[str, ModelKeeper]) -> Iterator[Row]:
    """A fit of some milliseconds, as a run of its own with params, scores, plots and the data's digests."""
    data = _data()
    folders = {name: bench.folder() for name in keepers}

    def fits(keeper: ModelKeeper, models: bool) -> list[float]:
        keeper.use(folders[keeper.name])
        with keeper.autologging(models=models):
            return [_fit(data) for _ in range(1 if keeper.name == MLFLOW else 5)]

    def tasks(*, models: bool) -> dict[str, Callable[[], list[float]]]:
        ours = {name: partial(fits, keeper, models) for name, keeper in keepers.items()}
        return {**ours, _FIT: lambda: [_fit(data) for _ in range(5)]}

    alternate(tasks(models=False), 1)  # the first one imports what draws
    for title, models, budget in (("without its model", False, 15), ("with its model", True, 60)):
        calls = alternate(tasks(models=models), bench.sized(9, 3), fewer={MLFLOW: bench.sized(3, 1)})
        yield Row(f"a short fit under autolog, {title}, p50", "ms", percentiles(calls, 50, 1e3), [Budget(budget)], reference=_FIT)


def _fit(data: tuple[Any, Any]) -> float:
    estimator = _estimator()
    return seconds(lambda: estimator.fit(*data))


def _estimator(*, strength: float = 1) -> Any:
    """One that is fitted in a few milliseconds, in one thread, and that MLflow's default format takes: it refuses trees."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, solver="liblinear", random_state=0)


def _data() -> tuple[Any, Any]:
    """Real data of two classes: 569 rows, 30 columns."""
    from sklearn.datasets import load_breast_cancer

    frame, truth = load_breast_cancer(return_X_y=True, as_frame=True)
    return frame, truth
