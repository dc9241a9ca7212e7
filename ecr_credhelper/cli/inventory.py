"""The cached logins, as the commands show them, without secrets."""

from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.cli.identities import describe_identity
from ecr_credhelper.fingerprint import split_fields
from ecr_credhelper.registry import parse

if TYPE_CHECKING:
    from ecr_credhelper.cache import Cache
    from ecr_credhelper.token import Token

STORED = "docker login"
"""The identity of a login that the user stored with ``docker login``."""


class Entry(NamedTuple):
    """A cached login; ``is_current`` is whether ``get`` would serve it now.

    ``is_overridden`` is whether it would, but a stored login takes precedence.
    """

    host: str
    region: str
    identity: str
    token: "Token"
    is_current: bool
    is_overridden: bool = False


def entries(cache: "Cache", fingerprint: str, now: float, *, only_current: bool = False) -> list[Entry]:
    """Return all valid logins, or only those that ``get`` would serve now.

    ``fingerprint`` is the full line, ``now`` is in seconds since the epoch. Every file is read once.
    """
    found: dict[tuple[str, str], Entry] = {}
    logins = cache.logins(now)
    routes = [*cache.routes(fingerprint if only_current else None)]
    own = {(host, key) for _, host, owner, key in routes if owner == fingerprint}
    tokens: dict[str, tuple[Token | None, str, str]] = {}  # a thousand registries can share one token
    for _, host, _, key in routes:
        if key not in tokens:
            tokens[key] = cache.token(key, now), split_fields(key).get("region", ""), _identity(key)
        token, region, identity = tokens[key]
        is_own = (host, key) in own
        is_current = is_own and host not in logins
        if token and (is_current or not only_current):
            found[host, key] = Entry(host, region, identity, token, is_current, is_own and not is_current)
    for host, login in logins.items():
        registry = parse(host)
        found[host, ""] = Entry(host, registry.region if registry else "", STORED, login, is_current=True)
    return [found[host_and_key] for host_and_key in sorted(found)]


def _identity(key: str) -> str:
    """Return the identity in a token's key, which ``resolver.token_key`` made."""
    fields = split_fields(key)
    if "session" in fields:
        return f"boto3 session, key {fields['session']}"
    return describe_identity(fields.get("rule.profile", ""), fields.get("rule.role_arn", ""), fields)
