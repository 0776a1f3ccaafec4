"""Routes beside the page and the API: how the service is, assistants, and the points of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute, Route
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.service import Service

UNCHANGING = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what has a snapshot's name in its address."""


def about(service: Service) -> list[BaseRoute]:
    """How the service is: alive, ready, and its figures."""
    from prometheus_client import CONTENT_TYPE_LATEST
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route

    async def healthy(request: Request) -> Response:  # noqa: ARG001 the signature is Starlette's
        return PlainTextResponse("ok")

    def ready(request: Request) -> Response:  # noqa: ARG001
        service.ready()
        return PlainTextResponse("ready")

    def metrics(request: Request) -> Response:
        service.admit(request.headers.get("authorization", ""), "read")
        return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", healthy), Route("/readyz", ready), Route("/metrics", metrics)]


def for_assistants(service: Service, assistant: MCPServer) -> list[BaseRoute]:
    """The MCP server at ``/mcp``; the guard has checked the host already."""
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.routing import Route

    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    there = assistant.streamable_http_app(
        json_response=True, stateless_http=True, transport_security=unchecked
    )

    def guarded(inner: ASGIApp) -> ASGIApp:
        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope["headers"])
            service.admit(headers.get(b"authorization", b"").decode("latin-1"), "read")
            await inner(scope, receive, send)

        return checked

    return [
        Route(route.path, _Endpoint(guarded(route.app)))
        for route in there.routes
        if isinstance(route, Route)
    ]


class _Endpoint:
    """An ASGI application as Starlette wants it for a route of all methods."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def routes_of_map(service: Service) -> list[Route]:
    """The points of a snapshot's map in one piece, and what is shown of a single one."""
    from starlette import responses, routing

    from app.ui.view import preview_data

    def points(request: Request) -> Response:
        service.admit_page(request.query_params.get("key", ""))
        found = service.points(request.path_params["snapshot"])
        return responses.Response(found, media_type="application/octet-stream", headers=UNCHANGING)

    def point(request: Request) -> Response:
        row = request.path_params["row"]
        service.admit_page(request.query_params.get("key", ""))
        number = int(row) if row.isdecimal() and len(row) < 10 else -1
        found = service.passage_in_row(request.path_params["snapshot"], number)
        return responses.JSONResponse(preview_data(found), headers=UNCHANGING)

    return [
        routing.Route("/points/{snapshot}", points),
        routing.Route("/points/{snapshot}/{row}", point),
    ]
