"""The life of one tracked stretch of code, a cell or a block: begin, listen, finish.

Nothing here raises into the user's code once the run has started, and what fails to be captured is
a finding of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbtrack.capture.bindings import How
from nbtrack.capture.closure import Closure, closure
from nbtrack.capture.code import CellCode, SessionNames
from nbtrack.capture.data import Fingerprints, fingerprint_many, guess_context
from nbtrack.capture.hidden_state import hidden_state
from nbtrack.capture.inference import NOTHING, Inferred, InferredMetric, infer
from nbtrack.capture.scalars import as_number
from nbtrack.capture.seeds import seed_findings
from nbtrack.entities import Cell, CellRole, DatasetInput, InputTag, Origin, Param, RunCell, RunCode
from nbtrack.errors import CaptureFailed
from nbtrack.notebook.displays import DisplayTap
from nbtrack.notebook.evidence import Evidence, Problems
from nbtrack.notebook.failures import Place, cell_traceback, failure_place, traceback_text
from nbtrack.notebook.fitted import FittedModels
from nbtrack.notebook.loaded import loaded_names
from nbtrack.notebook.options import TrackOptions, Wanted
from nbtrack.notebook.surroundings import SavedCells
from nbtrack.notebook.writing import Captured
from nbtrack.registry.names import check_model_name
from nbtrack.tracking.handle import CONTEXT_TAG
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.session import Session
from nbtrack.tracking.values import to_param_value

DATA_BUDGET_S = 1.0


@dataclass(frozen=True)
class Subject:
    """What is tracked: code, the cell that it is or stands in, and the names that it works on.

    ``values`` gives the namespace now, ``namespace`` is the globals of the code's frames, ``facts``
    go to the run as they are.
    """

    cell: Cell
    code: CellCode
    values: Callable[[], Mapping[str, Any]]
    namespace: Mapping[str, Any]
    earlier_cells: Sequence[Cell] = ()
    earlier_names: SessionNames = field(default_factory=SessionNames)
    session_id: str | None = None
    saved_cells: SavedCells | None = None  # of the notebook's file
    block_source: str | None = None  # the text that the lines of a block count in, where it is not the cell
    in_file: bool = False  # the code is a file's, not a cell's
    facts: Mapping[str, Any] = field(default_factory=dict)
    file_names: Mapping[str, str] = field(default_factory=dict)  # of tracebacks


class Recording:
    """Records one run from `begin` to `finish`."""

    def __init__(self, session: Session, subject: Subject, options: TrackOptions, *, on_trial: bool = False) -> None:
        self.subject = subject
        self.options = options
        self.on_trial = on_trial  # begun by `%track on`: what it captures decides whether it is a run
        self._session = session
        self._problems = Problems()
        self._evidence = Evidence(self._problems, figures=options.figures, outputs=options.outputs)
        self._data = Fingerprints()
        self._before: dict[str, int] = {}
        self._fitted = FittedModels()
        self.run: ActiveRun | None = None

    def begin(self, tap: DisplayTap | None, *, tags: Mapping[str, str] | None = None, log_system_metrics: bool | None = None) -> ActiveRun:
        """Start the run and listen.

        Raises
        ------
        NbtrackError
            The run can't start: a name outside the rule, a store that can't be written, a run
            that is active.
        """
        options = self.options
        if options.register is not None:  # not after hours of training
            check_model_name(options.register)
        with self._problems.guard("data that the cell reads"):
            self._data = fingerprint_many(self._data_read(), budget_s=DATA_BUDGET_S)
        store = self._session.store()
        experiment = store.experiments.ensure(options.experiment).experiment_id if options.experiment is not None else None
        run = self._session.start_run(
            run_name=options.name,
            experiment_id=experiment,
            nested=options.nested,
            tags={**(tags or {}), **options.tags},
            description=options.notes,
            log_system_metrics=log_system_metrics,
        )
        run.encloses = True  # what the code starts by itself is a part of this run
        self.run = run
        with self._problems.guard("the code"):  # now, so that a run whose kernel dies knows its code
            run.store.cells.set_code(run.run_id, RunCode(self.subject.session_id, (RunCell(self.subject.cell, CellRole.OWN),)))
        with self._problems.guard("the values before the cell ran"):
            values = self.subject.values()
            self._before = {name: id(values[name]) for name in self.subject.code.bound_names if name in values}
        with self._problems.guard("what the cell shows"):
            self._evidence.start(tap)
        if options.models:
            with self._problems.guard("the models that the cell fits"):
                self._fitted.start()
        return run

    def forget_values(self) -> None:
        """Hold no reference to the values that the code works on."""
        self.subject = replace(self.subject, values=dict)

    def finish(self, error: BaseException | None, *, cell: Cell | None = None, result: object = NOTHING) -> Captured:
        """Stop listening, and take in what the code left; `write` it to the store.

        Parameters
        ----------
        cell
            The cell as its execution ended, where that differs from what `begin` knew.
        result
            The value of the cell's last expression.
        """
        captured = Captured()
        try:
            with self._problems.guard("the models that the cell fits"):
                self._fitted.stop()
            with self._problems.guard("what the cell shows"):
                self._evidence.stop()
            self._capture(captured, error, cell or self.subject.cell, result)
        except KeyboardInterrupt:  # the cell is over, and its run ends as the cell did
            self._problems.note("interrupted before all was captured")
        captured.findings += self._problems.findings
        return captured

    def _capture(self, captured: Captured, error: BaseException | None, cell: Cell, result: object) -> None:
        subject, guard = self.subject, self._problems.guard
        values: Mapping[str, Any] = {}
        with guard("the values after the cell ran"):
            values = subject.values()
        place = None
        if error is not None:
            with guard("where it failed"):
                source = subject.cell.source if subject.block_source is None else subject.block_source
                place = failure_place(error, source, subject.namespace, in_file=subject.in_file or source != subject.cell.source)
        with guard("params and metrics"):
            self._infer(captured, values, result, place)
        with guard("the params of the models"):
            captured.params += self._fitted.params(captured.params)
        if error is None and self.run is not None and not self.on_trial:
            with guard("the fitted model"):
                self._fitted.log(self.run, values, self.options.register)
        with guard("figures"):
            self._evidence.gather_figures({name: values[name] for name in subject.code.bound_names if name in values})
        with guard("data that the cell reads"):
            captured.inputs = self._inputs(values)
        with guard("outputs"):
            text = None if error is None or isinstance(error, KeyboardInterrupt | SystemExit) else self._traceback(error)
            captured.figures = self._evidence.figures
            captured.tables = self._evidence.tables()
            captured.outputs = self._evidence.outputs(result=None if result is NOTHING else result, error=text)
        captured.facts.update(subject.facts)
        if place is not None:
            captured.facts["failure"] = {"line": place.line, "source": place.source}
        with guard("the code that the cell needs"):
            self._code(captured, cell, values)

    # --- params and metrics --------------------------------------------------------------------

    def _infer(self, captured: Captured, values: Mapping[str, Any], result: object, place: Place | None) -> None:
        inferred = Inferred()
        if self.options.infer:
            subject = self.subject
            stopped_at = None if place is None else place.own_line
            inferred = infer(subject.code, values=values, earlier=subject.earlier_names, before=self._before, result=result, stopped_at=stopped_at)
        captured.asked = asked = frozenset(wanted.key for wanted in (*self.options.params, *self.options.metrics))
        captured.params = [param for param in inferred.params if param.key not in asked]
        # log_param returns its value, which a cell that ends with it shows.
        captured.metrics = [metric for metric in inferred.metrics if metric.key not in asked and not metric.key.endswith("log_param")]
        for wanted in self.options.params:
            with self._problems.guard(f"the param {wanted.key!r}"):
                captured.params.append(Param(wanted.key, to_param_value(wanted.key, self._value(wanted, values)), Origin.LOGGED))
        for wanted in self.options.metrics:
            with self._problems.guard(f"the metric {wanted.key!r}"):
                captured.metrics.append(self._metric(wanted, values))

    def _value(self, wanted: Wanted, values: Mapping[str, Any]) -> Any:
        return eval(wanted.expression, dict(self.subject.namespace), dict(values))

    def _metric(self, wanted: Wanted, values: Mapping[str, Any]) -> InferredMetric:
        value = self._value(wanted, values)
        number = as_number(value)
        if number is None:
            raise CaptureFailed(f"the metric {wanted.key!r} is a {type(value).__name__}, and no number")
        return InferredMetric(wanted.key, number, definition=None if wanted.expression == wanted.key else wanted.expression)

    # --- data ----------------------------------------------------------------------------------

    def _data_read(self) -> dict[str, Any]:
        """What the code reads and has not bound itself before."""
        values, code = self.subject.values(), self.subject.code
        bound_first = {
            binding.name
            for binding in code.bindings
            if not binding.place.branch and binding.how is not How.AUGMENTED and binding.line < code.reads.get(binding.name, 0)
        }
        return {name: values[name] for name in code.reads if name in values and name not in bound_first and not name.startswith("_")}

    def _inputs(self, values: Mapping[str, Any]) -> list[DatasetInput]:
        read = self._data.join()
        inside = loaded_names(self.subject.code) - read.ready.keys()
        loaded = fingerprint_many({name: values[name] for name in sorted(inside) if name in values}, budget_s=DATA_BUDGET_S).join()
        for problem in (*read.failed.values(), *loaded.failed.values()):
            self._problems.note(str(problem))
        return [
            DatasetInput(dataset, [InputTag(CONTEXT_TAG, context)] if (context := guess_context(name)) else [])
            for name, dataset in {**read.ready, **loaded.ready}.items()
        ]

    # --- code ----------------------------------------------------------------------------------

    def _code(self, captured: Captured, cell: Cell, values: Mapping[str, Any]) -> None:
        subject = self.subject
        needed = Closure()
        with self._problems.guard("the earlier cells that the cell needs"):
            needed = closure(cell, subject.earlier_cells)
        captured.code = RunCode(subject.session_id, (*needed.cells, RunCell(cell, CellRole.OWN)), needed.unresolved)
        with self._problems.guard("seeds"):
            seeds, findings = seed_findings(subject.code, needed.cells, earlier=subject.earlier_names, values=values)
            captured.findings += findings
            if seeds:
                captured.facts["seeds"] = seeds
        with self._problems.guard("hidden state"):
            saved = subject.saved_cells
            known = saved is not None and saved.wait()
            captured.findings += hidden_state(
                cell,
                needed,
                subject.earlier_cells,
                notebook_cells=saved.cells if saved is not None and known else None,
                saved_at=saved.saved_at if saved is not None and known else None,
            )

    def _traceback(self, error: BaseException) -> str:
        text, cut = traceback_text(error, cell_traceback(error, self.subject.namespace), names=self.subject.file_names)
        return f"[... {cut:,} characters cut ...]\n{text}" if cut else text
