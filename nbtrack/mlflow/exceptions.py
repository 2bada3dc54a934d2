"""``mlflow.exceptions``: what a call under MLflow's names raises."""

from __future__ import annotations

import json
from typing import Any

from nbtrack.mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, ErrorCode

_HTTP_STATUS = {
    "BAD_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "CUSTOMER_UNAUTHORIZED": 401,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "ENDPOINT_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_CONFLICT": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class MlflowException(Exception):
    """A call that was refused; ``error_code`` is the name of MLflow's code, ``__cause__`` nbtrack's own error.

    Parameters
    ----------
    error_code
        The code's number, as in ``mlflow.protos.databricks_pb2``, or its name.
    """

    def __init__(self, message: object, error_code: int | str = INTERNAL_ERROR, **kwargs: Any) -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.error_code = _code_name(error_code)
        self.json_kwargs = kwargs

    def get_http_status_code(self) -> int:
        """The status that a server answers with."""
        return _HTTP_STATUS.get(self.error_code, 500)

    def serialize_as_json(self) -> str:
        """The body that a server answers with."""
        return json.dumps({"error_code": self.error_code, "message": self.message, **self.json_kwargs})

    @classmethod
    def invalid_parameter_value(cls, message: str, **kwargs: Any) -> MlflowException:
        """An error with the code ``INVALID_PARAMETER_VALUE``."""
        return cls(message, error_code=INVALID_PARAMETER_VALUE, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.error_code)


class RestException(MlflowException):
    """An answer of a server that is an error; kept for programs that catch it."""


class ExecutionException(MlflowException):
    """A project that failed; kept for programs that catch it."""


class MissingConfigException(MlflowException):
    """A configuration that is not there; kept for programs that catch it."""


def _code_name(code: int | str) -> str:
    try:
        return ErrorCode.Name(code) if isinstance(code, int) else ErrorCode.Name(ErrorCode.Value(code))
    except ValueError:
        return "INTERNAL_ERROR"
