from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cells import Notebook

from nbtrack.notebook import extension, transformer


def state(notebook: Notebook) -> dict[str, object]:
    shell = notebook.shell
    return {
        "transformers": list(shell.input_transformers_cleanup),
        "events": {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()},
        "cell magics": sorted(shell.magics_manager.magics["cell"]),
        "line magics": sorted(shell.magics_manager.magics["line"]),
        "shell": {name for name in vars(shell) if not name.startswith("_")},
    }


def test_unloading_leaves_the_shell_as_it_was(notebook: Notebook) -> None:
    loaded = state(notebook)
    extension.unload(notebook.shell)
    unloaded = state(notebook)
    assert unloaded != loaded
    extension.load(notebook.shell)
    extension.load(notebook.shell)
    assert state(notebook)["transformers"] == loaded["transformers"]
    assert state(notebook)["cell magics"] == loaded["cell magics"]
    extension.unload(notebook.shell)
    extension.unload(notebook.shell)
    assert state(notebook) == unloaded
    assert transformer.transform not in notebook.shell.input_transformers_cleanup


def test_loading_by_the_magic_is_idempotent(notebook: Notebook) -> None:
    for line in ("%load_ext nbtrack", "%load_ext nbtrack", "%reload_ext nbtrack"):
        notebook.run(line)
    notebook.run("%%track_run one\nx = 1")
    assert [run.info.run_name for run in notebook.runs] == ["one"]
    assert len(notebook.cards) == 1


def test_a_cell_that_unloads_the_extension_still_ends_its_run(notebook: Notebook) -> None:
    notebook.run("%load_ext nbtrack")
    notebook.run("%%track_run last\n%unload_ext nbtrack\nx = 1")
    assert [(run.info.run_name, run.info.status.value) for run in notebook.runs] == [("last", "FINISHED")]
    notebook.run("%%track_run\nx = 1", fails=True)
    assert not any("nbtrack" in repr(callback) for callbacks in notebook.shell.events.callbacks.values() for callback in callbacks)


def test_a_cell_that_loads_the_extension_may_go_on_to_track(notebook: Notebook) -> None:
    extension.unload(notebook.shell)
    notebook.run("%load_ext nbtrack\n%track_run same-cell\nx = 1")
    assert [(run.info.run_name, run.data.params) for run in notebook.runs] == [("same-cell", {"x": 1})]


def test_importing_nbtrack_and_tracking_a_block_loads_no_heavy_module(tmp_path: Path) -> None:
    program = "import sys, nbtrack\nnbtrack.track_run\nprint([name for name in ('IPython', 'pandas', 'matplotlib', 'sklearn', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "[]\n"
