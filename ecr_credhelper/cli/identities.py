"""The AWS identities that rules select, without network access and without botocore."""

import os
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from ecr_credhelper.aws.profiles import (
    CONFIG,
    CREDENTIALS,
    missing_profile,
    profile_names,
    resolve_auto,
    sections,
    selected_profile,
)
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import configuration_files
from ecr_credhelper.settings.loader import ACCOUNT_VARIABLES
from ecr_credhelper.settings.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.registry import Registry


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

    def missing_profiles(self) -> "Iterator[tuple[str, str, str]]":
        """Yield each variable that selects a missing profile, the problem, and a hint."""
        for place, profile in self._named_profiles():
            if not Rule(profile=profile).auto_pattern and (
                problem := missing_profile(profile, self._profiles)
            ):
                yield place, *problem

    def _named_profiles(self) -> "Iterator[tuple[str, str]]":
        for name, profile in self._environ.items():
            if name.startswith(ACCOUNT_VARIABLES["profile"]) and profile:
                yield name, profile
        profile = selected_profile(self._environ)
        if profile and not self._environ.get("AWS_ACCESS_KEY_ID"):
            name = "AWS_DEFAULT_PROFILE" if self._environ.get("AWS_DEFAULT_PROFILE") else "AWS_PROFILE"
            yield name, profile

    @cached_property
    def _profiles(self) -> list[str]:
        return profile_names(sections(self._environ))

    def _resolve_auto(self, pattern: str, account: str) -> tuple[str, ConfigurationError | None]:
        try:
            return resolve_auto(pattern, account, self._environ), None
        except ConfigurationError as error:
            return "", error


def broken_files(environ: "Mapping[str, str]") -> "Iterator[str]":
    """Yield the AWS configuration files that AWS SDKs cannot parse."""
    for variable, path in configuration_files(environ):
        if variable not in {CONFIG, CREDENTIALS} or is_special(path) or not os.path.exists(path):
            continue
        import configparser

        try:
            configparser.RawConfigParser().read(path)
        except (configparser.Error, UnicodeDecodeError):
            yield path


def describe_identity(profile: str, role_arn: str, environ: "Mapping[str, str]") -> str:
    """Return which identity a rule and an environment select, as far as is known without calling AWS."""
    source = _source(profile, environ)
    if role_arn:
        return f"{role_arn}, from {source}" if source else role_arn
    return source or "default"


def _source(profile: str, environ: "Mapping[str, str]") -> str:
    """Return the source of credentials that a profile or an environment selects, or an empty string."""
    key = environ.get("AWS_ACCESS_KEY_ID")  # This takes precedence over AWS_PROFILE.
    if profile or not key:
        profile = profile or selected_profile(environ)
    if profile or key:
        return f"profile {profile}" if profile else f"key {key}"
    role = environ.get("AWS_ROLE_ARN")
    if role and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):  # Without the file, SDKs ignore the role.
        return f"web identity role {role}"
    is_container = any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ)
    return "container role" if is_container else ""
