"""The cached logins and their AWS identities, as the commands show them, without secrets."""

from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.fingerprint import split_fields
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

STORED = "docker login"
"""The identity of a login that the user stored with ``docker login``."""


class Entry(NamedTuple):
    """A cached login; ``is_current`` is whether ``get`` would serve it now."""

    host: str
    region: str
    identity: str
    token: "Token"
    is_current: bool


def entries(cache: "Cache", fingerprint: str, now: float, *, only_current: bool = False) -> list[Entry]:
    """Return all valid logins, or only those that ``get`` would serve now.

    ``fingerprint`` is the full line, ``now`` is in seconds since the epoch. Every file is read once.
    """
    found: dict[tuple[str, str], Entry] = {}
    logins = cache.logins(now)
    routes = [*cache.routes(fingerprint if only_current else None)]
    current = {(host, key) for _, host, owner, key in routes if owner == fingerprint and host not in logins}
    tokens: dict[str, tuple[Token | None, str, str]] = {}  # a thousand registries can share one token
    for _, host, _, key in routes:
        if key not in tokens:
            tokens[key] = cache.token(key, now), split_fields(key).get("region", ""), _identity(key)
        token, region, identity = tokens[key]
        is_current = (host, key) in current
        if token and (is_current or not only_current):
            found[host, key] = Entry(host, region, identity, token, is_current)
    for host, login in logins.items():
        registry = parse(host)
        found[host, ""] = Entry(host, registry.region if registry else "", STORED, login, is_current=True)
    return [found[host_and_key] for host_and_key in sorted(found)]


def describe_identity(profile: str, role_arn: str, environ: "Mapping[str, str]") -> str:
    """Return which identity a rule and an environment select, as far as is known without calling AWS."""
    source = _source(profile, environ)
    if role_arn:
        return f"{role_arn}, from {source}" if source else role_arn
    return source or "default"


def _source(profile: str, environ: "Mapping[str, str]") -> str:
    """Return the source of credentials that a profile or an environment selects, or an empty string."""
    key = environ.get("AWS_ACCESS_KEY_ID")  # This takes precedence over AWS_PROFILE.
    if profile or not key:
        profile = profile or environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or ""
    if profile or key:
        return f"profile {profile}" if profile else f"key {key}"
    role = environ.get("AWS_ROLE_ARN")
    if role and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):  # Without the file, SDKs ignore the role.
        return f"web identity role {role}"
    is_container = any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ)
    return "container role" if is_container else ""


def identity_of(registry: "Registry", environ: "Mapping[str, str]") -> str:
    """Return which identity the settings and the environment select for a registry."""
    rule = load_settings(environ).rule(registry)
    return describe_identity(rule.profile, rule.role_arn, environ)


def _identity(key: str) -> str:
    """Return the identity in a token's key, which ``resolver.token_key`` made."""
    fields = split_fields(key)
    if "session" in fields:
        return f"boto3 session, key {fields['session']}"
    return describe_identity(fields.get("rule.profile", ""), fields.get("rule.role_arn", ""), fields)
