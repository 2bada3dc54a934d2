"""nbtrack beside raw sqlite3 and MLflow, measured in one run: ``python -m tests.benchmarks [AREA ...] [--quick]``.

Nothing here is collected by pytest, and nothing asserts a time: the numbers are printed, with the
budgets that they should keep.
"""
