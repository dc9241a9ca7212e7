"""Logins for Python programs that live long: in memory, before the cache on disk, before AWS.

One lock guards what is in memory and is never held while somebody waits. Each fetch is a thread of its own,
so that no registry waits for another's, and everybody who wants the same token waits for one fetch.
"""

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from cachetools import TLRUCache

from ecr_credhelper.credentials import Source, credentials_for, log, registry_of
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ecr_credhelper.credentials import Credentials, Session
    from ecr_credhelper.registry import Registry

MAX_ENTRIES = 256
"""Tokens in memory: one for each region and identity, so more than a program has."""


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
        self._source: Source | _Canned = (
            _Canned(fetch)
            if fetch
            else Source(profile=profile, role_arn=role_arn, session=session, on_disk=disk_cache, clock=timer)
        )
        self._timer = timer
        self._lock = threading.Lock()
        self._entries: TLRUCache[str, _Entry] = TLRUCache(max_entries, _end, timer)
        self._pending: dict[str, Future[Token]] = {}
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def get_credentials(self, registry: str) -> "Credentials":
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
            if entry and token and not token.is_due(now):
                if entry.takes_attempt(now):
                    self._fetch(key, wanted, ahead=True)
                return credentials_for(wanted, token)
            fetch = self._fetch(key, wanted)
        try:
            return credentials_for(wanted, fetch.result())
        except CredentialHelperError:
            if token and token.is_valid(self._timer()):
                return credentials_for(wanted, token)
            raise

    def invalidate(self, registry: str) -> None:
        """Forget the login of a registry, in memory and on disk: it was refused, say. The next one is new."""
        wanted = self._source.registry(registry)
        key = self._source.key(wanted)
        with self._lock:
            self._pending.pop(key, None)  # what is under way may have been found before this moment
            self._entries.pop(key, None)
        self._source.forget(wanted)

    def close(self) -> None:
        """Give no more logins, wait for what is being fetched (25 s at most), and forget what is known."""
        with self._lock:
            self._is_closed = True
            threads = list(self._threads)
        for thread in threads:
            thread.join()
        with self._lock:
            self._entries.clear()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self, key: str, wanted: "Registry", *, ahead: bool = False) -> "Future[Token]":
        """Return the fetch of a token that is under way, or start one; the lock is held."""
        future = self._pending.get(key)
        if future is None:
            future = Future()
            arguments = (key, wanted, future, ahead)
            thread = threading.Thread(
                target=self._work, args=arguments, name=f"ecr {wanted.host}", daemon=True
            )
            thread.start()  # first: where no thread can be had, nobody must wait for it
            self._threads.add(thread)
            self._pending[key] = future
        return future

    def _work(self, key: str, wanted: "Registry", future: "Future[Token]", ahead: bool) -> None:  # noqa: FBT001
        token, failure = None, None
        try:
            token = self._source.fetch(wanted, ahead=ahead)
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
            failure = error
            log.debug("%s: fetching %s failed", wanted.host, "ahead" if ahead else "a token")
        with self._lock:
            self._threads.discard(threading.current_thread())
            if self._pending.get(key) is future:
                del self._pending[key]
                if token and token.is_valid(self._timer()):
                    self._entries[key] = _Entry(token)
        if token:
            future.set_result(token)
        else:
            future.set_exception(failure)


class _Entry:
    """A token in memory, and the number of the last attempt to replace it ahead of its end."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self._tried = -1

    def takes_attempt(self, now: float) -> bool:
        """Tell whether an attempt is due that nobody has made yet."""
        attempt = self.token.attempt(now)
        if not self.token.is_ageing(now) or attempt <= self._tried:
            return False
        self._tried = attempt
        return True


def _end(_key: str, entry: _Entry, _now: float) -> float:
    return entry.token.expires_at


class _Canned:
    """What a test gives in place of disk and AWS: each registry has a login of its own."""

    def __init__(self, fetch: "Callable[[str], Credentials]") -> None:
        self._function = fetch

    def registry(self, server: str) -> "Registry":
        return registry_of(server)

    def key(self, registry: "Registry") -> str:
        return registry.host

    def fetch(self, registry: "Registry", *, ahead: bool = False) -> Token:  # noqa: ARG002 - see Source
        given = self._function(registry.host)
        times = {"fetched_at": given.fetched_at.timestamp(), "expires_at": given.expires_at.timestamp()}
        return Token(given.username, given.password, **times)

    def forget(self, registry: "Registry") -> None:
        """Have nothing to forget."""
