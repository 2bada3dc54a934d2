"""``mlflow.types.schema``."""

from __future__ import annotations

from nbtrack.models.param_schema import ParamSchema, ParamSpec
from nbtrack.models.schema import AnyType, Array, ColSpec, DataType, Map, Object, Property, Schema, TensorSpec

__all__ = ["AnyType", "Array", "ColSpec", "DataType", "Map", "Object", "ParamSchema", "ParamSpec", "Property", "Schema", "TensorSpec"]
