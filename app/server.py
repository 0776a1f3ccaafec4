"""One process that serves the page: Streamlit inside Starlette, run by uvicorn.

It adds what a page that stays on its own machine needs: security headers, a check of the Host
header, health routes, and the points of the map. It makes no index and parses no question.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import ipaddress
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from index.errors import PassagesError, SettingsError

if TYPE_CHECKING:
    import streamlit as st
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.service import Service
    from app.settings import Settings

SCRIPT = Path(__file__).parent / "page.py"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' blob: 'wasm-unsafe-eval' {inline}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob: data:",
        "frame-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
"""``{inline}`` stands for the hashes of the scripts that Streamlit's own page has inside it."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

UNCHANGING = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what has a snapshot's name in its address."""

STREAM_LIMIT = 16 * 1024 * 1024
"""Bytes of one message from a browser; the page takes no uploads."""

STREAMLIT: dict[str, Any] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    # A full collection after every run of the script holds all sessions up.
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "theme.font": "sans-serif",
    "theme.headingFont": "serif",
    "theme.baseRadius": "0.6rem",
    "theme.buttonRadius": "full",
    "theme.showWidgetBorder": True,
    "theme.paddingTop": "1.25rem",
    "theme.paddingBottom": "3rem",
    "theme.headingFontSizes": ["2.1rem", "1.5rem", "1.2rem"],
    "theme.headingFontWeights": [600, 600, 600],
    "theme.light.primaryColor": "#1f5f8b",
    "theme.light.backgroundColor": "#fdfcf9",
    "theme.light.secondaryBackgroundColor": "#f3f0e8",
    "theme.light.textColor": "#14181c",
    "theme.light.linkColor": "#1f5f8b",
    "theme.light.borderColor": "#ded9cc",
    "theme.dark.primaryColor": "#2f6f9f",
    "theme.dark.backgroundColor": "#14171b",
    "theme.dark.secondaryBackgroundColor": "#1e2329",
    "theme.dark.textColor": "#e7e4dc",
    "theme.dark.linkColor": "#8cc4ea",
    "theme.dark.borderColor": "#343b44",
}


def serve(settings: Settings) -> None:
    """Serve the page until interrupted.

    Raises SettingsError if the address cannot be had.
    """
    listener = listen(settings.host, settings.port)  # first: it fails at once, imports take seconds
    import uvicorn

    from app.service import shared
    from app.ui.current import use

    service = shared(settings)
    use(service)
    application = create_application(settings, service)
    service.warm()
    if settings.watch:
        from app.watch import Watch

        Watch(service).start()
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=STREAM_LIMIT,
        timeout_graceful_shutdown=2,
    )
    with contextlib.suppress(KeyboardInterrupt), listener:
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on the address, or a SettingsError that says what to change."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(
            f"The page cannot be served on host {host!r}: {error.strerror or error}. "
            "Choose another with --host, for instance --host 127.0.0.1."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            free = port + 1 if port < 65535 else port - 1
            raise SettingsError(
                f"Port {port} is in use. Choose another one with --port {free}, or with "
                f"PASSAGES_PORT={free} before the command."
            ) from error
        raise SettingsError(
            f"The page cannot be served on {host}:{port}: {error.strerror}. "
            "Choose another address with --host and --port."
        ) from error
    return listener


def create_application(settings: Settings, service: Service) -> st.App:
    """The ASGI application: the page, its health routes and what guards them."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from streamlit.web.bootstrap import load_config_options

    load_config_options(STREAMLIT | {"server.address": settings.host, "server.port": settings.port})

    page = Path(st.__file__).parent / "static" / "index.html"
    policy = content_security_policy(page.read_text(encoding="utf-8"))

    async def healthy(request: Request) -> Response:  # noqa: ARG001 the signature is Starlette's
        return PlainTextResponse("ok")

    def ready(request: Request) -> Response:  # noqa: ARG001
        try:
            service.ready()
        except PassagesError as error:
            return PlainTextResponse(str(error), 503)
        return PlainTextResponse("ready")

    @contextlib.asynccontextmanager
    async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any] | None]:  # noqa: ARG001
        print(f"Passages is at {url(settings.host, settings.port)}", flush=True)
        yield None

    return st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            Route("/healthz", healthy),
            Route("/readyz", ready),
            *routes_of_map(service),
        ],
        middleware=[Middleware(Guard, allowed_hosts=settings.allowed_hosts, policy=policy)],
    )


def routes_of_map(service: Service) -> list[Route]:
    """The points of a snapshot's map in one piece, and what is shown of a single one."""
    from starlette import responses, routing

    from app.ui.view import preview_data

    def points(request: Request) -> Response:
        try:
            found = service.points(request.path_params["snapshot"])
        except PassagesError as error:
            return responses.PlainTextResponse(str(error), 404)
        return responses.Response(found, media_type="application/octet-stream", headers=UNCHANGING)

    def point(request: Request) -> Response:
        row = request.path_params["row"]
        try:
            number = int(row) if row.isdecimal() and len(row) < 10 else -1
            found = service.passage_in_row(request.path_params["snapshot"], number)
        except PassagesError as error:
            return responses.PlainTextResponse(str(error), 404)
        return responses.JSONResponse(preview_data(found), headers=UNCHANGING)

    return [
        routing.Route("/points/{snapshot}", points),
        routing.Route("/points/{snapshot}/{row}", point),
    ]


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 it binds nothing
    return f"http://{f'[{name}]' if ':' in name and not name.startswith('[') else name}:{port}"


def host_allowed(header: str | None, allowed: tuple[str, ...]) -> bool:
    """Whether a request with this Host header may be answered.

    A foreign name that resolves to this machine is how another site's script would reach the page
    (DNS rebinding). Bare addresses cannot be rebound, so they pass.
    """
    try:
        name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in {"localhost", socket.gethostname().lower()} or "*" in allowed:
        return bool(name)
    for pattern in (host.lower() for host in allowed):
        if name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:])):
            return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def content_security_policy(page: str) -> str:
    """The policy for a page of HTML: nothing from elsewhere, no script but those it came with."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()) for script in scripts)
    inline = " ".join(f"'sha256-{digest.decode()}'" for digest in hashes)
    return CONTENT_SECURITY_POLICY.format(inline=inline)


class Guard:
    """Refuses foreign Host headers and adds the security headers to every reply."""

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...], policy: str) -> None:
        self.app = app
        self.allowed_hosts = allowed_hosts
        headers = {"Content-Security-Policy": policy, **HEADERS}
        self.headers = {name.lower().encode(): value.encode() for name, value in headers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if not host_allowed(host, self.allowed_hosts):
            await self._refuse(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = message.get("headers", [])
                theirs = [pair for pair in sent if pair[0] not in self.headers]
                message["headers"] = [*theirs, *self.headers.items()]
            await send(message)

        await self.app(scope, receive, with_headers)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        from starlette.responses import PlainTextResponse

        text = "This host name is not allowed. Add it to the setting allowed_hosts.\n"
        await PlainTextResponse(text, 400)(scope, receive, send)
