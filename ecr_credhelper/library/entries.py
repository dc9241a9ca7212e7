"""The tokens in the memory of a provider, with their last use and the attempts to refresh them."""

from itertools import count
from typing import TYPE_CHECKING

from cachetools import Cache

if TYPE_CHECKING:
    from ecr_credhelper.token import Token

RETRY_PAUSE = 60
"""Seconds after a failed refresh during which callers get a token that is still valid without waiting."""

_uses = count()


class Entry:
    """A token in memory, with its last use and the attempts to refresh it."""

    def __init__(self, token: "Token") -> None:
        self.token = token
        self.last_use = next(_uses)
        self._failed_at = float("-inf")
        self._last_attempt = -1

    def is_fresh(self, now: float) -> bool:
        """Return whether the token can be served and needs no refresh."""
        return self.token.is_valid(now) and not self.token.should_refresh_ahead(now)

    def must_wait(self, now: float) -> bool:
        """Return whether a caller must wait for a new token."""
        return self.token.should_wait_for_refresh(now) and not 0 <= now - self._failed_at < RETRY_PAUSE

    def record_failure(self, now: float) -> None:
        """Record a failed refresh, so that the next one is not attempted immediately."""
        self._failed_at, self._last_attempt = now, self.token.refresh_attempt(now)

    def try_start_refresh(self, now: float) -> bool:
        """Return whether to refresh the token now, and record the attempt."""
        attempt = self.token.refresh_attempt(now)
        if not self.token.should_refresh_ahead(now) or attempt <= self._last_attempt:
            return False
        self._last_attempt = attempt
        return True


class Entries(Cache[str, Entry]):
    """The tokens in memory. ``use`` needs no lock, all other methods do."""

    def use(self, key: str) -> Entry | None:
        """Return the entry of a key as the most recently used one, or None."""
        try:
            entry = self[key]
        except KeyError:
            return None
        entry.last_use = next(_uses)
        return entry

    def popitem(self) -> tuple[str, Entry]:
        """Remove and return the least recently used entry; raise KeyError if there is none."""
        key = min(self, key=lambda key: self[key].last_use, default="")
        return key, self.pop(key)
