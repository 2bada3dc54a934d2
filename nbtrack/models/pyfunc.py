"""A loaded model behind one ``predict``, whatever library made it, with its signature enforced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.errors import ModelError
from nbtrack.models.enforcement import enforce
from nbtrack.models.flavors.base import Predictor
from nbtrack.models.flavors.python_function import PythonPredictor
from nbtrack.models.input_example import read_example
from nbtrack.models.manifest import Manifest
from nbtrack.models.python_model import PythonModel, PythonModelContext

__all__ = ["PyFuncModel", "PythonModel", "PythonModelContext"]


class PyFuncModel:
    """What `load_model(..., flavor="pyfunc")` gives: ``predict(data, params=None)``, and ``metadata``, the manifest."""

    def __init__(self, manifest: Manifest, predictor: Predictor, folder: Path) -> None:
        self.metadata = manifest
        self._predictor = predictor
        self._folder = folder

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``, made to fit the model's signature first.

        Raises
        ------
        SchemaMismatch
            Data or params do not fit the signature.
        """
        fitted, values = enforce(data, params, self.metadata.signature)
        has_params = params is not None or self.metadata.get_params_schema() is not None
        return self._predictor.predict(fitted, values if has_params else None)

    @property
    def model_id(self) -> str | None:
        """The id that a store gave the model; None for a folder that was never logged."""
        return self.metadata.model_id

    @property
    def input_example(self) -> Any:
        """The data of the input example that the model was saved with; None without one."""
        info = self.metadata.saved_input_example_info
        return read_example(self._folder, info).data if info else None

    def unwrap_python_model(self) -> Any:
        """The `PythonModel` that was saved.

        Raises
        ------
        ModelError
            The model is of another flavor.
        """
        if not isinstance(self._predictor, PythonPredictor):
            raise ModelError(f"the model is no PythonModel but of the flavor {self._flavor()}; get_raw_model() gives it as its library made it")
        return self._predictor.model

    def get_raw_model(self) -> Any:
        """The model as its library made it."""
        return self._predictor.native if isinstance(self._predictor, PythonPredictor) else self._predictor.model

    def _flavor(self) -> str:
        return next((name for name in self.metadata.flavors if name != "python_function"), "python_function")

    def __repr__(self) -> str:
        known = {"flavor": self._flavor(), "model_id": self.model_id, "run_id": self.metadata.run_id}
        return f"PyFuncModel({', '.join(f'{name}={value}' for name, value in known.items() if value)})"
