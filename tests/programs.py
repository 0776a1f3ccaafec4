"""A service over HTTP in this process, as programs meet it: a real socket, no page, no model."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from app.server import create_headless, listen
from app.service import Service

JSON = {"Content-Type": "application/json"}


class Program:
    """What calls the API: replies are ``(status, headers, body)``, the body as JSON if it is."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = ""
        self.address = f"http://127.0.0.1:{port}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {**(JSON if body is not None else {}), **(headers or {})}
        try:
            connection.request(method, path, data, sent)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        told = {name.lower(): value for name, value in reply.getheaders()}
        is_json = "json" in told.get("content-type", "")
        return reply.status, told, json.loads(text) if is_json and text else text

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], Any]:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        return self.call("POST", path, body, headers)

    def ready(self) -> bool:
        """Whether there is a server that can answer."""
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, question: str, **more: Any) -> tuple[int, dict[str, str], Any]:
        return self.post("/api/ask", {"question": question, **more})


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(service: Service) -> Iterator[Program]:
    """The API of a service on a free port of this machine."""
    listener = listen("127.0.0.1", 0)
    application = create_headless(service.settings, service)
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Program(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
