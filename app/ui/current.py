"""The service that the screens use: the one that the server was started with."""

from __future__ import annotations

from functools import lru_cache

from app.service import Service, shared
from app.settings import load_settings
from app.ui.view import distinct_titles
from index.filters import Choices, Filter, choices
from index.records import DocumentSummary, Passage

_service: Service | None = None


def use(service: Service) -> None:
    """Let the screens use this service, with the settings that it was made with."""
    global _service
    _service = service
    for kept in (_documents, _titles, _passages, _offered, _left):
        kept.cache_clear()


def service() -> Service:
    """The service in use; one with the settings in force where the server named none."""
    return _service or shared(load_settings())


def documents() -> dict[str, DocumentSummary]:
    """The documents by their ids, read once for each snapshot."""
    return _documents(service().store.current())


def titles() -> dict[str, str]:
    """The title of each document, told apart by the file's name where two are alike."""
    return _titles(service().store.current())


def passages(document_id: str) -> list[Passage]:
    """The passages of a document; those of the last documents read are kept.

    Raises as ``Service.read`` does.
    """
    return _passages(service().store.current(), document_id)


def offered() -> Choices:
    """What the documents can be narrowed by, read once for each snapshot."""
    return _offered(service().store.current())


def documents_left(only: Filter) -> int:
    """How many documents a filter leaves."""
    return _left(service().store.current(), only)


# The snapshot says when to read anew.


@lru_cache(maxsize=1)
def _documents(snapshot: str | None) -> dict[str, DocumentSummary]:  # noqa: ARG001
    return {one.id: one for one in service().documents()}


@lru_cache(maxsize=1)
def _titles(snapshot: str | None) -> dict[str, str]:  # noqa: ARG001
    return distinct_titles(documents().values())


@lru_cache(maxsize=4)
def _passages(snapshot: str | None, document_id: str) -> list[Passage]:  # noqa: ARG001
    return service().read(document_id)


@lru_cache(maxsize=1)
def _offered(snapshot: str | None) -> Choices:  # noqa: ARG001
    return choices(documents().values())


@lru_cache(maxsize=64)
def _left(snapshot: str | None, only: Filter) -> int:  # noqa: ARG001
    return sum(only.matches(one) for one in documents().values())
