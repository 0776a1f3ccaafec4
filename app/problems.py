"""What went wrong, as programs are told it: RFC 9457 problems whose ``detail`` says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from app import logs
from app.guard import problem
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


def _reply(status: int, detail: str, headers: Mapping[str, str], **more: object) -> Response:
    return Response(problem(status, detail, **more), status, dict(headers), PROBLEM)


def status_of(error: PassagesError) -> int:
    """What an error of ours is over HTTP."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


async def failed(request: Request, error: PassagesError) -> Response:  # noqa: ARG001
    """An error of ours, in its own words."""
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if (seconds := RETRY.get(type(error))) is not None:
        headers["Retry-After"] = str(seconds)
    return _reply(status, str(error), headers)


async def misread(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001
    """A request that is not what the document describes: what is wrong, and where."""
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _reply(422, "; ".join(wrong)[:1000], {}, errors=[one[:300] for one in wrong[:20]])


async def refused(request: Request, error: HTTPException) -> Response:
    """What the routes themselves refuse: unknown paths and methods, broken JSON."""
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404:
        detail = f"There is nothing at {request.url.path}. What there is: /api/openapi.json"
    if error.status_code == 405:  # what is allowed may be spread over several routes
        routes = getattr(request.app.state, "routes", request.app.routes)
        there = [one for one in routes if one.matches(request.scope)[0] != Match.NONE]
        methods = {
            method for one in there if isinstance(one, Route) for method in one.methods or ()
        }
        headers["Allow"] = ", ".join(sorted(methods))
    return _reply(error.status_code, detail, headers)


HANDLERS: Mapping[Any, Any] = {PassagesError: failed, HTTPException: refused}
"""For the application that the API is mounted in; of mistakes the guard tells."""


async def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """A mistake of ours; what it was stands in the log, not in the reply."""
    logs.log.error("broken", exc_info=error)
    return _reply(500, "Passages made a mistake. The log says which.", {})
