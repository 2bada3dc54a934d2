from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.capture.closure import Closure, closure
from nbtrack.entities import Cell, CellRole


def session(*sources: str) -> list[Cell]:
    return [Cell(position, source, execution_count=position) for position, source in enumerate(sources, start=1)]


def found(*sources: str) -> Closure:
    """The closure of the last cell."""
    *earlier, own = session(*sources)
    return closure(own, earlier)


def needed(*sources: str) -> list[int]:
    """The positions of the cells that the last one needs."""
    return [item.cell.position for item in found(*sources).cells]


def test_only_cells_that_are_needed_are_taken_in_executed_order() -> None:
    result = found("import numpy as np", "x = 1", "y = 2", "z = x + 1", "print(z)")
    assert [(item.cell.position, tuple(item.names), item.role) for item in result.cells] == [(2, ("x",), CellRole.CLOSURE), (4, ("z",), CellRole.CLOSURE)]
    assert result.unresolved == ()


def test_the_last_cell_that_bound_a_name_counts() -> None:
    assert needed("x = 1", "x = 2", "print(x)") == [2]


def test_a_name_bound_by_the_cell_itself_is_not_looked_for() -> None:
    assert needed("x = 1", "x = 2\nprint(x)") == []
    assert needed("x = 1", "print(x)\nx = 2") == [1]
    assert needed("x = 1", "for x in [1]:\n    print(x)") == []
    assert needed("loss = 1", "for e in [1]:\n    loss = 2\nprint(loss)") == []
    assert needed("x = 1", "[x for x in [1]]\n{x: x for x in [1]}\nlambda x: x") == []
    assert needed("x = 1", "with open('f') as x:\n    print(x)") == []


def test_a_cell_that_binds_in_a_branch_only_does_not_hide_the_one_before() -> None:
    assert needed("x = 1", "if f():\n    x = 2", "print(x)") == [1, 2]
    assert needed("x = 1", "if f():\n    x = 2\nelse:\n    x = 3", "print(x)") == [2]
    assert needed("x = 1", "try:\n    x = f()\nexcept ValueError:\n    pass", "print(x)") == [1, 2]
    assert needed("x = 1", "try:\n    import a as x\nexcept ImportError:\n    x = None", "print(x)") == [2]
    assert needed("x = 1", "try:\n    x = f()\nexcept ValueError:\n    raise", "print(x)") == [2]
    assert needed("x = 1", "match f():\n    case 1:\n        x = 2", "print(x)") == [1, 2]


def test_an_augmented_name_needs_what_it_was_before() -> None:
    assert needed("x = 1", "x += 1", "x += 1", "print(x)") == [1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        "df['b'] = 1",
        "df.loc[0, 'a'] = 1",
        "df.columns = ['b']",
        "del df['a']",
        "df.drop(columns='a', inplace=True)",
        "df['a'].fillna(0, inplace=True)",
        "df.append(3)",
        "df.fit(X)",
        "history = df.fit(X)",
        "item = df.pop('a')",
        "df += 1",
        "df.some_method()",
        "train(df)",
        "df.layers[0].append(1)",
        "X, df['a'] = 1, 2",
        "for df['a'] in [1]:\n    pass",
        "next(df)",
        "setattr(df, 'a', 1)",
        "np.random.shuffle(df)",
        "trainer.fit(df, loader)",
        "nn.init.normal_(df)",
    ],
)
def test_what_changes_an_object_belongs_to_the_closure(change: str) -> None:
    assert needed("df = load()", change, "print(df)") == [1, 2]


@pytest.mark.parametrize(
    "look",
    [
        "df.head()",
        "df",
        "print(df)",
        "df.describe()",
        "df['a'].value_counts()",
        "plt.plot(df)\nplt.show()",
        "sns.heatmap(df)",
        "df.plot.hist()",
        "display(df)",
        "y = df.drop(columns='a')",
        "y = model.predict(df)",
        "model.fit(df)",
        "show_table(df)",
        "df.groupby('a').agg('sum')",
        "assert len(df)",
        "f'{df}'",
        "joblib.dump(df, 'f')",
        "df.to_csv('f')",
        "import pandas",
    ],
)
def test_looking_at_an_object_does_not_belong_to_the_closure(look: str) -> None:
    assert needed("import matplotlib.pyplot as plt\nimport seaborn as sns\nimport joblib", "df = load()", look, "print(df)") == [2]


def test_a_module_is_changed_by_its_settings_alone() -> None:
    assert needed("import pandas as pd", "pd.read_csv('f')", "pd.set_option('a', 1)", "pd.concat([])") == [1, 3]
    assert needed("import sys", "sys.path.append('lib')", "import mine", "print(sys)") == [1, 2]
    assert needed("import os", "os.environ['A'] = '1'", "os.getcwd()", "print(os)") == [1, 2]
    assert needed("import matplotlib.pyplot as plt", "plt.title('a')\nplt.figure()", "plt.rcParams['a'] = 1", "plt.plot([1])") == [1, 3]


def test_the_free_names_of_a_function_are_those_at_the_time_of_the_call() -> None:
    assert needed("def f():\n    return helper()", "def helper():\n    return k", "k = 1", "k = 2", "f()") == [1, 2, 4]
    assert needed("f = lambda: k", "k = 1", "f()") == [1, 2]
    assert needed("def f(): return k", "k = 1", "k = 2\nf()") == [1]
    assert needed("def f(): return k", "k = 1", "f()\nk = 2") == [1, 2]


def test_defining_a_function_needs_its_defaults_and_decorators_alone() -> None:
    assert needed("a = 1", "b = 2", "c = 3", "from t import d", "@d\ndef f(x=a) -> b:\n    global g\n    return 1") == [1, 2, 4]
    assert needed("k = 1", "def f():\n    return k") == []
    assert needed("k = 1", "def f():\n    return k\nf()") == [1]


def test_names_of_a_function_are_its_own() -> None:
    source = """def f(a, *b, c=1, **d):
    e = a
    for g in b: pass
    with h() as i: pass
    import j
    def k(): return e, k
    return [l for l in c]
f(1)"""
    assert needed("a = b = c = d = e = g = i = j = k = l = 1", "def h(): pass", source) == [2]


def test_a_nonlocal_name_is_the_outer_functions() -> None:
    source = "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\nf()"
    assert needed("n = 1", source) == []


def test_a_class_needs_its_bases_at_once_and_the_names_of_its_methods_when_it_is_used() -> None:
    source = "class B(A):\n    size = k\n    def run(self):\n        return self.size, m\n"
    assert needed("class A: pass", "k = 1", "m = 2", source) == [1, 2]
    assert needed("class A: pass", "k = 1", "m = 2", source, "b = B()", "b.run()") == [1, 2, 3, 4, 5]


def test_a_function_that_changes_globals_belongs_to_what_it_changed() -> None:
    assert needed("n = 0", "def count():\n    global n\n    n += 1", "count()", "print(n)") == [1, 2, 3]
    assert needed("log = []", "def note(x):\n    log.append(x)", "note(1)", "print(log)") == [1, 2, 3]


def test_what_a_function_of_the_notebook_does_to_its_arguments_is_read_from_its_body() -> None:
    assert needed("def train(m, d):\n    m.fit(d)\n    return 1", "model = M()", "data = [1]", "loss = train(model, data)", "print(model)") == [1, 2, 3, 4]
    assert needed("def train(m, d):\n    m.fit(d)\n    return 1", "model = M()", "data = [1]", "loss = train(d=data, m=model)", "print(data)") == [3]
    assert needed("def peek(x):\n    print(x.head())", "df = load()", "peek(df)", "print(df)") == [2]


def test_a_change_of_another_name_for_the_object_counts() -> None:
    assert needed("a = [1]", "b = a", "b.append(2)", "print(a)") == [1, 2, 3]
    assert needed("a = [1]", "b = a", "b = [3]", "b.append(2)", "print(a)") == [1]
    assert needed("rf = M()", "models = {'rf': rf}", "for m in models.values():\n    m.fit(X)", "print(rf)") == [1, 2, 3]
    assert needed("model = Net()", "opt = Adam(model.parameters())", "opt.step()", "print(model)") == [1, 2, 3]


def test_a_name_that_was_deleted_is_missing() -> None:
    assert found("x = 1", "del x", "print(x)").unresolved == ("x: In [2] deleted it",)
    assert found("x = 1", "del x\nx = 2", "print(x)").unresolved == ()


def test_names_that_no_cell_defines_are_unresolved() -> None:
    assert found("x = 1", "print(np.mean(x), In, Out, _, _3, __name__, get_ipython(), display)").unresolved == ("np: no executed cell defines it",)


def test_names_that_the_cell_may_bind_itself_are_not_missed() -> None:
    assert found("if f is None:\n    x = 1\nprint(x)").unresolved == ("f: no executed cell defines it",)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("exec(text)", "exec(...) in line 1 of this cell: what it reads and defines is not visible"),
        ("y = eval(text)", "eval(...) in line 1 of this cell: what it reads and defines is not visible"),
        ("%run other.ipynb", "%run other.ipynb in line 1 of this cell: what it reads and defines is not visible"),
        ("get_ipython().run_cell('x = 1')", "get_ipython().run_cell(...) in line 1 of this cell: what it reads and defines is not visible"),
        ("from not_loaded_here import *\nsqrt(2)", "from not_loaded_here import * in line 1 of this cell: may define sqrt"),
        ("globals()[text] = 1\nprint(x)", "globals()[...] in line 1 of this cell: may define x"),
    ],
)
def test_code_whose_names_can_not_be_seen_is_unresolved(code: str, line: str) -> None:
    assert found("text = ''", code).unresolved == (line,)


def test_a_name_that_no_cell_defines_may_come_from_a_star_import() -> None:
    result = found("from not_loaded_here import *", "x = 1", "sqrt(x) + pi")
    assert [item.cell.position for item in result.cells] == [1, 2]
    assert result.unresolved == ("from not_loaded_here import * in line 1 of In [1]: may define pi, sqrt",)


def test_what_a_star_import_gives_is_seen_in_the_module_that_is_loaded() -> None:
    result = found("from not_loaded_here import *", "from math import *", "from textwrap import *", "sqrt(dedent(' '))")
    assert [(item.cell.position, tuple(item.names)) for item in result.cells] == [(2, ("sqrt",)), (3, ("dedent",))]
    assert result.unresolved == ()
    assert found("from math import *", "print(sqroot)").unresolved == ("sqroot: no executed cell defines it",)


def test_text_that_is_evaluated_is_read_where_it_is_written_out() -> None:
    assert needed("x = 1", "y = eval('x + 1')", "exec('z = x')", "print(y, z)") == [1, 2, 3]
    assert found("x = 1", "y = eval('x + 1')").unresolved == ()


def test_the_annotations_of_a_functions_own_names_are_not_evaluated() -> None:
    assert found("def f():\n    n: Dict[str, int] = {}\n    return n\nf()").unresolved == ()
    assert found("n: Dict[str, int] = {}").unresolved == ("Dict: no executed cell defines it",)


def test_a_star_import_that_is_not_needed_is_no_gap() -> None:
    assert found("from math import *", "x = 1", "print(x)").unresolved == ()


@pytest.mark.parametrize("magic", ["%%capture out\nf = 1", "out = !ls", "%%bash --out out\nls", "%%sql out <<\nselect 1", "%time out = 3", "%store -r out"])
def test_magics_define_names(magic: str) -> None:
    assert needed(magic, "print(out)") == [1]
    assert found(magic, "print(out)").unresolved == ()


@pytest.mark.parametrize(
    "magic", ["!python train.py {lr}", "!echo $lr", "%timeit f(lr)", "%%timeit\nlr + 1", "%%track_run a -p rate=lr*2\n1", "%%bash\necho 1"]
)
def test_magics_read_names(magic: str) -> None:
    expected = [] if magic.startswith("%%bash") else [1]
    assert needed("lr = 1", magic) == expected
    assert found(magic).unresolved in ((), ("lr: no executed cell defines it",))


def test_timeit_binds_nothing() -> None:
    assert needed("x = 1", "%%timeit\nx = 2", "print(x)") == [1]


def test_a_seed_belongs_to_what_draws_after_it() -> None:
    imports = "import numpy as np\nfrom sklearn.ensemble import RandomForestClassifier"
    assert needed(imports, "np.random.seed(0)", "x = np.random.rand(3)") == [1, 2]
    assert needed(imports, "np.random.seed(0)", "x = np.mean([1])") == [1]
    assert needed(imports, "np.random.seed(0)", "m = RandomForestClassifier()\nm.fit(X)") == [1, 2]
    assert needed(imports, "np.random.seed(0)", "np.random.seed(1)", "x = np.random.rand(3)") == [1, 3]


def test_what_was_drawn_since_the_seed_belongs_to_it() -> None:
    assert needed("import numpy as np", "np.random.seed(0)", "a = np.random.rand(3)", "b = np.random.rand(3)") == [1, 2, 3]
    assert needed("import numpy as np", "a = np.random.rand(3)", "b = np.random.rand(3)") == [1]
    assert needed("import numpy as np", "rng = np.random.default_rng(0)", "a = rng.normal()", "b = rng.normal()") == [1, 2, 3]


def test_a_helper_that_seeds_or_draws_counts_like_the_call_itself() -> None:
    assert needed("import numpy as np", "def set_up(s):\n    np.random.seed(s)", "set_up(3)", "x = np.random.rand(3)") == [1, 2, 3]
    assert needed("import numpy as np", "def draw():\n    return np.random.rand(3)", "np.random.seed(0)", "x = draw()") == [1, 2, 3]


def test_a_cell_that_failed_may_have_bound_its_names() -> None:
    first, second, own = session("x = 1", "x = 2\nfail()", "print(x)")
    failed = Cell(second.position, second.source, succeeded=False)
    result = closure(own, [first, failed])
    assert [item.cell.position for item in result.cells] == [1, 2]
    assert result.unresolved == ()  # what is missing in a cell that failed is no gap of this one


def test_a_cell_that_was_run_again_counts_as_often_as_it_matters() -> None:
    assert needed("x = 1", "x = 1", "print(x)") == [2]
    assert needed("x = 1", "x += 1", "x += 1", "x += 1", "print(x)") == [1, 2, 3, 4]


def test_the_names_needed_from_each_cell_are_told() -> None:
    result = found("a, b, c = 1, 2, 3", "b += 1", "print(a, b)")
    assert [(item.cell.position, tuple(item.names)) for item in result.cells] == [(1, ("a", "b")), (2, ("b",))]


def test_a_shadowed_builtin_comes_from_its_cell() -> None:
    assert needed("list = [1]", "print(list)") == [1]
    assert needed("from IPython.display import display", "display(1)") == [1]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters_are_names_of_their_definition() -> None:
    source = """def first[T](xs: list[T]) -> T:
    ys: list[T] = xs
    return ys[0]
class Box[S](Base[S]):
    def get(self) -> S: ...
type Pair[U] = tuple[U, U]
"""
    assert found(source + "first([1]); Box(); Pair").unresolved == ("Base: no executed cell defines it",)


def test_a_walrus_binds_for_the_rest_of_the_cell() -> None:
    assert found("if (n := 3) > 2 and n < 5:\n    print(n)").unresolved == ()


def test_a_cell_that_can_not_be_read_gives_nothing() -> None:
    assert found("x = = 1", "print(1)") == Closure()
    assert found("x = 1", "x = = 1") == Closure()
    assert found("x = 1", "y = " + "+".join(["x"] * 3000)).cells == ()


def test_earlier_cells_are_taken_in_the_order_of_their_positions() -> None:
    first, second, own = session("x = 1", "x = 2", "print(x)")
    assert [item.cell.position for item in closure(own, [second, first]).cells] == [2]


words = st.sampled_from(
    [
        *"x y z = += ( ) [ ] : , . for in if else def lambda with as try except class return global del 1 await * ** := import from".split(),
        *("\n", "\n    ", "%time", "!ls", "np.random.seed(0)"),
    ]
)


@given(st.lists(st.lists(words, max_size=12).map(" ".join) | st.text(max_size=30), min_size=1, max_size=4))
def test_no_text_makes_the_closure_raise(sources: list[str]) -> None:
    found(*sources)
