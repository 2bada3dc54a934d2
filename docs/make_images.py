"""Draws docs/images/card.png: a cell and its card, as they look in a notebook.

Needs nbclient, nbconvert, scikit-learn, Pillow, playwright and the system's chromium:
``python docs/make_images.py``. Everything runs in a temporary folder.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
MAX_BYTES = 120_000
WIDTH, SCALE = 1000, 2

PREPARATION = """%load_ext nbtrack
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import recall_score, roc_auc_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X.iloc[:, [1, 4, 8]], y, test_size=0.4, random_state=3)"""

EARLIER = """%%track_run forest -e tumours --quiet
model = RandomForestClassifier(n_estimators={n}, max_depth={depth}, random_state=0)
model.fit(X_train, y_train)
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
recall = recall_score(y_test, model.predict(X_test), pos_label=0)"""

SHOWN = """%%track_run forest -e tumours
n_estimators, max_depth = 300, 6
model = RandomForestClassifier(n_estimators, max_depth=max_depth, class_weight="balanced")
model.fit(X_train, y_train)
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
recall = recall_score(y_test, model.predict(X_test), pos_label=0)"""

TRIES = [(1, 2), (2, 2), (2, 1), (3, 2), (5, 3), (4, 2), (8, 3), (12, 3), (10, 2), (30, 4), (60, 4)]


def main() -> None:
    """Execute the notebook, photograph its last cell, and write the picture."""
    cells = [new_code_cell(PREPARATION), *(new_code_cell(EARLIER.format(n=n, depth=depth)) for n, depth in TRIES), new_code_cell(SHOWN)]
    notebook = new_notebook(cells=cells)
    with tempfile.TemporaryDirectory() as folder:
        commit(Path(folder))
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": folder}}).execute()
        notebook.cells = notebook.cells[-1:]
        page = Path(folder) / "card.html"
        page.write_text(HTMLExporter(exclude_input_prompt=True).from_notebook_node(notebook)[0], "utf-8")
        picture = photograph(page)
    target = IMAGES / "card.png"
    target.write_bytes(compressed(picture))
    print(f"{target}: {target.stat().st_size:,} bytes")  # noqa: T201


def commit(folder: Path) -> None:
    """Make the folder a repository with one commit, as a project's would be."""
    (folder / "README.md").write_text("A project.\n", "utf-8")
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "README.md"], [*author, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def photograph(page: Path) -> bytes:
    """The cell of ``page`` as PNG."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no chromium found: install it, or name it in the variable CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 800}, device_scale_factor=SCALE)
        tab.goto(page.as_uri())
        tab.add_style_tag(content=".jp-OutputPrompt, .jp-InputPrompt {display: none} .jp-Cell {padding: 14px 18px 10px} body {background: white}")
        data = tab.locator(".jp-Cell").first.screenshot()
        browser.close()
    return data


def compressed(picture: bytes) -> bytes:
    """The picture with as few colours as keep it small."""
    for colours in (256, 128, 64):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= MAX_BYTES:
            return buffer.getvalue()
    sys.exit(f"the picture has {buffer.tell():,} bytes; at most {MAX_BYTES:,} are wanted")


if __name__ == "__main__":
    main()
