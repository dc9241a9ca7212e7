"""Select the registries of ``configure``: those of the command line, or those that the user chooses."""

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.profiles import selected_profile
from ecr_credhelper.cli.identities import Identities
from ecr_credhelper.console.waiting import show_waiting
from ecr_credhelper.docker.config import AMAZON_SUFFIX, docker_config
from ecr_credhelper.docker.discovery import search
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.library.hosts import resolve
from ecr_credhelper.registry import Registry, authority_of, parse
from ecr_credhelper.settings.editing import IDENTITY_FIELDS, pattern_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.discovery import Candidate, Search
    from ecr_credhelper.settings.loader import Settings

DEFAULT_PROFILE = "default"

HOW_TO_SELECT = "specify HOST ..., or use --discover with --match PATTERN or --all, and --yes"


class Selection(NamedTuple):
    """The registries, each with the fields of the rule that it needs, and whether to set ``credsStore``."""

    identities: dict[str, dict[str, str]]
    creds_store: bool


def select(options: "argparse.Namespace", settings: "Settings", terminal: "Terminal") -> Selection:
    """Return the selected registries without duplicates, in the form in which clients look them up."""
    given = _given_identity(options)
    region, profile = options.region or "", options.profile or ""

    def warn(text: str) -> None:
        terminal.warn(f"warning: {text}")

    resolved = [resolve(host, settings, region=region, profile=profile, warn=warn) for host in options.hosts]
    identities = {authority_of(host) or host: given for host in resolved}
    creds_store: bool = options.creds_store
    is_search = bool(options.discover or options.all or options.match)
    can_ask = terminal.is_interactive and not options.yes
    if is_search or not (identities or creds_store):
        if not (is_search or can_ask):
            raise ConfigurationError("", "no registry specified", HOW_TO_SELECT)
        offers_switch = can_ask and not options.podman and _uses_amazon_helper()
        chosen = _choose_registries(
            options, settings, terminal, can_ask=can_ask, is_required=not offers_switch
        )
        if chosen is None:
            return Selection({}, creds_store=False)
        profiles = {} if given else _choose_profiles(chosen, settings, terminal, can_ask=can_ask)
        for host in (candidate.host for candidate in chosen):
            profile = profiles.get(host, "")
            identities.setdefault(host, given or ({"profile": profile} if _needs_rule(profile) else {}))
        if offers_switch and not creds_store:
            terminal.print(f"Docker uses docker-credential-{AMAZON_SUFFIX} for all other registries.")
            creds_store = terminal.ask("Replace it with this helper?")
    return Selection(identities, creds_store)


def _uses_amazon_helper() -> bool:
    return docker_config(os.environ).creds_store == AMAZON_SUFFIX


def _given_identity(options: "argparse.Namespace") -> dict[str, str]:
    """Return the fields of a rule that the options give."""
    return {name: value for name in IDENTITY_FIELDS if (value := getattr(options, name))}


def _choose_registries(
    options: "argparse.Namespace",
    settings: "Settings",
    terminal: "Terminal",
    *,
    can_ask: bool,
    is_required: bool,
) -> "list[Candidate] | None":
    """Search, show the registries, and return those that the options or the user select; None after Ctrl-D.

    If ``is_required``, finding none is an error.
    """
    with show_waiting(terminal, "searching for registries"):
        found = search(os.environ, settings)
    candidates = found.candidates
    if options.match:
        candidates = [item for item in candidates if fnmatchcase(item.host, options.match.lower())]
    _show(candidates, found, settings, terminal)
    if not candidates and is_required:
        matching = f" that matches {options.match}" if options.match else ""
        reason = f"no registry found{matching}"
        raise ConfigurationError("", reason, "specify a registry host or an image name")
    if options.match or options.all or not candidates:
        return candidates
    if not can_ask:
        raise ConfigurationError("", "no registry selected", HOW_TO_SELECT)
    accepted = "all, none, or numbers such as 1,3"
    while (answer := terminal.prompt(f"Configure which registries? ({accepted}) [all]:")) is not None:
        numbers = _numbers(answer.lower() or "all", len(candidates))
        if numbers is not None:
            return [candidates[number - 1] for number in numbers]
        terminal.warn(f"enter {accepted}; the last number is {len(candidates)}")
    return None


def _numbers(answer: str, count: int) -> list[int] | None:
    """Return the numbers from 1 to ``count`` in an answer, or None if it is not valid."""
    if answer in {"all", "none"}:
        return list(range(1, count + 1)) if answer == "all" else []
    words = answer.replace(",", " ").split()
    allowed = {str(number): number for number in range(1, count + 1)}
    return [allowed[word] for word in words] if words and set(words) <= set(allowed) else None


def _show(candidates: "list[Candidate]", found: "Search", settings: "Settings", terminal: "Terminal") -> None:
    """Show what was searched, the problems, and a numbered table of the registries."""
    *places, last = (terminal.short_path(place) for place in found.searched)
    terminal.print(f"Searched {', '.join(places)} and {last}." if places else f"Searched {last}.")
    for problem in found.problems:
        terminal.warning(problem)
    for profile, account in found.accounts_without_region:
        text = f"profile {profile} has account {account}, but no region"
        terminal.warning(f"{text}: to find its registry, set AWS_REGION")
    if candidates:
        width = len(str(len(candidates)))
        head = (f"{'#':>{width}}  REGISTRY", "FROM", "IDENTITY")
        identities = Identities(os.environ)
        rows = [
            (
                f"{number:>{width}}  {item.host}",
                ", ".join(item.sources),
                _identity(item, settings, identities),
            )
            for number, item in enumerate(candidates, 1)
        ]
        terminal.print()
        terminal.table(head, rows, shortened=head[1:])
        terminal.print()


def _identity(candidate: "Candidate", settings: "Settings", identities: Identities) -> str:
    """Return the AWS identity that a registry would use, or the profiles to choose from."""
    registry = _registry(candidate)
    rule = settings.rule(registry)
    if not (rule.profile or rule.role_arn) and any(map(_needs_rule, candidate.profiles)):
        return f"profile {' or '.join(candidate.profiles)}"
    identity, _, _ = identities.describe(rule, registry)
    return identity


def _choose_profiles(
    candidates: "list[Candidate]", settings: "Settings", terminal: "Terminal", *, can_ask: bool
) -> dict[str, str]:
    """Return host -> profile for the registries whose identity the settings do not select yet."""
    answers: dict[tuple[str, tuple[str, ...]], str] = {}
    found = {}
    for candidate in candidates:
        rule = settings.rule(_registry(candidate))
        names, pattern = candidate.profiles, pattern_of(candidate.host)
        if not names or rule.profile or rule.role_arn:
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
        terminal.print(f"Several AWS profiles lead to {pattern}:")
        terminal.print()
        terminal.table(("#", "PROFILE"), [(str(number), name) for number, name in enumerate(names, 1)])
        terminal.print()
        while (answer := terminal.prompt("Use which profile? [1]:")) is not None:
            numbers = _numbers(answer or "1", len(names)) or []
            if len(numbers) == 1:
                return names[numbers[0] - 1]
            terminal.warn(f"enter one number from 1 to {len(names)}")
    reason = f"several AWS profiles lead there: {', '.join(names)}"
    hint = f"choose one with: --match '{pattern}*' --profile {names[0]}"
    raise ConfigurationError(pattern, reason, hint)


def _registry(candidate: "Candidate") -> Registry:
    return parse(candidate.host) or Registry(candidate.host)


def _needs_rule(profile: str) -> bool:
    """Return whether a profile is used only if a rule selects it, in this shell or in another one."""
    is_default = profile == DEFAULT_PROFILE and selected_profile(os.environ) in {"", DEFAULT_PROFILE}
    return bool(profile) and not is_default
