"""One line a request, for people or for programs; never a secret, and no question unless asked for.

While a request runs, whoever answers it adds facts; the line is written at its end. A question that
comes over Streamlit's WebSocket, where there is no request, is a line of its own.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

log = logging.getLogger("passages")

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)


def set_up(form: Literal["text", "json"]) -> None:
    """Write what is logged to stderr in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.getLogger().handlers[:] = [handler]
    log.setLevel(logging.INFO)


@contextmanager
def request(**facts: Any) -> Iterator[dict[str, Any]]:
    """Collect the facts of one request and write them as one line at its end."""
    collected = {"id": secrets.token_hex(8), **facts}
    token = _facts.set(collected)
    started = time.perf_counter()
    try:
        yield collected
    finally:
        _facts.reset(token)
        collected["ms"] = round((time.perf_counter() - started) * 1000, 1)
        log.info("request", extra={"facts": collected})


def fact(**facts: Any) -> None:
    """Add facts to the request that runs; without one they are a line of their own."""
    collected = _facts.get()
    if collected is None:
        log.info("page", extra={"facts": {"id": secrets.token_hex(8), **facts}})
    else:
        collected.update(facts)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        said = "".join(f" {name}={_shown(value)}" for name, value in facts.items())
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()}{said}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _shown(value: object) -> str:
    """A value on one line; what a stranger wrote cannot begin another one."""
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else json.dumps(text)
