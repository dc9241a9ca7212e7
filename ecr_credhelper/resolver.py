"""A cache miss: look for the token, lock, look again, ask AWS, keep the answer; all within one deadline.

What is expensive to import waits until it is needed: who finds that another process has fetched the
token meanwhile never loads botocore.
"""

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecr_credhelper.errors import NOBODY, CredentialHelperError, NobodyError, UnreachableError
from ecr_credhelper.files import PRIVATE_FILE, make_private
from ecr_credhelper.fingerprint import join_fields
from ecr_credhelper.rules import Asked
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from filelock import FileLock

    from ecr_credhelper import ecr
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


class Request(NamedTuple):
    """What one get asks for: a registry, the rule that applies to it, and the key of the token it needs."""

    registry: "Registry"
    rule: "Rule"
    key: str

    @property
    def wants_not_found(self) -> bool:
        """Whether a failure is reported as "no login", so that the client continues anonymously.

        The public registry allows anonymous pulls; for others the settings decide.
        """
        return self.rule.on_error == "not-found" if self.rule.on_error else self.registry.public


class Resolver:
    """Finds or fetches the token of a registry.

    ``settings`` select the identity, ``fingerprint`` identifies it, ``clock`` returns seconds since the
    epoch, ``log`` takes a line for the log, ``asked`` is the identity that a program names, if it does. With
    ``is_interactive`` off, nothing is prompted for and no program is started. All errors are
    CredentialHelperErrors.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it joins
        self,
        settings: "Settings",
        fingerprint: "Fingerprint",
        cache: "Cache",
        clock: "Callable[[], float]",
        log: "Callable[[str], object]" = str,
        asked: Asked = Asked(),  # noqa: B008 - an immutable tuple
        *,
        is_interactive: bool = True,
    ) -> None:
        self.settings = settings
        self.fingerprint = fingerprint
        self.cache = cache
        self.clock = clock
        self.log = log
        self.asked = asked
        self.is_interactive = is_interactive
        self.seconds = self.limit(settings)

    @staticmethod
    def limit(settings: "Settings") -> float:
        """Return the seconds that a whole response may take."""
        return float(settings.deadline or DEADLINE)

    def request(self, registry: "Registry") -> Request:
        """Return the request for a registry; ConfigurationError if what the settings say of it is wrong."""
        rule = self.asked.instead_of(self.settings.rule(registry))
        return Request(registry, rule, token_key(registry, rule, self.fingerprint.identity))

    def resolve(self, request: Request) -> Token:
        """Return the token for a request, from AWS unless another process has just fetched it.

        If AWS fails, a token that is about to expire is served, and to everyone without a call for a minute.
        """
        try:
            return self._run_with_deadline(request, Token.is_due)
        except CredentialHelperError as error:
            now = self.clock()
            expiring = self.cache.token(request.key, now)
            if expiring is None:
                raise
            self.log(f"error: {error}; serving the token that is about to expire: {expiring}")
            self.cache.keep_failure(request.key, now)
            return expiring

    def refresh(self, request: Request) -> Token:
        """Return a token before its last quarter: from AWS, unless another process has fetched one."""
        return self._run_with_deadline(request, Token.is_ageing)

    def find_or_fetch(
        self, request: Request, is_stale: "Callable[[Token, float], bool]", lock: "TokenLock"
    ) -> Token:
        """Return the token for a request, from the cache unless it ``is_stale``; save how it was found."""

        def find() -> Token | None:
            now = self.clock()
            token = self.cache.token(request.key, now)
            is_good = token and (not is_stale(token, now) or self.cache.has_failed(request.key, now))
            return token if is_good else None

        token = find()
        if token is None:
            with lock as is_locked:
                self.log(f"looking in the cache again, with{'' if is_locked else 'out'} the token's lock")
                token = find() or self.fetch(request).token
        self.save_route(request)
        return token

    def save_route(self, request: Request) -> None:
        """Save which token serves a registry, unless the configuration has been written meanwhile."""
        if self.fingerprint.is_unchanged():
            self.cache.keep_route(request.registry.host, self.fingerprint.route, request.key, self.clock())

    def _run_with_deadline(self, request: Request, is_stale: "Callable[[Token, float], bool]") -> Token:
        rule = request.rule
        shown = rule._replace(external_id="…" if rule.external_id else "").identity()
        self.log(f"rule: {rule.pattern or 'none, the default chain'} {' '.join(map('='.join, shown))}")
        lock = TokenLock(self.cache.records.folder, request.key)
        try:
            return within(
                self.seconds,
                lambda: self.find_or_fetch(request, is_stale, lock),
                subject=request.registry.host,
            )
        finally:
            lock.let_go()

    def fetch(self, request: Request) -> "ecr.Response":
        """Fetch a token from AWS and save it; remember for a minute that there are no credentials."""
        now = self.clock()
        who = _identity_key(request.registry, request.rule, self.fingerprint.identity)
        if self.cache.has_failed(who, now):
            raise NobodyError(request.registry.host, *NOBODY)
        from ecr_credhelper import ecr, eviction

        try:
            response = ecr.fetch(
                request.registry,
                self.clock,
                request.rule,
                self.asked.session,
                self.log,
                is_interactive=self.is_interactive,
            )
        except NobodyError:
            if self.fingerprint.is_unchanged():
                self.cache.keep_failure(who, now)
            raise
        if self.fingerprint.is_unchanged():
            self.cache.keep_token(request.key, response.token)
        else:  # we do not know which identity AWS saw
            self.cache.record_unsaved(response.token, self.clock())
        eviction.evict_if_due(self.cache, self.clock())
        return response


def token_key(registry: "Registry", rule: "Rule", identity: str) -> str:
    """Return the name of the token for ``registry`` under a rule: fields as in a fingerprint.

    A token gives access to every registry of its region that the principal is allowed to use, so the
    host's account is not part of the key: forty accounts of one region share one token.
    """
    fields = [
        ("api", "ecr-public" if registry.public else "ecr"),
        ("partition", registry.partition),
        ("region", registry.region),
        ("fips", "yes" if registry.fips else ""),
        ("dualstack", "yes" if registry.dualstack else ""),
    ]
    api = join_fields(field for field in fields if field[1])
    return f"{api}\t{_identity_key(registry, rule, identity)}"


def _identity_key(registry: "Registry", rule: "Rule", identity: str) -> str:
    """Return the fields that identify whose token it is."""
    fields = rule.identity()
    if rule.profile == "auto":  # the account selects the profile
        fields.append(("account", registry.account))
    return "\t".join(filter(None, (join_fields(fields), identity)))


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

    The work goes on in its thread, which ends with the process: nothing in botocore can be stopped from
    outside. Where no thread can be started, as at a limit on processes, it is done here, without a deadline.
    """
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with suppress(RuntimeError):
        thread.start()
        thread.join(seconds)
    if thread.ident is None:
        run()
    if raised:
        raise raised[0]
    if not results:
        cause = f"AWS did not answer within {seconds:.3g} s"
        advice = "check the network, proxies and the source of the AWS credentials, and try again"
        raise UnreachableError(subject, cause, advice)
    return results[0]
