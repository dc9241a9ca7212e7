"""Serve credentials in a long-running program from memory, the cache on disk or AWS.

One lock protects the memory; no thread waits while it holds the lock. A token that needs no refresh is read
without the lock: with eight busy threads, waiting for it takes twice as long as the rest of a get. Each fetch
has a separate thread, so registries do not wait for each other. Callers that need the same token wait for the
same fetch.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, Self
from weakref import WeakSet

from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.library.credentials import Credentials, credentials_for
from ecr_credhelper.library.entries import Entries, Entry
from ecr_credhelper.library.source import Session, StubSource, TokenSource, log
from ecr_credhelper.registry import Registry
from ecr_credhelper.token import Token

MAX_ENTRIES = 256
"""Limits the tokens in memory: there is one per region, so programs need fewer."""

MAX_NAMES = 1024
"""Limits the registry strings whose registry and key a provider remembers. To find these takes four times as
long as the rest of a get from memory."""

MAX_NAME_LENGTH = 512
"""Maximum length of such a string, in characters: enough for a URL with repository, tag and digest."""


class CredentialProvider:
    """Returns credentials for registries with one AWS identity. All methods are thread-safe.

    In the last quarter of a token's life, a background thread refreshes it while it is still in use. In the
    last 15 minutes, callers wait for the new token, and get the old one if AWS fails. Expired tokens are
    never returned.

    A provider can be pickled, for programs that start processes. It arrives without tokens and with the same
    arguments, which must be picklable. boto3 sessions are not.

    Args:
        profile: as in ``get_credentials``.
        region: the region of account IDs, as in ``get_credentials``.
        role_arn: as in ``get_credentials``.
        role_session_name: as in ``get_credentials``.
        external_id: as in ``get_credentials``.
        duration: as in ``get_credentials``.
        session: as in ``get_credentials``.
        disk_cache: False disables the cache on disk: tokens are kept only in the memory of this provider.
        max_entries: the maximum number of tokens in memory; the least recently used one is removed first.
        timer: a function that returns seconds since the epoch.
        fetch: a function for tests that returns the credentials for a host, instead of cache and AWS.

    Raises:
        CredentialHelperError: an argument or the settings file is not valid.
        ValueError: the arguments exclude each other, or ``max_entries`` is less than 1.

    """

    def __init__(  # noqa: PLR0913 - all are optional keywords
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        role_arn: str | None = None,
        role_session_name: str | None = None,
        external_id: str | None = None,
        duration: int | None = None,
        session: "Session | None" = None,
        disk_cache: bool = True,
        max_entries: int = MAX_ENTRIES,
        timer: "Callable[[], float]" = time.time,
        fetch: "Callable[[str], Credentials] | None" = None,
    ) -> None:
        identity: dict[str, Any] = {
            "profile": profile,
            "role_arn": role_arn,
            "role_session_name": role_session_name,
            "external_id": external_id,
            "duration": duration,
            "session": session,
        }
        self._arguments = {
            **identity,
            "region": region,
            "disk_cache": disk_cache,
            "max_entries": max_entries,
            "timer": timer,
            "fetch": fetch,
        }
        if max_entries < 1:
            raise ValueError("max_entries must be at least 1")
        if fetch and any(value is not None for value in identity.values()):
            raise ValueError("fetch cannot be combined with an AWS identity")
        self._source: TokenSource | StubSource = (
            StubSource(fetch)
            if fetch
            else TokenSource(**identity, region=region, on_disk=disk_cache, clock=timer)
        )
        self._remembered = lru_cache(MAX_NAMES)(self._source.lookup)  # Its settings do not change.
        self._timer = timer
        self._lock = threading.RLock()  # A signal handler can call close() while its thread holds the lock.
        self._entries = Entries(max_entries)
        self._fetches: dict[str, _Fetch] = {}
        self._threads: set[threading.Thread] = set()
        self._is_closed = False
        _providers.add(self)

    def get_credentials(self, registry: str) -> Credentials:
        """Return credentials for a registry: a host name, URL or image reference.

        Raises:
            CredentialHelperError: the base class of all errors, within 25 s (the setting ``deadline``).
            RuntimeError: the provider is closed.

        """
        parsed, key = self._lookup(registry)
        entry = self._entries.use(key)
        if entry and entry.is_fresh(self._timer()) and not self._is_closed:
            return credentials_for(parsed, entry.token)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this CredentialProvider is closed")
            now = self._timer()
            entry = self._entries.use(key)
            token = entry.token if entry and entry.token.is_valid(now) else None
            if entry and token and not entry.must_wait(now):
                if entry.try_start_refresh(now):
                    self._fetch(key, parsed, entry, prefetch=True)
                return credentials_for(parsed, token)
            fetch = self._fetch(key, parsed, entry)
            is_started = self._fetches.get(key) is fetch
        if not is_started:  # The system allows no more threads, so fetch the token in this one.
            self._work(key, fetch, is_started=False)
        try:
            token = fetch.result.result()
        except Exception as error:
            if not fetch.result.done() or fetch.result.exception() is not error:
                raise  # by a signal handler of the program
            if token is None or not token.is_valid(self._timer()):
                raise fetch.failure(error, parsed) from None
        return credentials_for(parsed, token)

    def invalidate(self, registry: "str | Credentials") -> None:
        """Remove the token of a registry from memory and disk, for example if the registry rejected it.

        If the rejected credentials are passed, do nothing if another thread has already replaced them.
        """
        rejected = registry.password if isinstance(registry, Credentials) else None
        parsed, key = self._lookup(registry.registry if isinstance(registry, Credentials) else registry)
        with self._lock:
            entry = self._entries.get(key)
            if rejected and (entry.token.password != rejected if entry else key in self._fetches):
                return
        try:
            self._source.forget(parsed)
        finally:  # Clear the memory last: a running fetch can have read the token before it was deleted.
            with self._lock:
                self._fetches.pop(key, None)
                self._entries.pop(key, None)

    def close(self) -> None:
        """Reject further calls, wait for running fetches up to their deadline, and clear the memory."""
        with self._lock:
            self._is_closed = True
            threads = self._threads - {threading.current_thread()}
        end = time.monotonic() + self._source.deadline
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        with self._lock:
            self._entries.clear()

    def __reduce__(self) -> "tuple[Callable[..., CredentialProvider], tuple[object, ...]]":
        if self._arguments["session"] is not None:
            raise TypeError("a provider with a session cannot be pickled; use profile or role_arn instead")
        return _provider_of, (type(self), self._arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lookup(self, server: str) -> tuple[Registry, str]:
        """Return the registry of a server string and the key of its token."""
        try:
            return (self._remembered if len(server) <= MAX_NAME_LENGTH else self._source.lookup)(server)
        except TypeError:  # not a string: this raises an error that says so
            return self._source.lookup(server)

    def _restart_after_fork(self) -> None:
        """Forget the lock and the fetches of the parent: their threads do not exist in this process."""
        if not self._lock.acquire(blocking=False):  # a thread of the parent was changing the memory
            self._entries.clear()
        self._lock = threading.RLock()
        self._fetches.clear()
        self._threads.clear()

    def _fetch(
        self, key: str, registry: Registry, entry: "Entry | None", *, prefetch: bool = False
    ) -> "_Fetch":
        """Return the running fetch of a token, or a new one. The caller holds the lock."""
        fetch = self._fetches.get(key)
        if fetch is None:
            fetch = _Fetch(registry, prefetch, entry, Future())
            name = f"ecr {registry.host}"
            thread = threading.Thread(target=self._work, args=(key, fetch), name=name, daemon=True)
            with suppress(RuntimeError):  # The system allows no more threads.
                thread.start()
                # Register the fetch only now: if Ctrl-C interrupted start(), its callers would wait forever.
                self._fetches[key] = fetch
                self._threads.add(thread)
        return fetch

    def _work(self, key: str, fetch: "_Fetch", *, is_started: bool = True) -> None:
        """Fetch a token, store it in memory, and set the result for all waiting threads."""
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
                    entry = self._entries[key] = Entry(token)
                    if token.should_wait_for_refresh(now):  # AWS failed, and this is the old token from disk.
                        entry.record_failure(now)
        except BaseException as error:  # noqa: BLE001 - the waiting threads raise it
            token, failure = None, error
            message = error if isinstance(error, CredentialHelperError) else type(error).__name__
            log.debug("%s failed: %s", "prefetch" if fetch.is_prefetch else "fetch", message)
            if fetch.replaces:
                fetch.replaces.record_failure(self._timer())
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
                if self._fetches.get(key) is fetch:
                    del self._fetches[key]
            if token:
                fetch.result.set_result(token)
            else:
                fetch.result.set_exception(failure)


def _provider_of(kind: type[CredentialProvider], arguments: dict[str, Any]) -> CredentialProvider:
    """Return a new provider, for ``pickle``, which passes positional arguments only."""
    return kind(**arguments)


_providers: "WeakSet[CredentialProvider]" = WeakSet()


def _restart_providers() -> None:
    for provider in [*_providers]:
        provider._restart_after_fork()  # noqa: SLF001 - a method of this module


if hasattr(os, "register_at_fork"):  # pragma: no branch - missing on Windows
    os.register_at_fork(after_in_child=_restart_providers)


class _Fetch(NamedTuple):
    """A running fetch: the registry that it was started for, the entry that it replaces, and its result."""

    registry: Registry
    is_prefetch: bool
    replaces: "Entry | None"
    result: "Future[Token]"

    def failure(self, error: Exception, registry: Registry) -> Exception:
        """Return a copy of the error with the registry of one of the waiting callers."""
        if not isinstance(error, CredentialHelperError):
            return error
        subject = registry.host if error.subject == self.registry.host else error.subject
        return type(error)(subject, error.reason, error.hint)
