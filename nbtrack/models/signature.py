"""The signature of a model: what it takes, what it gives, and its params."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import ModelError
from nbtrack.models.param_schema import ParamSchema, infer_params
from nbtrack.models.schema import Schema


@dataclass(frozen=True)
class ModelSignature:
    """Schema of inputs, outputs and params; at least one of them is there."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: ParamSchema | None = None

    def __post_init__(self) -> None:
        if self.inputs is None and self.outputs is None and self.params is None:
            raise ModelError("At least one of inputs, outputs or params must be provided")
        for name, kind in (("inputs", Schema), ("outputs", Schema), ("params", ParamSchema)):
            found = getattr(self, name)
            if found is not None and not isinstance(found, kind):
                raise ModelError(f"{name} of a signature must be a {kind.__name__}; found {type(found).__name__}. infer_signature(data) makes one from data")

    def to_dict(self) -> dict[str, str | None]:
        """The parts as JSON texts, None where a part is missing: what the ``MLmodel`` file holds."""
        return {
            "inputs": self.inputs.to_json() if self.inputs else None,
            "outputs": self.outputs.to_json() if self.outputs else None,
            "params": self.params.to_json() if self.params else None,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, str | None]) -> ModelSignature:
        """Read what `to_dict`, or MLflow, wrote.

        Raises
        ------
        ModelError
            A part is no JSON or no schema.
        """
        inputs, outputs, params = found.get("inputs"), found.get("outputs"), found.get("params")
        return cls(
            Schema.from_json(inputs) if inputs else None,
            Schema.from_json(outputs) if outputs else None,
            ParamSchema.from_json(params) if params else None,
        )

    def __repr__(self) -> str:
        return f"inputs: \n  {self.inputs!r}\noutputs: \n  {self.outputs!r}\nparams: \n  {self.params!r}\n"


def infer_signature(model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None) -> ModelSignature:
    """Infer a signature from the data that a model was fitted on, its predictions, and the defaults of its params.

    Parameters
    ----------
    model_input, model_output
        A DataFrame, Series, array, sparse matrix, dict or list of these or of plain values.
    params
        Param name -> default.

    Raises
    ------
    ModelError
        Nothing was given, or a param has no type.
    """
    from nbtrack.models.schema_inference import infer_schema  # loads numpy

    return ModelSignature(
        None if model_input is None else infer_schema(model_input, what="input"),
        None if model_output is None else infer_schema(model_output, what="output"),
        infer_params(params) if params else None,
    )
