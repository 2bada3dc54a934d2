"""The models that a tracked cell fits: noted while it runs, the last one logged when it has ended."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from nbtrack.entities import Origin, Param
from nbtrack.errors import CaptureFailed, InvalidInput
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.values import to_param_value

# A larger model is the user's to log: it would make the end of the cell, and the store, heavy.
MAX_MODEL_BYTES = 50_000_000
MODEL_NAME = "model"
_SIGNATURE_ROWS = 100
_UNKNOWN = object()


class FittedModels:
    """Notes the fits of a cell, without taking part in them."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._capture: Any = None

    def start(self) -> None:
        """Note fits from now on."""
        from nbtrack.autologging.quiet import quiet_capture

        self._capture = self._stack.enter_context(quiet_capture())

    def stop(self) -> None:
        """Note no more."""
        self._stack.close()

    def params(self, known: Sequence[Param]) -> list[Param]:
        """The params of the fits that differ from the library's defaults, but for what is ``known``.

        A step's param in a pipeline, such as ``logisticregression__C``, is known if ``C`` has that value.
        """
        found = {} if self._capture is None else self._capture.params()
        values = {param.key: param.value for param in known}
        plain = {key: to_param_value(key, value) for key, value in found.items() if key not in values}
        return [Param(key, value, Origin.AUTOLOG) for key, value in plain.items() if values.get(key.rpartition("__")[2], _UNKNOWN) != value]

    def log(self, run: ActiveRun, values: Mapping[str, Any], register: str | None) -> None:
        """Log the model that was fitted last, and register it if that is asked for; nothing if the cell logged one itself.

        Raises
        ------
        CaptureFailed
            There is nothing to register.
        NbtrackError
            The model can't be saved, or is too large.
        """
        logged = run.store.registry.logged_models.of_run(run.run_id)
        fits = [] if self._capture is None else [fit for fit in self._capture.fits() if hasattr(fit.model, "predict")]
        if logged:
            if register is not None:
                run.register_model(f"models:/{logged[-1].model_id}", register)
        elif fits:
            run.log_model(fits[-1].model, MODEL_NAME, signature=_signature(fits[-1], values), registered_model_name=register, max_bytes=MAX_MODEL_BYTES)
        elif register is not None:
            raise CaptureFailed(
                f"the cell fitted no model that could be registered as {register!r}; log it with nbtrack.log_model(model, registered_model_name=...)"
            )


def _signature(fit: Any, values: Mapping[str, Any]) -> Any:
    """What the model takes and gives, from a few rows of the data at hand; None where there is none that fits."""
    from nbtrack.models.signature import infer_signature

    example = fit.example_among(values)
    if example is None:
        return None
    rows = example[:_SIGNATURE_ROWS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user did not ask for this prediction
        try:
            return infer_signature(rows, fit.model.predict(rows))
        except (InvalidInput, ValueError, TypeError):  # data that the model does not take after all
            return None
