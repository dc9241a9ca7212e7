"""One caller's way to a token: the cache, the token's lock, another caller's failure, and AWS."""

import time
from typing import TYPE_CHECKING

from ecr_credhelper.aws.lock import ProcessLock
from ecr_credhelper.aws.stages import Stage
from ecr_credhelper.errors import CredentialHelperError, ThrottledError, UnreachableError
from ecr_credhelper.fetch.deadline import timeout_error
from ecr_credhelper.fetch.failures import SLOW, SLOW_AGE, Failures

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.fetch.resolver import Request, Resolver
    from ecr_credhelper.token import Token

LOCK_SHARE = 0.6
"""Part of the deadline to wait for another process that fetches the same token: 15 of 25 seconds. After that,
this process fetches it too, in the rest of the time."""

RESERVE = 1
"""Seconds before the deadline at which a credential process is killed, so that its error arrives in time."""

RESERVE_SHARE = 0.2
"""Maximum part of the deadline for the reserve: a deadline can be as short as one second."""


class Attempt:
    """Finds or fetches the token for a request, and saves its route.

    A cached token is used if it is not stale, or if a fetch failed in the last minute. ``run`` can be
    abandoned in its thread at the deadline: then call ``timeout_error``, and ``release`` in any case.
    """

    def __init__(
        self, resolver: "Resolver", request: "Request", is_stale: "Callable[[Token, float], bool]"
    ) -> None:
        self._resolver = resolver
        self._request = request
        self._host = request.registry.host
        self._is_stale = is_stale
        self._stage = Stage.PREPARING
        self._start = resolver.clock()
        self._start_ticks = time.monotonic()
        store = resolver.cache.store
        self._failures = Failures(store, request.key)
        self._lock = ProcessLock(
            store.directory,
            request.key,
            seconds=resolver.deadline * LOCK_SHARE,
            on_wait=self._on_wait,
        )
        self.release = self._lock.release

    def run(self) -> "Token":
        """Return the token, or raise CredentialHelperError."""
        resolver = self._resolver
        token = self._find()
        if token is None:
            if resolver.remembers_failures:
                self._raise_if_slow_failure()
            with self._lock as is_locked:
                self._enter(Stage.PREPARING)
                resolver.log(f"looking in the cache again, with{'' if is_locked else 'out'} the token's lock")
                token = self._find() or self._fetch()
        resolver.save_route(self._request)
        return token

    def _raise_if_slow_failure(self) -> None:
        """Raise a slow failure of the last seconds again."""
        failure, now = self._failures.find(self._host), self._resolver.clock()
        if failure and failure.seconds >= SLOW and failure.is_recent(now, SLOW_AGE):
            raise failure.error_with_age(now)

    def timeout_error(self) -> CredentialHelperError:
        """Return the error for the caller at the deadline."""
        from ecr_credhelper.console.terminal import open_prompts

        if open_prompts:
            self._enter(Stage.PROMPT)
        error = timeout_error(self._stage, self._host, self._resolver.deadline)
        if self._stage is Stage.REQUEST:
            self._save(error)
        return error

    def _on_wait(self) -> None:
        self._enter(Stage.WAITING)
        self._resolver.log("waiting for another process that fetches the same token")

    def _enter(self, stage: Stage) -> None:
        self._stage = stage

    def _find(self) -> "Token | None":
        """Return the cached token if it is usable."""
        cache, key, now = self._resolver.cache, self._request.key, self._resolver.clock()
        token = cache.token(key, now)
        is_usable = token and (not self._is_stale(token, now) or cache.failed_recently(key, now))
        return token if is_usable else None

    def _fetch(self) -> "Token":
        """Fetch the token, unless another caller failed to do so while this one waited for the lock."""
        resolver = self._resolver
        failure = self._failures.find(self._host)
        if failure and failure.saved_at >= self._start and resolver.fingerprint.is_unchanged():
            raise failure.error
        try:
            return resolver.fetch(self._request, self._enter, self._process_end()).token
        except CredentialHelperError as error:
            is_of_ecr = self._stage in {Stage.REQUEST, Stage.RESPONSE}
            if is_of_ecr or isinstance(error, UnreachableError | ThrottledError):
                self._save(error)
            raise

    def _process_end(self) -> float:
        """Return the time of ``time.monotonic`` at which a credential process is killed."""
        deadline = self._resolver.deadline
        return self._start_ticks + deadline - min(RESERVE, RESERVE_SHARE * deadline)

    def _save(self, error: CredentialHelperError) -> None:
        """Save a failure for other callers, unless the identity changed during the call."""
        if self._resolver.fingerprint.is_unchanged():
            seconds = time.monotonic() - self._start_ticks
            self._failures.save(error, self._host, seconds, self._resolver.clock())
