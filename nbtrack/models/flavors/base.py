"""What a flavor is: how models of one library are told, saved, loaded and asked for predictions."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nbtrack.errors import ModelError

Blocks = Mapping[str, Mapping[str, Any]]  # the flavors of a manifest: name -> settings


@dataclass(frozen=True, kw_only=True)
class SaveOptions:
    """How a model is to be saved, as far as flavors differ in it."""

    serialization_format: str | None = None  # None for the flavor's own choice
    input_example: Any = None  # the data of the example, without its params
    artifacts: Mapping[str, str | Path] = field(default_factory=dict)  # name -> file or folder
    model_config: Mapping[str, Any] | None = None
    predict_fn: str = "predict"  # the method that the pyfunc calls


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """What a flavor wrote: its settings for the manifest, and what the model needs to load."""

    native: Mapping[str, Any] | None  # None if the model has no form of its own beside the pyfunc
    pyfunc: Mapping[str, Any] | None  # None if the model does not predict
    packages: tuple[str, ...] = ()  # that any model of the flavor needs
    modules: frozenset[str] = frozenset()  # that the bytes of this one refer to


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """``trusted`` says that somebody vouches for the bytes; without it only forms without code are loaded."""

    trusted: bool = False
    model_config: Mapping[str, Any] | None = None


class Predictor(Protocol):
    """A model that predicts in the way that is the same for all flavors; ``model`` is the object behind it."""

    @property
    def model(self) -> Any: ...

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any: ...


class Flavor(Protocol):
    """A module (or object) with these names. It imports its library inside of the functions only.

    Third parties register theirs under the entry point group ``nbtrack.flavors``.
    """

    NAME: str  # of its block in the manifest
    ACCEPTS: str  # what `matches` is true for, in words
    LOADER_MODULE: str  # under which the pyfunc is written, such as "mlflow.sklearn"

    def matches(self, model: Any, /) -> bool:
        """True for an object that this flavor saves."""
        ...

    def save(self, model: Any, folder: Path, options: SaveOptions, /) -> SavedModel:
        """Write the model into ``folder``."""
        ...

    def runs_code(self, blocks: Blocks, /) -> bool:
        """True if loading what the blocks describe runs code out of the folder, as unpickling does."""
        ...

    def load(self, folder: Path, blocks: Blocks, options: LoadOptions, /) -> Any:
        """The model as its library made it."""
        ...

    def load_pyfunc(self, folder: Path, blocks: Blocks, options: LoadOptions, /) -> Predictor:
        """The model behind ``predict``."""
        ...

    def predictor(self, model: Any, predict_fn: str, /) -> Predictor | None:
        """A model in memory behind ``predict``; None if it has to be loaded from its folder first."""
        ...


@dataclass(frozen=True)
class MethodPredictor:
    """Calls one method of the model, with those params that the method has."""

    model: Any
    method: str = "predict"

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``."""
        function = getattr(self.model, self.method)
        return function(data, **accepted(function, params)) if params else function(data)


def accepted(function: Callable[..., Any], params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those params that a function has; of others it is warned."""
    if not params:
        return {}
    known = inspect.signature(function).parameters
    if any(item.kind is inspect.Parameter.VAR_KEYWORD for item in known.values()):
        return dict(params)
    if ignored := sorted(params.keys() - known.keys()):
        warnings.warn(f"the params {ignored} are in the signature, but {getattr(function, '__qualname__', function)} does not take them", stacklevel=4)
    return {name: value for name, value in params.items() if name in known}


def choose_format(wanted: str | None, known: Sequence[str], flavor: str) -> str:
    """The serialization format: the first of ``known`` unless another one is wanted.

    Raises
    ------
    ModelError
        The flavor does not have it.
    """
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise ModelError(f"the flavor {flavor} has no serialization_format {wanted!r}; it has {', '.join(map(repr, known))}")
    return wanted


def setting(blocks: Blocks, flavor: str, key: str) -> Any:
    """A setting that a flavor cannot do without; a `ModelError` if the manifest lacks it."""
    block = blocks.get(flavor, {})
    if block.get(key) is None:
        raise ModelError(f"the MLmodel file says nothing about {key!r} of the flavor {flavor!r}; it has {sorted(block)}")
    return block[key]


def library_version(module: str) -> str:
    """The version of a library that is imported, since its model is there."""
    return str(getattr(sys.modules.get(module), "__version__", "unknown"))
