from __future__ import annotations

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@pytest.fixture(scope="session")
def cancer() -> tuple[pd.DataFrame, pd.Series]:
    """Four columns of the breast-cancer data, and the classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:200, :4], y[:200]


@pytest.fixture(scope="session")
def pipeline(cancer):
    """A fitted pipeline."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*cancer)
