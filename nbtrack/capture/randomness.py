"""Global random generators: which calls fix one, and which draw from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from nbtrack.capture.calls import CALLED, ITEM, Callee, callee_of
from nbtrack.capture.libraries import AMBIGUOUS_RANDOM, RANDOM_WHEN, SEED_EVERYTHING, SEEDING_CALLS
from nbtrack.capture.mutations import DRAWING_METHODS

# A generator's state behaves like a variable that seeding binds and drawing changes; no Python
# name has a space in it.
RANDOM_STATES: Mapping[str, str] = {library: f"{library} random state" for library in ("numpy", "random", "torch", "tensorflow")}

_USUAL_NAMES = {"np": "numpy", "tf": "tensorflow"}
_MAY_DRAW = frozenset({"train", "train_on_batch", "partial_fit", "backward", "cross_val_score", "cross_validate", "cross_val_predict", "learning_curve"})
_TORCH_DRAWS = frozenset({"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "bernoulli", "multinomial"})


def dotted_path(callee: Callee, imported: Mapping[str, str]) -> str | None:
    """``numpy.random.seed`` for ``np.random.seed``; None for a call on what another call returned."""
    if callee.root is None or CALLED in callee.parts or ITEM in callee.parts:
        return None
    root = imported.get(callee.root) or _USUAL_NAMES.get(callee.root, callee.root)
    return ".".join([root, *callee.parts])


def seeded_states(node: ast.Call, imported: Mapping[str, str]) -> Iterable[str]:
    """The random states that the call fixes."""
    path = dotted_path(callee_of(node.func), imported)
    if path is None:
        return ()
    if path in SEEDING_CALLS:
        return (RANDOM_STATES[SEEDING_CALLS[path]],) if node.args or node.keywords else ()
    return RANDOM_STATES.values() if path.rpartition(".")[2] in SEED_EVERYTHING else ()


def read_states(node: ast.Call) -> Iterable[str]:
    """The random states that the call may depend on, though nothing says that it draws.

    What fits a model may draw, and rarely says so: a seed set before belongs to it.
    """
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return RANDOM_STATES.values() if name in _MAY_DRAW or name.startswith("fit") else ()


def drawn_states(node: ast.Call, imported: Mapping[str, str]) -> Iterable[str]:
    """The random states that the call is known to draw from."""
    path = dotted_path(callee_of(node.func), imported)
    if path is None:
        return ()
    *before, name = path.split(".")
    if before == ["numpy", "random"] and name in DRAWING_METHODS:
        return (RANDOM_STATES["numpy"],)
    if before == ["random"] and name in DRAWING_METHODS:
        return (RANDOM_STATES["random"],)
    if (before == ["torch"] and name in _TORCH_DRAWS) or before[-1:] == ["nn"]:
        return (RANDOM_STATES["torch"],)  # a layer starts with random weights
    sampled = name == "sample" and any(keyword.arg in ("n", "frac") for keyword in node.keywords)
    known = name in RANDOM_WHEN and RANDOM_WHEN[name] is None and (bool(before) or name not in AMBIGUOUS_RANDOM)
    unseeded = (sampled or known) and all(keyword.arg not in ("random_state", None) for keyword in node.keywords)
    return (RANDOM_STATES["numpy"],) if unseeded else ()
