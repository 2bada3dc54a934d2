"""Which statements change an object without binding its name: the heuristics of the closure.

Python does not say which calls change what. The rules, from certain to careful:

- ``x[...] = ``, ``x.a = ``, ``x += ``, ``del x[...]`` change ``x``; so do methods that change
  their object in every library (``fit``, ``append``, ``update`` ...) and ``inplace=True``;
- a method called for nothing but its effect (a statement of its own) may change its object,
  unless it is known to only look (``head``, ``describe``, ``plot`` ...);
- a function called for nothing but its effect may change the names it is given (``train(model)``),
  unless it is known to only look (``print``, ``display``) or lives in a module (``plt.plot(x)``).

What a function of the notebook does to its parameters is read from its own body instead.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator

from nbtrack.capture.bindings import CONTAINER_CHANGES, root_name


class Change(enum.IntEnum):
    """How sure it is that an object was changed."""

    POSSIBLE = 1  # a call made for its effect alone
    CERTAIN = 2


CHANGING_METHODS = CONTAINER_CHANGES | frozenset(
    "fit fit_transform fit_predict fit_resample fit_generator partial_fit train_on_batch step backward zero_grad load_state_dict load_weights set_params "
    "set_index_ requires_grad_ appendleft extendleft popleft rotate move_to_end subtract difference_update intersection_update symmetric_difference_update "
    "send throw seek write writelines readline readlines read add_node add_edge add_nodes_from add_edges_from remove_node remove_edge resize_ put fill "
    "setflags partition_ add_module register_buffer".split()
)

# Methods of a generator object such as ``rng``: what they return depends on what was drawn before.
DRAWING_METHODS = frozenset(
    "normal standard_normal uniform integers randint random random_sample rand randn choice choices sample permutation permuted shuffle exponential poisson "
    "binomial beta gamma multivariate_normal lognormal laplace dirichlet multinomial geometric gauss randrange triangular bytes getrandbits".split()
)
_GENERATOR_NAMES = ("rng", "random_state", "generator", "rs", "prng")

# Methods that only look at their object.
LOOKING_METHODS = frozenset(
    "head tail info describe sample show display plot hist boxplot scatter bar pie value_counts nunique unique isna isnull notna notnull count mean median std "
    "var sum min max abs round corr cov quantile mode any all idxmin idxmax argmin argmax predict predict_proba predict_log_proba decision_function transform "
    "inverse_transform score evaluate get_params get_depth get_n_leaves summary print savefig save save_model save_weights save_pretrained dump dumps export "
    "to_csv to_parquet to_pickle to_excel to_json to_html to_markdown to_string to_dict to_numpy to_list to_sql to_hdf to_feather write_html write_image "
    "write_json write_csv write_parquet keys items values get index copy groupby agg aggregate apply map applymap assign merge join pivot pivot_table melt "
    "query filter sort_values sort_index reset_index set_index rename drop dropna fillna drop_duplicates astype select_dtypes nlargest nsmallest cumsum diff "
    "shift rolling resample crosstab pipe eval loc iloc ravel flatten reshape tolist item strip split format startswith endswith upper lower replace encode "
    "decode log debug warning error critical parameters named_parameters state_dict children modules size dim numel cpu detach numpy clone named_children "
    "feature_importances plot_importance get_feature_names_out cv_results best_params collect explain memory_usage dtypes shape style report params".split()
)

# Functions that only look at what they are given.
LOOKING_FUNCTIONS = frozenset(
    "print display len help type isinstance issubclass repr str hash id dir vars callable getattr hasattr sum min max sorted any all abs round range "
    "enumerate zip map filter list tuple set dict bool int float bytes format pprint pp HTML Markdown Image IFrame Math Latex JSON Code assert_allclose "
    "assert_array_equal assert_frame_equal assert_series_equal input open breakpoint dump dumps save savefig".split()
)
_LOOKING_PREFIXES = tuple("show plot print display draw describe inspect check assert report log_ save dump export write_ visual".split())

# Functions of modules that change what they are given.
_ARGUMENT_CHANGES = frozenset("shuffle heapify heappush heappop heapreplace heappushpop insort insort_left insort_right put_along_axis place copyto".split())

# Calls on a module that change how it works from then on. Everything else called on a module
# (``plt.plot(...)``) leaves it as it is.
_SETTINGS = frozenset(
    "seed append insert extend update use chdir putenv filterwarnings simplefilter basicConfig captureWarnings autolog set seterr activate "
    "deactivate configure config init initialize login reload setrecursionlimit remove clear install reset_option rc rcdefaults".split()
)
_SETTINGS_PREFIXES = ("set_", "enable", "disable", "register", "use_", "reset_", "init_", "manual_seed", "seed_", "load_dotenv", "seterr", "setup")


def changes_by_target(target: ast.expr) -> Iterator[str]:
    """The names whose objects an assignment to (or ``del`` of) ``target`` changes."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            yield from changes_by_target(item)
    elif isinstance(target, ast.Starred):
        yield from changes_by_target(target.value)
    elif isinstance(target, (ast.Attribute, ast.Subscript)) and (name := root_name(target)) is not None:
        yield name


def changes_by_call(node: ast.Call, *, statement: bool) -> Iterator[tuple[str, Change]]:
    """The names whose objects the call may change; ``statement`` says that its value is not used.

    A call of a bare name is left to `passed_names`, since its function may be known.
    """
    if not isinstance(node.func, ast.Attribute):
        return
    method, owner = node.func.attr, root_name(node.func.value)
    change = _method_change(node, method, owner, statement=statement)
    if owner is not None and change is not None:
        yield owner, change
    if method in _ARGUMENT_CHANGES or (statement and (_inplace_name(method) or (owner is not None and "trainer" in owner.lower()))):
        yield from ((name, Change.CERTAIN) for name in argument_names(node))


def _method_change(node: ast.Call, method: str, owner: str | None, *, statement: bool) -> Change | None:
    if method in CHANGING_METHODS or _inplace_name(method) or any(_is_true(keyword, "inplace") for keyword in node.keywords):
        return Change.CERTAIN
    if method in DRAWING_METHODS and owner is not None and owner.lower().endswith(_GENERATOR_NAMES):
        return Change.CERTAIN
    through_call = isinstance(node.func, ast.Attribute) and _has_call(node.func.value)
    if not statement or method in LOOKING_METHODS or method.startswith(_LOOKING_PREFIXES):
        return None
    # ax.get_legend().set_visible(False) reaches into ax; df.groupby("a").anything() has let go of df.
    return Change.POSSIBLE if not through_call or method.startswith("set_") else None


def _inplace_name(method: str) -> bool:
    """torch's convention: ``add_`` works in place."""
    return method.endswith("_") and not method.endswith("__")


def _is_true(keyword: ast.keyword, name: str) -> bool:
    return keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is True


def _has_call(node: ast.expr) -> bool:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return isinstance(node, ast.Call)


def configures(node: ast.Call) -> str | None:
    """The name of the module that the call sets up anew, if its name says so."""
    if isinstance(node.func, ast.Attribute) and (node.func.attr in _SETTINGS or node.func.attr.startswith(_SETTINGS_PREFIXES)):
        return root_name(node.func.value)
    return None


def argument_names(node: ast.Call) -> list[str]:
    """The names given to a call, ``model`` of ``train(model.layers, *rest)`` included."""
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [name for value in given if not isinstance(value, ast.Call) and (name := root_name(value)) is not None]


def only_looks(function: str) -> bool:
    """Whether a function of this name is taken to leave its arguments as they are."""
    return function in LOOKING_FUNCTIONS or function.lstrip("_").startswith(_LOOKING_PREFIXES)
