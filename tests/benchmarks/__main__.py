"""Measure and print: ``python -m tests.benchmarks [AREA ...] [--quick] [--json FILE]``."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from tests.benchmarks.contenders import MLFLOW, installed, load
from tests.benchmarks.harness import Bench, Row
from tests.benchmarks.report import print_table, write_json

AREAS = ("imports", "runs", "latency", "bulk", "size", "loss", "concurrency", "search", "cells", "closure", "models")


def main() -> int:
    """Run the areas that were named, or all; 1 if one of them could not be measured."""
    options = _parse()
    names = [name for name in installed() if name != MLFLOW or not options.no_mlflow]
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="nbtrack-bench-", ignore_cleanup_errors=True) as scratch:
        contenders = [load(name) for name in names]
        for area in options.areas or AREAS:
            bench = Bench(contenders, _folder(scratch, area), options.quick)
            measure: Callable[[Bench], Iterator[Row]] = importlib.import_module(f"tests.benchmarks.{area}").measure
            start = perf_counter()
            try:
                rows.extend(measure(bench))
            except Exception:  # one area that can't be measured does not take the others with it
                failed = True
                traceback.print_exc()
            print(f"{area}: {perf_counter() - start:.1f} s", file=sys.stderr)
        for contender in contenders:
            contender.close()
    print_table(rows, absent="" if MLFLOW in names else "left out" if options.no_mlflow else "not installed")
    if options.json is not None:
        write_json(rows, options.json)
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure nbtrack beside raw sqlite3 and, where it is installed, MLflow.")
    parser.add_argument("areas", nargs="*", metavar="AREA", choices=[*AREAS, []], help=f"what to measure, all by default: {', '.join(AREAS)}")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer, in less than a minute")
    parser.add_argument("--no-mlflow", action="store_true", help="leave MLflow out, which takes most of the time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    return parser.parse_args()


def _folder(scratch: str, area: str) -> Path:
    folder = Path(scratch) / area
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
