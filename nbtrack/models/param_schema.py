"""The params that a model takes at prediction: their types and defaults, and what is passed made to fit them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nbtrack.errors import ModelError, SchemaMismatch
from nbtrack.models.schema import Array, DataType, Object, Property, ValueType, read_json, type_from_dict, value_type

_INTEGER_LIMITS = {DataType.integer: 2**31, DataType.long: 2**63}
_EXACT_FLOATS = {DataType.float: 2**24, DataType.double: 2**53}  # whole numbers up to here are floats without loss


@dataclass(frozen=True)
class ParamSpec:
    """One param: ``shape`` is None for a single value or a dict, ``(-1,)`` for a list.

    Raises
    ------
    ModelError
        The default does not have the type.
    """

    name: str
    dtype: Any
    default: Any
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "name", str(self.name))
        set_field(self, "dtype", value_type(self.dtype))
        set_field(self, "shape", None if self.shape is None else tuple(self.shape))
        if self.dtype is DataType.binary or not isinstance(self.dtype, (DataType, Object)):
            raise ModelError(f"the param {self.name!r} has the type {self.dtype!r}; a param is a number, text, boolean, datetime, a list of these, or a dict")
        if self.shape not in (None, (-1,)) or (self.shape and isinstance(self.dtype, Object)):
            raise ModelError(f"the param {self.name!r} has the shape {self.shape}; use None for a single value or a dict, (-1,) for a list")
        try:
            set_field(self, "default", self.convert(self.default))
        except SchemaMismatch as error:
            raise ModelError(f"the default of the param {self.name!r}: {error}") from None

    def convert(self, value: Any) -> Any:
        """Return ``value`` as plain Python objects of this param's type.

        Raises
        ------
        SchemaMismatch
            The value does not fit, or would not be the same after the cast.
        """
        if self.shape is None:
            return value if isinstance(self.dtype, Object) and fits(value, self.dtype) else _single(value, self.dtype)
        items = value.tolist() if _is_vector(value) else value
        if not isinstance(items, list):
            raise SchemaMismatch(f"a list of {self.dtype!r} is wanted; found {type(value).__name__}: {value!r:.80}")
        return [_single(item, self.dtype) for item in items]

    def to_dict(self) -> dict[str, Any]:
        default = [_json_value(item) for item in self.default] if self.shape else _json_value(self.default)
        shape = None if self.shape is None else list(self.shape)
        kind = {"type": self.dtype.value} if isinstance(self.dtype, DataType) else self.dtype.to_dict()
        return {"name": self.name, "default": default, "shape": shape, **kind}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ParamSpec:
        if not isinstance(found, dict) or not {"name", "default"} <= found.keys():
            raise ModelError(f"a param of a signature needs a name and a default; found {found!r:.120}")
        shape = found.get("shape")
        kind = found if "type" in found else {**found, "type": found.get("dtype")}
        return cls(found["name"], type_from_dict(kind), found["default"], None if shape is None else tuple(shape))

    def __repr__(self) -> str:
        shape = f" (shape: {self.shape})" if self.shape is not None else ""
        return f"{self.name!r}: {self.dtype!r} (default: {self.default}){shape}"


@dataclass(frozen=True)
class ParamSchema:
    """The params of a model, each with its default."""

    params: Sequence[ParamSpec]

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", tuple(self.params))
        names = [spec.name for spec in self.params]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ModelError(f"a signature has a param twice: {', '.join(sorted(repeated))}")

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain lists and dicts, ready for JSON."""
        return [spec.to_dict() for spec in self.params]

    def to_json(self) -> str:
        """MLflow's JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> ParamSchema:
        """Read MLflow's JSON; a `ModelError` says what is wrong with it."""
        found = read_json(text, "params")
        if not isinstance(found, list):
            raise ModelError(f"the params of a signature are a JSON list; found {text!r:.80}")
        return cls([ParamSpec.from_dict(item) for item in found])

    def __len__(self) -> int:
        return len(self.params)

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def __repr__(self) -> str:
        return repr(list(self.params))


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """The schema of ``params``, each value being its param's default.

    Raises
    ------
    ModelError
        A value is no number, text, boolean, datetime, list of these, or dict.
    """
    if not isinstance(params, Mapping):
        raise ModelError(f"the params of a signature are a dict; found {type(params).__name__}: {params!r:.80}")
    return ParamSchema([_infer_param(str(name), value) for name, value in params.items()])


def enforce_params(params: Mapping[str, Any] | None, schema: ParamSchema | None) -> dict[str, Any]:
    """Fill defaults, leave out what the schema does not know (with a warning), and check the types.

    Raises
    ------
    SchemaMismatch
        ``params`` is no dict, or values do not fit; all of them are named.
    """
    if params is not None and not isinstance(params, Mapping):
        raise SchemaMismatch(f"params are a dict of names and values; found {type(params).__name__}: {params!r:.80}")
    given = {str(name): value for name, value in (params or {}).items()}
    if schema is None:
        if given:
            warnings.warn(f"the params {sorted(given)} are ignored: the model's signature has none. Pass params= to infer_signature to add them", stacklevel=4)
        return {}
    known = {spec.name for spec in schema}
    if unknown := sorted(given.keys() - known):
        warnings.warn(f"the params {unknown} are ignored: the model's signature does not have them. It has {sorted(known)}", stacklevel=4)
    fitted, problems = {}, {}
    for spec in schema:
        try:
            fitted[spec.name] = spec.convert(given[spec.name]) if spec.name in given else spec.default
        except SchemaMismatch as error:
            problems[spec.name] = str(error)
    if problems:
        raise SchemaMismatch(f"Invalid parameters found: {problems!r}")
    return fitted


def fits(value: Any, wanted: ValueType) -> bool:
    """True if a nested value has the keys and types of ``wanted``; raises `SchemaMismatch` if not."""
    if isinstance(wanted, Object):
        if not isinstance(value, dict):
            raise SchemaMismatch(f"a dict is wanted; found {type(value).__name__}: {value!r:.80}")
        known = {item.name: item for item in wanted.properties}
        missing = [name for name, item in known.items() if item.required and name not in value]
        if missing or value.keys() - known.keys():
            raise SchemaMismatch(f"a dict with the keys {sorted(known)} is wanted; found {sorted(map(str, value))}")
        return all(fits(item, known[key].dtype) for key, item in value.items() if item is not None or known[key].required)
    if isinstance(wanted, Array):
        items = value.tolist() if _is_vector(value) else value
        if not isinstance(items, list):
            raise SchemaMismatch(f"a list is wanted; found {type(value).__name__}: {value!r:.80}")
        return all(fits(item, wanted.dtype) for item in items)
    if isinstance(wanted, DataType):
        _single(value, wanted)
    return True


def _single(value: Any, wanted: Any) -> Any:
    """One value as a plain Python object of the wanted type."""
    plain = value.item() if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value
    if plain is None:
        return None
    if wanted is DataType.datetime:
        return _as_datetime(value)
    is_integer = isinstance(plain, int) and not isinstance(plain, bool)
    if (wanted is DataType.boolean and isinstance(plain, bool)) or (wanted is DataType.string and isinstance(plain, str)):
        return plain
    if wanted in _INTEGER_LIMITS and is_integer and -_INTEGER_LIMITS[wanted] <= plain < _INTEGER_LIMITS[wanted]:
        return plain
    if wanted in _EXACT_FLOATS and (isinstance(plain, float) or (is_integer and abs(plain) <= _EXACT_FLOATS[wanted])):
        return float(plain)
    raise SchemaMismatch(f"{wanted!r} is wanted; found {type(value).__name__}: {value!r:.80}")


def _as_datetime(value: Any) -> date:
    """A date or datetime from itself, a numpy or pandas one, or ISO text."""
    found = value.item() if type(value).__module__ == "numpy" else value
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found.replace("Z", "+00:00"))
        except ValueError:
            pass  # said below
    if isinstance(found, date):
        return found
    raise SchemaMismatch(f"datetime is wanted, as such or as ISO text; found {type(value).__name__}: {value!r:.80}")


def _infer_param(name: str, value: Any) -> ParamSpec:
    try:
        if isinstance(value, dict):
            return ParamSpec(name, Object([Property(str(key), _infer_nested(item)) for key, item in value.items()]), value)
        if isinstance(value, list) or _is_vector(value):
            items = value.tolist() if not isinstance(value, list) else value
            kinds = {_infer_single(item) for item in items} or {DataType.string}
            return ParamSpec(name, _wider(kinds), items, (-1,))
        return ParamSpec(name, _infer_single(value), value)
    except ModelError as error:
        raise ModelError(f"no type for the param {name!r} of the signature: {error}") from None


def _infer_nested(value: Any) -> ValueType:
    if isinstance(value, dict):
        return Object([Property(str(key), _infer_nested(item)) for key, item in value.items()])
    if isinstance(value, list) or _is_vector(value):
        return Array(_wider({_infer_single(item) for item in value} or {DataType.string}))
    return _infer_single(value)


def _infer_single(value: Any) -> DataType:
    """numpy scalars keep their width; Python numbers have 64 bits."""
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        narrow = {"int8", "int16", "int32", "uint8", "uint16"}
        name = str(value.dtype)
        if name in narrow or name in ("float16", "float32"):
            return DataType.integer if name in narrow else DataType.float
        value = value.item()
    for kinds, found in (
        (bool, DataType.boolean),
        (int, DataType.long),
        (float, DataType.double),
        (str, DataType.string),
        (date, DataType.datetime),
    ):
        if isinstance(value, kinds):
            return found
    raise ModelError(f"a param is a number, text, boolean, datetime, a list of these, or a dict; found {type(value).__name__}: {value!r:.80}")


def _wider(kinds: set[DataType]) -> DataType:
    """The one type of a list's items; whole numbers among others count as such."""
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds <= {DataType.integer, DataType.long}:
        return DataType.long
    if kinds <= {DataType.integer, DataType.long, DataType.float, DataType.double}:
        return DataType.double
    raise ModelError(f"the items of a list have one type; found {', '.join(sorted(kinds))}")


def _is_vector(value: Any) -> bool:
    return hasattr(value, "tolist") and getattr(value, "ndim", None) == 1


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
