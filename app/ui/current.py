"""The service that the screens use: the one that the server was started with."""

from __future__ import annotations

from functools import lru_cache

from app.service import Service, shared
from app.settings import load_settings
from app.ui.view import distinct_titles
from index.filters import Choices, Filter, choices

_service: Service | None = None
_counts: tuple[str | None, dict[str, int]] = (None, {})
_titles: tuple[str | None, dict[str, str]] = (None, {})


def use(service: Service) -> None:
    """Let the screens use this service, with the settings that it was made with."""
    global _service, _counts, _titles
    _service, _counts, _titles = service, (None, {}), (None, {})
    _offered.cache_clear()
    _left.cache_clear()


def service() -> Service:
    """The service in use; one with the settings in force where the server named none."""
    return _service or shared(load_settings())


def passage_counts() -> dict[str, int]:
    """The number of passages of each document, read once for each snapshot."""
    global _counts
    snapshot = service().store.current()
    if snapshot is None or _counts[0] != snapshot:
        _counts = snapshot, {one.id: one.passages for one in service().documents()}
    return _counts[1]


def titles() -> dict[str, str]:
    """The title of each document, told apart by the file's name where two are alike."""
    global _titles
    snapshot = service().store.current()
    if snapshot is None or _titles[0] != snapshot:
        _titles = snapshot, distinct_titles(service().documents())
    return _titles[1]


def offered() -> Choices:
    """What the documents can be narrowed by, read once for each snapshot."""
    return _offered(service().store.current())


def documents_left(only: Filter) -> int:
    """How many documents a filter leaves."""
    return _left(service().store.current(), only)


@lru_cache(maxsize=1)
def _offered(snapshot: str | None) -> Choices:  # noqa: ARG001 it says when to read anew
    return choices(service().documents())


@lru_cache(maxsize=64)
def _left(snapshot: str | None, only: Filter) -> int:  # noqa: ARG001
    return sum(only.matches(one) for one in service().documents())
