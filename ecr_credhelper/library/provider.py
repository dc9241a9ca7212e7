"""Logins for Python programs that live long: in memory, before the cache on disk, before AWS.

One lock guards what is in memory and is never held while somebody waits. Each fetch is a thread of its own,
so that no registry waits for another's, and everybody who wants the same token waits for one fetch.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, Self

from cachetools import TLRUCache

from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fetch.deadline import DEADLINE
from ecr_credhelper.library.credentials import (
    Credentials,
    Session,
    TokenSource,
    credentials_for,
    log,
    parse_registry,
)
from ecr_credhelper.registry import Registry
from ecr_credhelper.token import Token

MAX_ENTRIES = 256
"""Tokens in memory: one for each region and identity, so more than a program has."""

PAUSE = 60
"""Seconds after an attempt that failed, in which a login that is valid still is given at once:
else every caller would wait in vain, for as long as AWS does not answer."""


class CredentialProvider:
    """Gives logins for registries to any number of threads, as one identity.

    A login in the last quarter of its life is renewed by a thread while it still serves. In its last quarter
    of an hour a caller waits for the new one, and gets the old one if AWS fails. No expired one is given.

    Args:
        profile: as in ``get_credentials``.
        role_arn: as in ``get_credentials``.
        session: as in ``get_credentials``.
        disk_cache: False leaves out the cache on disk, and what is fetched is known to this provider alone.
        max_entries: of tokens in memory; what was used least recently goes first.
        timer: tells seconds since the epoch.
        fetch: for tests: what returns the credentials of a registry's host, in place of disk and AWS.

    Raises:
        CredentialHelperError: an argument or the settings file is wrong.
        ValueError: arguments that exclude each other, or no room for a single entry.

    """

    def __init__(  # noqa: PLR0913 - all are keywords, and none is needed
        self,
        *,
        profile: str | None = None,
        role_arn: str | None = None,
        session: "Session | None" = None,
        disk_cache: bool = True,
        max_entries: int = MAX_ENTRIES,
        timer: "Callable[[], float]" = time.time,
        fetch: "Callable[[str], Credentials] | None" = None,
    ) -> None:
        if max_entries < 1:
            raise ValueError("max_entries: there must be room for one login at least")
        if fetch and (profile or role_arn or session is not None):
            raise ValueError("fetch stands in place of profile, role_arn and session")
        self._source: TokenSource | _StubSource = (
            _StubSource(fetch)
            if fetch
            else TokenSource(
                profile=profile, role_arn=role_arn, session=session, on_disk=disk_cache, clock=timer
            )
        )
        self._timer = timer
        self._lock = threading.RLock()  # a signal's handler may close the provider while its thread holds it
        self._entries: TLRUCache[str, _Entry] = TLRUCache(
            max_entries, lambda _key, entry, _now: entry.token.expires_at, timer
        )
        self._fetches: dict[str, _Fetch] = {}
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def get_credentials(self, registry: str) -> Credentials:
        """Return a login for a registry: a host name, URL or image reference.

        Raises:
            CredentialHelperError: the base of whatever goes wrong, within 25 s (the setting ``deadline``).
            RuntimeError: the provider is closed.

        """
        wanted = self._source.registry(registry)
        key = self._source.key(wanted)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this CredentialProvider is closed")
            now = self._timer()
            entry = self._entries.get(key)
            token = entry.token if entry and entry.token.is_valid(now) else None
            if entry and token and not entry.must_wait(now):
                if entry.try_start_refresh(now):
                    self._fetch(key, wanted, entry, prefetch=True)
                return credentials_for(wanted, token)
            fetch = self._fetch(key, wanted, entry)
            is_started = self._fetches.get(key) is fetch
        if not is_started:  # there are no more threads: the work is done here
            self._work(key, fetch, is_started=False)
        try:
            token = fetch.result.result()
        except Exception as error:  # noqa: BLE001 - whatever it is, what is valid still will do
            if token is None or not token.is_valid(self._timer()):
                raise fetch.failure(error, wanted) from None
        return credentials_for(wanted, token)

    def invalidate(self, registry: "str | Credentials") -> None:
        """Forget the login of a registry, in memory and on disk: it was refused, say.

        Given the refused login itself, it does nothing if another thread has seen to that already.
        """
        refused = registry.password if isinstance(registry, Credentials) else None
        wanted = self._source.registry(registry.registry if isinstance(registry, Credentials) else registry)
        key = self._source.key(wanted)
        with self._lock:
            entry = self._entries.get(key)
            if refused and (entry.token.password != refused if entry else key in self._fetches):
                return
        try:
            self._source.forget(wanted)
        finally:  # last, since what is under way may have been found on disk before
            with self._lock:
                self._fetches.pop(key, None)
                self._entries.pop(key, None)

    def close(self) -> None:
        """Give no more logins, wait for what is being fetched, 25 s at most, and forget what is known."""
        with self._lock:
            self._is_closed = True
            threads = self._threads - {threading.current_thread()}
        end = time.monotonic() + DEADLINE
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        with self._lock:
            self._entries.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(
        self, key: str, wanted: Registry, entry: "_Entry | None", *, prefetch: bool = False
    ) -> "_Fetch":
        """Return the fetch of a token that is under way, or start one if possible; the lock is held."""
        fetch = self._fetches.get(key)
        if fetch is None:
            fetch = _Fetch(wanted, prefetch, entry, Future())
            name = f"ecr {wanted.host}"
            thread = threading.Thread(target=self._work, args=(key, fetch), name=name, daemon=True)
            with suppress(RuntimeError):  # at a limit of the system
                thread.start()
                self._fetches[key] = fetch  # not before: Ctrl-C would leave a fetch that nobody ends
                self._threads.add(thread)
        return fetch

    def _work(self, key: str, fetch: "_Fetch", *, is_started: bool = True) -> None:
        token: Token | None = None
        failure: BaseException = RuntimeError("interrupted")
        try:
            if not is_started:
                with self._lock:
                    self._fetches[key] = fetch
            token = self._source.fetch(fetch.registry, prefetch=fetch.is_prefetch)
            with self._lock:
                now = self._timer()
                if self._fetches.get(key) is fetch and token.is_valid(now) and not self._is_closed:
                    entry = self._entries[key] = _Entry(token)
                    if token.should_wait_for_refresh(now):  # AWS has failed, and it is the disk's
                        entry.note_failure(now)
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
            token, failure = None, error
            told = error if isinstance(error, CredentialHelperError) else type(error).__name__
            log.debug("fetching %s failed: %s", "ahead" if fetch.is_prefetch else "a token", told)
            if fetch.replaces:
                fetch.replaces.note_failure(self._timer())
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
                if self._fetches.get(key) is fetch:
                    del self._fetches[key]
            if token:
                fetch.result.set_result(token)
            else:
                fetch.result.set_exception(failure)


class _Fetch(NamedTuple):
    """A fetch that is under way: for whom it began, what it shall replace, and what comes of it."""

    registry: Registry
    is_prefetch: bool
    replaces: "_Entry | None"
    result: "Future[Token]"

    def failure(self, error: Exception, wanted: Registry) -> Exception:
        """Return what one of those who waited raises: an error of its own, of its own registry."""
        if not isinstance(error, CredentialHelperError):
            return error
        subject = wanted.host if error.subject == self.registry.host else error.subject
        return type(error)(subject, error.reason, error.hint)


class _Entry:
    """A token in memory, and what has been tried to replace it."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self._failed_at = float("-inf")
        self._tried = -1

    def must_wait(self, now: float) -> bool:
        """Tell whether a caller should rather wait for the next one."""
        return self.token.should_wait_for_refresh(now) and not 0 <= now - self._failed_at < PAUSE

    def note_failure(self, now: float) -> None:
        """Let nobody wait for the same so soon, nor a thread try it."""
        self._failed_at, self._tried = now, self.token.refresh_attempt(now)

    def try_start_refresh(self, now: float) -> bool:
        """Tell whether an attempt is due that nobody has made yet."""
        attempt = self.token.refresh_attempt(now)
        if not self.token.should_refresh_ahead(now) or attempt <= self._tried:
            return False
        self._tried = attempt
        return True


class _StubSource:
    """What a test gives in place of disk and AWS: each registry has a login of its own."""

    def __init__(self, fetch: "Callable[[str], Credentials]") -> None:
        self._function = fetch

    def registry(self, server: str) -> Registry:
        return parse_registry(server)

    def key(self, registry: Registry) -> str:
        return registry.host

    def fetch(self, registry: Registry, *, prefetch: bool = False) -> Token:  # noqa: ARG002 - see Source
        given = self._function(registry.host)
        times = {"fetched_at": given.fetched_at.timestamp(), "expires_at": given.expires_at.timestamp()}
        return Token(given.username, given.password, **times)

    def forget(self, registry: Registry) -> None:
        """Have nothing to forget."""
