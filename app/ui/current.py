"""The service that the screens use: the one that the server was started with."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from app.access import manages
from app.quality import Comparison
from app.service import Service, shared
from app.settings import load_settings
from app.ui.strings import say
from app.ui.view import distinct_titles
from index.errors import AccessError
from index.filters import Choices, Filter, choices
from index.records import DocumentSummary, Passage

_service: Service | None = None


def use(service: Service) -> None:
    """Let the screens use this service, with the settings that it was made with."""
    global _service
    _service = service
    for kept in (_documents, _titles, _passages, _offered, _left, _comparison, _at):
        kept.cache_clear()


def service() -> Service:
    """The service in use; one with the settings in force where the server named none."""
    return _service or shared(load_settings())


def key() -> str:
    """What the page sends with its own requests, where one has to sign in."""
    return service().key() if service().settings.access == "login" else ""


def service_at(snapshot: str) -> Service | None:
    """The service on a snapshot that is still kept; ``None`` if it is not."""
    now = service()
    if snapshot not in {manifest.id for manifest in now.store.manifests()}:
        return None
    return now if snapshot == now.answering() else _at(now, snapshot)


def comparison() -> Comparison:
    """The comparison of snapshots that all pages of this process share."""
    return _comparison(service())


def may_change() -> bool:
    """Whether whoever looks at this page may change the library, and not only ask and judge."""
    settings = service().settings
    if settings.read_only:
        return False
    return settings.access != "login" or manages(st.user.to_dict(), settings.managers)


def changeable() -> Service:
    """The service, for a change.

    Raises:
        AccessError: whoever looks at this page may not change anything.
    """
    if not may_change():
        raise AccessError(say("signing.may_not"))
    return service()


def documents() -> dict[str, DocumentSummary]:
    """The documents by their ids, read once for each snapshot."""
    return _documents(service().answering())


def titles() -> dict[str, str]:
    """The title of each document, told apart by the file's name where two are alike."""
    return _titles(service().answering())


def passages(document_id: str) -> list[Passage]:
    """The passages of a document; those of the last documents read are kept.

    Raises as ``Service.read`` does.
    """
    return _passages(service().answering(), document_id)


def offered() -> Choices:
    """What the documents can be narrowed by, read once for each snapshot."""
    return _offered(service().answering())


def documents_left(only: Filter) -> int:
    """How many documents a filter leaves."""
    return _left(service().answering(), only)


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


@lru_cache(maxsize=1)
def _comparison(service: Service) -> Comparison:
    return Comparison(service)


@lru_cache(maxsize=1)
def _at(service: Service, snapshot: str) -> Service:
    return service.at(snapshot)
