"""An authorization token, and what its age asks for. No I/O and no imports; time is a parameter.

All times are seconds since the epoch.
"""

HOUR = 3600

LIFETIME = 12 * HOUR
"""What AWS gives every token, and what is assumed of a login that does not tell.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

MAX_LIFETIME = 24 * HOUR
"""More than this cannot be a token's life: twice the real one leaves room for a clock that is off."""

REFRESH_AHEAD = 0.25
"""The last part of a life in which a refresh starts while the old token still serves: 3 of 12 hours,
so that a machine which pulls a few times a day never waits."""

WAIT_FOR_REFRESH = HOUR // 4
"""Seconds before the end from which a caller waits for a new token: a pull that starts now may ask
the registry again minutes later with the same login."""

RETRY = 300
"""Seconds after which a refresh that has not brought a new token is tried again."""

CLOCK_SLACK = 60
"""Seconds that a clock may have been set back before a token counts as not fetched yet."""


class Token:
    """A registry login with its times: ``fetched_at`` and ``expires_at``, seconds since the epoch."""

    __slots__ = ("expires_at", "fetched_at", "password", "username")

    def __init__(self, username: str, password: str, *, fetched_at: float, expires_at: float) -> None:
        """Keep the four; whoever makes a token from foreign bytes calls ``is_clean`` first."""
        self.username = username
        self.password = password
        self.fetched_at = fetched_at
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Tell the user name and the end, never the password."""
        return f"Token(username={self.username!r}, expires_at={self.expires_at:.0f})"

    @property
    def pair(self) -> tuple[str, str]:
        """The user name and the password."""
        return self.username, self.password

    def is_valid(self, now: float) -> bool:
        """Tell whether it may be served: fetched in the past, not yet expired, of a possible life.

        After a clock jumped back, a token from the future is not valid: otherwise it would be
        served after its real end.
        """
        return (
            self.fetched_at - CLOCK_SLACK <= now < self.expires_at
            and self.expires_at - self.fetched_at <= MAX_LIFETIME
        )

    def should_refresh_ahead(self, now: float) -> bool:
        """Tell whether it is time to fetch the next one, without making anybody wait."""
        return self._overdue_for(now) > 0

    def refresh_attempt(self, now: float) -> int:
        """Return the number of the try to refresh it that is due: 0, and one more every ``RETRY`` seconds."""
        return int(self._overdue_for(now) // RETRY)

    def _overdue_for(self, now: float) -> float:
        return now - self.expires_at + REFRESH_AHEAD * (self.expires_at - self.fetched_at)

    def should_wait_for_refresh(self, now: float) -> bool:
        """Tell whether a caller should rather wait for the next one."""
        return self.expires_at - now < WAIT_FOR_REFRESH


def is_clean(text: str) -> bool:
    """Tell whether ``text`` can be a user name or a password: not empty, every character printable."""
    return bool(text) and text.isprintable()
