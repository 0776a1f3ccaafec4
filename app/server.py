"""One process that serves the page: Streamlit inside Starlette, run by uvicorn.

It composes the page, the API and what stands before them, and says at which address they are. It
makes no index and parses no question.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import SettingsError

if TYPE_CHECKING:
    import streamlit as st
    from starlette.applications import Starlette

    from app.service import Service
    from app.settings import Settings

SCRIPT = Path(__file__).parent / "page.py"

STREAM_LIMIT = 16 * 1024 * 1024
"""Bytes of one message from a browser; files come by requests of their own."""

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
    check_access(settings)
    listener = listen(settings.host, settings.port)  # first: it fails at once, imports take seconds
    import uvicorn

    from app import logs
    from app.service import shared

    logs.set_up(settings.log_format)
    service = shared(settings)
    application = create_application(settings, service)
    service.follow()
    if settings.watch:
        from app.watch import Watch

        Watch(service).start()
    config = uvicorn.Config(
        application,
        log_config=None,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # it costs more than the wire saves
        ws_max_size=STREAM_LIMIT,
        timeout_graceful_shutdown=2,
    )
    with contextlib.suppress(KeyboardInterrupt), listener:
        uvicorn.Server(config).run(sockets=[listener])


def serve_assistants(settings: Settings, *, over_http: bool) -> None:
    """Serve the Model Context Protocol over stdin and stdout, or over HTTP without the page.

    Raises SettingsError as ``serve`` does.
    """
    from app import logs
    from app.assistant import create_assistant
    from app.service import Service

    if not over_http:
        # The thread that waits for a line would be waited for, if this raised an interrupt.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        logs.set_up(settings.log_format)
        service = Service(settings)
        service.follow()
        create_assistant(service).run("stdio")
        return
    check_access(settings)
    listener = listen(settings.host, settings.port)
    import uvicorn

    logs.set_up(settings.log_format)
    service = Service(settings)
    service.follow()
    application = create_headless(settings, service)
    print(f"Assistants reach Passages at {url(settings.host, settings.port)}/mcp", flush=True)
    config = uvicorn.Config(application, log_config=None, log_level="warning", access_log=False)
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
    """The ASGI application: the page, what programs call, and what guards both."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.routing import Mount
    from streamlit.web.bootstrap import load_config_options

    from app.api import create_api
    from app.assistant import create_assistant
    from app.calls import create_calls
    from app.guard import Guard, content_security_policy
    from app.problems import HANDLERS
    from app.routes import about, for_assistants, routes_of_map

    load_config_options(
        STREAMLIT
        | {
            "server.address": settings.host,
            "server.port": settings.port,
            "server.maxUploadSize": settings.upload_mb,
        }
    )
    if settings.access == "login":
        check_login()
    page = Path(st.__file__).parent / "static" / "index.html"
    policy = content_security_policy(page.read_text(encoding="utf-8"))
    assistant = create_assistant(service)

    @contextlib.asynccontextmanager
    async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any] | None]:  # noqa: ARG001
        async with assistant.session_manager.run():
            print(f"Passages is at {url(settings.host, settings.port)}", flush=True)
            yield None

    return st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            *about(service),
            Mount("/api", create_api(service)),
            Mount("/page", create_calls(service)),
            *routes_of_map(service),
            *for_assistants(service, assistant),
        ],
        middleware=[
            Middleware(Guard, settings=settings, policy=policy, uploaders=service.uploaders)
        ],
        exception_handlers=HANDLERS,
    )


def create_headless(settings: Settings, service: Service) -> Starlette:
    """What programs call, and what guards it, without the page."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    from app.api import create_api
    from app.assistant import create_assistant
    from app.guard import CONTENT_SECURITY_POLICY, Guard
    from app.problems import HANDLERS
    from app.routes import about, for_assistants

    assistant = create_assistant(service)
    policy = CONTENT_SECURITY_POLICY.format(inline="")
    return Starlette(
        routes=[
            *about(service),
            Mount("/api", create_api(service)),
            *for_assistants(service, assistant),
        ],
        middleware=[Middleware(Guard, settings=settings, policy=policy)],
        exception_handlers=HANDLERS,
        lifespan=lambda _: assistant.session_manager.run(),
    )


def check_access(settings: Settings) -> None:
    """Raise a SettingsError where other machines would get in and no setting says who."""
    from app.hosts import is_loopback
    from app.pace import rate_of

    rate_of(settings.rate_limit)
    if settings.access or is_loopback(settings.host):
        return
    raise SettingsError(
        f"On {settings.host} other machines get in, so say who may: set access to 'login' for "
        "people who sign in and programs with a token, or to 'open' if everybody who reaches this "
        "address may read and change everything (docs/security.md). To serve this machine only: "
        "--host 127.0.0.1."
    )


def check_login() -> None:
    """Raise a SettingsError where people could not sign in."""
    import streamlit as st

    try:
        found = st.secrets.get("auth", {})
    except FileNotFoundError:
        found = {}
    needed = ["redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url"]
    if missing := [name for name in needed if not found.get(name)]:
        raise SettingsError(
            "With access = 'login' people sign in at an OpenID Connect provider, which "
            f".streamlit/secrets.toml has to name: [auth] lacks {', '.join(missing)}. See "
            "docs/security.md."
        )
    if importlib.util.find_spec("authlib") is None:
        raise SettingsError(
            "With access = 'login' people sign in, which needs one package more: "
            "pip install -r requirements-login.txt"
        )


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 it binds nothing
    return f"http://{f'[{name}]' if ':' in name and not name.startswith('[') else name}:{port}"
