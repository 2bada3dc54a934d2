"""Fits of estimators with scikit-learn's interface: its own, those of XGBoost and LightGBM, and the user's."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any

from nbtrack.autologging.fit import ObservedFit, infer_model_signature, input_example
from nbtrack.autologging.params import changed_params, holds_estimators
from nbtrack.autologging.patching import Observer, Patches
from nbtrack.autologging.plots import classifier_plots
from nbtrack.autologging.quiet import note_fit
from nbtrack.autologging.record import start_record
from nbtrack.autologging.scores import Predictions, Scores, classification_scores, regression_scores, takes_too_long
from nbtrack.autologging.search import is_search, log_candidates, search_metrics, search_params
from nbtrack.autologging.switch import switch

_METHODS = ("fit", "fit_predict")
# What prepares data is no model, unless it is a part of one; so are transformers that predict nothing.
_PREPARING = ("sklearn.preprocessing", "sklearn.impute", "sklearn.feature_extraction", "sklearn.feature_selection", "sklearn.compose")
_BOOSTERS = frozenset({"xgboost", "lightgbm"})


def install(module: ModuleType, patches: Patches, mode: str) -> None:
    """Patch every estimator class there is, and those that are defined from now on."""
    base = sys.modules["sklearn.base"].BaseEstimator
    hook = EstimatorHook()

    def patch(cls: type) -> None:
        for name in _METHODS:
            patches.method(cls, name, hook)

    for cls in _subclasses(base):
        patch(cls)
    own = vars(base).get("__init_subclass__")

    def init_subclass(cls: type, /, **kwargs: Any) -> None:
        if own is None:
            super(base, cls).__init_subclass__(**kwargs)
        else:
            own.__get__(None, cls)(**kwargs)
        patch(cls)

    patches.attribute(base, "__init_subclass__", classmethod(init_subclass))


def flavor_of(estimator: Any) -> str:
    """``xgboost`` or ``lightgbm`` for what derives from their classes, else ``sklearn``."""
    return next((root for cls in type(estimator).__mro__ if (root := cls.__module__.partition(".")[0]) in _BOOSTERS), "sklearn")


def is_preparation(estimator: Any) -> bool:
    """Whether an estimator only prepares data: scalers, encoders, selectors, PCA, pipelines of such."""
    if str(type(estimator).__module__).startswith(_PREPARING) and type(estimator).__name__ != "TransformedTargetRegressor":
        return True
    predicts = any(hasattr(estimator, method) for method in ("predict", "fit_predict"))
    return not predicts and any(hasattr(estimator, method) for method in ("transform", "fit_transform"))


class EstimatorHook:
    """Observes ``fit``."""

    def wants(self, receiver: Any, /) -> bool:
        return flavor_of(receiver) in switch.settings

    def note(self, receiver: Any, caller: FrameType, /) -> None:
        if switch.captures and not is_preparation(receiver):
            note_fit(flavor_of(receiver), receiver, caller, params=lambda: changed_params(receiver))

    def begin(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, /) -> Observer | None:
        estimator = args[0]
        flavor = flavor_of(estimator)
        settings = switch.settings.get(flavor)
        if settings is None or is_preparation(estimator):
            return None
        record = start_record(flavor, type(estimator).__name__, settings)
        return None if record is None else EstimatorFit(record, args, kwargs, caller, original)


class EstimatorFit(ObservedFit):
    """One call of ``fit`` on an estimator."""

    def __init__(self, record: Any, args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType, original: Callable[..., Any]) -> None:
        self._original = original
        self._given: dict[str, Any] = {}
        super().__init__(record, args, kwargs, caller)

    def before(self, caller: FrameType) -> None:
        estimator, record = self.args[0], self.record
        with record.guard("the arguments of fit"):
            self._given = _arguments(self._original, self.args, self.kwargs)
        with record.guard("params"), record.run.store.transaction():
            record.params(estimator.get_params(deep=True))
            kind = type(estimator)
            record.tags({"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__name__}"})
        self.read(caller, {"X": (self._given.get("X"), "train"), "y": (self._given.get("y"), "train"), **_evaluation_sets(self._given.get("eval_set"))})
        if record.flavor in _BOOSTERS:
            with record.guard("metrics by step"):
                self.kwargs, restore = _booster_module(record.flavor).watch_estimator(record, estimator, self.kwargs)
                self.afterwards(restore)

    def after(self, result: Any, seconds: float) -> Callable[[], None]:
        estimator, record = self.args[0], self.record
        scores, plots = Scores({}), dict[str, bytes]()
        with record.guard("training scores"):
            scores, plots = self._scores(estimator, self._given.get("X"), seconds)
        diagram = self._diagram(estimator)
        write_booster = _booster_module(record.flavor).describe_estimator(record, estimator) if record.flavor in _BOOSTERS else None

        def write() -> None:
            record.metrics(scores.values, definitions=scores.definitions)
            record.files(plots, kind="plots")
            record.files(diagram, kind="diagram")
            if is_search(estimator):
                self._log_search(estimator)
            if write_booster is not None:
                write_booster()

        return write

    def _scores(self, estimator: Any, data: Any, seconds: float) -> tuple[Scores, dict[str, bytes]]:
        if data is None or not hasattr(estimator, "predict"):
            return Scores({}), {}
        wait = takes_too_long(estimator, data, seconds)
        if wait is not None:
            self.record.note(f"training scores (predicting all of the training data would take about {wait:.0f} s)")
            return Scores({}), {}
        return training_scores(estimator, data, self._given.get("y"), self._given.get("sample_weight"), pos_label=self.record.settings.pos_label)

    def _diagram(self, estimator: Any) -> dict[str, bytes]:
        """scikit-learn's picture of estimators that hold others; of a single one it would show the params again."""
        with self.record.guard("the diagram"):
            if any(holds_estimators(value) for value in estimator.get_params(deep=False).values()):
                return {"estimator.html": sys.modules["sklearn.utils"].estimator_html_repr(estimator).encode()}
        return {}

    def _log_search(self, search: Any) -> None:
        self.record.params(search_params(search))
        self.record.metrics(search_metrics(search))
        log_candidates(self.record, search)

    def log_model(self, result: Any) -> None:
        estimator, record, data = self.args[0], self.record, self._given.get("X")
        predict = estimator.predict if hasattr(estimator, "predict") else None
        signature, example = infer_model_signature(record, data, predict), input_example(record, data)
        models = {"model": estimator}
        if is_search(estimator) and hasattr(estimator, "best_estimator_"):
            models["best_estimator"] = estimator.best_estimator_
        for name, model in models.items():
            with record.guard("the model"):
                record.model(model, name, signature=signature, input_example=example)


def training_scores(estimator: Any, data: Any, truth: Any, weights: Any, *, pos_label: Any = None) -> tuple[Scores, dict[str, bytes]]:
    """Scores and plots of an estimator on the data that it was fitted on."""
    import numpy as np

    base = sys.modules["sklearn.base"]
    score = getattr(type(estimator), "score", None)
    if truth is None or (np.ndim(truth) > 1 and not base.is_regressor(estimator)):
        return _own_score(estimator, data, truth, weights), {}
    if base.is_regressor(estimator):
        scores = regression_scores(Predictions(truth, estimator.predict(data), weights))
        is_usual = score is base.RegressorMixin.score
        return _with_score(scores, scores.values["training_r2_score"] if is_usual else None, estimator, data, truth, weights), {}
    if not base.is_classifier(estimator):
        return _own_score(estimator, data, truth, weights), {}
    probabilities = np.asarray(estimator.predict_proba(data)) if hasattr(estimator, "predict_proba") else None
    found = Predictions(truth, estimator.predict(data), weights, getattr(estimator, "classes_", None), probabilities)
    scores = classification_scores(found, pos_label=pos_label)
    is_usual = score is base.ClassifierMixin.score
    return _with_score(scores, scores.values["training_accuracy_score"] if is_usual else None, estimator, data, truth, weights), classifier_plots(found)


def _with_score(scores: Scores, known: float | None, estimator: Any, data: Any, truth: Any, weights: Any) -> Scores:
    """``training_score`` beside the others: what ``score`` gives, asked for only where it is something else than they are."""
    own = {"training_score": known} if known is not None else _own_score(estimator, data, truth, weights).values
    return Scores({**scores.values, **own}, scores.definitions)


def _own_score(estimator: Any, data: Any, truth: Any, weights: Any) -> Scores:
    if not hasattr(estimator, "score"):
        return Scores({})
    weighted = {} if weights is None or "sample_weight" not in inspect.signature(estimator.score).parameters else {"sample_weight": weights}
    value = estimator.score(data, **weighted) if truth is None else estimator.score(data, truth, **weighted)
    return Scores({"training_score": float(value)}, {"training_score": f"{type(estimator).__name__}.score()"})


def _booster_module(flavor: str) -> Any:
    """The file that knows the library; it is beside this one, and they import each other's parts late."""
    return import_module(f"nbtrack.autologging.{flavor}")


def _arguments(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The call's arguments by name, the first one always as ``X``."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    given: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        given.update(value if kind is inspect.Parameter.VAR_KEYWORD else {name: value})
    names = list(bound.arguments)
    if len(names) > 1 and "X" not in given:
        given["X"] = given[names[1]]
    return given


def _evaluation_sets(sets: Any) -> dict[str, tuple[Any, str]]:
    """What boosters are evaluated on while they are fitted."""
    named = {}
    for number, pair in enumerate(sets if isinstance(sets, (list, tuple)) else ()):
        if isinstance(pair, (list, tuple)):
            named.update({f"eval_{number}_{part}": (value, "eval") for part, value in zip("Xy", pair, strict=False)})
    return named


def _subclasses(base: type) -> Iterator[type]:
    """All subclasses, each once."""
    seen: set[type] = set()
    waiting: list[type] = [base]
    while waiting:
        cls: type
        for cls in type.__subclasses__(waiting.pop()):
            if cls not in seen:
                seen.add(cls)
                waiting.append(cls)
                yield cls
