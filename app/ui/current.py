"""The service that the screens use: the one that the server was started with."""

from __future__ import annotations

from functools import lru_cache

from app.quality import Comparison
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
    _comparison.cache_clear()
    _at.cache_clear()


def service() -> Service:
    """The service in use; one with the settings in force where the server named none."""
    return _service or shared(load_settings())


def service_at(snapshot: str) -> Service | None:
    """The service on a snapshot that is still kept; ``None`` if it is not."""
    now = service()
    if snapshot not in {manifest.id for manifest in now.store.manifests()}:
        return None
    return now if snapshot == now.store.current() else _at(now, snapshot)


def comparison() -> Comparison:
    """The comparison of snapshots that all pages of this process share."""
    return _comparison(service())


def may_change() -> bool:
    """Whether people may delete what others said, and not only judge."""
    return not getattr(service().settings, "read_only", False)


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
def _comparison(service: Service) -> Comparison:
    return Comparison(service)


@lru_cache(maxsize=1)
def _at(service: Service, snapshot: str) -> Service:
    return service.at(snapshot)


@lru_cache(maxsize=1)
def _offered(snapshot: str | None) -> Choices:  # noqa: ARG001 it says when to read anew
    return choices(service().documents())


@lru_cache(maxsize=64)
def _left(snapshot: str | None, only: Filter) -> int:  # noqa: ARG001
    return sum(only.matches(one) for one in service().documents())
