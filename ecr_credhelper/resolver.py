"""A cache miss: look for the token, lock, look again, ask AWS, keep the answer; all within one deadline.

What is expensive to import waits until it is needed: who finds that another process has fetched the
token meanwhile never loads botocore.
"""

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ecr_credhelper.errors import NOBODY, CredentialHelperError, NobodyError, UnreachableError
from ecr_credhelper.files import PRIVATE_FILE, make_private
from ecr_credhelper.rules import Asked
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from filelock import FileLock

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.fingerprint import Fingerprint
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.rules import Rule
    from ecr_credhelper.settings import Settings

DEADLINE = 25
"""Seconds for the whole answer: testcontainers-java gives up after 30."""

LOCK_WAIT = 15
"""Seconds to wait for another process that fetches the same token, before fetching it oneself: what is
left of the deadline is enough for that."""

LOCK_POLL = 0.02
"""Seconds between two looks at a lock: little beside the tenth of a second that AWS takes."""

LOCKS = 1021
"""Lock files for all tokens together, empty ones: two tokens on one lock wait for each other at worst, and no
lock file need ever be removed, which could not be done safely. A prime, so that every byte of a key counts:
the keys of one identity differ in their beginnings only."""

Result = TypeVar("Result")


class Resolver:
    """Finds or fetches the token of a registry.

    ``settings`` say as whom, ``fingerprint`` names what it is kept under, ``clock`` tells seconds since the
    epoch, ``log`` takes a line for the log, ``asked`` is the identity that a program names, if it does. All
    errors are CredentialHelperErrors.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it joins
        self,
        settings: "Settings",
        fingerprint: "Fingerprint",
        cache: "Cache",
        clock: "Callable[[], float]",
        log: "Callable[[str], object]" = str,
        asked: Asked = Asked(),  # noqa: B008 - a tuple, which nobody can change
    ) -> None:
        self.settings = settings
        self.fingerprint = fingerprint
        self.cache = cache
        self.clock = clock
        self.log = log
        self.asked = asked
        self.seconds = self.limit(settings)

    @staticmethod
    def limit(settings: "Settings") -> float:
        """Return the seconds that a whole answer may take."""
        return float(settings.deadline or DEADLINE)

    def resolve(self, registry: "Registry") -> Token:
        """Return a token for ``registry``, from AWS unless another process has just fetched it.

        One that is valid still, but not for long, is served when AWS fails, and for a minute to all at once.
        """
        try:
            return self._fetch_in_time(registry, Token.is_due)
        except CredentialHelperError as error:
            with suppress(CredentialHelperError):
                key, now = self.key(registry), self.clock()
                expiring = self.cache.token(key, now)
                if expiring:
                    self.log(f"error: {error}; still there: {expiring}")
                    self.cache.keep_failure(key, now)
                    return expiring
            raise

    def refresh(self, registry: "Registry") -> Token:
        """Return a token that is not even ageing: from AWS, unless another process has fetched one."""
        return self._fetch_in_time(registry, Token.is_ageing)

    def key(self, registry: "Registry") -> str:
        """Return the name of the token that opens ``registry``."""
        return token_key(registry, self._rule(registry), self.fingerprint.identity)

    def wants_not_found(self, registry: "Registry") -> bool:
        """Tell whether a failure shall look as if there was no login, so that a client goes on without one.

        The public registry's anonymous pulls work; for others the settings decide.
        """
        try:
            on_error = self._rule(registry).on_error
        except CredentialHelperError:
            return False
        return on_error == "not-found" if on_error else registry.public

    def _rule(self, registry: "Registry") -> "Rule":
        return self.asked.instead_of(self.settings.rule(registry))

    def _fetch_in_time(self, registry: "Registry", is_stale: "Callable[[Token, float], bool]") -> Token:
        rule = self._rule(registry)
        key = token_key(registry, rule, self.fingerprint.identity)
        told = rule._replace(external_id="…" if rule.external_id else "").identity()
        self.log(f"rule: {rule.pattern or 'none, the default chain'} {told}")

        def find() -> Token | None:
            now = self.clock()
            token = self.cache.token(key, now)
            is_good = token and (not is_stale(token, now) or self.cache.has_failed(key, now))
            return token if is_good else None

        lock = TokenLock(self.cache.records.folder, key)

        def find_or_fetch() -> Token:
            token = find()
            if token is None:
                with lock as is_locked:
                    self.log(f"looking again, with{'' if is_locked else 'out'} the token's lock")
                    token = find()
                    if token is None:
                        token = self._fetch(registry, rule, key)
            self.cache.keep_route(registry.host, self.fingerprint.route, key)
            return token

        try:
            return within(self.seconds, find_or_fetch, subject=registry.host)
        finally:
            lock.let_go()

    def _fetch(self, registry: "Registry", rule: "Rule", key: str) -> Token:
        """Ask AWS for a token and keep it; who has no credentials does not look for them again at once."""
        now = self.clock()
        who = f"{rule.identity()}\t{self.fingerprint.identity}"  # whichever registry it asks for
        if self.cache.has_failed(who, now):
            raise NobodyError(registry.host, *NOBODY)
        from ecr_credhelper import ecr, eviction

        try:
            token = ecr.fetch(registry, self.clock, rule, self.asked.session, self.log)
        except NobodyError:
            if self.fingerprint.holds():
                self.cache.keep_failure(who, now)
            raise
        # Else nobody knows whether it was asked for as before or after the change.
        if self.fingerprint.holds():
            self.cache.keep_token(key, token)
        eviction.evict_if_due(self.cache, self.clock())
        return token


def token_key(registry: "Registry", rule: "Rule", identity: str) -> str:
    """Return the name of the token that opens ``registry`` for ``identity`` under a rule.

    A token opens every registry of its region that the principal may use, so the host's account
    plays no part: forty accounts of one region are one token.
    """
    api = "ecr-public" if registry.public else "ecr"
    variants = [name for name in ("fips", "dualstack") if getattr(registry, name)]
    account = registry.account if rule.profile == "auto" else ""
    parts = (api, registry.partition, registry.region, *variants, rule.identity(), account, identity)
    return "\t".join(filter(None, parts))


class TokenLock:
    """The lock of a token between processes, if it can be had: without it AWS may be called twice.

    The system releases it when its holder dies, however it dies; ``let_go`` does when the work is given up,
    whose thread goes on.
    """

    def __init__(self, folder: str, key: str) -> None:
        self._folder = folder
        self._key = key
        self._lock: FileLock | None = None
        self._is_given_up = False

    def __enter__(self) -> bool:
        """Wait for it; tell whether it is held."""
        locks = os.path.join(self._folder, "locks")
        if not make_private(self._folder) or not make_private(locks):
            return False
        from filelock import FileLock

        path = os.path.join(locks, lock_name(self._key))
        lock = self._lock = FileLock(path, mode=PRIVATE_FILE, poll_interval=LOCK_POLL, thread_local=False)
        with suppress(OSError, NotImplementedError):  # its Timeout is an OSError
            lock.acquire(timeout=LOCK_WAIT)
        if self._is_given_up:  # while it was waited for
            self.let_go()
        return lock.is_locked

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Leave it to others, in whatever thread."""
        self._is_given_up = True
        if self._lock:
            with suppress(OSError):
                self._lock.release(force=True)


def lock_name(key: str) -> str:
    """Return the name of the lock file of a token."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % LOCKS:04}"


def within(seconds: float, work: "Callable[[], Result]", *, subject: str) -> "Result":
    """Return what ``work`` returns or raise what it raises; UnreachableError after ``seconds``.

    The work goes on in its thread, which ends with the process: nothing in botocore can be stopped
    from outside, least of all a credential process.
    """
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not results:
        raise UnreachableError(
            subject,
            f"AWS did not answer within {seconds:.3g} s",
            "check the network, proxies and the source of the AWS credentials, and try again",
        )
    return results[0]
