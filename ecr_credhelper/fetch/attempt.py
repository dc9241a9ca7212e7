"""Find or fetch one token: look in the cache, take its lock, reuse another caller's failure, or call AWS."""

import sys
import time
from typing import TYPE_CHECKING

from ecr_credhelper.aws.lock import ProcessLock, lock_name
from ecr_credhelper.aws.progress import Progress, Stage
from ecr_credhelper.errors import (
    ConfigurationError,
    CredentialHelperError,
    InvalidResponseError,
    ThrottledError,
    UnreachableError,
)
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

REMEMBERED = (UnreachableError, ThrottledError, InvalidResponseError)
"""Failures that are reported again. The user can correct others, such as expired credentials, at once."""


class Attempt:
    """Finds or fetches the token for a request, and saves its route.

    A cached token is used if it is not stale. At the deadline, the caller can abandon the thread of ``run``
    and call ``timeout_error``. Always call ``release``. ``progress`` is kept up to date.
    """

    def __init__(
        self, resolver: "Resolver", request: "Request", is_stale: "Callable[[Token, float], bool]"
    ) -> None:
        self._resolver = resolver
        self._request = request
        self._host = request.registry.host
        self._is_stale = is_stale
        self.progress = Progress()
        self._has_waited = False
        self._started_at = resolver.clock()
        self._started_monotonic = time.monotonic()
        store = resolver.cache.store
        self._failures = Failures(store, request.key)
        self._lock = ProcessLock(
            store.directory,
            lock_name(request.key),
            seconds=resolver.deadline * LOCK_SHARE,
            on_wait=self._on_wait,
        )
        self.release = self._lock.release

    def run(self) -> "Token":
        """Return the token, or raise CredentialHelperError."""
        resolver = self._resolver
        token = self._usable_cached_token()
        if token is None:
            if resolver.remembers_failures:
                self._raise_if_slow_failure()
            with self._lock as is_locked:
                self.progress.stage = Stage.PREPARING
                resolver.log(f"looking in the cache again, with{'' if is_locked else 'out'} the token's lock")
                token = self._usable_cached_token() or self._fetch()
        resolver.save_route(self._request)
        return token

    def _raise_if_slow_failure(self) -> None:
        """Raise the last failure again if it was slow and is recent."""
        failure, now = self._failures.find(self._host), self._resolver.clock()
        if not failure or not isinstance(failure.error, REMEMBERED):
            return
        if failure.seconds >= SLOW and failure.is_recent(now, SLOW_AGE):
            raise failure.error_with_age(now)

    def timeout_error(self) -> CredentialHelperError:
        """Return the error for the caller at the deadline."""
        # Importing the module could wait for another thread, which hangs in an import, maybe in this one.
        prompts = sys.modules.get("ecr_credhelper.console.prompts")
        progress = self.progress
        stage = Stage.PROMPT if getattr(prompts, "open_prompts", None) else progress.stage
        if self._has_waited and stage not in {Stage.REQUEST, Stage.PROMPT}:  # too little time was left
            if failure := self._failure_while_waiting():
                return failure
            stage = Stage.WAITING
        error: CredentialHelperError = timeout_error(
            stage, self._host, self._resolver.deadline, progress.host
        )
        if stage is Stage.REQUEST:
            shared = self._failure_while_waiting() if self._has_waited else None
            if shared and not progress.failure:
                return shared
            error = progress.failure or error
            self._save(error)
        return error

    def _on_wait(self) -> None:
        self.progress.stage = Stage.WAITING
        self._has_waited = True
        self._resolver.log("waiting for another process that fetches the same token")

    def _usable_cached_token(self) -> "Token | None":
        """Return the cached token if it is usable."""
        now = self._resolver.clock()
        token = self._resolver.cache.token(self._request.key, now)
        return token if token and not self._is_stale(token, now) else None

    def _fetch(self) -> "Token":
        """Fetch the token, unless another caller failed to do so while this one waited for the lock."""
        resolver = self._resolver
        if failure := self._failure_while_waiting():
            raise failure
        try:
            return resolver.fetch(self._request, self.progress, self._process_end()).token
        except ConfigurationError:
            raise
        except CredentialHelperError as error:
            if self.progress.has_reached_ecr or isinstance(error, UnreachableError | ThrottledError):
                self._save(error)
            raise

    def _failure_while_waiting(self) -> CredentialHelperError | None:
        """Return the failure that another caller has saved since this one started."""
        failure = self._failures.find(self._host)
        is_shared = failure and failure.saved_at >= self._started_at
        return failure.error if failure and is_shared and self._resolver.fingerprint.is_unchanged() else None

    def _process_end(self) -> float:
        """Return the time of ``time.monotonic`` at which a credential process is killed."""
        deadline = self._resolver.deadline
        return self._started_monotonic + deadline - min(RESERVE, RESERVE_SHARE * deadline)

    def _save(self, error: CredentialHelperError) -> None:
        """Save a failure for other callers, unless the identity changed during the call.

        Only the time of the request counts, not that of a prompt or a credential process before it.
        """
        if self._resolver.fingerprint.is_unchanged():
            now = time.monotonic()
            seconds = now - (self.progress.requested_at or now)
            self._failures.save(error, self._host, seconds, self._resolver.clock())
