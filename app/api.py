"""The JSON API beside the page: the same questions, the same answers, for programs.

Its OpenAPI 3.1 document, at ``/api/openapi.json``, is generated from the library's own records. An
error is an RFC 9457 problem whose ``detail`` says what to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from app import logs
from app.access import Scope
from app.messages import (
    AskReply,
    AskRequest,
    DocumentReply,
    Documents,
    PassageReply,
    Problem,
    RollbackReply,
    RollbackRequest,
    SearchReply,
    SearchRequest,
    StatusReply,
    Text,
)
from app.problems import PROBLEM, broken, failed, misread, refused
from app.rebuild import BuildState
from app.service import Service, Status
from index import VERSION
from index.errors import (
    NotFoundError,
    PassagesError,
)
from index.filters import Filter
from index.records import Answer, Passage

MOST = 1000
"""Documents or passages in one reply."""


_bearer = HTTPBearer(auto_error=False, description="Made by: python -m app token new NAME")


def service_of(request: Request) -> Service:
    """The service that this API is for."""
    found: Service = request.app.state.service
    return found


def _admit(request: Request, scope: Scope) -> None:
    name = service_of(request).admit(request.headers.get("authorization", ""), scope)
    if name:
        logs.fact(token=name)


def reading(request: Request, _: Annotated[object, Depends(_bearer)]) -> None:
    """Whoever may read goes on."""
    _admit(request, "read")


def managing(request: Request, _: Annotated[object, Depends(_bearer)]) -> None:
    """Whoever may manage goes on."""
    _admit(request, "manage")


def _told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    every = (400, 401, 403, 408, 413, 415, 422, 429, 503, *statuses)
    return {
        status: {"description": "Problem", "content": {PROBLEM: {"schema": schema}}}
        for status in sorted(every)
    }


router = APIRouter(dependencies=[Depends(reading)], responses=_told())
manage = APIRouter(dependencies=[Depends(managing)], responses=_told(409))


async def _run(request: Request, work: Callable[[], Any]) -> Any:
    """Work in a thread; how many may wait is the service's to say, so here is room for all."""
    return await anyio.to_thread.run_sync(work, limiter=request.app.state.threads)


@router.post("/ask")
async def ask(request: Request, asked: AskRequest) -> AskReply:
    """Answer a question in the documents' own words, or say that they do not answer it."""
    service = service_of(request)
    started = time.perf_counter()
    answer: Answer = await _run(
        request,
        lambda: service.ask(
            asked.question, hits=asked.hits, only=asked.filter.filter(), threshold=asked.threshold
        ),
    )
    took = (time.perf_counter() - started) * 1000
    return AskReply(
        answer=answer,
        text=answer.text,
        snapshot=answer.snapshot,
        milliseconds=round(took, 1),
    )


@router.post("/search")
async def search(request: Request, asked: SearchRequest) -> SearchReply:
    """List the passages nearest to a question, and why each was found."""
    service = service_of(request)
    started = time.perf_counter()
    snapshot, hits = await _run(
        request, lambda: service.search_in(asked.query, asked.k, asked.filter.filter())
    )
    took = (time.perf_counter() - started) * 1000
    return SearchReply(hits=hits, snapshot=snapshot, milliseconds=round(took, 1))


@router.get("/documents")
async def documents(
    request: Request,
    folder: Text = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Documents:
    """List the documents of the index by their ids, some at a time."""
    service = service_of(request)
    every = await _run(request, service.documents)
    only = Filter(folder=folder)
    found = [one for one in every if only.matches(one)]
    return Documents(total=len(found), documents=found[offset : offset + limit])


@router.get("/documents/{document_id:path}", responses=_told(404))
async def document(
    request: Request,
    document_id: Annotated[str, Path(max_length=4000, description="a path below the corpus")],
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> DocumentReply:
    """Read a document: its passages in order, some at a time."""
    service = service_of(request)
    summary, passages = await _run(request, lambda: service.document(document_id))
    return DocumentReply(document=summary, passages=passages[offset : offset + limit])


@router.get("/passages/{passage_id}", responses=_told(404))
async def passage(
    request: Request, passage_id: Annotated[str, Path(max_length=200)]
) -> PassageReply:
    """Read one passage; its address stays good as long as its words stand in the document."""
    service = service_of(request)
    found: Passage = await _run(request, lambda: service.passage(passage_id))
    place = urlencode({"doc": found.document_id, "p": found.number})
    return PassageReply(passage=found, page=f"/read?{place}")


@router.get("/status")
async def status(request: Request, files: bool = False) -> StatusReply:
    """Tell how the index is, what the last build did and, on demand, what became of each file."""
    service = service_of(request)
    index: Status = await _run(request, service.status)
    return StatusReply(
        index=index if files else replace(index, files=()),
        build=await _run(request, service.build_progress),
        waiting=service.waiting,
        read_only=service.settings.read_only,
    )


@manage.post("/rebuild", status_code=202)
async def rebuild(request: Request, response: Response) -> BuildState:
    """Start a build; questions are answered all the while."""
    service = service_of(request)
    await _run(request, service.start_rebuild)
    response.headers["Location"] = str(request.url_for("progress").path)
    return await progress(request)


@router.get("/rebuild", responses=_told(404))
async def progress(request: Request) -> BuildState:
    """Tell how far the running build is, or how the last one ended."""
    state: BuildState | None = await _run(request, service_of(request).build_progress)
    if state is None:
        raise NotFoundError("Nothing was built yet. Start a build: POST /api/rebuild")
    return state


@manage.delete("/rebuild", responses=_told(404))
async def cancel(request: Request) -> BuildState:
    """Cancel the running build; the last index goes on answering."""
    await _run(request, service_of(request).cancel_rebuild)
    return await progress(request)


@manage.post("/rollback")
async def rollback(request: Request, where: RollbackRequest) -> RollbackReply:
    """Go back to an earlier snapshot."""
    service = service_of(request)
    return RollbackReply(snapshot=await _run(request, lambda: service.rollback(where.to)))


def create_api(service: Service) -> FastAPI:
    """The API of a service, to be mounted at ``/api``."""
    api = FastAPI(
        title="Passages",
        version=VERSION,
        description=__doc__,
        docs_url=None,  # the usual page of it takes its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.service = service
    api.state.routes = [*router.routes, *manage.routes]
    api.state.threads = CapacityLimiter(2 * service.settings.waiting + 40)
    api.include_router(router)
    api.include_router(manage)
    api.add_exception_handler(PassagesError, failed)  # type: ignore[arg-type]
    api.add_exception_handler(RequestValidationError, misread)  # type: ignore[arg-type]
    api.add_exception_handler(HTTPException, refused)  # type: ignore[arg-type]
    api.add_exception_handler(Exception, broken)
    api.openapi = lambda: _described(api)  # type: ignore[method-assign]
    return api


def _described(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the shape of the errors."""
    if api.openapi_schema is None:
        found = get_openapi(
            title=api.title,
            version=api.version,
            description=api.description,
            routes=api.routes,
            servers=[{"url": "/api"}],
        )
        found["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        api.openapi_schema = found
    return api.openapi_schema
