"""Get tokens for one AWS identity, with the cache and settings of the executable."""

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar

from ecr_credhelper import fork_lock
from ecr_credhelper.aws.profiles import configured_region
from ecr_credhelper.aws.progress import AWS_SDK, Stage
from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.console.log import redacted
from ecr_credhelper.errors import ConfigurationError, CredentialHelperError, internal_error
from ecr_credhelper.fetch import own_registry
from ecr_credhelper.fetch.deadline import DEADLINE, deadline_of, run_with_deadline, timeout_error
from ecr_credhelper.fetch.resolver import Resolver, token_key
from ecr_credhelper.fingerprint import Fingerprint, file_stamps, fingerprint
from ecr_credhelper.library import memory
from ecr_credhelper.library.hosts import parse_registry, raise_if_elsewhere
from ecr_credhelper.records import FileStore
from ecr_credhelper.registry import Registry
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.settings.rules import IdentityOverride
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    import boto3
    import botocore.session

    from ecr_credhelper.library.credentials import Credentials

    Session = boto3.Session | botocore.session.Session
else:
    Session = Any  # typing.get_type_hints() must not import boto3.

OVERRIDE = "override"
"""Replaces the settings in a route if the caller passes an identity. The executable skips such routes."""

UNEXPECTED = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, ImportError)
"""Errors of the system, such as a deleted working directory, and of this package."""

Result = TypeVar("Result")

log = logging.getLogger("ecr_credhelper")


class TokenSource:
    """Gets the tokens for one AWS identity, from the cache on disk or from AWS.

    The settings are read once. ``clock`` returns seconds since the epoch. ``deadline`` is that of a fetch, in
    seconds.
    """

    def __init__(  # noqa: PLR0913 - all are optional keywords
        self,
        *,
        profile: str | None = None,
        role_arn: str | None = None,
        role_session_name: str | None = None,
        external_id: str | None = None,
        duration: int | None = None,
        session: "Session | None" = None,
        region: str | None = None,
        on_disk: bool = True,
        clock: "Callable[[], float]" = time.time,
    ) -> None:
        if profile and session is not None:
            raise ValueError("pass either profile or session: a session already has a profile")
        role_arguments = {
            "role_session_name": role_session_name,
            "external_id": external_id,
            "duration": duration,
        }
        if any(role_arguments.values()) and not role_arn:
            raise ValueError(
                f"{' and '.join(filter(role_arguments.get, role_arguments))} can only be passed with role_arn"
            )
        _check_arguments(profile=profile, role_arn=role_arn, region=region, **role_arguments)
        # A boto3 session wraps a botocore session.
        botocore_session: Any = getattr(session, "_session", session)
        if session is not None and not hasattr(botocore_session, "get_config_variable"):
            raise TypeError(f"session must be a boto3 or botocore session, not {type(session).__name__}")
        if iscoroutinefunction(getattr(botocore_session, "get_credentials", None)):
            raise TypeError("session must be a boto3 or botocore session, not an asynchronous one")
        self._override = IdentityOverride(
            profile or "",
            role_arn or "",
            botocore_session,
            role_session_name or "",
            external_id or "",
            duration or 0,
        )
        # The fingerprint must describe the settings that are loaded, otherwise a route could be wrong.
        environ = dict(os.environ)
        current = fingerprint(environ)
        current.watch()
        identity = (profile, role_arn, *role_arguments.values())
        self._owner = f"{OVERRIDE}\t{identity}" if self._override else current.settings
        with fork_lock():
            self.settings = load_settings(environ)
        self.deadline = deadline_of(self.settings)
        variables = {} if session is None else botocore_session.instance_variables()
        self._region = region or ""
        self._default_region = region or _region_of(botocore_session)
        self._profile = profile or variables.get("profile") or ""
        self._latest: Resolver | None = None
        self._on_disk = on_disk and current.is_unchanged()
        self._clock = clock

    def registry(self, server: str) -> "Registry":
        """Return the registry of a server string, repository ARN or account ID; see ``library.hosts``."""
        with fork_lock():
            registry = parse_registry(
                server, self.settings, region=self._default_region, profile=self._profile
            )
            raise_if_elsewhere(registry, self._region)
        return registry

    def lookup(self, server: str) -> tuple["Registry", str]:
        """Return the registry of a server string, and a key that is equal for all that share its token."""
        registry = self.registry(server)
        return registry, token_key(registry, self._override.apply_to(self.settings.rule(registry)), "")

    def fetch(self, registry: "Registry", *, prefetch: bool = False) -> "Token":
        """Return a valid token; with ``prefetch``, one that is not in the last quarter of its life."""

        def work(resolver: Resolver) -> "Token":
            request = resolver.request(registry)
            with memory.one_fetch(resolver, request.key):
                return resolver.refresh(request) if prefetch else resolver.resolve(request)

        return self._run(registry, work)

    def fetch_own_registry(self) -> tuple["Registry", "Token"]:
        """Return the registry in the account of the AWS credentials, and a valid token."""

        def work(resolver: Resolver) -> tuple["Registry", "Token"]:
            request = own_registry.own_request(resolver, self.region())
            with memory.one_fetch(resolver, request.key):
                return own_registry.fetch(resolver, request)

        return self._run(Registry(""), work)

    def region(self) -> str:
        """Return the region of the identity's own registry; raise ConfigurationError without one."""
        with fork_lock():
            return self._default_region or configured_region(self._profile, os.environ)

    @property
    def waits_for(self) -> str:
        """The host or the process that the latest fetch waits for; see ``Progress``."""
        attempt = self._latest.attempt if self._latest else None
        return attempt.progress.waits_for if attempt else AWS_SDK

    def forget(self, registry: "Registry") -> None:
        """Remove the token of the registry from the disk."""
        resolver = self._resolver(registry)
        resolver.cache.delete_token(resolver.request(registry).key)

    def _run(self, registry: "Registry", work: "Callable[[Resolver], Result]") -> "Result":
        """Return the result of ``work``. Unexpected errors become a CredentialHelperError.

        Other exceptions are those of the program's signal handlers, such as a time limit.
        """
        try:
            self._latest = self._resolver(registry)
            return work(self._latest)
        except (CredentialHelperError, TimeoutError):
            raise
        except UNEXPECTED as error:
            raise internal_error(error) from None

    def _resolver(self, registry: "Registry") -> Resolver:
        """Return a resolver for the current identity, because the environment can change between calls."""
        session_field, started = "", time.monotonic()
        session = self._override.session
        if session is not None:
            with fork_lock():
                from ecr_credhelper.aws.sessions import session_fingerprint

            # A session can load its credentials from a process or a server, which can hang.
            on_timeout = partial(timeout_error, Stage.CREDENTIALS, registry.host, self.deadline)
            found = run_with_deadline(
                self.deadline, lambda: session_fingerprint(session), on_timeout=on_timeout
            )
            session_field = f"\t{found}"

        def current() -> tuple[Fingerprint, str]:
            identity = fingerprint(os.environ, has_override=bool(self._override)).identity + session_field
            return Fingerprint(identity, self._owner, current), file_stamps(os.environ)

        with fork_lock():
            if not self._on_disk:
                cache = Cache(FileStore())
            elif session is not None and not found:
                cache = memory.session_cache(session)
            else:
                cache = memory.with_memory(open_cache(os.environ))
        owner, _ = current()
        owner.watch()
        resolver = Resolver(self.settings, owner, cache, self._clock, _debug, self._override)
        resolver.deadline = self.deadline - (time.monotonic() - started)
        return resolver


def _region_of(session: "Any") -> str:
    """Return the region of a program's session, or an empty string."""
    try:
        return session.get_config_variable("region") or "" if session is not None else ""
    except Exception:  # noqa: BLE001 - of botocore: the fetch reports it
        return ""


def _check_arguments(**arguments: "str | int | None") -> None:
    """Raise ConfigurationError if an argument is not a valid value of the setting with its name."""
    for name, value in arguments.items():
        if value is not None and value != "":
            with fork_lock():
                from ecr_credhelper.settings.validation import problem_of

            if problem := problem_of(name, value):
                raise ConfigurationError("", problem, "correct the argument")


def _debug(text: str) -> None:
    log.debug("%s", redacted(text))


class StubSource:
    """Replaces TokenSource in tests. Every registry has its own token."""

    def __init__(self, fetch: "Callable[[str], Credentials]") -> None:
        self._function = fetch
        self.deadline = DEADLINE

    def lookup(self, server: str) -> tuple[Registry, str]:
        """Return the registry of a server string and the key of its token."""
        registry = parse_registry(server)
        return registry, registry.host

    def fetch(self, registry: Registry, *, prefetch: bool = False) -> Token:  # noqa: ARG002 - see TokenSource
        """Return a token with the login that the function returns."""
        credentials = self._function(registry.host)
        return Token(
            credentials.username,
            credentials.password,
            fetched_at=credentials.fetched_at.timestamp(),
            expires_at=credentials.expires_at.timestamp(),
        )

    def forget(self, registry: Registry) -> None:
        """Do nothing: there is no cache on disk."""
