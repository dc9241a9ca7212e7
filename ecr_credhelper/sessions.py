"""Which AWS identity asks: a botocore session for a registry and its rule.

Without a rule it is botocore's own chain. Temporary keys of roles and SSO are shared with the AWS CLI, in
its cache of botocore's making, so that a person types an MFA code once for both.
"""

import copy
import getpass
import os
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from botocore.credentials import AssumeRoleCredentialFetcher, Credentials
from botocore.exceptions import NoCredentialsError as NoSourceError
from botocore.session import Session
from botocore.utils import JSONFileCache

from ecr_credhelper.errors import ConfigurationError, NoCredentialsError
from ecr_credhelper.fingerprint import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.rules import Rule

CLI_CACHE = "~/.aws/cli/cache"
"""Where the AWS CLI keeps temporary keys: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html"""

SHARED = ("assume-role", "assume-role-with-web-identity", "sso")
"""botocore's names of the providers whose keys the CLI keeps there."""

AUTO = "auto"
"""The profile that is found by the registry's account."""

TERMINAL = "/dev/tty"

_KEYS: "WeakKeyDictionary[Credentials, dict[str, object]]" = WeakKeyDictionary()
"""The keys of roles that callers' own sessions have assumed, by those that they were assumed with."""

WAIT = 10
"""Seconds to wait for another thread that does the same, before doing it oneself."""

_SESSIONS: "WeakKeyDictionary[Session, threading.Lock]" = WeakKeyDictionary()
"""A lock for each session: threads may share it, which it is not made for."""

_ROLES: "dict[str, threading.Lock]" = {}
"""A lock for each role: a program may want many regions' tokens at once."""

for locks in (_SESSIONS, _ROLES):  # of a child whose parent held one, nobody would ever let go of it
    getattr(os, "register_at_fork", dict)(after_in_child=locks.clear)  # Windows has no forks


class CLICache(JSONFileCache):
    """The AWS CLI's cache; where it cannot be written, keys are only not shared."""

    def __setitem__(self, cache_key: str, value: object) -> None:
        """Keep the keys, if that is possible."""
        with suppress(OSError):
            super().__setitem__(cache_key, value)


def session_for(registry: "Registry", rule: "Rule", given: Session | None = None) -> Session:
    """Return a session whose credentials are those that the rule names for the registry.

    A ``given`` session is a caller's own: it stays as it is, and a role of the rule starts from it.

    Raises:
        ConfigurationError: ``profile = "auto"`` finds no profile, or several.
        Exception: whatever botocore raises.

    """
    if given is not None:
        # Roles that others may not assume are in the CLI's cache, and the caller may be one of those.
        return _assumed(given, registry, rule) if rule.role_arn else given
    cache = CLICache(os.path.expanduser(CLI_CACHE))
    profile = _profile_of(registry) if rule.profile == AUTO else rule.profile
    session = Session(profile=profile or None)
    session.set_config_variable("region", registry.region)  # where roles are asked for, as with --region
    chain = session.get_component("credential_provider")
    for name in SHARED:
        chain.get_provider(name).cache = cache
    role = rule.role_arn or session.get_scoped_config().get("role_arn", "")
    # botocore has no other way to say how it shall ask; its own would read our standard input.
    chain.get_provider("assume-role")._prompter = partial(_ask, registry.host, role, profile)  # noqa: SLF001
    return _assumed(session, registry, rule, cache) if rule.role_arn else session


def keys_of(session: Session) -> Credentials:
    """Return a session's credentials; botocore's own error if it has none."""
    with alone_with(session):
        keys = session.get_credentials()
    if keys is None:
        raise NoSourceError
    return keys


def profile_of(session: Session) -> str:
    """Return the profile of a session's credentials; keys in the environment come before one named there."""
    named = session.instance_variables().get("profile")
    return str(named or ("" if os.environ.get("AWS_ACCESS_KEY_ID") else session.profile) or "")


def name_of(session: Session) -> str:
    """Return a name for the identity of a caller's own session, or nothing where it cannot be told.

    Keys that stay the same are named by their id and a digest, since an id is no secret. Those of a role or
    of SSO change by themselves, and a session does not tell where it has them from.
    """
    try:
        keys = keys_of(session)
    except Exception:  # noqa: BLE001 - whoever asks AWS as this session is told
        return ""
    if type(keys) is not Credentials:
        return ""
    secret = digest(f"{keys.secret_key}\n{keys.token}")
    # What it was made with, since a profile or a file of its own may bring an endpoint.
    own = sorted((name, value) for name, value in session.instance_variables().items() if name != "region")
    return f"session={own!r},{secret},{keys.access_key}"


def alone_with(session: Session) -> "AbstractContextManager[None]":
    """Let no other thread use a session meanwhile."""
    return _alone(_SESSIONS.setdefault(session, threading.Lock()))


@contextmanager
def _alone(lock: threading.Lock) -> "Iterator[None]":
    """Hold a lock, unless whoever has it does not come to an end."""
    is_held = lock.acquire(timeout=WAIT)
    try:
        yield
    finally:
        if is_held:
            lock.release()


def _assumed(
    session: Session, registry: "Registry", rule: "Rule", cache: "CLICache | None" = None
) -> Session:
    """Return a session that is like this one, with the keys of the rule's role."""
    source = keys_of(session)
    given = {
        "RoleSessionName": rule.role_session_name,
        "ExternalId": rule.external_id,
        "DurationSeconds": int(rule.duration),  # which TOML may have as 3600.0
    }
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(session.create_client, region_name=registry.region),
        source_credentials=source,
        role_arn=rule.role_arn,
        extra_args={name: value for name, value in given.items() if value},
        cache=_KEYS.setdefault(source, {}) if cache is None else cache,  # type: ignore[arg-type] # a mapping
    )
    with _alone(_ROLES.setdefault(rule.role_arn, threading.Lock())):  # the second one finds the first one's
        keys = fetcher.fetch_credentials()
    assumed = copy.copy(session)
    assumed.set_credentials(keys["access_key"], keys["secret_key"], keys["token"])
    return assumed


def _profile_of(registry: "Registry") -> str:
    """Return the one profile of the AWS configuration that is in the registry's account."""
    profiles = Session().full_config.get("profiles", {})
    found = [name for name, profile in profiles.items() if registry.account in accounts_of(profile)]
    if len(found) == 1:
        return str(found[0])
    advice = 'name one in the settings file instead of profile = "auto"'
    cause = f"no AWS profile is in account {registry.account}"
    if found:
        cause = f"several AWS profiles are in account {registry.account}: {', '.join(sorted(found))}"
    raise ConfigurationError(registry.host, cause, advice)


def accounts_of(profile: dict[str, str]) -> set[str]:
    """Return the accounts that a profile tells: by SSO, by its role's ARN, or outright."""
    role = profile.get("role_arn", "").split(":")
    return {profile.get("sso_account_id", ""), profile.get("aws_account_id", ""), *role[4:5]} - {""}


def _ask(host: str, role: str, profile: str, prompt: str) -> str:
    """Ask for an MFA code on the terminal; NoCredentialsError at once where there is none."""
    from ecr_credhelper.terminal import asking, clean

    question = clean(f"{host}: role {role}: {prompt}")
    if os.name == "nt":
        return getpass.getpass(question)
    why = "none was typed"
    try:
        terminal = open(TERMINAL, "rb+", 0)  # noqa: SIM115 - what fails below fails otherwise
    except OSError:
        why = "there is no terminal to ask on"
    else:
        with terminal, asking(terminal.fileno()), suppress(EOFError):
            return getpass.getpass(question)
    command = f"aws sts get-caller-identity{f' --profile {profile}' if profile else ''}"
    raise NoCredentialsError(host, f"role {role} needs an MFA code, and {why}", f"run: {command}")
