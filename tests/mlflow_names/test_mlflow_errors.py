"""Errors: which of nbtrack's is which of MLflow's."""

from __future__ import annotations

import inspect
import json
import pickle

import pytest

from nbtrack import errors
from nbtrack.mlflow._errors import as_mlflow_error, speaks_mlflow
from nbtrack.mlflow.exceptions import MlflowException
from nbtrack.mlflow.protos.databricks_pb2 import INTERNAL_ERROR, RESOURCE_DOES_NOT_EXIST, ErrorCode

WITH_FIELDS = {
    errors.InvalidFilter: errors.InvalidFilter("no", text="a", column=1),
    errors.InvalidPolicy: errors.InvalidPolicy("no", source="p.yml"),
    errors.PromotionRefused: errors.PromotionRefused("m", 1, "Production", []),
}
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.NbtrackError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_of_nbtrack_has_a_code_of_mlflow(kind):
    error = WITH_FIELDS.get(kind) or kind("what happened")
    found = as_mlflow_error(error)
    if kind is errors.MissingDependency:
        assert found is error
        return
    assert isinstance(found, MlflowException)
    assert found.message == str(error)
    assert ErrorCode.Value(found.error_code)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (errors.InvalidName, "INVALID_PARAMETER_VALUE", 400),
        (errors.RunNotFound, "RESOURCE_DOES_NOT_EXIST", 404),
        (errors.AliasNotFound, "INVALID_PARAMETER_VALUE", 400),
        (errors.AlreadyExists, "RESOURCE_ALREADY_EXISTS", 400),
        (errors.ParamFrozen, "INVALID_PARAMETER_VALUE", 400),
        (errors.PromotionOvertaken, "RESOURCE_CONFLICT", 409),
        (errors.NotPermitted, "PERMISSION_DENIED", 403),
        (errors.StoreBusy, "TEMPORARILY_UNAVAILABLE", 503),
        (errors.CaptureFailed, "INTERNAL_ERROR", 500),
    ],
)
def test_codes_and_statuses(kind, code, status):
    found = as_mlflow_error(kind("what happened"))
    assert isinstance(found, MlflowException)
    assert (found.error_code, found.get_http_status_code()) == (code, status)


def test_the_cause_is_nbtracks_own_error_and_other_errors_pass():
    @speaks_mlflow
    def fail(error):
        raise error

    original = errors.RunNotFound("no run")
    with pytest.raises(MlflowException) as caught:
        fail(original)
    assert caught.value.__cause__ is original
    for other in (TypeError("t"), FileNotFoundError("f"), errors.MissingDependency("pip install x")):
        with pytest.raises(type(other)) as same:
            fail(other)
        assert same.value is other


def test_an_exception_of_mlflow_has_its_attributes():
    error = MlflowException("gone", RESOURCE_DOES_NOT_EXIST, detail="x")
    assert (error.message, error.error_code) == ("gone", "RESOURCE_DOES_NOT_EXIST")
    assert json.loads(error.serialize_as_json()) == {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone", "detail": "x"}
    assert MlflowException("a").error_code == ErrorCode.Name(INTERNAL_ERROR)
    assert MlflowException("a", "NO_SUCH_CODE").error_code == "INTERNAL_ERROR"
    assert MlflowException.invalid_parameter_value("b").error_code == "INVALID_PARAMETER_VALUE"
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.message, copied.error_code) == (error.message, error.error_code)
