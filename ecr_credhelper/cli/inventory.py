"""What is cached and for whom, in words for people; never a secret."""

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
    """One cached login: ``is_current`` tells whether a get would be answered with it now."""

    host: str
    region: str
    identity: str
    token: "Token"
    is_current: bool


def entries(cache: "Cache", route: str, now: float) -> list[Entry]:
    """Return all that can be served; ``route`` is the fingerprint's, ``now`` seconds since the epoch."""
    found: dict[tuple[str, str], Entry] = {}
    given = cache.logins(now)
    for _, host, _, key in cache.routes():
        token = cache.token(key, now)
        if token:
            is_current = cache.route(host, route) == key and host not in given
            region = split_fields(key).get("region", "")
            found[host, key] = Entry(host, region, _identity(key), token, is_current)
    for host, login in given.items():
        registry = parse(host)
        found[host, ""] = Entry(host, registry.region if registry else "", STORED, login, is_current=True)
    return [found[place] for place in sorted(found)]


def describe_identity(profile: str, role_arn: str, environ: "Mapping[str, str]") -> str:
    """Return whom a rule and an environment lead to, as far as that can be told without asking AWS."""
    key = environ.get("AWS_ACCESS_KEY_ID")  # comes before a profile that the environment names
    if not profile and not key:
        profile = environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or ""
    role = role_arn or environ.get("AWS_ROLE_ARN") or ""
    source = f"profile {profile}" if profile else f"key {key}" if key else ""
    if role_arn or (role and not source):
        return f"{role}, from {source}" if source else role
    if source:
        return source
    is_container = any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ)
    return "the container's role" if is_container else "default chain"


def identity_of(registry: "Registry", environ: "Mapping[str, str]") -> str:
    """Return in words which identity the settings and the environment select for a registry."""
    rule = load_settings(environ).rule(registry)
    return describe_identity(rule.profile, rule.role_arn, environ)


def _identity(key: str) -> str:
    """Return the identity in a token's key, which ``resolver.token_key`` made."""
    fields = split_fields(key)
    if "session" in fields:
        return f"a program's session, key {fields['session']}"
    return describe_identity(fields.get("rule.profile", ""), fields.get("rule.role_arn", ""), fields)
