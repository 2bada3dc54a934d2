"""What is to be logged of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one library's autologging; the names and defaults are MLflow's."""

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    exclusive: bool = False  # leave runs alone that the user started
    disable_for_unsupported_versions: bool = False
    silent: bool = False
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    registered_model_name: str | None = None
    max_tuning_runs: int | None = 5  # candidates of a search that get a run of their own; None for all
    pos_label: Any = None  # of a binary classifier: precision, recall and F1 are of this class, not weighted over both
    importance_types: Sequence[str] | None = None  # of a booster's features; None for the library's own choice
    log_every_n_epoch: int = 1

    def __post_init__(self) -> None:
        if self.max_tuning_runs is not None and self.max_tuning_runs < 0:
            raise InvalidInput(f"max_tuning_runs is {self.max_tuning_runs}; give the number of a search's candidates to log, or None for all")
        if self.log_every_n_epoch < 1:
            raise InvalidInput(f"log_every_n_epoch is {self.log_every_n_epoch}; give 1 for every epoch, 2 for every second one, ...")
