"""MLflow with its SQLite store, called as its documentation says."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from time import time_ns
from typing import Any
from uuid import uuid4

from tests.benchmarks.contenders import MLFLOW, FakeRun

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # no measuring of the measurement

import mlflow
from mlflow.entities import Metric

_FILTER = "params.model = 'forest' AND metrics.loss < 0.5"
_BATCH = 1000  # the most that one log_batch takes


class Mlflow:
    """The module functions, on ``sqlite:///`` in a folder of the benchmark."""

    name = MLFLOW

    def __init__(self) -> None:
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
            warnings.filterwarnings("ignore", module=name)
        self._empty: Path | None = None

    def use(self, folder: Path, *, power_safe: bool = False, prepared: bool = True) -> None:
        """Every commit of it is safe from a power cut. It takes seconds to make a store, so an empty one is kept to be copied."""
        self.close()
        self._database = folder / "mlflow.db"
        new = not self._database.exists()
        if new and prepared and self._empty is not None:
            shutil.copyfile(self._empty, self._database)
        mlflow.set_tracking_uri(f"sqlite:///{self._database}")
        if mlflow.get_experiment_by_name("bench") is None:
            mlflow.create_experiment("bench", artifact_location=(folder / "mlruns").as_uri())
        mlflow.set_experiment("bench")
        if new and self._empty is None:
            self._empty = folder.parent / "mlflow-empty.db"
            shutil.copyfile(self._database, self._empty)

    def start_run(self) -> str:
        run_id: str = mlflow.start_run().info.run_id
        return run_id

    def end_run(self) -> None:
        mlflow.end_run()

    def log(self, key: str, value: float, step: int) -> None:
        mlflow.log_metric(key, value, step)

    def log_step(self, metrics: Mapping[str, float], step: int) -> None:
        mlflow.log_metrics(dict(metrics), step)

    def log_bulk(self, series: Mapping[str, Sequence[float]]) -> None:
        now = time_ns() // 1_000_000
        points = [Metric(key, value, now, step) for key, values in series.items() for step, value in enumerate(values)]
        client, run_id = mlflow.MlflowClient(), mlflow.active_run().info.run_id
        for start in range(0, len(points), _BATCH):
            client.log_batch(run_id, metrics=points[start : start + _BATCH])

    def prepare_reading(self) -> None: ...

    def history(self, run_id: str, key: str) -> Any:
        import numpy

        points = sorted(mlflow.MlflowClient().get_metric_history(run_id, key), key=lambda point: point.step)
        return numpy.array([point.step for point in points]), numpy.array([point.timestamp for point in points]), numpy.array([point.value for point in points])

    def fill(self, runs: Sequence[FakeRun]) -> None:
        """Write the rows into its tables: through its API, 10,000 runs take many minutes."""
        experiment = int(mlflow.get_experiment_by_name("bench").experiment_id)
        connection = sqlite3.connect(self._database)
        with connection:
            for run in runs:
                run_id = uuid4().hex
                _insert(
                    connection,
                    "runs",
                    run_uuid=run_id,
                    name=run.name,
                    source_type="LOCAL",
                    source_name="",
                    entry_point_name="",
                    user_id="bench",
                    status="FINISHED",
                    start_time=run.start_time,
                    end_time=run.start_time + 1000,
                    source_version="",
                    lifecycle_stage="active",
                    artifact_uri=f"file:///{run_id}/artifacts",
                    experiment_id=experiment,
                )
                for key, value in run.params.items():
                    _insert(connection, "params", key=key, value=value, run_uuid=run_id)
                for key, value in {"mlflow.runName": run.name, "mlflow.user": "bench"}.items():
                    _insert(connection, "tags", key=key, value=value, run_uuid=run_id)
                for key, number in run.metrics.items():
                    for table in ("metrics", "latest_metrics"):
                        _insert(connection, table, key=key, value=number, timestamp=run.start_time, run_uuid=run_id, step=0, is_nan=False)
        connection.close()

    def best(self, count: int) -> list[str]:
        runs = mlflow.search_runs(filter_string=_FILTER, order_by=["metrics.accuracy DESC"], max_results=count, output_format="list")
        return [run.info.run_name for run in runs]

    def table(self) -> Any:
        return mlflow.search_runs(max_results=1_000_000)

    def log_model(self, model: Any) -> str:
        uri: str = mlflow.sklearn.log_model(model, name="model").model_uri
        return uri

    def load_model(self, uri: str) -> Any:
        return mlflow.sklearn.load_model(uri)

    def register_model(self, uri: str, name: str) -> int | str:
        with redirect_stderr(io.StringIO()):
            version: int | str = mlflow.register_model(uri, name).version
        return version

    def promote(self, name: str, version: int | str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # stages are deprecated there
            mlflow.MlflowClient().transition_model_version_stage(name, version, "Production")

    @contextmanager
    def autologging(self, *, models: bool) -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # how it calls scikit-learn's metrics
            mlflow.sklearn.autolog(log_models=models, silent=True)
            try:
                yield
            finally:
                mlflow.sklearn.autolog(disable=True)

    def close(self) -> None:
        mlflow.end_run()


def _insert(connection: sqlite3.Connection, table: str, **columns: Any) -> None:
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", tuple(columns.values()))


CONTENDER = Mlflow
