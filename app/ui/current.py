"""The service that the screens use: the one that the server was started with."""

from __future__ import annotations

from app.service import Service, shared
from app.settings import load_settings
from app.ui.view import distinct_titles

_service: Service | None = None
_counts: tuple[str | None, dict[str, int]] = (None, {})
_titles: tuple[str | None, dict[str, str]] = (None, {})


def use(service: Service) -> None:
    """Let the screens use this service, with the settings that it was made with."""
    global _service
    _service = service


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
