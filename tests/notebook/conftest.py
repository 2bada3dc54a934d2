"""A fresh shell for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from cells import Notebook

from nbtrack.notebook import extension
from nbtrack.tracking.session import Session


@pytest.fixture
def notebook(session: Session) -> Iterator[Notebook]:
    """A fresh shell with nbtrack loaded, whose displays are kept rather than printed."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    main = sys.modules["__main__"]  # a shell puts its own namespace there
    shell = InteractiveShell.instance()
    shell.run_line_magic("colors", "nocolor")
    shell.enable_gui = lambda gui=None: None  # what %matplotlib asks of a front end
    book = Notebook(shell, session)
    shell.display_pub.publish = lambda data, *args, **kwargs: book.displayed.append(data)
    extension.load(shell)
    yield book
    extension.unload(shell)
    InteractiveShell.clear_instance()
    sys.modules["__main__"] = main
