"""The JSON API beside the page: the same questions, the same answers, for programs.

Its OpenAPI 3.1 document, at ``/api/openapi.json``, is generated from the library's own records. An
error is an RFC 9457 problem whose ``detail`` says what to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app import logs
from app.access import Scope, admit
from app.guard import problem
from app.rebuild import BuildState
from app.service import Service, Status
from index import VERSION
from index.errors import (
    AccessError,
    BuildRunningError,
    BusyError,
    EngineError,
    EngineUnreachableError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    MissingExtraError,
    ModelError,
    NotFoundError,
    PassagesError,
    QueryError,
    SnapshotError,
    StoreError,
    TokenError,
)
from index.filters import DATE, Filter
from index.records import Answer, DocumentSummary, Hit, Passage
from index.search import LONGEST_QUERY

PROBLEM = "application/problem+json"

STATUS: dict[type[PassagesError], int] = {
    TokenError: 401,
    AccessError: 403,
    NotFoundError: 404,
    BuildRunningError: 409,
    SnapshotError: 409,
    QueryError: 422,
    BusyError: 503,
    IndexMissingError: 503,
    IndexMismatchError: 503,
    IndexDamagedError: 503,
    ModelError: 503,
    StoreError: 503,
    EngineError: 503,
    MissingExtraError: 503,
}
"""What each error is over HTTP; the first class that fits counts, and what fits none is a 500."""

RETRY = {BusyError: 1, BuildRunningError: 5, EngineUnreachableError: 5}
"""Seconds after which to try again."""

MOST = 1000
"""Documents or passages in one reply."""

SEEN = r"[^\s\x1c-\x1f\x85\ufeff]"
"""What a question must have: a character that is no white space, whoever reads this expression."""

_DATE = "^(" + DATE.replace(r"\d", "[0-9]") + ")?$"

Question = Annotated[
    str, Field(max_length=LONGEST_QUERY, json_schema_extra={"pattern": SEEN})
]  # the library says of an empty one what it says everywhere
Date = Annotated[str, StringConstraints(pattern=_DATE, max_length=10)]
Text = Annotated[str, StringConstraints(max_length=1000)]


def _whole(value: object) -> object:
    """To JSON 5.0 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Strict(BaseModel):
    """A request: a name that it does not know is an error, not a wish that is overlooked."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Narrowed(Strict):
    """The documents to ask; an empty value leaves all."""

    folder: Text = ""
    format: Text = ""
    document: Text = ""
    author: Text = ""
    since: Date = ""
    until: Date = ""

    def filter(self) -> Filter:
        """The same as the library has it."""
        return Filter(**self.model_dump())


class AskRequest(Strict):
    """A question, and how to answer it."""

    question: Question = Field(examples=["What is defense diplomacy?"])
    filter: Narrowed = Narrowed()
    hits: Whole = Field(5, ge=1, le=100, description="hits to give back, beside what is quoted")
    threshold: float | None = Field(
        None, ge=0, le=1, description="least confidence to answer with; default: the service's own"
    )


class AskReply(BaseModel):
    """An answer; ``text`` is its quotes with their numbers."""

    answer: Answer
    text: str
    snapshot: str
    milliseconds: float


class SearchRequest(Strict):
    """Words to look for."""

    query: Question
    filter: Narrowed = Narrowed()
    k: Whole = Field(10, ge=1, le=100, description="hits to give back")


class SearchReply(BaseModel):
    """The nearest passages, the best first."""

    hits: list[Hit]
    snapshot: str
    milliseconds: float


class Documents(BaseModel):
    """Some of the documents, and how many there are."""

    total: int
    documents: list[DocumentSummary]


class DocumentReply(BaseModel):
    """A document and some of its passages in order."""

    document: DocumentSummary
    passages: list[Passage]


class PassageReply(BaseModel):
    """A passage, and the address of the page that shows it in its document."""

    passage: Passage
    page: str


class StatusReply(BaseModel):
    """The index, the service and the last build."""

    index: Status
    build: BuildState | None
    waiting: int
    read_only: bool


class RollbackRequest(Strict):
    """Where to go back to."""

    to: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="a snapshot's id; default: the one before the current one"
    )


class RollbackReply(BaseModel):
    """The snapshot that is current now."""

    snapshot: str


class Problem(BaseModel):
    """An error (RFC 9457); ``detail`` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[str] = []


_bearer = HTTPBearer(auto_error=False, description="Made by: python -m app token new NAME")


def service_of(request: Request) -> Service:
    """The service that this API is for."""
    found: Service = request.app.state.service
    return found


def _admit(request: Request, scope: Scope) -> None:
    service = service_of(request)
    name = admit(
        service.tokens,
        request.headers.get("authorization", ""),
        scope,
        open_to_all=service.settings.access != "login",
    )
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
    api.state.threads = CapacityLimiter(2 * service.settings.waiting + 40)
    api.include_router(router)
    api.include_router(manage)
    api.add_exception_handler(PassagesError, _failed)  # type: ignore[arg-type]
    api.add_exception_handler(RequestValidationError, _misread)  # type: ignore[arg-type]
    api.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    api.add_exception_handler(Exception, _broken)
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


def _reply(status: int, detail: str, headers: Mapping[str, str], **more: object) -> Response:
    return Response(problem(status, detail, **more), status, dict(headers), PROBLEM)


async def _failed(request: Request, error: PassagesError) -> Response:
    """An error of ours, in its own words."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if (seconds := RETRY.get(type(error))) is not None:
        headers["Retry-After"] = str(seconds)
    if isinstance(error, AccessError):
        service_of(request).metrics.failed(type(error).__name__)
    return _reply(status, str(error), headers)


async def _misread(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001
    """A request that is not what the document describes: what is wrong, and where."""
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _reply(422, "; ".join(wrong)[:1000], {}, errors=[one[:300] for one in wrong[:20]])


async def _refused(request: Request, error: HTTPException) -> Response:
    """What the routes themselves refuse: unknown paths and methods, broken JSON."""
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404:
        detail = f"There is nothing at {request.url.path}. What there is: /api/openapi.json"
    if error.status_code == 405:  # what is allowed may be spread over several routes
        routes = [one for one in (*router.routes, *manage.routes) if isinstance(one, Route)]
        there = [one for one in routes if one.matches(request.scope)[0] != Match.NONE]
        methods = {method for one in there for method in one.methods or ()}
        headers["Allow"] = ", ".join(sorted(methods))
    return _reply(error.status_code, detail, headers)


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """A mistake of ours; what it was stands in the log, not in the reply."""
    logs.log.error("broken", exc_info=error)
    return _reply(500, "Passages made a mistake. The log says which.", {})
