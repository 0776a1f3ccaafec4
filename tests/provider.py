"""An OpenID Connect provider for the tests: it lets in whoever it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.server import listen


class Provider:
    """Signs in ``person``, whatever they say; ``person`` can be changed."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"email": "eve@example.org"}
        self.address = ""
        self._key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})
        self._nonces: dict[str, str] = {}

    async def described(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        code = f"code-{len(self._nonces)}"
        self._nonces[code] = asked.get("nonce", "")
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": "passages",
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "nonce": self._nonces[str(form["code"])],
            **self.person,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "test"}, claims, self._key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    async def jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})


@contextmanager
def provided() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    provider = Provider()
    listener = listen("127.0.0.1", 0)
    provider.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    application = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.described),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
            Route("/jwks", provider.jwks),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
