"""Find the registry in the account of the AWS credentials: AWS returns its host together with each token.

The host is saved under the key of the token, so that this needs no more calls to AWS than a get.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.errors import ConfigurationError, InvalidResponseError
from ecr_credhelper.files import digest
from ecr_credhelper.registry import Registry, parse, private_host

if TYPE_CHECKING:
    from ecr_credhelper.fetch.resolver import Request, Resolver
    from ecr_credhelper.records import FileStore
    from ecr_credhelper.token import Token

KIND = "own-registries"
"""The kind of the records on disk."""


def fetch(resolver: "Resolver", request: "Request") -> "tuple[Registry, Token]":
    """Return the registry in the account of the AWS credentials, and its token.

    ``request`` is from ``own_request``. This raises the same errors as ``Resolver.resolve``.
    """
    store = resolver.cache.store

    def is_stale(token: "Token", now: float) -> bool:
        return token.should_wait_for_refresh(now) or not saved_host(store, request.key)

    token = resolver.resolve(request, is_stale)
    registry = parse(resolver.own_host or saved_host(store, request.key))
    if registry is None:
        reason = "the API response has no proxyEndpoint of an Amazon ECR registry"
        raise InvalidResponseError("", reason, "specify the registry")
    own = resolver.request(registry)
    if own.key != request.key:  # the settings have a rule for this account
        return registry, resolver.resolve(own)
    resolver.save_route(own)
    return registry, token


def save_host(store: "FileStore", key: str, host: str) -> None:
    """Save the host that AWS returned with the token that has this key: none for the public registry."""
    if host:
        store.try_write(KIND, _name(key), key, host)


def saved_host(store: "FileStore", key: str) -> str:
    """Return the host that AWS returned with the token that has this key, or an empty string."""
    return "".join(store.read(KIND, _name(key), key) or [])


def _name(key: str) -> str:
    return digest(key.encode("utf-8", "surrogateescape"))


def own_request(resolver: "Resolver", region: str) -> "Request":
    """Return a request for the token of a registry in any account, without a host for errors and routes.

    Raises:
        ConfigurationError: the region is malformed.

    """
    registry = parse(private_host("0" * 12, region))
    if registry is None:
        raise ConfigurationError("", f"{region} is not a region", "use a region such as us-west-2")
    request = resolver.request(registry)
    if request.rule.auto_pattern:  # The account selects the profile, so it cannot find the account.
        request = resolver.with_rule(registry, request.rule._replace(profile=""))
    return request._replace(registry=Registry("", registry.region, partition=registry.partition))
