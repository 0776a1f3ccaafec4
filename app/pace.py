"""How often one client may call."""

from __future__ import annotations

import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from index.errors import SettingsError


class Pace:
    """How often one client may call, for instance ``300/minute``; an empty rate is no limit.

    Raises:
        SettingsError: the rate cannot be read.
    """

    def __init__(self, rate: str) -> None:
        self._rate = rate_of(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, client: str) -> float:
        """Note a request of a client: 0, or the seconds until it may call again."""
        if self._rate is None or self._limiter.hit(self._rate, client):
            return 0.0
        reset = self._limiter.get_window_stats(self._rate, client).reset_time
        return max(1.0, reset - time.time())


def rate_of(rate: str) -> RateLimitItem | None:
    """A rate as it is written: a number, a slash, and ``second``, ``minute``, ``hour`` or ``day``.

    Raises:
        SettingsError: it is not written so.
    """
    if not rate.strip():
        return None
    try:
        return parse(rate)
    except ValueError as error:
        raise SettingsError(
            f"Setting rate_limit = {rate!r}: write for instance '300/minute', or nothing."
        ) from error
