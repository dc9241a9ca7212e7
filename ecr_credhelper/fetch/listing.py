"""The hosts for ``list``: every registry for which a login is available now.

Clients that enumerate (the classic build, docker-py, SAM) use only the hosts in the list, and some drop every
login if a get for one of them fails. The list therefore has each registry that is configured for this helper,
unless its token cannot be fetched:

- There is one fetch per token, with at most ``MAX_FETCHES`` at once and ``LIST_SECONDS`` in total. It
  never prompts, and it runs no program except the fallback. If the cache has all tokens, nothing is fetched.
- A failure is remembered for a minute. A background process fetches the tokens that arrive too late.
"""

import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.profiles import REGION_VARIABLES, configured_region
from ecr_credhelper.docker.config import docker_config
from ecr_credhelper.docker.fallback import Fallback
from ecr_credhelper.docker.programs import is_this_helper
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fetch import own_registry
from ecr_credhelper.paths import has_settings
from ecr_credhelper.registry import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from threading import Thread

    from ecr_credhelper.fetch.resolver import Request, Resolver
    from ecr_credhelper.token import Token

LIST_SECONDS = 5
"""Maximum duration of a list, in seconds. Amazon's helper has no limit and can take more than a minute."""

FALLBACK_SECONDS = 4.5
"""Maximum duration of the fallback's list, in seconds. It is less than ``LIST_SECONDS``, so that its result
arrives before the list must end."""

MAX_FETCHES = 8
"""Maximum number of concurrent fetches: more would only compete for the processor."""

CACHED = "cached"
"""The value of the setting ``list`` that disables fetching."""


class Job(NamedTuple):
    """A fetch, and the name under which its failure is remembered."""

    name: str
    work: "Callable[[], dict[str, str]]"


def available_hosts(
    resolver: "Resolver", environ: "Mapping[str, str]", start_fetch_late: "Callable[[], None]"
) -> dict[str, str]:
    """Return host -> user name of every registry for which a get returns a login now.

    ``resolver`` must have ``is_interactive=False``. ``start_fetch_late`` starts a background process,
    which calls ``fetch_late``.
    """
    end = time.monotonic() + LIST_SECONDS
    cache, now = resolver.cache, resolver.clock()
    hosts, jobs = _cached_hosts_and_jobs(resolver, environ)
    jobs = [job for job in jobs if not cache.failed_recently(job.name, now)]
    if not jobs:
        return _fallback_hosts(resolver, environ) | hosts
    others: dict[str, str] = {}
    fallback = _start(lambda: others.update(_fallback_hosts(resolver, environ)), 1)
    found, late = _run(resolver, jobs, end)
    for job in late:
        cache.record_failure(job.name, now)
    if late and cache.store.directory:  # without a cache, later tokens would be lost
        start_fetch_late()
    for thread in fallback:
        thread.join()
    return others | hosts | found


def fetch_late(resolver: "Resolver", environ: "Mapping[str, str]") -> None:
    """Fetch the tokens that arrived too late for ``available_hosts``, within the deadline of a get."""
    _, jobs = _cached_hosts_and_jobs(resolver, environ)
    # The last ones first: the list has not started these if the first ones do not respond.
    _run(resolver, jobs[::-1], time.monotonic() + resolver.deadline)


def _run(resolver: "Resolver", jobs: "list[Job]", end: float) -> "tuple[dict[str, str], list[Job]]":
    """Run jobs until ``end``. Return the hosts found (host -> user name) and the unfinished jobs."""
    waiting, results = deque(jobs), dict[str, dict[str, str]]()

    def work() -> None:
        while time.monotonic() < end:
            try:
                job = waiting.popleft()
            except IndexError:
                return
            results[job.name] = _run_job(resolver, job)

    for thread in _start(work, min(len(jobs), MAX_FETCHES)):
        thread.join(max(0, end - time.monotonic()))
    done = results.copy()  # a late thread can still add a result
    found = {host: name for hosts in done.values() for host, name in hosts.items()}
    return found, [job for job in jobs if job.name not in done]


def _start(work: "Callable[[], None]", count: int) -> "list[Thread]":
    """Start threads that do some work, and return them. If the system allows none, do it in this thread."""
    from threading import Thread

    threads = [Thread(target=work, daemon=True) for _ in range(count)]
    with suppress(RuntimeError):
        for thread in threads:
            thread.start()
    started = [thread for thread in threads if thread.ident]
    if not started:
        work()
    return started


def _cached_hosts_and_jobs(
    resolver: "Resolver", environ: "Mapping[str, str]"
) -> "tuple[dict[str, str], list[Job]]":
    """Return host -> user name of all cached logins, and a job for each missing token."""
    cache, fingerprint, now = resolver.cache, resolver.fingerprint.full, resolver.clock()
    hosts = cache.hosts(fingerprint, now)
    if not has_settings(environ):  # without settings, get does not know custom hosts
        hosts = {host: name for host, name in hosts.items() if parse(host)}
    if resolver.settings.list == CACHED:
        return hosts, []
    config = docker_config(environ)
    names = config.hosts_of_this_helper(environ)
    handles_all = is_this_helper(config.creds_store, environ)
    if handles_all:
        names |= {*config.section("auths"), *resolver.settings.hosts(), *cache.served(fingerprint)}
    groups: dict[str, list[Request]] = {}
    for request in _requests(resolver, names - hosts.keys()):
        if request.registry.host not in hosts:
            groups.setdefault(request.key, []).append(request)
    if not groups and not hosts and handles_all:
        regions = "\t".join(environ.get(name, "") for name in REGION_VARIABLES)
        name = f"list\tcaller\t{regions}\t{fingerprint}"
        return hosts, [Job(name, partial(_caller_registry, resolver, environ))]
    jobs = []
    for key, group in groups.items():
        if token := cache.token(key, now):
            hosts |= _save_routes(resolver, group, token)
        else:
            jobs.append(Job(f"list\t{key}", partial(_fetch_group, resolver, group)))
    return hosts, jobs


def _requests(resolver: "Resolver", names: "Iterable[str]") -> "Iterator[Request]":
    """Yield a request for each ECR registry in some server strings. Skip registries whose rule is wrong."""
    for name in sorted(names):
        try:
            registry = parse(name) or resolver.settings.registry(name)
            if registry:
                yield resolver.request(registry)
        except CredentialHelperError as error:
            resolver.log(f"list: {error}")


def _run_job(resolver: "Resolver", job: Job) -> dict[str, str]:
    """Return the result of a job. Record a failure if the result is empty."""
    try:
        found = job.work()
    except Exception as error:  # noqa: BLE001 - list never fails, and the message can hold a secret
        resolver.log(f"list: {error if isinstance(error, CredentialHelperError) else type(error).__name__}")
        found = {}
    if not found:
        resolver.cache.record_failure(job.name, resolver.clock())
    return found


def _fetch_group(resolver: "Resolver", group: "list[Request]") -> dict[str, str]:
    """Fetch the token that a group of registries shares; return host -> user name."""
    from ecr_credhelper.fetch.attempt import Attempt

    # An attempt that is not finished when this process ends loses its lock then.
    token = Attempt(resolver, group[0], lambda token, now: False).run()  # noqa: ARG005 - any token is good
    return _save_routes(resolver, group, token)


def _save_routes(resolver: "Resolver", group: "list[Request]", token: "Token") -> dict[str, str]:
    """Save a route from each registry of the group to the token; return host -> user name."""
    for request in group:
        resolver.save_route(request)
    return {request.registry.host: token.username for request in group}


def _caller_registry(resolver: "Resolver", environ: "Mapping[str, str]") -> dict[str, str]:
    """Return host -> user name of the registry in the account of the AWS credentials."""
    request = own_registry.own_request(resolver, configured_region("", environ))
    registry, token = own_registry.fetch(resolver, request)
    return {registry.host: token.username}


def _fallback_hosts(resolver: "Resolver", environ: "Mapping[str, str]") -> dict[str, str]:
    """Return server -> user name of the fallback's logins, or nothing if the fallback fails."""
    settings = resolver.settings
    try:
        found = Fallback(environ, settings.fallback()).hosts(FALLBACK_SECONDS)
        # A get for an ECR registry never calls the fallback, so a login there is never used.
        return {
            server: name for server, name in found.items() if not (parse(server) or settings.registry(server))
        }
    except Exception as error:  # noqa: BLE001 - list never fails, and the text can contain a secret
        resolver.log(f"list: {error if isinstance(error, CredentialHelperError) else type(error).__name__}")
        return {}
