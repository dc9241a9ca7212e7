"""The hosts for ``list``: every registry whose login can be obtained now.

Clients that enumerate (the classic build, docker-py, SAM) know only the hosts in the list, and some drop
every login if the get of one of them fails. So the list has each registry that the configuration sends here,
unless its login cannot be obtained:

- One fetch per token, at most ``MAX_FETCHES`` at once, ``SECONDS`` in all; without any prompt, and without
  any program but the fallback. If the cache has all tokens, nothing is fetched.
- A failure is remembered for a minute. Tokens that arrive too late are left to one refresh in the background.
"""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.docker_config import OURS, docker_config
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fallback import Fallback
from ecr_credhelper.registry import parse, private_host
from ecr_credhelper.resolver import TokenLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ecr_credhelper.resolver import Request, Resolver

SECONDS = 5
"""For the whole list: Amazon's helper, which has no limit, made clients wait for more than a minute."""

FALLBACK_SECONDS = 4.5
"""For the fallback's list, which must have ended before ours does."""

MAX_FETCHES = 8
"""Tokens that are fetched at once: more would only compete for the processor."""

CACHED = "cached"
"""The value of the setting ``list`` that switches fetching off."""


class Job(NamedTuple):
    """A fetch: the name under which its failure is remembered, the hosts it is for, and the work."""

    name: str
    hosts: list[str]
    work: "Callable[[], dict[str, str]]"


def available_hosts(
    resolver: "Resolver", environ: "Mapping[str, str]", spawn: "Callable[..., None]"
) -> dict[str, str]:
    """Return host -> user name of every registry for which a get would now return a login.

    ``resolver`` must not be interactive; ``spawn`` starts a refresh of some hosts' tokens in the background.
    """
    end = time.monotonic() + SECONDS
    cache, now = resolver.cache, resolver.clock()
    hosts = cache.hosts(resolver.fingerprint.route, now)
    executor = ThreadPoolExecutor(MAX_FETCHES + 1)
    fallback = executor.submit(_fallback_hosts, resolver, environ)
    jobs = [] if resolver.settings.list == CACHED else _jobs(resolver, environ, hosts)
    fetches = {
        executor.submit(_attempt, resolver, job): job for job in jobs if not cache.has_failed(job.name, now)
    }
    done, late = wait(fetches, max(0, end - time.monotonic()))
    for fetch in done:
        hosts |= fetch.result()
    for fetch in late:
        cache.keep_failure(fetches[fetch].name, now)
    if late_hosts := [fetches[fetch].hosts[0] for fetch in late if fetches[fetch].hosts]:
        spawn(*late_hosts)
    executor.shutdown(wait=False)
    return fallback.result() | hosts


def _jobs(resolver: "Resolver", environ: "Mapping[str, str]", known: "Mapping[str, str]") -> "list[Job]":
    """Return one fetch for each token that the configured registries need beside the ``known`` ones."""
    config = docker_config(environ)
    names = config.ours()
    if config.creds_store == OURS:
        names |= {*config.part("auths"), *resolver.settings.hosts()}
        names |= {*resolver.cache.served(resolver.fingerprint.route)}
    groups: dict[str, list[Request]] = {}
    for request in _requests(resolver, names):
        if request.registry.host not in known:
            groups.setdefault(request.key, []).append(request)
    if not groups and not known and config.creds_store == OURS:
        return [Job("list\town", [], partial(_own_registry, resolver, environ))]
    return [
        Job(f"list\t{key}", [request.registry.host for request in group], partial(_obtain, resolver, group))
        for key, group in groups.items()
    ]


def _requests(resolver: "Resolver", names: "Iterable[str]") -> "Iterator[Request]":
    """Yield a request for each ECR registry among some server strings; skip those with a wrong rule."""
    for name in sorted(names):
        try:
            registry = parse(name) or resolver.settings.registry(name)
            if registry:
                yield resolver.request(registry)
        except CredentialHelperError as error:
            resolver.log(f"list: {error}")


def _attempt(resolver: "Resolver", job: Job) -> dict[str, str]:
    """Return what the work of a job returns; after an error, remember it and return nothing."""
    try:
        return job.work()
    except Exception as error:  # noqa: BLE001 - list never fails, and the text can hold a secret
        text = error if isinstance(error, CredentialHelperError) else type(error).__name__
        resolver.log(f"list: {text}")
        resolver.cache.keep_failure(job.name, resolver.clock())
        return {}


def _obtain(resolver: "Resolver", group: "list[Request]") -> dict[str, str]:
    """Return host -> user name of registries that share a token, once the token is there."""
    lock = TokenLock(resolver.cache.records.folder, group[0].key)
    token = resolver.find_or_fetch(group[0], lambda token, now: False, lock)  # noqa: ARG005 - any valid token will do
    for request in group[1:]:
        resolver.save_route(request)
    return {request.registry.host: token.username for request in group}


def _own_registry(resolver: "Resolver", environ: "Mapping[str, str]") -> dict[str, str]:
    """Return the registry of the identity's own account, as AWS reports it, if a region is configured."""
    from botocore.session import Session

    region = environ.get("AWS_REGION") or Session().get_config_variable("region")
    any_account = parse(private_host("0" * 12, region or ""))
    if any_account is None:
        return {}
    request = resolver.request(any_account)
    token, host = resolver.fetch(request)
    own = parse(host)
    if own is None:
        return {}
    own_request = resolver.request(own)
    if own_request.key != request.key:  # the settings have a rule for this account
        return _obtain(resolver, [own_request])
    resolver.save_route(own_request)
    return {own.host: token.username}


def _fallback_hosts(resolver: "Resolver", environ: "Mapping[str, str]") -> dict[str, str]:
    """Return server -> user name of logins for other registries; nothing if the fallback fails."""
    settings = resolver.settings
    try:
        found = Fallback(environ, settings.fallback()).hosts(FALLBACK_SECONDS)
        # A get for an ECR registry never asks the fallback, so its login there is of no use.
        return {
            server: name for server, name in found.items() if not (parse(server) or settings.registry(server))
        }
    except CredentialHelperError as error:
        resolver.log(f"list: {error}")
        return {}
