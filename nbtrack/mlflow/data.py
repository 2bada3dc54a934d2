"""``mlflow.data``: data sets that a run reads, told by a digest over their whole content."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from nbtrack import entities
from nbtrack.capture.data import fingerprint
from nbtrack.errors import InvalidInput
from nbtrack.mlflow._errors import speaks_mlflow
from nbtrack.mlflow.entities.runs import Dataset as DatasetRecord

__all__ = ["Dataset", "NumpyDataset", "PandasDataset", "from_numpy", "from_pandas"]


class Dataset:
    """Data with its fingerprint, for ``mlflow.log_input``."""

    def __init__(self, record: entities.Dataset) -> None:
        self.record = record

    @property
    def name(self) -> str:
        """The name that it was given."""
        return self.record.name

    @property
    def digest(self) -> str:
        """sha256 over the whole content, in hex, unless another one was given."""
        return self.record.digest

    @property
    def source(self) -> str:
        """Where the data came from; empty for data in memory."""
        return self.record.source

    @property
    def schema(self) -> Any:
        """Names and types of the columns."""
        return self.record.schema

    @property
    def profile(self) -> Any:
        """Shape, nulls and class counts."""
        return self.record.profile

    def to_dict(self) -> dict[str, str | None]:
        """The fields as MLflow stores them, schema and profile as JSON texts."""
        return dict(DatasetRecord.of(self.record))

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict())


class PandasDataset(Dataset):
    """A DataFrame, with the names of its targets and predictions."""

    def __init__(self, record: entities.Dataset, df: Any, targets: str | None, predictions: str | None) -> None:
        super().__init__(record)
        self.df = df
        self.targets = targets
        self.predictions = predictions


class NumpyDataset(Dataset):
    """An array of features, and one of targets if there is one."""

    def __init__(self, record: entities.Dataset, features: Any, targets: Any) -> None:
        super().__init__(record)
        self.features = features
        self.targets = targets


@speaks_mlflow
def from_pandas(
    df: Any, source: Any = None, targets: str | None = None, name: str | None = None, digest: str | None = None, predictions: str | None = None
) -> PandasDataset:
    """A data set of a DataFrame."""
    for what, column in (("targets", targets), ("predictions", predictions)):
        if column is not None and column not in df.columns:
            raise InvalidInput(
                f"The specified pandas DataFrame does not contain the specified {what} column '{column}'; it has {', '.join(map(str, df.columns))}."
            )
    return PandasDataset(_record(df, source, name, digest), df, targets, predictions)


@speaks_mlflow
def from_numpy(features: Any, source: Any = None, targets: Any = None, name: str | None = None, digest: str | None = None) -> NumpyDataset:
    """A data set of an array."""
    return NumpyDataset(_record(features, source, name, digest), features, targets)


def stored_dataset(dataset: Any) -> Any:
    """What ``log_input`` of nbtrack takes: the record of a data set, or the data themselves."""
    if isinstance(dataset, Dataset):
        return dataset.record
    return dataset.stored() if isinstance(dataset, DatasetRecord) else dataset


def _record(data: Any, source: Any, name: str | None, digest: str | None) -> entities.Dataset:
    found = fingerprint(data, name or "dataset")
    if found is None:
        raise InvalidInput(f"a data set is made from a DataFrame or an array; found {type(data).__module__}.{type(data).__qualname__}")
    if source is not None:
        text = str(source)
        scheme = text.partition("://")[0] if "://" in text else "local"
        found = replace(found, source=text, source_type=scheme)
    return replace(found, digest=digest) if digest is not None else found
