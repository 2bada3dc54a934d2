"""``%%track_run`` as an input transformation: the line becomes a call, the body stays IPython's own.

So IPython itself runs the body: the last expression, ``await``, ``;``, magics and tracebacks are as
in a cell without the line. The functions are pure, since IPython calls them several times for one
execution.
"""

from __future__ import annotations

import re

MAGIC = "track_run"

_TRACKED = re.compile(rf"%%{MAGIC}(?:[ \t]+(?P<args>.*?))?[ \t]*$")
_FUTURE_IMPORT = re.compile(r"from __future__ import [^(\\#]+$")


def transform(lines: list[str]) -> list[str]:
    """The lines of a cell, with ``%%track_run ARGS`` on the first as a call of the line magic.

    The number of lines stays, so that tracebacks name the lines that the user sees. Registered in
    ``input_transformers_cleanup``, which runs before IPython's own reading of cell magics.
    """
    found = _TRACKED.match(lines[0].rstrip("\r\n")) if lines else None
    if found is None:
        return lines
    call = f"get_ipython().run_line_magic({MAGIC!r}, {found['args'] or ''!r})"
    body = lines[1:]
    future = _last_future_import(body)
    if future is not None:  # Python insists that these come first
        body[future] = f"{body[future].rstrip()}; {call}\n"
        return ["\n", *body]
    return [f"{call}\n", *_with_cell_magic(body)]


# IPython asks transformations without effects whether what is typed on a terminal is complete. The call that
# the line becomes would be, so that Enter ran the cell before its body was typed; left as it is, the line is a
# cell magic like any other, which an empty line ends.
transform.has_side_effects = True  # type: ignore[attr-defined]


def _with_cell_magic(body: list[str]) -> list[str]:
    """The body with another cell magic under the first line, as ``%%time``, made the call that IPython makes of it."""
    from IPython.core.inputtransformer2 import cell_magic

    first = next((number for number, line in enumerate(body) if line.strip()), None)
    if first is None or not body[first].startswith("%%"):
        return body
    rest = body[first:]
    called = transform(rest) if _TRACKED.match(rest[0].rstrip("\r\n")) else cell_magic(rest)
    return [*body[:first], *called]


def _last_future_import(body: list[str]) -> int | None:
    """The number of the last line of ``from __future__`` imports at the head of the body."""
    last = None
    for number, line in enumerate(body):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if _FUTURE_IMPORT.match(text) is None or line[:1].isspace():
            break
        last = number
    return last
