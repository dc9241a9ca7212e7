"""Create a botocore session for a registry and its rule.

Without a rule, the session uses botocore's default chain. Temporary credentials of SSO and of roles in
profiles are shared with the AWS CLI through its cache, so that the user enters an MFA code once for both. The
CLI's cache does not distinguish the credentials that assumed a role, so it could return a session of another
identity. A role is therefore assumed by each process if a rule or a Python program names it, or if the
credentials that assume it come from the environment, the container or the instance (``credential_source``).
"""

import copy
import hashlib
import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, Credentials
from botocore.exceptions import NoCredentialsError as BotocoreNoCredentialsError
from botocore.exceptions import UnknownCredentialError
from botocore.session import Session

from ecr_credhelper.aws import trust
from ecr_credhelper.aws.credential_process import ProcessProvider
from ecr_credhelper.aws.files import reject_special_settings
from ecr_credhelper.aws.loader import register_loader
from ecr_credhelper.aws.logs import secrets_hidden
from ecr_credhelper.aws.profiles import resolve_auto
from ecr_credhelper.aws.providers import (
    RefusingProcess,
    metadata_status,
    prompt_for_mfa,
    raise_interactive,
    use_checked_caches,
    watch_metadata,
)
from ecr_credhelper.aws.sdk_caches import CLICache
from ecr_credhelper.aws.threads import load_system_name, named_lock, try_lock
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.fingerprint import join_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.rules import Rule

SHARED = ("assume-role", "assume-role-with-web-identity", "sso")
"""The providers whose credentials the AWS CLI caches, by botocore's names."""

_ASSUMED: "WeakKeyDictionary[Credentials, dict[str, object]]" = WeakKeyDictionary()
"""The credentials of assumed roles, in memory only, by the credentials that assumed them."""

_SESSIONS: "WeakKeyDictionary[Session, threading.Lock]" = WeakKeyDictionary()
"""A lock for each session: botocore's sessions are not thread-safe."""

# A lock held by the parent would never be released in the child.
getattr(os, "register_at_fork", dict)(after_in_child=_SESSIONS.clear)  # missing on Windows


class OwnSession(Session):
    """A session whose clients, also those of its credential providers, trust the system's certificates."""

    def __init__(self, profile: str | None = None) -> None:
        load_system_name()
        super().__init__(profile=profile)

    def create_client(self, *arguments: "Any", **options: "Any") -> "Any":
        """Return a client that trusts the configured bundle or, without one, the system's certificates."""
        bundle = options.pop("verify", None) or self.get_config_variable("ca_bundle")
        # An empty variable counts as unset. With an empty bundle, older versions of botocore verify nothing.
        bundle = bundle or os.environ.get("REQUESTS_CA_BUNDLE")
        options["verify"] = bundle or True
        client = super().create_client(*arguments, **options)
        if not bundle:
            trust.trust_system(client)
        return client


def session_for(  # noqa: PLR0913 - everything that selects an identity
    registry: "Registry",
    rule: "Rule",
    session: Session | None = None,
    *,
    is_interactive: bool = True,
    end: float | None = None,
    on_session: "Callable[[Session], object]" = str,
) -> Session:
    """Return a session with the credentials that the rule selects for the registry.

    If a Python program passes its ``session``, it is not changed, and only the role of the rule is assumed
    from it. Without ``is_interactive``, credentials that need an MFA code or a credential process raise
    CredentialsError. A credential process is killed at ``end`` of ``time.monotonic``. ``on_session`` gets a
    new session before any call to AWS.

    Raises:
        ConfigurationError: ``profile = "auto"`` selects no profile.
        Exception: any exception of botocore.

    """
    reject_special_settings([("in the settings", {"ca_bundle": rule.ca_bundle})], registry.host)
    if session is None:
        session = _new_session(registry, rule, is_interactive=is_interactive, end=end)
        on_session(session)
    return assume_role(session, registry, rule) if rule.role_arn else session


def _new_session(registry: "Registry", rule: "Rule", *, is_interactive: bool, end: float | None) -> Session:
    profile = _profile_in_account(registry, rule.auto_pattern) if rule.auto_pattern else rule.profile
    session = OwnSession(profile or None)
    session.set_config_variable("region", registry.region)  # for STS, like --region
    register_loader(session, is_dualstack=registry.dualstack)
    if rule.ca_bundle:  # for STS and SSO, like --ca-bundle
        session.set_config_variable("ca_bundle", rule.ca_bundle)
    profiles = _used_profiles(session)
    reject_special_settings(((f"of profile {name}", used) for name, used in profiles.items()), registry.host)
    chain = session.get_component("credential_provider")
    cache = CLICache()
    for name in SHARED:
        chain.get_provider(name).cache = cache
    for patch in (partial(use_checked_caches, host=registry.host), watch_metadata):
        # Another version of botocore can lack what is patched. Then only some reasons are less clear.
        with suppress(AttributeError, UnknownCredentialError):
            patch(chain)
    role = session.get_scoped_config().get("role_arn", "")
    prompt = partial(prompt_for_mfa, registry.host, role, profile)
    # botocore has no option for the prompt. Its default prompt reads our standard input.
    assume_role = chain.get_provider("assume-role")
    if any("credential_source" in settings for settings in profiles.values()):
        assume_role.cache = {}
    assume_role._prompter = prompt  # noqa: SLF001 - see above
    refuse = partial(raise_interactive, registry.host, "a credential process")
    if not is_interactive:
        assume_role._prompter = partial(raise_interactive, registry.host, "an MFA code")  # noqa: SLF001 - see above

    def process_provider(profile_name: str) -> CredentialProvider:
        if is_interactive:
            return ProcessProvider(profile_name, lambda: session.full_config, registry.host, end)
        return RefusingProcess(profile_name, lambda: session.full_config, refuse)

    chain.insert_before("custom-process", process_provider(session.profile or "default"))
    assume_role._profile_provider_builder._create_process_provider = process_provider  # noqa: SLF001 - likewise
    return session


def _used_profiles(session: Session) -> dict[str, dict[str, Any]]:
    """Return the settings of a session's profile, of its ``source_profile``, and so on, by name."""
    profiles, name = session.full_config["profiles"], session.profile or "default"
    used: dict[str, dict[str, Any]] = {}
    while name in profiles and name not in used:
        used[name] = profiles[name]
        name = used[name].get("source_profile", "")
    return used


@secrets_hidden()
def resolve_credentials(session: Session) -> Credentials:
    """Return a session's credentials; raise botocore's NoCredentialsError if it has none."""
    with session_lock(session):
        credentials = session.get_credentials()
    if credentials is None:
        raise BotocoreNoCredentialsError(metadata_status=metadata_status(session))
    return credentials


def profile_of(session: Session) -> str:
    """Return the profile of a session's credentials.

    It is empty if keys in the environment are used instead of AWS_PROFILE.
    """
    named = session.instance_variables().get("profile")
    return str(named or ("" if os.environ.get("AWS_ACCESS_KEY_ID") else session.profile) or "")


def session_fingerprint(session: Session) -> str:
    """Return a text that identifies the credentials of a program's session, or an empty string.

    Static credentials are identified by their key ID, which is not secret, and a digest of the secret.
    Credentials of a role or of SSO change, and a session does not show their source.
    """
    try:
        credentials = resolve_credentials(session)
    except Exception:  # noqa: BLE001 - the call to AWS raises the same error
        return ""
    if type(credentials) is not Credentials:
        return ""
    secret = os.fsencode(f"{credentials.secret_key}\n{credentials.token}")
    # The session's variables can select a profile or a file with another endpoint.
    variables = sorted(item for item in session.instance_variables().items() if item[0] != "region")
    return join_fields(
        [
            ("session", credentials.access_key),
            ("session.secret", hashlib.sha256(secret).hexdigest()),
            ("session.variables", repr(variables)),
        ]
    )


def session_lock(session: Session) -> "AbstractContextManager[None]":
    """Return a context manager that holds the lock of a session."""
    return try_lock(_SESSIONS.setdefault(session, threading.Lock()))


def assume_role(session: Session, registry: "Registry", rule: "Rule") -> Session:
    """Return a copy of a session with the credentials of the rule's role."""
    source = resolve_credentials(session)
    arguments = {
        "RoleSessionName": rule.role_session_name,
        "ExternalId": rule.external_id,
        "DurationSeconds": int(rule.duration),  # TOML allows 3600.0
    }
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(
            session.create_client, region_name=registry.region, verify=rule.ca_bundle or None
        ),
        source_credentials=source,
        role_arn=rule.role_arn,
        extra_args={name: value for name, value in arguments.items() if value},
        cache=_ASSUMED.setdefault(source, {}),
    )
    with try_lock(named_lock(rule.role_arn)):  # other threads then use the cache
        keys = fetcher.fetch_credentials()
    assumed = copy.copy(session)
    assumed.set_credentials(keys["access_key"], keys["secret_key"], keys["token"])
    return assumed


def _profile_in_account(registry: "Registry", pattern: str) -> str:
    """Return the AWS profile of the registry's account that fits a pattern.

    Raises:
        ConfigurationError: no profile fits, or several do.
        ConfigParseError: botocore cannot read a configuration file.

    """
    _ = OwnSession().full_config  # This raises the ConfigParseError.
    try:
        return resolve_auto(pattern, registry.account, os.environ)
    except ConfigurationError as error:
        raise ConfigurationError(registry.host, error.reason, error.hint) from None
