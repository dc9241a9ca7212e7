"""The settings file with the lines of its keys, and all its problems.

Some problems show only on this machine: profiles, files and programs that do not exist.
"""

import fnmatch
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.aws.profiles import (
    LIST_PROFILES,
    missing_profile,
    profile_names,
    resolve_auto,
    sections,
)
from ecr_credhelper.docker.config import AMAZON_SUFFIX
from ecr_credhelper.docker.programs import PREFIX, which
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.library.host_errors import CUSTOM_HOST_HINT, NOT_ECR
from ecr_credhelper.library.host_errors import explain as explain_host
from ecr_credhelper.library.regions import wrong_region
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import ACCOUNT_DIGITS, PUBLIC_REGION, parse
from ecr_credhelper.settings.lines import Key, explain, lines_of
from ecr_credhelper.settings.loader import read_settings
from ecr_credhelper.settings.rules import PUBLIC, Rule
from ecr_credhelper.settings.validation import dotted, problems_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


EXAMPLE_ACCOUNT = "0" * ACCOUNT_DIGITS


class SettingsProblem(NamedTuple):
    """A problem: its line or 0, the dotted key of a setting or an empty string, and the reason."""

    line: int
    setting: str
    text: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else ""
        return ": ".join(filter(None, (place, self.setting, self.text)))


class SettingsFile(NamedTuple):
    """A settings file: ``content`` has only the valid settings, and ``lines`` the lines of all keys.

    ``is_valid`` is whether all settings are valid: the problems then concern only what they refer to.
    """

    path: str
    exists: bool
    content: "dict[str, Any]"
    lines: dict[Key, int]
    problems: list[SettingsProblem]
    is_valid: bool = True


def read(environ: "Mapping[str, str]") -> SettingsFile:
    """Read the settings file of the user, if there is one, and find all its problems."""
    path = settings_file(environ) or ""
    if not has_settings(environ):
        return SettingsFile(path, exists=False, content={}, lines={}, problems=[])
    import tomllib

    try:
        raw = read_settings(path)
    except ConfigurationError as error:
        problem = SettingsProblem(0, "", error.reason)
        return SettingsFile(path, os.path.lexists(path), {}, {}, [problem], is_valid=False)
    try:
        content = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        line, text = explain(error, raw)
        problem = SettingsProblem(line, "", f"not valid TOML: {text}")
        return SettingsFile(path, exists=True, content={}, lines={}, problems=[problem], is_valid=False)
    lines = lines_of(raw.decode())
    invalid = [(key, text) for _, key, text in problems_in(content)]
    valid = _without(content, {key for key, _ in invalid})
    found = [*invalid, *_hosts_without_registry(content, invalid), *_missing(valid, environ)]
    problems = sorted(SettingsProblem(lines[key], dotted(key), text) for key, text in found)
    return SettingsFile(path, True, valid, lines, problems, is_valid=not invalid)  # noqa: FBT003 - it exists


def account_of(rule: Rule) -> str | None:
    """Return the account of a rule's registries, empty for the public registry, and None if it can vary."""
    if rule.is_account:
        return rule.pattern
    if rule.pattern == PUBLIC or rule.public:
        return ""
    registry = parse(rule.pattern)
    account = registry.account if registry else rule.account
    return account if account or rule.is_host else None


def _without(content: "dict[str, Any]", invalid: set[Key]) -> "dict[str, Any]":
    """Return the content without invalid settings, and without rules that have no valid field."""
    valid = {name: value for name, value in content.items() if (name,) not in invalid}
    if "registry" in valid:
        tables = {
            pattern: {
                name: value
                for name, value in table.items()
                if ("registry", pattern, name) not in invalid and not isinstance(value, dict)
            }
            for pattern, table in valid["registry"].items()
            if ("registry", pattern) not in invalid
        }
        valid["registry"] = {pattern: table for pattern, table in tables.items() if table}
    return valid


def _missing(content: "dict[str, Any]", environ: "Mapping[str, str]") -> "Iterator[tuple[Key, str]]":
    """Yield the keys of settings whose profile, file or program does not exist, each with the reason."""
    if (fallback := content.get("fallback")) and (text := _fallback_problem(fallback, environ)):
        yield ("fallback",), text
    for pattern, table in content.get("registry", {}).items():
        rule = Rule(pattern, **table)
        if rule.region and (error := wrong_region(rule.region)):
            yield ("registry", pattern, "region"), f"{error.reason}; {error.hint}"
        if text := _profile_problem(rule, environ):
            yield ("registry", pattern, "profile"), text
        if rule.ca_bundle and not os.path.exists(rule.ca_bundle):
            hint = "; ~ is not expanded, so write the whole path" if rule.ca_bundle.startswith("~") else ""
            yield ("registry", pattern, "ca_bundle"), f"{rule.ca_bundle} does not exist{hint}"


def _fallback_problem(suffix: str, environ: "Mapping[str, str]") -> str:
    """Return why a fallback cannot serve other registries, or an empty string."""
    if suffix.startswith(PREFIX):
        return f'found "{suffix}", expected the suffix only: "{suffix.removeprefix(PREFIX)}"'
    if suffix == AMAZON_SUFFIX:
        return "Amazon's helper cannot log in to other registries; remove it, or use another helper"
    program = f"{PREFIX}{suffix}"
    return "" if which(program, environ) else f"{program} is not on PATH"


def _hosts_without_registry(
    content: "dict[str, Any]", invalid: "list[tuple[Key, str]]"
) -> "Iterator[tuple[Key, str]]":
    """Yield the keys of rules for hosts that are no registries, each with the reason."""
    wrong = {key[:2] for key, _ in invalid}
    for pattern, table in content.get("registry", {}).items() if ("registry",) not in wrong else ():
        key = ("registry", pattern)
        is_custom = key in wrong or {"region", "public"} & table.keys()
        if not is_custom and set(pattern) & {".", ":"} and (text := _host_problem(pattern)):
            yield key, text


def _host_problem(pattern: str) -> str:
    """Return why a pattern for hosts matches no registry, or an empty string."""
    labels = pattern.split(".")
    # A host that the pattern matches, if ``*`` stands for an account and for a region.
    account = EXAMPLE_ACCOUNT if "*" in labels[0] else labels[0]
    host = ".".join([account, *(PUBLIC_REGION if label == "*" else label for label in labels[1:])])
    if registry := parse(host):
        if ":" in host:
            return f"registries of ECR are matched without a port; write {pattern.partition(':')[0]}"
        error = None if registry.public else wrong_region(registry.region)
    elif "*" in host or account != labels[0]:
        return ""
    else:
        error = explain_host(host, "")
        if error.reason == NOT_ECR and error.hint == CUSTOM_HOST_HINT:
            return "not a host of ECR; a custom host needs region, or public = true"
    return f"{error.reason}; {error.hint}" if error else ""


def _profile_problem(rule: Rule, environ: "Mapping[str, str]") -> str:
    """Return why AWS does not find a rule's profile, or an empty string."""
    if not rule.auto_pattern:
        names = profile_names(sections(environ))
        return "; ".join(missing_profile(rule.profile, names) or ()) if rule.profile else ""
    account = account_of(rule)
    try:
        if account is not None:
            resolve_auto(rule.auto_pattern, account, environ)
        elif not fnmatch.filter(profile_names(sections(environ)), rule.auto_pattern):
            return f'no AWS profile matches "{rule.auto_pattern}"; {LIST_PROFILES}'
    except ConfigurationError as error:
        return f"{error.reason}; {error.hint}"
    return ""
