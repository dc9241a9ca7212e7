"""The AWS identities that rules select, without network access and without botocore."""

from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from ecr_credhelper.aws.profiles import resolve_auto, sections, selected_profile
from ecr_credhelper.cli.inventory import describe_identity
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.settings.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.loader import Settings

VARIABLE = "ECR_CREDHELPER_PROFILE_"
"""The start of a variable with the profile for one account."""


class Identities:
    """The identities of an environment. The AWS configuration is read only if a rule has a profile."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self._environ = environ
        self._resolve = cache(self._resolve_auto)
        self._describe = cache(partial(describe_identity, environ=environ))  # many registries share one

    def describe(self, rule: "Rule", registry: "Registry") -> tuple[str, str, ConfigurationError | None]:
        """Return a rule's identity and profile, and why ``auto`` finds no profile."""
        if not rule.auto_pattern:
            return self._describe(rule.profile, rule.role_arn), rule.profile, None
        profile, error = self._resolve(rule.auto_pattern, registry.account or rule.account)
        shown = f"{profile or 'unknown'} (auto)"
        return self._describe(shown, rule.role_arn), profile, error

    def missing_profiles(self, settings: "Settings | None") -> "Iterator[tuple[str, str, str]]":
        """Yield each place that names a missing profile, that name, and a similar one or an empty string."""
        for place, profile in self._named_profiles(settings):
            if not Rule(profile=profile).auto_pattern and profile not in self._profiles:
                from difflib import get_close_matches

                yield place, profile, next(iter(get_close_matches(profile, self._profiles, 1)), "")

    def _named_profiles(self, settings: "Settings | None") -> "Iterator[tuple[str, str]]":
        for rule in settings.rules if settings else ():
            if rule.profile:
                yield f"registry.{rule.pattern}", rule.profile
        for name, profile in self._environ.items():
            if name.startswith(VARIABLE) and profile:
                yield name, profile
        profile = selected_profile(self._environ)
        if profile and not self._environ.get("AWS_ACCESS_KEY_ID"):
            name = "AWS_DEFAULT_PROFILE" if self._environ.get("AWS_DEFAULT_PROFILE") else "AWS_PROFILE"
            yield name, profile

    @cached_property
    def _profiles(self) -> list[str]:
        return [section.name for section in sections(self._environ) if section.kind == "profile"]

    def _resolve_auto(self, pattern: str, account: str) -> tuple[str, ConfigurationError | None]:
        try:
            return resolve_auto(pattern, account, self._environ), None
        except ConfigurationError as error:
            return "", error
