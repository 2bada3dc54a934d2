"""What the parts of ``Registry`` share: the store, who acts, pages of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from nbtrack.entities import PagedList
from nbtrack.errors import InvalidInput
from nbtrack.ids import check_key
from nbtrack.store.base import Store
from nbtrack.store.registry_base import Cause, RegistryStore

MAX_TAG_CHARS = 100_000

T = TypeVar("T")


class RegistryAccess:
    """A registry for one person: every change is recorded as done by ``actor``."""

    def __init__(self, store: Store, actor: str) -> None:
        self._store = store
        self._actor = actor

    @property
    def store(self) -> Store:
        """The store that holds the registry."""
        return self._store

    @property
    def actor(self) -> str:
        """Who acts."""
        return self._actor

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.store.uri} for {self.actor}>"

    @property
    def _tables(self) -> RegistryStore:
        return self.store.registry

    @property
    def _reading(self) -> RegistryStore:
        """What questions alone are asked of: a client makes no store for them."""
        return self._tables

    def _cause(self, reason: str | None = None, **details: Any) -> Cause:
        return Cause(self.actor, check_reason(reason), {key: value for key, value in details.items() if value is not None})


def check_reason(reason: object) -> str | None:
    """A reason as text, None where nothing was said.

    Raises
    ------
    InvalidInput
        It is no text.
    """
    if reason is None:
        return None
    if not isinstance(reason, str):
        raise InvalidInput(f"a reason is a text; found {type(reason).__name__}: {reason!r:.80}")
    return reason.strip() or None


def check_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Tags as keys and texts. Raises ``InvalidName`` or ``InvalidInput``."""
    if tags is not None and not isinstance(tags, Mapping):
        raise InvalidInput(f"tags are a dict of texts; found {type(tags).__name__}")
    clean = {check_key(key, "tag"): str(value) for key, value in (tags or {}).items()}
    for key, text in clean.items():
        if len(text) > MAX_TAG_CHARS:
            raise InvalidInput(f"the tag {key!r} has {len(text):,} characters; at most {MAX_TAG_CHARS:,} fit")
    return clean


def check_description(description: object) -> str | None:
    """A description as text; None removes one. Raises ``InvalidInput``."""
    if description is not None and not isinstance(description, str):
        raise InvalidInput(f"a description is a text; found {type(description).__name__}: {description!r:.80}")
    return description


def page(find: Callable[[int, int], Sequence[T]], max_results: int, page_token: str | None) -> PagedList[T]:
    """One page of what ``find(limit, offset)`` gives; the token is the next offset as text.

    Raises
    ------
    InvalidInput
        ``max_results`` is no positive number, or the token is none of ours.
    """
    if isinstance(max_results, bool) or not isinstance(max_results, int) or max_results < 1:
        raise InvalidInput(f"max_results must be a positive whole number, got {max_results!r}")
    if page_token and not (page_token.isascii() and page_token.isdigit()):
        raise InvalidInput(f"page_token {page_token!r} is not one that a search returned")
    offset = int(page_token or 0)
    found = find(max_results + 1, offset)
    more = len(found) > max_results
    return PagedList(found[:max_results], token=str(offset + max_results) if more else None)
