"""nbtrack as its users call it: the module functions, and the client."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbtrack
from nbtrack.config import DURABILITY
from nbtrack.entities import Param, RunStatus
from nbtrack.ids import DEFAULT_EXPERIMENT_ID, new_run_id
from nbtrack.store.base import NewRun
from nbtrack.tracking.session import current_session
from tests.benchmarks.contenders import NBTRACK, FakeRun

_FILTER = "params.model = 'forest' AND metrics.loss < 0.5"


class Nbtrack:
    """The public functions, on a store in a folder of the benchmark."""

    name = NBTRACK

    def use(self, folder: Path, *, power_safe: bool = False, prepared: bool = True) -> None:
        self.close()
        os.environ[DURABILITY] = "full" if power_safe else "normal"
        nbtrack.set_tracking_uri(folder)
        current_session().store()

    def start_run(self) -> str:
        return nbtrack.start_run().run_id

    def end_run(self) -> None:
        nbtrack.end_run()

    def log(self, key: str, value: float, step: int) -> None:
        nbtrack.log_metric(key, value, step)

    def log_step(self, metrics: Mapping[str, float], step: int) -> None:
        nbtrack.log_metrics(metrics, step)

    def log_bulk(self, series: Mapping[str, Sequence[float]]) -> None:
        nbtrack.log_metrics(series)

    def prepare_reading(self) -> None: ...

    def history(self, run_id: str, key: str) -> Any:
        frame = nbtrack.Client().metric_frame(run_id, key)
        return frame["step"].to_numpy(), frame["timestamp"].to_numpy("datetime64[ms]"), frame["value"].to_numpy()

    def fill(self, runs: Sequence[FakeRun]) -> None:
        store = current_session().store()
        with store.transaction():
            for run in runs:
                run_id = new_run_id()
                tags = {"mlflow.runName": run.name, "mlflow.user": "bench"}
                store.runs.create(NewRun(run_id, DEFAULT_EXPERIMENT_ID, run.name, "bench", run.start_time, tags=tags))
                store.params.log(run_id, [Param(key, value) for key, value in run.params.items()])
                for key, value in run.metrics.items():
                    store.metrics.log(run_id, key, value, 0, run.start_time)
                store.runs.update(run_id, status=RunStatus.FINISHED, end_time=run.start_time + 1000)

    def best(self, count: int) -> list[str]:
        runs = nbtrack.search_runs(filter_string=_FILTER, order_by=["metrics.accuracy DESC"], max_results=count, output_format="list")
        return [run.info.run_name for run in runs]

    def table(self) -> Any:
        return nbtrack.search_runs(max_results=1_000_000)

    def log_model(self, model: Any) -> str:
        return nbtrack.log_model(model).model_uri

    def load_model(self, uri: str) -> Any:
        return nbtrack.load_model(uri)

    def register_model(self, uri: str, name: str) -> int | str:
        return nbtrack.register_model(uri, name).version

    def promote(self, name: str, version: int | str) -> None:
        nbtrack.Client().transition_model_version_stage(name, version, "Production")

    @contextmanager
    def autologging(self, *, models: bool) -> Iterator[None]:
        nbtrack.autolog(log_models=models, silent=True)
        try:
            yield
        finally:
            nbtrack.autolog(disable=True)

    def close(self) -> None:
        current_session().close()


CONTENDER = Nbtrack
