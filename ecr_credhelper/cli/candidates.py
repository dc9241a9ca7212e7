"""Show the registries that the search of ``configure`` found, with the AWS identity that each would use."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.aws.profiles import selected_profile
from ecr_credhelper.cli.identities import Identities
from ecr_credhelper.registry import Registry, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.discovery import Candidate, Search
    from ecr_credhelper.settings.loader import Settings

DEFAULT_PROFILE = "default"


def show(
    candidates: "Sequence[Candidate]",
    found: "Search",
    given: "Mapping[str, str]",
    settings: "Settings",
    terminal: "Terminal",
) -> None:
    """Show what was searched, the problems, and a numbered table of the registries.

    ``given`` are the fields of the rule that the options give for all of them.
    """
    *places, last = (terminal.short_path(place) for place in found.searched)
    terminal.paragraph(f"Searched {', '.join(places)} and {last}." if places else f"Searched {last}.")
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
                _identity(item, given, settings, identities),
            )
            for number, item in enumerate(candidates, 1)
        ]
        terminal.print()
        terminal.table(head, rows, shortened=head[1:])
        terminal.print()


def is_open(candidate: "Candidate", settings: "Settings", identities: Identities) -> bool:
    """Return whether the settings select no AWS identity for a registry, or ``auto`` finds no profile."""
    registry = _registry(candidate)
    rule = settings.rule(registry)
    _, _, error = identities.describe(rule, registry)
    return error is not None or not (rule.profile or rule.role_arn)


def needs_rule(profile: str) -> bool:
    """Return whether a profile is used only if a rule selects it, in this shell or in another one."""
    is_default = profile == DEFAULT_PROFILE and selected_profile(os.environ) in {"", DEFAULT_PROFILE}
    return bool(profile) and not is_default


def _identity(
    candidate: "Candidate", given: "Mapping[str, str]", settings: "Settings", identities: Identities
) -> str:
    """Return the AWS identity that a registry would use, or the profiles to choose from."""
    registry = _registry(candidate)
    is_unset = not given and is_open(candidate, settings, identities)
    if is_unset and any(map(needs_rule, candidate.profiles)):
        return f"profile {' or '.join(candidate.profiles)}"
    rule = settings.rule(registry)
    profile, role = given.get("profile", rule.profile), given.get("role_arn", rule.role_arn)
    identity, _, _ = identities.describe(rule._replace(profile=profile, role_arn=role), registry)
    return identity


def _registry(candidate: "Candidate") -> Registry:
    return parse(candidate.host) or Registry(candidate.host)
