"""The settings file with the lines of its keys, and all its problems.

Some problems show only on this machine: profiles, files and programs that do not exist.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.aws.profiles import missing_profile, profile_names, resolve_auto, sections
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.lines import Key, explain, lines_of
from ecr_credhelper.settings.loader import read_settings
from ecr_credhelper.settings.rules import PUBLIC, Rule
from ecr_credhelper.settings.validation import dotted, problems_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Problem(NamedTuple):
    """A problem: its line or 0, the dotted key of a setting or an empty string, and the reason."""

    line: int
    setting: str
    text: str


class SettingsFile(NamedTuple):
    """A settings file: ``content`` has only the valid settings, and ``lines`` the lines of all keys."""

    path: str
    exists: bool
    content: "dict[str, Any]"
    lines: dict[Key, int]
    problems: list[Problem]


def read(environ: "Mapping[str, str]") -> SettingsFile:
    """Read the settings file of the user, if there is one, and find all its problems."""
    path = settings_file(environ) or ""
    if not has_settings(environ):
        return SettingsFile(path, exists=False, content={}, lines={}, problems=[])
    import tomllib

    try:
        raw = read_settings(path)
    except ConfigurationError as error:
        return SettingsFile(path, os.path.lexists(path), {}, {}, [Problem(0, "", error.reason)])
    try:
        content = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        line, text = explain(error, raw)
        problem = Problem(line, "", f"not valid TOML: {text}")
        return SettingsFile(path, exists=True, content={}, lines={}, problems=[problem])
    lines = lines_of(raw.decode())
    invalid = [(key, text) for _, key, text in problems_in(content)]
    valid = _without(content, {key for key, _ in invalid})
    found = [*invalid, *_missing(valid, environ)]
    problems = sorted(Problem(lines[key], dotted(key), text) for key, text in found)
    return SettingsFile(path, exists=True, content=valid, lines=lines, problems=problems)


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
    if fallback := content.get("fallback"):
        program = f"docker-credential-{fallback}"
        if not which(program, environ):
            yield ("fallback",), f"{program} is not on PATH"
    for pattern, table in content.get("registry", {}).items():
        rule = Rule(pattern, **table)
        if text := _profile_problem(rule, environ):
            yield ("registry", pattern, "profile"), text
        if rule.ca_bundle and not os.path.exists(rule.ca_bundle):
            hint = "; ~ is not expanded, so write the whole path" if rule.ca_bundle.startswith("~") else ""
            yield ("registry", pattern, "ca_bundle"), f"{rule.ca_bundle} does not exist{hint}"


def _profile_problem(rule: Rule, environ: "Mapping[str, str]") -> str:
    """Return why AWS does not find a rule's profile, or an empty string."""
    if not rule.auto_pattern:
        names = profile_names(sections(environ))
        return "; ".join(missing_profile(rule.profile, names) or ()) if rule.profile else ""
    account = account_of(rule)
    try:
        if account is not None:
            resolve_auto(rule.auto_pattern, account, environ)
    except ConfigurationError as error:
        return f"{error.reason}; {error.hint}"
    return ""
