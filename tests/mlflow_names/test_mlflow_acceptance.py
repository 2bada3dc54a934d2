"""Programs written for MLflow, run as they are in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ACCEPTANCE = Path(__file__).parents[3] / "shared" / "acceptance"

TRAINING = """
import nbtrack.mlflow
nbtrack.mlflow.install(shadow=True)
import warnings
for module in ("__main__", r"nbtrack(\\..*)?"):
    warnings.filterwarnings("error", category=FutureWarning, module=module)
    warnings.filterwarnings("error", category=DeprecationWarning, module=module)

from pathlib import Path
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier
import mlflow
import mlflow.sklearn
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
Path("plot.png").write_bytes(b"png")

with mlflow.start_run(run_name="features v3") as run:
    mlflow.log_param("max_depth", 3)
    mlflow.log_params({"feature_set": "v3", "lr": 0.05})
    mlflow.log_metric("auc", 0.91)
    mlflow.log_metrics({"recall": 0.79, "f1": 0.8})
    mlflow.log_artifact("plot.png")
    mlflow.sklearn.log_model(tree, "model", signature=infer_signature(X, tree.predict_proba(X)))

runs = mlflow.search_runs()
assert len(runs) == 1 and runs.loc[0, "status"] == "FINISHED", runs.T
assert runs.loc[0, "params.max_depth"] == "3" and runs.loc[0, "metrics.auc"] == 0.91
assert {item.path for item in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)} == {"model", "plot.png"}
loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
try:
    loaded.predict(X.drop(columns=["mean radius"]))
except mlflow.exceptions.MlflowException as error:
    assert "mean radius" in str(error) and error.error_code == "INVALID_PARAMETER_VALUE", error
else:
    raise AssertionError("a missing column was accepted")

client = MlflowClient()
for _ in range(2):
    details = mlflow.register_model(f"runs:/{run.info.run_id}/model", "churn")
    client.update_model_version(name="churn", version=details.version, description="trained on Q1")
    client.set_model_version_tag(name="churn", version=details.version, key="data", value="v2.1")
    client.transition_model_version_stage(name="churn", version=details.version, stage="Staging")
    client.transition_model_version_stage(name="churn", version=details.version, stage="Production", archive_existing_versions=True)
assert [client.get_model_version("churn", number).current_stage for number in (1, 2)] == ["Archived", "Production"]
assert (mlflow.pyfunc.load_model("models:/churn/Production").predict(X) == tree.predict(X)).all()
assert mlflow.active_run() is None
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", ["seed_000_tracking", "seed_003_tracking", "seed_003_promotion", "seed_004_registry"])
def test_an_acceptance_program_runs_as_it_is(program):
    file = ACCEPTANCE / f"{program}.py"
    if not file.is_file():
        pytest.skip("the acceptance programs are not beside the repository")
    _run([sys.executable, str(file)])


@pytest.mark.slow
def test_a_program_trains_logs_registers_and_promotes_under_the_name_mlflow():
    assert _run([sys.executable, "-c", TRAINING]).stdout == "done\n"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended
