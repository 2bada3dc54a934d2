"""Real stores in the working directory of the test, and a way to call the command line in this process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.main import cli

NbtrackCommand = Callable[..., Result]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> NbtrackCommand:
    """``call("runs", "list", width=80)``: what the command writes, with ``exit_code``."""

    def invoke(*arguments: str, width: int = 120, input: str | None = None) -> Result:
        monkeypatch.setenv("COLUMNS", str(width))
        return CliRunner().invoke(cli, list(arguments), prog_name="nbtrack", input=input)

    return invoke


def make_run(name: str, *, params: dict[str, object] | None = None, metrics: dict[str, float] | None = None, tags: dict[str, str] | None = None) -> str:
    """A finished run in the active experiment, which started later than those before; its id."""
    later()
    with nbtrack.start_run(run_name=name, tags=tags or {}) as run:
        run.log_params(params or {})
        run.log_metrics(metrics or {})
    return run.run_id


def later() -> None:
    """Wait for the next millisecond, in which the order of runs is kept."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


@pytest.fixture
def tumours() -> dict[str, str]:
    """Three finished runs of one experiment and one that failed, by name."""
    nbtrack.set_experiment("tumours")
    ids = {
        "logistic": make_run("logistic", params={"C": 0.5, "seed": 0}, metrics={"auc": 0.981, "loss": 0.30}),
        "forest": make_run("forest", params={"trees": 300, "depth": None, "seed": 0}, metrics={"auc": 0.993, "loss": 0.25}, tags={"family": "trees"}),
        "boosting": make_run("boosting", params={"trees": 150, "rate": 0.1, "seed": 0}, metrics={"auc": 0.990, "loss": 0.22}),
    }
    later()
    with pytest.raises(ValueError, match="not a number"), nbtrack.start_run(run_name="broken") as run:
        ids["broken"] = run.run_id
        run.log_params({"seed": 0})
        raise ValueError("not a number: 'fast'")
    return ids


@pytest.fixture
def curve() -> str:
    """A run with a series of four points, one of them NaN, and two artifacts."""
    with nbtrack.start_run(run_name="curve") as run:
        for step, value in enumerate((0.9, math.nan, 0.4, 0.5)):
            run.log_metric("loss", value, step=step)
        run.log_text("one\n", "notes/first.txt")
        run.log_dict({"threshold": 0.5}, "config.json")
    return run.run_id


def words(text: str) -> list[Sequence[str]]:
    """The words of each line."""
    return [line.split() for line in text.splitlines()]
