"""Who may do what: tokens for programs, kept as hashes, and people named as managers.

``read`` asks and reads; ``manage`` also adds, removes, rebuilds and goes back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock

from index.errors import AccessError, SettingsError, StoreError, TokenError

Scope = Literal["read", "manage"]

FILE = "tokens.json"
PREFIX = "passages_"
_NAME = re.compile(r"[\w.@ -]{1,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: ``digest`` is the SHA-256 of the secret, in hex.

    The secret is 32 random bytes, so a plain hash of it cannot be guessed from.
    """

    name: str
    scope: Scope
    created: str
    digest: str


class Tokens:
    """The tokens of one store; any process may add and revoke, all see it with the next request."""

    def __init__(self, store: Path) -> None:
        self.path = store / FILE
        self._read: tuple[tuple[int, int], list[Token]] = ((0, 0), [])

    def new(self, name: str, scope: Scope) -> str:
        """Make a token and return its secret, which nobody can read again.

        Raises:
            SettingsError: the name is taken or cannot be one.
            StoreError: the store cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise SettingsError(f"{name!r} cannot name a token: use letters, digits and . _ - @")
        secret = PREFIX + secrets.token_urlsafe(32)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with self._changing() as tokens:
            if any(one.name == name for one in tokens):
                raise SettingsError(f"There is a token '{name}' already. Revoke it first.")
            tokens.append(Token(name, scope, created, digest_of(secret)))
        return secret

    def revoke(self, name: str) -> bool:
        """Take a token back; whether there was one of that name."""
        with self._changing() as tokens:
            left = [one for one in tokens if one.name != name]
            found = len(left) < len(tokens)
            tokens[:] = left
        return found

    def all(self) -> list[Token]:
        """The tokens, the oldest first.

        Raises:
            StoreError: the file cannot be read; then nobody gets in.
        """
        try:
            found = self.path.stat()
            seen = found.st_mtime_ns, found.st_ino
            if self._read[0] != seen:
                rows = json.loads(self.path.read_text(encoding="utf-8"))
                self._read = seen, [Token(**row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"'{self.path}' cannot be read: {error}. Delete it and make new tokens."
            ) from error
        return list(self._read[1])

    def find(self, secret: str) -> Token | None:
        """The token with this secret; takes as long whichever it is."""
        asked = digest_of(secret)
        found = None
        for one in self.all():
            if hmac.compare_digest(one.digest, asked):
                found = one
        return found

    def _changing(self) -> _Changing:
        return _Changing(self)


class _Changing:
    """The tokens under a lock, written back at the end unless something was raised."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._lock = FileLock(f"{tokens.path}.lock")
        self._all: list[Token] = []

    def __enter__(self) -> list[Token]:
        try:
            self._tokens.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise StoreError(f"'{self._tokens.path}' cannot be written: {error}.") from error
        try:
            self._all = self._tokens.all()
        except StoreError:
            self._lock.release()
            raise
        return self._all

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self._write()
        finally:
            self._lock.release()

    def _write(self) -> None:
        path = self._tokens.path
        aside = path.with_suffix(".new")
        try:
            aside.unlink(missing_ok=True)
            aside.touch(0o600, exist_ok=False)
            with aside.open("w", encoding="utf-8") as file:
                json.dump([asdict(one) for one in self._all], file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as failed:
            raise StoreError(f"'{path}' cannot be written: {failed}.") from failed


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def admit(tokens: Tokens, header: str, scope: Scope, *, open_to_all: bool) -> str:
    """The name of who sent this ``Authorization`` header, if they may do what ``scope`` says.

    Where it is open to all, no header is needed, but a wrong one is still refused.

    Raises:
        TokenError: there is no token, or none that is known.
        AccessError: the token does not allow it.
    """
    if not header and open_to_all:
        return ""
    kind, _, secret = header.partition(" ")
    token = tokens.find(secret.strip()) if kind.lower() == "bearer" and secret else None
    if token is None:
        raise TokenError(
            "A token is needed: send 'Authorization: Bearer …'. Make one with: "
            "python -m app token new NAME"
        )
    if scope == "manage" and token.scope != "manage":
        raise AccessError(f"The token '{token.name}' may read only; this needs one that manages.")
    return token.name


def manages(person: Mapping[str, object], managers: tuple[str, ...]) -> bool:
    """Whether a person who has signed in may change the library.

    ``managers`` are mail addresses; ``*`` is everybody. An address that the provider says is not
    verified counts as none.
    """
    if "*" in managers:
        return True
    mail = str(person.get("email") or "").strip().lower()
    verified = person.get("email_verified") not in (False, "false")
    return bool(mail) and verified and mail in {one.lower() for one in managers}
