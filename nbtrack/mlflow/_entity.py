"""What MLflow's entities have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Entity:
    """A record whose fields and values can be iterated, so that ``dict(entity)`` works."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((item.name, getattr(self, item.name)) for item in fields(self))
