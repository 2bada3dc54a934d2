"""``mlflow.protos.databricks_pb2``: the numbers of MLflow's error codes, for programs that compare them."""

from __future__ import annotations

INTERNAL_ERROR = 1
TEMPORARILY_UNAVAILABLE = 2
IO_ERROR = 3
BAD_REQUEST = 4
DEADLINE_EXCEEDED = 7
CANCELLED = 8
RESOURCE_EXHAUSTED = 9
ABORTED = 10
NOT_FOUND = 11
ALREADY_EXISTS = 12
UNAUTHENTICATED = 13
INVALID_PARAMETER_VALUE = 1000
ENDPOINT_NOT_FOUND = 1001
MALFORMED_REQUEST = 1002
INVALID_STATE = 1003
PERMISSION_DENIED = 1004
FEATURE_DISABLED = 1005
CUSTOMER_UNAUTHORIZED = 1006
REQUEST_LIMIT_EXCEEDED = 1007
RESOURCE_CONFLICT = 1008
NOT_IMPLEMENTED = 1010
DATA_LOSS = 1011
RESOURCE_ALREADY_EXISTS = 3001
RESOURCE_DOES_NOT_EXIST = 3002

_NUMBERS = {name: number for name, number in globals().items() if name.isupper() and isinstance(number, int)}
_NAMES = {number: name for name, number in _NUMBERS.items()}


class ErrorCode:
    """The numbers by name and the names by number."""

    @staticmethod
    def Name(number: int) -> str:  # noqa: N802 - protobuf's name
        """The name of a code. Raises ``ValueError``."""
        if number not in _NAMES:
            raise ValueError(f"there is no error code {number!r}")
        return _NAMES[number]

    @staticmethod
    def Value(name: str) -> int:  # noqa: N802 - protobuf's name
        """The number of a code. Raises ``ValueError``."""
        if name not in _NUMBERS:
            raise ValueError(f"there is no error code {name!r}")
        return _NUMBERS[name]
