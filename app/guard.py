"""What every request passes before anything answers it.

A request must name a host of ours, come from no other site's page, be no larger and no slower than
it may be, and not be one of too many; every reply gets the security headers. It knows neither
questions nor tokens.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import Container
from http import HTTPStatus
from typing import TYPE_CHECKING

from app import logs
from app.hosts import client_of, foreign, host_allowed, is_loopback
from app.pace import Pace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.settings import Settings

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
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

CALLED = ("/api", "/mcp", "/page")
"""Where programs and the page's scripts call: paced, logged, JSON alone."""

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
"""What Streamlit tells and does beside the page, which knows nothing of who may get in."""

UPLOADS = "/_stcore/upload_file"
BODY = 256 * 1024
"""Bytes of the body of a request; uploads of the page may have as many as the settings say."""

SLOWEST = 10.0
"""Seconds that the body of a request may take to come."""

ELSEWHERE = "600/minute"
"""How often a client may call where other machines are served and no setting says otherwise."""

SAFE = {"GET", "HEAD", "OPTIONS"}


class Refused(Exception):  # noqa: N818 it is a reply, no error
    """A request that is not answered: the status, and why."""

    def __init__(self, status: int, why: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.status = status
        self.seconds = seconds


class Guard:
    """Refuses what must not be answered, and adds the security headers to every reply.

    ``uploaders`` are the sessions of the page that may send files, which are kept in memory.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        policy: str,
        uploaders: Container[str] = frozenset(),
    ) -> None:
        self.app = app
        self.uploaders = uploaders
        self.allowed_hosts = settings.allowed_hosts
        self.pace = Pace(settings.rate_limit or ("" if is_loopback(settings.host) else ELSEWHERE))
        self.upload = (settings.upload_mb + 1) * 1_000_000
        headers = {"Content-Security-Policy": policy, **HEADERS}
        self.headers = {name.lower().encode(): value.encode() for name, value in headers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        if not is_below(scope["path"], CALLED):
            await self._answer(scope, receive, send)
            return
        with logs.request(
            method=scope.get("method", ""), path=scope["path"], client=client_of(scope)
        ) as facts:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    facts["status"] = message["status"]
                    identity = str(facts["id"]).encode()
                    message["headers"] = [*message.get("headers", []), (b"x-request-id", identity)]
                await send(message)

            await self._answer(scope, receive, told)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: _Body | None = None
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if body is not None and body.refused and not begun:
                return  # what is made of half a request is no answer
            if message["type"] == "http.response.start":
                begun = True
                sent = message.get("headers", [])
                theirs = [pair for pair in sent if pair[0] not in self.headers]
                message["headers"] = [*theirs, *self.headers.items()]
            await send(message)

        refused: Refused | None = None
        try:
            limit = self._checked(scope)
            if scope["type"] == "http":
                receive = body = _Body(receive, limit)
            await self.app(scope, receive, with_headers)
        except Refused as error:
            refused = error
        except Exception as error:
            if body is None or (body.refused is None and begun):
                raise
            if body.refused is None:
                logs.log.error("broken", exc_info=error)
                refused = Refused(500, "Passages made a mistake. The log says which.")
        if body is not None and body.refused is not None:
            refused, body.refused = body.refused, None
        if refused is not None and not begun:
            await _refuse(refused, scope, receive, with_headers)

    def _checked(self, scope: Scope) -> int:
        """The bytes that the body of this request may have; raises ``Refused``."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise Refused(400, "A request has one Host header.")
        host = headers.get(b"host")
        if not host_allowed(host, self.allowed_hosts):
            raise Refused(
                400, "This host name is not allowed. Add it to the setting allowed_hosts."
            )
        method, path = scope.get("method", ""), scope["path"]
        called = is_below(path, CALLED)
        if (method not in SAFE or called) and foreign(headers, self.allowed_hosts):
            raise Refused(403, "This comes from another site's page.")
        # Routes end at a line's end.
        if (called and "\n" in path) or is_below(path, CLOSED):
            raise Refused(404, "There is nothing here.")
        if called and (wait := self.pace.wait(client_of(scope))):
            raise Refused(429, "Too many requests. Wait before the next one.", wait)
        body = headers.get(b"content-length", "0") != "0" or b"transfer-encoding" in headers
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if called and body and kind != "application/json":
            raise Refused(415, "Send JSON, and say so: Content-Type: application/json")
        uploads = is_below(path, (UPLOADS,))
        if uploads and path[len(UPLOADS) + 1 :].partition("/")[0] not in self.uploaders:
            raise Refused(403, "Files are taken from whoever may add them on the Library page.")
        limit = self.upload if uploads else BODY
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise Refused(413, f"The request is too large: {limit:,} bytes are allowed.")
        return limit


class _Body:
    """The messages of a request, as long as they are not too many or too slow."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self._limit = limit
        self._whole = False
        self.refused: Refused | None = None
        self._until = time.monotonic() + SLOWEST

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()  # the news that the client is gone
        try:
            # An upload may take as long as it goes on coming.
            left = SLOWEST if self._limit > BODY else max(0.0, self._until - time.monotonic())
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError:
            self.refused = Refused(408, "The request did not come in time.")
            raise self.refused from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            why = f"The request is too large: {self._limit:,} bytes are allowed."
            self.refused = Refused(413, why)
            raise self.refused
        self._whole = not message.get("more_body", False)
        return message


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path is one of these or below one."""
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def content_security_policy(page: str) -> str:
    """The policy for a page of HTML: nothing from elsewhere, no script but those it came with."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()) for script in scripts)
    inline = " ".join(f"'sha256-{digest.decode()}'" for digest in hashes)
    return CONTENT_SECURITY_POLICY.format(inline=inline)


def problem(status: int, detail: str, **more: object) -> bytes:
    """An error as RFC 9457 has it."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return json.dumps({**told, "detail": detail, **more}).encode()


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    from starlette.responses import Response

    # What is still to come of the request is not read, so the connection ends.
    headers = {"Connection": "close"} if refused.status in (408, 413) else {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.seconds:
        headers["Retry-After"] = str(int(refused.seconds + 0.999))
    body = problem(refused.status, str(refused))
    reply = Response(body, refused.status, headers, "application/problem+json")
    await reply(scope, receive, send)
