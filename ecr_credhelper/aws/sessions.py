"""The AWS identity to use: a botocore session for a registry and its rule.

Without a rule it is botocore's own chain. Temporary credentials of the profiles' roles and of SSO are shared
with the AWS CLI, in its cache, so that the user types an MFA code once for both. The role of a rule or of a
Python program is assumed anew each time: the CLI's cache does not distinguish the credentials that assumed a
role, so it would serve the role as another identity assumed it.
"""

import copy
import getpass
import hashlib
import os
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError as NoSourceError
from botocore.session import Session
from botocore.utils import JSONFileCache

from ecr_credhelper.errors import PROG, ConfigurationError, CredentialsError
from ecr_credhelper.fingerprint import join_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.rules import Rule

CLI_CACHE = "~/.aws/cli/cache"
"""Where the AWS CLI keeps temporary keys: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html"""

SHARED = ("assume-role", "assume-role-with-web-identity", "sso")
"""botocore's names of the providers whose keys the CLI keeps there."""

AUTO = "auto"
"""The profile that is found by the registry's account."""

TERMINAL = "/dev/tty"

_KEYS: "WeakKeyDictionary[Credentials, dict[str, object]]" = WeakKeyDictionary()
"""The credentials of assumed roles, by the credentials that assumed them: in memory only."""

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


def session_for(
    registry: "Registry", rule: "Rule", given: Session | None = None, *, is_interactive: bool = True
) -> Session:
    """Return a session with the credentials that the rule selects for the registry.

    A ``given`` session is a caller's own: it stays as it is, and a role of the rule is assumed from it. With
    ``is_interactive`` off, an MFA code or a credential process is an error.

    Raises:
        ConfigurationError: ``profile = "auto"`` finds no profile, or several.
        Exception: any exception of botocore.

    """
    if given is None:
        given = _own_session(registry, rule, is_interactive=is_interactive)
    return assume_role(given, registry, rule) if rule.role_arn else given


def _own_session(registry: "Registry", rule: "Rule", *, is_interactive: bool) -> Session:
    profile = _profile_of(registry) if rule.profile == AUTO else rule.profile
    session = Session(profile=profile or None)
    session.set_config_variable("region", registry.region)  # where roles are assumed, as with --region
    chain = session.get_component("credential_provider")
    cache = CLICache(os.path.expanduser(CLI_CACHE))
    for name in SHARED:
        chain.get_provider(name).cache = cache
    role = session.get_scoped_config().get("role_arn", "")
    prompt = partial(_ask, registry.host, role, profile)
    # botocore has no other way to set the prompt; its own reads our standard input.
    chain.get_provider("assume-role")._prompter = prompt  # noqa: SLF001 - as said above
    if not is_interactive:
        _forbid_waiting(session, registry.host)
    return session


def _forbid_waiting(session: Session, host: str) -> None:
    """Replace prompts and credential processes by errors; the cached credentials of a role stay usable.

    botocore has no option for this, so its providers are changed from within.
    """
    chain = session.get_component("credential_provider")
    assume_role = chain.get_provider("assume-role")
    assume_role._prompter = partial(_refuse, host, "need an MFA code")  # noqa: SLF001 - as said above
    refuse = partial(_refuse, host, "come from a credential process")

    def provider(profile_name: str) -> CredentialProvider:
        return _RefusingProcess(profile_name, lambda: session.full_config, refuse)

    chain.insert_before("custom-process", provider(session.profile or "default"))
    assume_role._profile_provider_builder._create_process_provider = provider  # noqa: SLF001 - as said above


class _RefusingProcess(CredentialProvider):
    """Stands in for botocore's provider that runs a credential process, and raises instead."""

    METHOD = "custom-process"

    def __init__(
        self, profile: str, load_config: "Callable[[], Any]", refuse: "Callable[[], dict[str, object]]"
    ) -> None:
        super().__init__()
        self._profile = profile
        self._load_config = load_config
        self._refuse = refuse

    def load(self) -> Credentials | None:
        """Return credentials that raise on first use, which a role in the CLI's cache does not need."""
        if "credential_process" not in self._load_config()["profiles"].get(self._profile, {}):
            return None
        return DeferredRefreshableCredentials(refresh_using=self._refuse, method=self.METHOD)


def _refuse(host: str, why: str, *_: object) -> NoReturn:
    """Raise NoCredentialsError in place of a prompt or a credential process."""
    reason = f"the AWS credentials {why}, for which list does not wait"
    raise CredentialsError(host, reason, f"run: {PROG} doctor {host}")


def resolve_credentials(session: Session) -> Credentials:
    """Return a session's credentials; botocore's own error if it has none."""
    with session_lock(session):
        keys = session.get_credentials()
    if keys is None:
        raise NoSourceError
    return keys


def profile_of(session: Session) -> str:
    """Return the profile of a session's credentials; keys in the environment come before one named there."""
    named = session.instance_variables().get("profile")
    return str(named or ("" if os.environ.get("AWS_ACCESS_KEY_ID") else session.profile) or "")


def session_fingerprint(session: Session) -> str:
    """Return a name for the identity of a caller's own session, or nothing where it cannot be told.

    Keys that stay the same are named by their id and a digest, since an id is no secret. Those of a role or
    of SSO change by themselves, and a session does not tell where it has them from.
    """
    try:
        keys = resolve_credentials(session)
    except Exception:  # noqa: BLE001 - whoever asks AWS as this session is told
        return ""
    if type(keys) is not Credentials:
        return ""
    secret = digest(f"{keys.secret_key}\n{keys.token}")
    # What it was made with, since a profile or a file of its own can bring an endpoint.
    own = sorted((name, value) for name, value in session.instance_variables().items() if name != "region")
    return join_fields(
        [("session", keys.access_key), ("session.secret", secret), ("session.variables", repr(own))]
    )


def session_lock(session: Session) -> "AbstractContextManager[None]":
    """Let no other thread use a session meanwhile."""
    return try_lock(_SESSIONS.setdefault(session, threading.Lock()))


@contextmanager
def try_lock(lock: threading.Lock) -> "Iterator[None]":
    """Hold a lock, unless whoever has it does not come to an end."""
    is_held = lock.acquire(timeout=WAIT)
    try:
        yield
    finally:
        if is_held:
            lock.release()


def digest(secret: str) -> str:
    """Return a digest of a secret that selects an identity."""
    return hashlib.sha256(os.fsencode(secret)).hexdigest()


def assume_role(session: Session, registry: "Registry", rule: "Rule") -> Session:
    """Return a copy of a session that has the credentials of the rule's role."""
    source = resolve_credentials(session)
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
        cache=_KEYS.setdefault(source, {}),
    )
    with try_lock(_ROLES.setdefault(rule.role_arn, threading.Lock())):  # the second one finds the first one's
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
    hint = 'name one in the settings file instead of profile = "auto"'
    reason = f"no AWS profile is in account {registry.account}"
    if found:
        reason = f"several AWS profiles are in account {registry.account}: {', '.join(sorted(found))}"
    raise ConfigurationError(registry.host, reason, hint)


def accounts_of(profile: dict[str, str]) -> set[str]:
    """Return the accounts that a profile tells: by SSO, by its role's ARN, or outright."""
    role = profile.get("role_arn", "").split(":")
    return {profile.get("sso_account_id", ""), profile.get("aws_account_id", ""), *role[4:5]} - {""}


def _ask(host: str, role: str, profile: str, prompt: str) -> str:
    """Ask for an MFA code on the terminal; NoCredentialsError at once where there is none."""
    from ecr_credhelper.console.terminal import clean, prompt_without_echo

    question = clean(f"{host}: role {role}: {prompt}")
    if os.name == "nt":
        return getpass.getpass(question)
    why = "none was typed"
    try:
        terminal = open(TERMINAL, "rb+", 0)  # noqa: SIM115 - what fails below fails otherwise
    except OSError:
        why = "there is no terminal to ask on"
    else:
        with terminal, prompt_without_echo(terminal.fileno()), suppress(EOFError):
            return getpass.getpass(question)
    command = f"aws sts get-caller-identity{f' --profile {profile}' if profile else ''}"
    raise CredentialsError(host, f"role {role} needs an MFA code, and {why}", f"run: {command}")
