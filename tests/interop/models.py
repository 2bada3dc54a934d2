"""The same models for both directions, with data that they predict."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cancer() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:200, :5], y[:200]


def forest():
    return RandomForestClassifier(n_estimators=5, random_state=0).fit(*cancer())


def pipeline():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*cancer())


def xgboost_classifier():
    import xgboost

    return xgboost.XGBClassifier(n_estimators=3).fit(*cancer())


def lightgbm_classifier():
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(*cancer())


def torch_network():
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def keras_network():
    import keras

    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])


def floats() -> np.ndarray:
    return cancer()[0].to_numpy("float32")
