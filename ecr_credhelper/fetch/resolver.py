"""Handle a cache miss: work out the rule and the key of a registry's token, then find or fetch the token.

Imports are deferred, so that a process never loads botocore if another process has already fetched the token.
"""

import time
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper import fork_lock
from ecr_credhelper.errors import CredentialHelperError, NoCredentialsError
from ecr_credhelper.fetch.attempt import Attempt
from ecr_credhelper.fetch.deadline import deadline_of, run_with_deadline
from ecr_credhelper.fetch.failures import MISSING_AGE, Failures
from ecr_credhelper.fetch.own_registry import save_host
from ecr_credhelper.fingerprint import join_fields
from ecr_credhelper.settings.rules import IdentityOverride
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.aws.client import Response
    from ecr_credhelper.aws.progress import Progress
    from ecr_credhelper.cache import Cache
    from ecr_credhelper.fingerprint import Fingerprint
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.loader import Settings
    from ecr_credhelper.settings.rules import Rule


class Request(NamedTuple):
    """A registry, the rule that applies to it, and the key of the token that serves it."""

    registry: "Registry"
    rule: "Rule"
    key: str

    @property
    def wants_not_found(self) -> bool:
        """Whether to report a failure as "not found", so that the client continues anonymously.

        By default, this is so for the public registry, which allows anonymous pulls.
        """
        return self.rule.on_error == "not-found" if self.rule.on_error else self.registry.public


class Resolver:
    """Finds or fetches the token of a registry.

    ``settings`` select the AWS identity of a registry, and ``fingerprint`` identifies it in cache keys.
    ``clock`` returns seconds since the epoch, and ``log`` writes a line to the log. ``override`` is the
    identity that a Python program selects. If ``is_interactive`` is false, prompts and credential
    processes are disabled. If ``remembers_failures`` is true, a recent failure can be raised again without
    calling AWS. All errors are CredentialHelperErrors.

    ``attempt`` is the last fetch. ``own_host`` is the host of the registry in the account of the AWS
    credentials, from the last response of AWS.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        settings: "Settings",
        fingerprint: "Fingerprint",
        cache: "Cache",
        clock: "Callable[[], float]",
        log: "Callable[[str], object]" = str,
        override: IdentityOverride = IdentityOverride(),  # noqa: B008 - an immutable tuple
        *,
        is_interactive: bool = True,
        remembers_failures: bool = False,
    ) -> None:
        self.settings = settings
        self.fingerprint = fingerprint
        self.cache = cache
        self.clock = clock
        self.log = log
        self.override = override
        self.is_interactive = is_interactive
        self.remembers_failures = remembers_failures
        self.deadline = deadline_of(settings)
        self.attempt: Attempt | None = None
        self.own_host = ""

    def request(self, registry: "Registry") -> Request:
        """Return the request for a registry; raise ConfigurationError if its rule is wrong."""
        return self.with_rule(registry, self.override.apply_to(self.settings.rule(registry)))

    def with_rule(self, registry: "Registry", rule: "Rule") -> Request:
        """Return the request for a registry under a rule."""
        return Request(registry, rule, token_key(registry, rule, self.fingerprint.identity))

    def resolve(
        self, request: Request, is_stale: "Callable[[Token, float], bool]" = Token.should_wait_for_refresh
    ) -> Token:
        """Return the token for a request, from AWS unless another process has just fetched it.

        If the fetch fails, return the cached token while it is still valid. For the next minute, all
        processes return it without calling AWS.
        """

        def must_fetch(token: Token, now: float) -> bool:
            return is_stale(token, now) and not self.cache.failed_recently(request.key, now)

        try:
            return self._run(request, must_fetch)
        except CredentialHelperError as error:
            now = self.clock()
            token = self.cache.token(request.key, now)
            if token is None:
                raise
            self.save_route(request)
            if token.should_wait_for_refresh(now):  # otherwise, it arrived just after the deadline
                self.log(f"error: {error}; serving the token that is about to expire: {token}")
                self.cache.record_failure(request.key, now)
            return token

    def refresh(self, request: Request) -> Token:
        """Return a token that is not yet in the last quarter of its lifetime; raise an error without one.

        Fetch it unless another process already has.
        """
        return self._run(request, Token.should_refresh_ahead)

    def save_route(self, request: Request) -> None:
        """Save which token serves a registry, unless a configuration file has changed since ``watch``.

        A registry whose host is not known yet has no route.
        """
        if request.registry.host and self.fingerprint.is_unchanged():
            self.cache.save_route(request.registry.host, self.fingerprint.full, request.key, self.clock())

    def _run(self, request: Request, is_stale: "Callable[[Token, float], bool]") -> Token:
        """Find or fetch the token within the deadline."""
        rule = request.rule
        fields = rule._replace(external_id="…" if rule.external_id else "").identity()
        self.log(
            f"rule: {rule.pattern or 'none (default credential chain)'} {' '.join(map('='.join, fields))}"
        )
        self.attempt = attempt = Attempt(self, request, is_stale)
        return run_with_deadline(
            self.deadline, attempt.run, on_timeout=attempt.timeout_error, release=attempt.release
        )

    def fetch(
        self, request: Request, progress: "Progress | None" = None, end: float | None = None
    ) -> "Response":
        """Fetch a token from AWS and save it. Missing credentials are remembered for a minute.

        ``progress`` is kept up to date. A credential process is killed at ``end``, a time of
        ``time.monotonic``.
        """
        now = self.clock()
        identity = _identity_key(request.registry, request.rule, self.fingerprint.identity)
        missing = Failures(self.cache.store, identity)
        failure = missing.find(request.registry.host)
        if self.remembers_failures and failure and failure.is_recent(now, MISSING_AGE):
            raise failure.error_with_age(now)
        with fork_lock():
            from ecr_credhelper.aws import client
            from ecr_credhelper.fetch import eviction

        try:
            response = client.fetch(
                request.registry,
                self.clock,
                request.rule,
                self.override.session,
                self.log,
                is_interactive=self.is_interactive,
                progress=progress,
                end=end,
            )
        except NoCredentialsError as error:
            if self.fingerprint.is_unchanged():
                missing.save(error, request.registry.host, 0, now)
            raise
        self.own_host = response.caller_host
        if self.fingerprint.is_unchanged():
            self.cache.save_token(request.key, response.token)
            save_host(self.cache.store, request.key, response.caller_host)
        else:  # the identity changed during the call, so we do not know which one this token belongs to
            self.cache.record_unsaved(response.token, self.clock())
        eviction.evict_if_due(self.cache.store, time.time())  # file times come from the system clock
        return response


def token_key(registry: "Registry", rule: "Rule", identity: str) -> str:
    """Return the key of the token for ``registry`` under a rule, in the format of ``join_fields``.

    The account of the registry is not part of the key. A token gives access to every registry of its region
    that its principal is allowed to use, so forty accounts of one region share one token.
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
    """Return the fields that identify the AWS identity of a token."""
    fields = rule.identity()
    if rule.auto_pattern:  # the account selects the profile
        fields.append(("account", registry.account))
    return "\t".join(filter(None, (join_fields(fields), identity)))
