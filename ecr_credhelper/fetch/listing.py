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

from ecr_credhelper.docker.config import HELPER_SUFFIX, docker_config
from ecr_credhelper.docker.fallback import Fallback
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fetch.lock import TokenLock
from ecr_credhelper.paths import has_settings
from ecr_credhelper.registry import parse, private_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ecr_credhelper.fetch.resolver import Request, Resolver
    from ecr_credhelper.token import Token

SECONDS = 5
"""For the whole list: Amazon's helper, which has no limit, made clients wait for more than a minute."""

FALLBACK_SECONDS = 4.5
"""For the fallback's list, which must have ended before ours does."""

MAX_FETCHES = 8
"""Tokens that are fetched at once: more would only compete for the processor."""

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""botocore reads the second one only; containers and Lambda functions have the first."""

CACHED = "cached"
"""The value of the setting ``list`` that switches fetching off."""


class Job(NamedTuple):
    """A fetch: the name under which its failure is remembered, and the work."""

    name: str
    work: "Callable[[], dict[str, str]]"


def available_hosts(
    resolver: "Resolver", environ: "Mapping[str, str]", fetch_later: "Callable[[], None]"
) -> dict[str, str]:
    """Return host -> user name of every registry for which a get would now return a login.

    ``resolver`` must not be interactive; ``fetch_later`` starts a process that calls ``fetch_late``.
    """
    end = time.monotonic() + SECONDS
    cache, now = resolver.cache, resolver.clock()
    fallback = ThreadPoolExecutor(1).submit(_fallback_hosts, resolver, environ)
    hosts, jobs = _plan(resolver, environ)
    jobs = [job for job in jobs if not cache.failed_recently(job.name, now)]
    found, late = _run(resolver, jobs, end)
    for job in late:
        cache.record_failure(job.name, now)
    if late and cache.store.directory:  # without a cache, nobody would find what arrives
        fetch_later()
    return fallback.result() | hosts | found


def fetch_late(resolver: "Resolver", environ: "Mapping[str, str]") -> None:
    """Fetch what ``available_hosts`` did not wait for, within the deadline of a get."""
    _, jobs = _plan(resolver, environ)
    _run(resolver, jobs, time.monotonic() + resolver.seconds)


def _run(resolver: "Resolver", jobs: "list[Job]", end: float) -> "tuple[dict[str, str], list[Job]]":
    """Return host -> user name of what the jobs found until a moment, and those that have not ended."""
    executor = ThreadPoolExecutor(MAX_FETCHES)
    fetches = {executor.submit(_attempt, resolver, job): job for job in jobs}
    done, pending = wait(fetches, max(0, end - time.monotonic()))
    found = {host: name for fetch in done for host, name in fetch.result().items()}
    # Those that did not even start are not to blame: the next list begins with them.
    late = [fetches[fetch] for fetch in pending if not fetch.cancel()]
    return found, late


def _plan(resolver: "Resolver", environ: "Mapping[str, str]") -> "tuple[dict[str, str], list[Job]]":
    """Return host -> user name of what is cached, and a job for each other token of configured registries."""
    cache, route, now = resolver.cache, resolver.fingerprint.route, resolver.clock()
    hosts = cache.hosts(route, now)
    if not has_settings(environ):  # which a stored login of another host would need
        hosts = {host: name for host, name in hosts.items() if parse(host)}
    if resolver.settings.list == CACHED:
        return hosts, []
    config = docker_config(environ)
    names = config.ours()
    if config.creds_store == HELPER_SUFFIX:
        names |= {*config.part("auths"), *resolver.settings.hosts(), *cache.served(route)}
    groups: dict[str, list[Request]] = {}
    for request in _requests(resolver, names):
        if request.registry.host not in hosts:
            groups.setdefault(request.key, []).append(request)
    if not groups and not hosts and config.creds_store == HELPER_SUFFIX:
        regions = "\t".join(environ.get(name, "") for name in REGION_VARIABLES)
        return hosts, [Job(f"list\town\t{regions}\t{route}", partial(_own_registry, resolver, environ))]
    jobs = []
    for key, group in groups.items():
        if token := cache.token(key, now):
            hosts |= _serve(resolver, group, token)
        else:
            jobs.append(Job(f"list\t{key}", partial(_obtain, resolver, group)))
    return hosts, jobs


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
    """Return what the work of a job returns; if that is nothing, remember it as a failure."""
    try:
        found = job.work()
    except Exception as error:  # noqa: BLE001 - list never fails, and the text can hold a secret
        resolver.log(f"list: {error if isinstance(error, CredentialHelperError) else type(error).__name__}")
        found = {}
    if not found:
        resolver.cache.record_failure(job.name, resolver.clock())
    return found


def _obtain(resolver: "Resolver", group: "list[Request]") -> dict[str, str]:
    """Fetch the token that a group of registries shares; return host -> user name."""
    lock = TokenLock(resolver.cache.store.directory, group[0].key)
    token = resolver.find_or_fetch(group[0], lambda token, now: False, lock)  # noqa: ARG005 - any valid token will do
    return _serve(resolver, group, token)


def _serve(resolver: "Resolver", group: "list[Request]", token: "Token") -> dict[str, str]:
    """Save that a token serves a group of registries; return host -> user name."""
    for request in group:
        resolver.save_route(request)
    return {request.registry.host: token.username for request in group}


def _own_registry(resolver: "Resolver", environ: "Mapping[str, str]") -> dict[str, str]:
    """Return the registry of the identity's own account, as AWS reports it, if a region is configured."""
    from botocore.session import Session

    region = next(filter(None, map(environ.get, REGION_VARIABLES)), None)
    region = region or Session().get_config_variable("region")
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
    return _serve(resolver, [own_request], token)


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
