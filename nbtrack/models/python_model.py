"""Models written in Python, and the wrappers around functions and objects that predict.

Nothing of nbtrack is imported here: these classes are pickled with the model, so that a folder
loads where nbtrack is not installed, in MLflow for one (see `pickling`).
"""

import inspect
from typing import Any, NamedTuple


class PythonModelContext:
    """What a `PythonModel` was logged with: ``artifacts`` (name -> absolute path) and ``model_config``."""

    def __init__(self, artifacts: "dict[str, str]", model_config: "dict[str, Any] | None") -> None:
        self.artifacts = artifacts
        self.model_config = model_config


class TypeHints(NamedTuple):
    """Types of input and output that a model declares; MLflow asks each Python model for them when it loads it."""

    input: Any = None
    output: Any = None


class PythonModel:
    """Base of a model in Python code: override ``predict``, and ``load_context`` to open artifacts.

    ``predict`` takes ``(self, context, model_input, params=None)``; ``context`` and ``params`` may be left out.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Open what is in ``context.artifacts``; called once, right after the model was loaded."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Predictions for ``model_input``."""
        raise NotImplementedError(f"{type(self).__name__} does not define predict(self, context, model_input, params=None)")

    @property
    def predict_type_hints(self) -> TypeHints:
        return TypeHints()


class FunctionModel(PythonModel):
    """A function of the input, or of input and params, as a model."""

    def __init__(self, func: Any) -> None:
        self.func = func

    def predict(self, model_input: Any, params: Any = None) -> Any:  # type: ignore[override]
        return self.func(model_input, params=params) if takes_params(self.func) else self.func(model_input)


class ObjectModel(PythonModel):
    """Any object with ``predict`` as a model."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Any = None) -> Any:  # type: ignore[override]
        return self.model.predict(model_input, params=params) if takes_params(self.model.predict) else self.model.predict(model_input)


def takes_params(function: Any) -> bool:
    """True if a function has an argument ``params``."""
    try:
        return "params" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of a C library that does not tell its arguments
        return False


def takes_context(function: Any) -> bool:
    """True if a bound ``predict`` wants the context: by an argument of that name, or by two arguments beside ``params``."""
    names = [name for name in inspect.signature(function).parameters if name != "params"]
    return "context" in names or len(names) >= 2
