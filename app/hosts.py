"""Who calls, by what the request says: the host that it names, and the page that it comes from."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import Scope


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in {"localhost", "localhost.localdomain"}


def host_allowed(header: str | None, allowed: tuple[str, ...]) -> bool:
    """Whether a request with this Host header may be answered.

    A foreign name that resolves to this machine is how another site's script would reach the page
    (DNS rebinding). Bare addresses cannot be rebound, so they pass.
    """
    if not header or "@" in header:
        return False
    try:
        name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in {"localhost", socket.gethostname().lower()} or "*" in allowed:
        return bool(name)
    if is_named(name, allowed):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_named(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a host is one of these names; ``*.example.org`` stands for all below that one."""
    patterns = [one.lower() for one in allowed]
    return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in patterns)


def foreign(headers: dict[bytes, str], allowed: tuple[str, ...]) -> bool:
    """Whether a browser says that the page of another site sends this."""
    site = headers.get(b"sec-fetch-site", "")
    if site and site not in {"same-origin", "none"}:
        return True
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    if parts.netloc and parts.netloc.lower() == headers.get(b"host", "").lower():
        return False
    # Behind a proxy the Host may be another one; a name that is allowed for it is ours.
    return not is_named(parts.hostname or "", allowed)


def client_of(scope: Scope) -> str:
    """The address that a request comes from; behind a proxy on this machine, what that says."""
    client = scope.get("client")
    return str(client[0]) if client else ""
