"""Keras and PyTorch Lightning under autologging."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.autologging.api import autolog, autolog_flavor
from nbtrack.autologging.quiet import quiet_capture
from nbtrack.entities import RunStatus
from nbtrack.tracking.session import current_session

pytestmark = pytest.mark.filterwarnings("ignore")

X = np.random.default_rng(0).random((64, 4), dtype="float32")
y = (X.sum(axis=1) > 2).astype("float32")


@pytest.fixture
def keras() -> Any:
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


@pytest.fixture
def lightning() -> Any:
    pytest.importorskip("torch")
    return pytest.importorskip("lightning.pytorch")


def _runs() -> list:
    return nbtrack.search_runs(output_format="list", search_all_experiments=True)


def _steps(run: Any, key: str) -> list[int]:
    return [point.step for point in current_session().store().metrics.history(run.info.run_id, key)]


def _network(keras: Any) -> Any:
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def _module(lightning: Any) -> Any:
    import torch

    class Net(lightning.LightningModule):
        def __init__(self, hidden: int = 3) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = ((self(batch[0]) - batch[1]) ** 2).mean()
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.01)

    return Net()


def _loader() -> Any:
    import torch

    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(y)[:, None]), batch_size=16)


def _trainer(lightning: Any, **options: Any) -> Any:
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return lightning.Trainer(accelerator="cpu", **quiet, **options)


def test_keras_logs_each_epoch_the_optimizer_the_data_and_the_model(keras: Any) -> None:
    autolog()
    model = _network(keras)
    history = model.fit(X, y, epochs=3, batch_size=16, verbose=0, validation_data=(X[:8], y[:8]))
    (run,) = _runs()
    assert run.data.params["epochs"] == 3
    assert run.data.params["batch_size"] == 16
    assert run.data.params["optimizer_name"] == "Adam"
    assert run.data.params["optimizer_learning_rate"] == pytest.approx(0.01)
    assert run.data.params["total_params"] == 19
    assert _steps(run, "loss") == [0, 1, 2]
    assert run.data.metrics["val_accuracy"] == pytest.approx(history.history["val_accuracy"][-1])
    assert {(item.dataset.name, item.context) for item in run.inputs.dataset_inputs} >= {("X", "train"), ("y", "train"), ("validation_x", "eval")}
    files = {item.path for item in current_session().store().artifacts.all(run.info.run_id)}
    assert {"model_summary.txt", "model/MLmodel"} <= files
    assert current_session().store().facts.findings(run.info.run_id) == []
    loaded = nbtrack.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.predict(X, verbose=0) == pytest.approx(model.predict(X, verbose=0))


def test_keras_second_fit_is_a_child_and_a_failing_one_fails(keras: Any) -> None:
    autolog(log_models=False)
    model = _network(keras)
    with nbtrack.start_run() as run:
        model.fit(X, y, epochs=1, verbose=0)
        model.fit(X, y, epochs=2, verbose=0)
    (child,) = run.store.runs.children(run.run_id)
    assert (run.data.params["epochs"], run.store.runs.get(child.run_id).data.params["epochs"]) == (1, 2)
    with pytest.raises(ValueError, match=r"."):
        model.fit(X[:, :2], y, verbose=0)
    assert nbtrack.last_active_run().info.status is RunStatus.FAILED


def test_keras_every_second_epoch_and_the_users_callbacks(keras: Any) -> None:
    seen = []
    autolog_flavor("keras", log_models=False, log_every_n_epoch=2)
    _network(keras).fit(X, y, epochs=4, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))])
    (run,) = _runs()
    assert _steps(run, "loss") == [0, 2]
    assert seen == [0, 1, 2, 3]


def test_keras_is_left_as_it_was_and_noted_quietly(keras: Any) -> None:
    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in vars(cls))
    before = vars(trainer)["fit"]
    autolog()
    assert vars(trainer)["fit"] is not before
    autolog(disable=True)
    assert vars(trainer)["fit"] is before
    model = _network(keras)
    with quiet_capture() as capture:
        model.fit(X, y, epochs=1, verbose=0)
        model.predict(X, verbose=0)
    (fit,) = capture.fits()
    assert fit.model is model
    assert fit.params["optimizer_name"] == "Adam"
    assert set(fit.params) == {"optimizer_name", "optimizer_learning_rate"}


def test_lightning_logs_each_epoch_hyperparameters_and_the_module(lightning: Any) -> None:
    autolog()
    module, loader, trainer = _module(lightning), _loader(), _trainer(lightning, max_epochs=2)
    trainer.fit(module, loader)
    (run,) = _runs()
    assert run.data.params["hidden"] == 3
    assert run.data.params["epochs"] == 2
    assert run.data.params["optimizer_name"] == "Adam"
    assert run.data.params["lr"] == 0.01
    assert run.data.params["total_params"] == 5
    assert _steps(run, "train_loss") == [0, 1]
    assert {(item.dataset.name, item.context) for item in run.inputs.dataset_inputs} == {("loader.0", "train"), ("loader.1", "train")}
    assert trainer.callbacks == []
    files = {item.path for item in current_session().store().artifacts.all(run.info.run_id)}
    assert {"model_summary.txt", "model/MLmodel"} <= files
    assert current_session().store().facts.findings(run.info.run_id) == []


def test_lightning_is_left_as_it_was_and_noted_quietly(lightning: Any) -> None:
    before = vars(lightning.Trainer)["fit"]
    autolog()
    assert vars(lightning.Trainer)["fit"] is not before
    autolog(disable=True)
    assert vars(lightning.Trainer)["fit"] is before
    module = _module(lightning)
    with quiet_capture() as capture:
        trainer = _trainer(lightning, max_epochs=1)
        trainer.fit(module, _loader())
    (fit,) = capture.fits()
    assert fit.model is module
    assert (fit.title, dict(fit.params)) == ("Net", {"max_epochs": 1})


def test_lightning_fails_truthfully(lightning: Any) -> None:
    module = _module(lightning)
    module.training_step = lambda *batch: 1 / 0
    autolog(log_models=False)
    with pytest.raises(ZeroDivisionError):
        _trainer(lightning, max_epochs=1).fit(module, _loader())
    (run,) = _runs()
    assert run.info.status is RunStatus.FAILED
