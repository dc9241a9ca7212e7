"""Select the registries of ``configure``: those of the command line, or those that the user chooses."""

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.profiles import accounts_of, merged, missing_profile, profile_names, sections
from ecr_credhelper.cli.candidates import is_open, needs_rule, show
from ecr_credhelper.cli.identities import Identities
from ecr_credhelper.console.waiting import show_waiting
from ecr_credhelper.docker.config import AMAZON_SUFFIX, docker_config
from ecr_credhelper.docker.discovery import search
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.library.hosts import resolve
from ecr_credhelper.library.regions import wrong_region
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.editing import IDENTITY_FIELDS, pattern_of
from ecr_credhelper.settings.rules import Rule

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.discovery import Candidate, Search
    from ecr_credhelper.settings.loader import Settings

HOW_TO_SELECT = "specify HOST ..., or use --discover with --match PATTERN or --all, and --yes"

NONE = {"none", "no", "n", "q", "quit"}
"""The answers that select no registry."""


class Selection(NamedTuple):
    """The registries, each with the fields of the rule that it needs, and whether to set ``credsStore``.

    ``given`` are the registries of the command line; the search has found the others.
    """

    identities: dict[str, dict[str, str]]
    given: frozenset[str]
    creds_store: bool


def _resolved(options: "argparse.Namespace", settings: "Settings", terminal: "Terminal") -> list[str]:
    """Return the registries of the command line, and warn of regions that are not known."""
    region, profile = options.region or "", options.profile or ""

    def warn(text: str) -> None:
        terminal.warn(f"warning: {text}")

    return [resolve(host, settings, region=region, profile=profile, warn=warn) for host in options.hosts]


def select(options: "argparse.Namespace", settings: "Settings", terminal: "Terminal") -> Selection:
    """Return the selected registries without duplicates, in the form in which clients look them up."""
    given = given_identity(options)
    resolved = _resolved(options, settings, terminal)
    identities = {authority_of(host) or host: given for host in resolved}
    given_hosts = frozenset(identities)
    creds_store: bool = options.creds_store
    can_ask = terminal.is_interactive and not options.yes
    if is_search(options) or not (identities or creds_store):
        if not (is_search(options) or can_ask):
            raise ConfigurationError("", "no registry specified", HOW_TO_SELECT)
        _raise_if_missing(given.get("profile", ""))
        offers_switch = can_ask and not options.podman and _uses_amazon_helper()
        found = _search(settings, terminal)
        chosen = _choose_registries(
            found, options, settings, terminal, can_ask=can_ask, is_required=not offers_switch
        )
        if chosen is None:
            return Selection({}, frozenset(), creds_store=False)
        # A given registry that was found, too, gets the profile that led to it.
        chosen = [item for item in found.candidates if item in chosen or item.host in given_hosts]
        profiles = {} if given else _choose_profiles(chosen, settings, terminal, can_ask=can_ask)
        for host in (candidate.host for candidate in chosen):
            profile = profiles.get(host, "")
            identities[host] = given or ({"profile": profile} if needs_rule(profile) else {})
        if offers_switch and not creds_store:
            others = "other " if found.candidates else ""
            terminal.paragraph(f"Docker uses docker-credential-{AMAZON_SUFFIX} for all {others}registries.")
            creds_store = terminal.ask("Replace it with this helper?")
    identities = _identities_of_amazon_helper(options) | identities
    if given.keys() == {"profile"}:
        for warning in _other_accounts(identities, given["profile"], settings):
            terminal.warning(warning)
    return Selection(identities, given_hosts, creds_store)


def is_search(options: "argparse.Namespace") -> bool:
    """Return whether the options require a search."""
    return bool(options.discover or options.all or options.match)


def given_identity(options: "argparse.Namespace") -> dict[str, str]:
    """Return the fields of a rule that the options give."""
    return {name: value for name in IDENTITY_FIELDS if (value := getattr(options, name))}


def _identities_of_amazon_helper(options: "argparse.Namespace") -> dict[str, dict[str, str]]:
    """Return the registries of Amazon's helper, whose entries would take precedence over a ``credsStore``."""
    helpers = docker_config(os.environ).helpers if options.creds_store else {}
    return {host: {} for host, name in helpers.items() if name == AMAZON_SUFFIX and parse(host)}


def _uses_amazon_helper() -> bool:
    return docker_config(os.environ).creds_store == AMAZON_SUFFIX


def _raise_if_missing(profile: str) -> None:
    """Raise ConfigurationError if a profile is given that does not exist."""
    if profile and not Rule(profile=profile).auto_pattern:
        problem = missing_profile(profile, profile_names(sections(os.environ)))
        if problem:
            raise ConfigurationError("", *problem)


def _search(settings: "Settings", terminal: "Terminal") -> "Search":
    """Search for registries. A misspelled region is a problem, and no registry."""
    with show_waiting(terminal, "searching for registries"):
        found = search(os.environ, settings)
    candidates, problems = [], list(found.problems)
    for item in found.candidates:
        registry = parse(item.host)
        if registry and (error := wrong_region(registry.region)):
            is_profile = "AWS profile" in item.sources and item.profiles
            place = f"AWS profile {item.profiles[0]}" if is_profile else item.host
            problems.append(f"{place}: {error}")
        else:
            candidates.append(item)
    return found._replace(candidates=candidates, problems=problems)


def _choose_registries(  # noqa: PLR0913 - the options say what was chosen, and the keywords what is possible
    found: "Search",
    options: "argparse.Namespace",
    settings: "Settings",
    terminal: "Terminal",
    *,
    can_ask: bool,
    is_required: bool,
) -> "list[Candidate] | None":
    """Show the registries found, and return those that the options or the user select; None after Ctrl-D.

    If ``is_required``, finding none is an error.
    """
    candidates = found.candidates
    if options.match:
        candidates = [item for item in candidates if fnmatchcase(item.host, options.match.lower())]
    show(candidates, found, given_identity(options), settings, terminal)
    if not candidates and is_required:
        matching = f" that matches {options.match}" if options.match else ""
        reason = f"no registry found{matching}"
        raise ConfigurationError("", reason, "specify a registry host or an image name")
    if options.match or options.all or not candidates:
        return candidates
    if not can_ask:
        if options.hosts:
            hint = "add --match PATTERN or --all, or omit --discover"
            raise ConfigurationError("", "no registry selected by --discover", hint)
        raise ConfigurationError("", "no registry selected", HOW_TO_SELECT)
    accepted = "all, none, or numbers such as 1,3"
    while (answer := terminal.prompt(f"Configure which registries? ({accepted}) [all]:")) is not None:
        numbers = _numbers(answer.lower() or "all", len(candidates))
        if numbers is not None:
            return [candidates[number - 1] for number in numbers]
        terminal.warn(f"enter {accepted} (at most {len(candidates)})")
    return None


def _numbers(answer: str, count: int) -> list[int] | None:
    """Return the numbers from 1 to ``count`` in an answer such as ``1,3-5``, or None if it is not valid."""
    if answer in NONE:
        return []
    allowed = {str(number): number for number in range(1, count + 1)}
    found: list[int] = []
    for word in (f"1-{count}",) if answer == "all" else answer.replace(",", " ").split():
        first, dash, last = word.partition("-")
        numbers = [allowed.get(first, 0), allowed.get(last if dash else first, 0)]
        if 0 in numbers or numbers != sorted(numbers):
            return None
        found += range(numbers[0], numbers[1] + 1)
    return found or None


def _choose_profiles(
    candidates: "list[Candidate]", settings: "Settings", terminal: "Terminal", *, can_ask: bool
) -> dict[str, str]:
    """Return host -> profile for the registries whose identity the settings do not select yet."""
    answers: dict[tuple[str, tuple[str, ...]], str] = {}
    found = {}
    identities = Identities(os.environ)
    for candidate in candidates:
        names, pattern = candidate.profiles, pattern_of(candidate.host)
        if not names or not is_open(candidate, settings, identities):
            continue
        if len(names) > 1 and (pattern, names) not in answers:  # ask once for all regions of an account
            answers[pattern, names] = _choose_profile(pattern, names, terminal, can_ask=can_ask)
        found[candidate.host] = answers.get((pattern, names), names[0])
    return found


def _choose_profile(pattern: str, names: "Sequence[str]", terminal: "Terminal", *, can_ask: bool) -> str:
    """Return the profile that the user chooses for an account or a host.

    Raises:
        ConfigurationError: the user cannot be asked, or entered Ctrl-D.

    """
    if can_ask:
        terminal.paragraph(f"Several AWS profiles lead to {pattern}:")
        terminal.print()
        terminal.table(("#", "PROFILE"), [(str(number), name) for number, name in enumerate(names, 1)])
        terminal.print()
        while (answer := terminal.prompt("Use which profile? [1]:")) not in {None, *NONE}:
            numbers = _numbers(answer or "1", len(names)) or []
            if len(numbers) == 1:
                return names[numbers[0] - 1]
            terminal.warn(f"enter one number from 1 to {len(names)}")
    reason = f"several AWS profiles lead there: {', '.join(names)}"
    hint = f"choose one with: --match '{pattern}*' --profile {names[0]}"
    raise ConfigurationError(pattern, reason, hint)


def _other_accounts(hosts: "Iterable[str]", profile: str, settings: "Settings") -> "Iterator[str]":
    """Yield a warning for each registry that is not in the account of the given profile."""
    accounts = accounts_of(merged("profile", profile, sections(os.environ)))
    for host in hosts:
        registry = parse(host) or settings.registry(host)
        if accounts and registry and registry.account and registry.account not in accounts:
            yield f"{host}: profile {profile} is in account {' and '.join(sorted(accounts))}"
