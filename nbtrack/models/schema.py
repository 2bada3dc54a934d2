"""What a model takes and gives: typed columns or tensors, in the JSON that MLflow writes into `MLmodel`.

The classes have MLflow's names and arguments, so that a schema written by hand for it reads the same
here. numpy is not imported: a tensor's dtype is kept by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nbtrack.errors import ModelError, did_you_mean

ColumnName = Any  # a string; an int or a tuple of strings where a frame has such labels; None if unnamed


class DataType(str, Enum):
    """The type of a single value."""

    boolean = "boolean"
    integer = "integer"  # 32 bits
    long = "long"  # 64 bits
    float = "float"  # 32 bits
    double = "double"  # 64 bits
    string = "string"
    binary = "binary"
    datetime = "datetime"

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return self.value

    @property
    def numpy_name(self) -> str:
        """The name of the numpy dtype that holds such values."""
        return _NUMPY_NAMES[self]


_NUMPY_NAMES = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.string: "str",
    DataType.binary: "bytes",
    DataType.datetime: "datetime64[ns]",
}


@dataclass(frozen=True)
class AnyType:
    """A value of any type: nothing is checked."""

    def to_dict(self) -> dict[str, Any]:
        return {"type": "any"}

    def __repr__(self) -> str:
        return "Any"


@dataclass(frozen=True)
class Array:
    """A list whose items have one type; ``dtype`` may be given by its name."""

    dtype: ValueType

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", value_type(self.dtype))

    def to_dict(self) -> dict[str, Any]:
        return {"type": "array", "items": _type_json(self.dtype)}

    def __repr__(self) -> str:
        return f"Array({self.dtype!r})"


@dataclass(frozen=True)
class Property:
    """One key of an `Object`."""

    name: str
    dtype: ValueType
    required: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", value_type(self.dtype))

    def to_dict(self) -> dict[str, Any]:
        return {self.name: {**_type_json(self.dtype), "required": self.required}}

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype!r} ({_need(self.required)})"


@dataclass(frozen=True)
class Object:
    """A dict with known keys, kept in the order of their names."""

    properties: Sequence[Property]

    def __post_init__(self) -> None:
        names = [item.name for item in self.properties]
        if not names:
            raise ModelError("an object type needs at least one property")
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ModelError(f"an object type has a property twice: {', '.join(sorted(repeated))}")
        object.__setattr__(self, "properties", tuple(sorted(self.properties, key=lambda item: item.name)))

    def to_dict(self) -> dict[str, Any]:
        return {"type": "object", "properties": {key: value for item in self.properties for key, value in item.to_dict().items()}}

    def __repr__(self) -> str:
        return f"{{{', '.join(repr(item) for item in self.properties)}}}"


@dataclass(frozen=True)
class Map:
    """A dict with any string keys, whose values have one type."""

    value_type: ValueType

    def __post_init__(self) -> None:
        object.__setattr__(self, "value_type", value_type(self.value_type))

    def to_dict(self) -> dict[str, Any]:
        return {"type": "map", "values": _type_json(self.value_type)}

    def __repr__(self) -> str:
        return f"Map(str -> {self.value_type!r})"


ValueType = DataType | Array | Object | Map | AnyType


def value_type(given: ValueType | str) -> ValueType:
    """A type given as such or by its name (``"double"``)."""
    if isinstance(given, (DataType, Array, Object, Map, AnyType)):
        return given
    if given == "any":
        return AnyType()
    if isinstance(given, str) and given in DataType.__members__:
        return DataType[given]
    known = [*DataType.__members__, "array", "object", "map", "any"]
    raise ModelError(f"a schema has the type {given!r}, which is none of {', '.join(known)}.{did_you_mean(str(given), known)}")


def type_from_dict(found: Mapping[str, Any]) -> ValueType:
    """Read a type from its JSON: ``{"type": "array", "items": {"type": "double"}}``."""
    kind = _key(found, "type", found)
    if kind == "array":
        return Array(type_from_dict(_key(found, "items", found)))
    if kind == "map":
        return Map(type_from_dict(_key(found, "values", found)))
    if kind == "object":
        properties = _key(found, "properties", found)
        return Object([Property(name, type_from_dict(item), _required(item)) for name, item in properties.items()])
    return value_type(kind)


@dataclass(frozen=True)
class ColSpec:
    """One column; ``type`` may be given by its name."""

    type: ValueType
    name: ColumnName = None
    required: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", value_type(self.type))

    def to_dict(self) -> dict[str, Any]:
        named = {} if self.name is None else {"name": self.name}
        return {**_type_json(self.type), **named, "required": self.required}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ColSpec:
        return cls(type_from_dict(found), _name(found), _required(found))

    def __repr__(self) -> str:
        named = "" if self.name is None else f"{self.name!r}: "
        return f"{named}{self.type!r} ({_need(self.required)})"


@dataclass(frozen=True)
class TensorSpec:
    """One tensor; -1 in ``shape`` stands for any length. ``type`` is a numpy dtype or its name."""

    type: Any
    shape: tuple[int, ...]
    name: ColumnName = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", tensor_type(self.type))
        object.__setattr__(self, "shape", tuple(int(length) for length in self.shape))

    def to_dict(self) -> dict[str, Any]:
        named = {} if self.name is None else {"name": self.name}
        return {**named, "type": "tensor", "tensor-spec": {"dtype": self.type, "shape": list(self.shape)}}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> TensorSpec:
        spec = _key(found, "tensor-spec", found)
        return cls(_key(spec, "dtype", found), tuple(_key(spec, "shape", found)), _name(found))

    @property
    def required(self) -> bool:
        """Always true: a tensor cannot be left out."""
        return True

    def __repr__(self) -> str:
        named = "" if self.name is None else f"{self.name!r}: "
        return f"{named}Tensor({self.type!r}, {self.shape})"


def tensor_type(dtype: Any) -> str:
    """The name of a numpy dtype without the length of its texts: ``float64``, ``str``, ``datetime64[D]``."""
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, type):
        return getattr(dtype, "__name__", str(dtype)).rstrip("_")
    return {"U": "str", "S": "bytes"}.get(dtype.kind, str(dtype.name))


@dataclass(frozen=True)
class Schema:
    """The columns, or the tensors, that a model takes or gives.

    Raises
    ------
    ModelError
        Columns and tensors are mixed, only some have names, a name is there twice, or unnamed tensors are several.
    """

    inputs: Sequence[ColSpec | TensorSpec]

    def __post_init__(self) -> None:
        specs = tuple(self.inputs)
        object.__setattr__(self, "inputs", specs)
        kinds = {type(spec) for spec in specs}
        names = [spec.name for spec in specs]
        if not specs:
            raise ModelError("a schema needs at least one column or tensor")
        if not (kinds == {ColSpec} or kinds == {TensorSpec}):
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ModelError(f"a schema holds either ColSpec or TensorSpec items; found {found}")
        if None in names and any(name is not None for name in names):
            raise ModelError("a schema has names for some of its items only; name all of them or none")
        if repeated := {str(name) for name in names if name is not None and names.count(name) > 1}:
            raise ModelError(f"a schema has a name twice: {', '.join(sorted(repeated))}")
        if kinds == {TensorSpec} and len(specs) > 1 and None in names:
            raise ModelError("a schema of several tensors needs their names")

    def is_tensor_spec(self) -> bool:
        """True for tensors, false for columns."""
        return isinstance(self.inputs[0], TensorSpec)

    def has_input_names(self) -> bool:
        """True if the items have names."""
        return self.inputs[0].name is not None

    def input_names(self) -> list[ColumnName]:
        """The names in order; positions where there are none."""
        return [position if spec.name is None else spec.name for position, spec in enumerate(self.inputs)]

    def required_input_names(self) -> list[ColumnName]:
        """Names of the items that must be there."""
        return [spec.name for spec in self.inputs if spec.name is not None and spec.required]

    def optional_input_names(self) -> list[ColumnName]:
        """Names of the items that may be left out."""
        return [spec.name for spec in self.inputs if spec.name is not None and not spec.required]

    def input_types(self) -> list[Any]:
        """The types in order: `DataType` and its like for columns, dtype names for tensors."""
        return [spec.type for spec in self.inputs]

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain lists and dicts, ready for JSON."""
        return [spec.to_dict() for spec in self.inputs]

    def to_json(self) -> str:
        """MLflow's JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read MLflow's JSON.

        Raises
        ------
        ModelError
            The text is no JSON, or no schema.
        """
        return cls.from_dict(read_json(text, "schema"))

    @classmethod
    def from_dict(cls, found: Sequence[Mapping[str, Any]]) -> Schema:
        """Read what `to_dict` wrote."""
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ModelError(f"a schema is a JSON list of objects; found {found!r:.80}")
        specs: list[Any] = [TensorSpec.from_dict(item) if item.get("type") == "tensor" else ColSpec.from_dict(item) for item in found]
        return cls(specs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        return iter(self.inputs)

    def __repr__(self) -> str:
        return f"[{', '.join(repr(spec) for spec in self.inputs)}]"


def read_json(text: str, what: str) -> Any:
    """Parse JSON out of a signature, or say that ``what`` is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the {what} of a signature is not JSON ({error}): {text!r:.80}") from error


def _type_json(given: ValueType) -> dict[str, Any]:
    return {"type": given.value} if isinstance(given, DataType) else given.to_dict()


def _key(found: Mapping[str, Any], key: str, whole: object) -> Any:
    if not isinstance(found, Mapping) or key not in found:
        raise ModelError(f"a schema lacks the key {key!r} in {whole!r:.120}")
    return found[key]


def _required(found: Mapping[str, Any]) -> bool:
    """Earlier versions of the format say ``optional`` instead."""
    return bool(found.get("required", not found.get("optional", False)))


def _name(found: Mapping[str, Any]) -> ColumnName:
    """The labels of a multi-index are tuples, which JSON holds as lists."""
    name = found.get("name")
    return tuple(name) if isinstance(name, list) else name


def _need(required: bool) -> str:
    return "required" if required else "optional"
