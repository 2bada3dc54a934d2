"""The magics ``%%track_run`` and ``%track``: they parse, and call the tracker."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from nbtrack.errors import Conflict, InvalidInput, RunAlreadyActive
from nbtrack.formatting import format_duration, plural
from nbtrack.notebook.options import TrackOptions, expanded, parse_options
from nbtrack.notebook.tracker import CellTracker
from nbtrack.tracking.run import ActiveRun


@magics_class
class TrackMagics(Magics):  # type: ignore[misc]  # IPython has no type information here
    """The magics of one shell."""

    def __init__(self, shell: Any, tracker: CellTracker) -> None:
        super().__init__(shell)
        self._tracker = tracker

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def track_run(self, line: str, cell: str | None = None) -> None:
        """Track this cell as a run: its params, metrics, figures, outputs, code and data.

        ::

            %%track_run [NAME] [options]

        Options::

            -e, --experiment NAME    the experiment of the run; made if there is none
            -t, --tag KEY=VALUE      a tag; may be given several times
            -p, --param NAME[=EXPR]  also keep this param: the value of NAME or of an expression after the cell ran
            -m, --metric NAME[=EXPR] also keep this metric
            --notes TEXT             a note about the run
            --nested                 a part of the run that is active
            --no-infer               only what is logged or named here, nothing read from the code
            --no-figures             no figures
            --no-outputs             no printed text, displays and tables
            --no-models              no models
            -q, --quiet              no card under the cell

        NAME and the values may have {python_expressions}.

        Examples::

            %%track_run
            %%track_run forest -e churn
            %%track_run "forest, depth {depth}" -t team=red -t data=v3
            %%track_run forest -p rows=len(X_train) -m best_score --notes "the smaller tree"

        It works with %%time and %%capture above or below it. What you type in the cell is a param
        (``n_estimators = 300``, ``Ridge(alpha=0.5)``), what you compute is a metric
        (``auc = roc_auc_score(...)``); an explicit ``nbtrack.log_param`` or ``log_metric`` wins.
        """
        if cell is not None:  # called as a function: run_cell_magic("track_run", ...)
            self.shell.run_cell(f"%%track_run {line}\n{cell}").raise_error()
            return
        try:
            self._tracker.begin(self._options(line))
        except RunAlreadyActive:
            open_run = self._tracker.session.active
            which = "a run" if open_run is None else f"the run {_named(open_run)}"
            raise UsageError(f"%%track_run: {which} is active. End it with nbtrack.end_run(), or add --nested to make this cell a part of it") from None
        except (InvalidInput, Conflict) as error:
            raise UsageError(f"%%track_run: {error}") from None

    @line_magic  # type: ignore[untyped-decorator]
    def track(self, line: str) -> None:
        """Say what is tracked, or track every cell that computes a metric, logs or trains.

        ::

            %track                  what is tracked, the active run, the store, the last run
            %track on [options]     track such cells from now on; options as of %%track_run
            %track off

        ``%track on`` makes a run of each cell that computes a metric, logs something or trains
        (calls ``fit`` or ``train``). Cells that import, load, define, look or draw leave no run.
        """
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "on":
                self._tracker.automatic = self._automatic_options(rest)
            elif word == "off" and not rest.strip():
                self._tracker.automatic = None
            elif word:
                raise InvalidInput(f"found {line.strip()!r}; write %track, %track on [-e EXPERIMENT], or %track off")
        except (InvalidInput, Conflict) as error:
            raise UsageError(f"%track: {error}") from None
        print(self._status())  # noqa: T201  (what the user asked for)

    def _options(self, line: str) -> TrackOptions:
        options, labels = parse_options(line)
        return expanded(options, labels, self.shell.user_ns)

    def _automatic_options(self, line: str) -> TrackOptions:
        options = self._options(line)
        if options.name is not None:
            raise InvalidInput(f"%track on names no run, since each cell is one; found {options.name!r}")
        return options

    def _status(self) -> str:
        session, automatic = self._tracker.session, self._tracker.automatic
        experiment = f" in the experiment {automatic.experiment!r}" if automatic is not None and automatic.experiment else ""
        tracked = f"every cell that computes a metric, logs or trains{experiment}" if automatic is not None else "cells that begin with %%track_run"
        place = session.place()
        store = place.uri if place.exists else f"{place.uri} (made by the first run)"
        active, last = session.active, session.last
        if active is not None and active is self._tracker.on_trial:
            active, last = None, session.last_ended
        lines = [("tracked", tracked), ("active run", "none" if active is None else _named(active)), ("store", store)]
        if last is not None and last is not active:
            info = last.info
            lines.append(("last run", f"{_named(last)}, {info.status.value.lower()} after {format_duration(info.duration)}"))
        executed = len(self._tracker.history.cells)
        lines.append(("session", f"{plural(executed, 'cell')} executed"))
        return "\n".join(f"{name + ':':<12}{text}" for name, text in lines)


def _named(run: ActiveRun) -> str:
    return f"{run.name} ({run.run_id[:8]})"
