"""The flavors: a table of this package's own, and those that other packages register.

A new one is a file here and a line in the table, or an entry point of the group ``nbtrack.flavors``
whose name is the flavor's and whose object has what `base.Flavor` describes.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from nbtrack.errors import ModelError, did_you_mean
from nbtrack.models.flavors.base import Blocks, Flavor
from nbtrack.models.manifest import PYFUNC

GROUP = "nbtrack.flavors"

# In the order in which they are asked whether a model is theirs: what is more special comes first.
FLAVORS = {
    "xgboost": "nbtrack.models.flavors.xgboost",
    "lightgbm": "nbtrack.models.flavors.lightgbm",
    "keras": "nbtrack.models.flavors.keras",
    "pytorch": "nbtrack.models.flavors.pytorch",
    "sklearn": "nbtrack.models.flavors.sklearn",
}
# Takes nearly everything that predicts, so it is asked after the flavors of other packages.
_LAST = {PYFUNC: "nbtrack.models.flavors.python_function"}


def find_flavor(model: Any) -> Flavor:
    """The flavor that saves ``model``.

    Raises
    ------
    ModelError
        None does; the message lists what was tried.
    """
    for name in FLAVORS:
        if (flavor := get_flavor(name)).matches(model):
            return flavor
    others = [get_flavor(name) for name in _third_parties()]
    last = get_flavor(PYFUNC)
    for flavor in (*others, last):
        if flavor.matches(model):
            return flavor
    tried = "\n".join(f"  {flavor.NAME}: {flavor.ACCEPTS}" for flavor in (*map(get_flavor, FLAVORS), *others, last))
    raise ModelError(f"no flavor saves a {_described(model)}. Tried:\n{tried}{_hint(model)}")


def get_flavor(name: str) -> Flavor:
    """A flavor by its name.

    Raises
    ------
    ModelError
        There is none of this name; the message lists those that there are.
    """
    module = FLAVORS.get(name) or _LAST.get(name)
    if module is not None:
        return cast("Flavor", import_module(module))
    if name in (others := _third_parties()):
        return cast("Flavor", others[name].load())
    known = flavor_names()
    raise ModelError(
        f"there is no flavor {name!r}; there are {', '.join(known)}.{did_you_mean(name, known)} Other packages add theirs by the entry point group {GROUP!r}"
    )


def flavor_names() -> list[str]:
    """The names of all flavors, those of other packages included."""
    return [*FLAVORS, *_third_parties(), PYFUNC]


def native_flavor(blocks: Blocks) -> Flavor:
    """The flavor that a folder's model is loaded with as its library made it: the first one known, else ``python_function``."""
    names = [name for name in blocks if name != PYFUNC]
    known = [name for name in names if name in FLAVORS] or [name for name in names if name in _third_parties()]
    if not known and names and blocks.get(PYFUNC, {}).get("loader_module") != get_flavor(PYFUNC).LOADER_MODULE:
        return get_flavor(names[0])
    return get_flavor(known[0] if known else PYFUNC)


def pyfunc_flavor(blocks: Blocks) -> Flavor:
    """The flavor whose pyfunc a folder has, by the loader module that it names.

    Raises
    ------
    ModelError
        The folder has no ``python_function`` flavor, or one of an unknown loader.
    """
    if PYFUNC not in blocks:
        raise ModelError(f'Model does not have the "{PYFUNC}" flavor; it has {", ".join(blocks)}. Load it natively, with load_model')
    loader = blocks[PYFUNC].get("loader_module")
    # The entry points of other packages are only read where the own flavors do not do.
    found = _by_loader([*FLAVORS, PYFUNC], loader) or _by_loader(list(_third_parties()), loader)
    if found is not None:
        return found
    raise ModelError(
        f"the model is loaded by {loader!r}, which is of none of the flavors {', '.join(flavor_names())}. A package adds it by the entry point group {GROUP!r}"
    )


def _by_loader(names: list[str], loader: object) -> Flavor | None:
    return next((flavor for flavor in map(get_flavor, names) if loader == flavor.LOADER_MODULE), None)


@lru_cache(maxsize=1)
def _third_parties() -> dict[str, EntryPoint]:
    """Reads the metadata of all installed packages, once."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in FLAVORS and point.name not in _LAST}


def _described(model: Any) -> str:
    return f"class ({model.__name__})" if isinstance(model, type) else f"{type(model).__module__}.{type(model).__qualname__}"


def _hint(model: Any) -> str:
    if isinstance(model, type):
        return f"\nThis is the class itself: pass a fitted instance, such as {model.__name__}(...).fit(X, y)."
    if isinstance(model, str):
        return "\nA model is given as the object; a logged one is registered by its URI with register_model."
    return "\nA function or a PythonModel around it can be logged: its predict returns the predictions."
