"""An authorization token and its times, in seconds since the epoch. No I/O and no imports."""

HOUR = 3600

LIFETIME = 12 * HOUR
"""Lifetime of every ECR token, in seconds, and of a stored login whose password contains no expiry.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

MAX_LIFETIME = 24 * HOUR
"""Maximum lifetime that we accept, in seconds: twice the real one, in case this machine's clock is wrong."""

REFRESH_AHEAD = 0.25
"""Last fraction of a token's lifetime in which a get starts a refresh in the background: 3 of 12 hours.

A machine that pulls a few times a day then never waits for AWS.
"""

WAIT_FOR_REFRESH = HOUR // 4
"""Remaining lifetime, in seconds, below which a get waits for a new token.

A pull that starts now can use the same login again minutes later.
"""

RETRY = 300
"""Seconds between two attempts to refresh a token."""

CLOCK_SLACK = 60
"""Seconds by which a token's fetch time can be in the future, in case the clock was adjusted."""


class Token:
    """A registry login with its times."""

    __slots__ = ("expires_at", "fetched_at", "password", "username")

    def __init__(self, username: str, password: str, *, fetched_at: float, expires_at: float) -> None:
        self.username = username
        self.password = password
        self.fetched_at = fetched_at
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Return the user name and the expiry, without the password."""
        return f"Token(username={self.username!r}, expires_at={self.expires_at:.0f})"

    @property
    def pair(self) -> tuple[str, str]:
        """The user name and the password."""
        return self.username, self.password

    def is_valid(self, now: float) -> bool:
        """Return whether the token can be served.

        A token that was fetched in the future is not valid: the clock was set back, so the token would be
        served after its real expiry.
        """
        return (
            self.fetched_at - CLOCK_SLACK <= now < self.expires_at
            and self.expires_at - self.fetched_at <= MAX_LIFETIME
        )

    def should_refresh_ahead(self, now: float) -> bool:
        """Return whether to fetch a new token in the background."""
        return self._overdue_for(now) > 0

    def refresh_attempt(self, now: float) -> int:
        """Return the number of the current refresh attempt: 0, and one more every ``RETRY`` seconds."""
        return int(self._overdue_for(now) // RETRY)

    def _overdue_for(self, now: float) -> float:
        return now - self.expires_at + REFRESH_AHEAD * (self.expires_at - self.fetched_at)

    def should_wait_for_refresh(self, now: float) -> bool:
        """Return whether the caller should wait for a new token."""
        return self.expires_at - now < WAIT_FOR_REFRESH


def is_clean(text: str) -> bool:
    """Return whether a user name or a password is valid: not empty, every character printable."""
    return bool(text) and text.isprintable()
