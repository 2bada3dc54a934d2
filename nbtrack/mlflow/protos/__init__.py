"""``mlflow.protos``: only the names of error codes."""
