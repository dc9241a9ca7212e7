"""Edit the text of the settings file: add and remove the fallback and the identities of registries.

A comment marks what was added. It repeats the values of a rule, so that a rule that the user has edited since
then is not removed.
"""

import json
import tomllib
from itertools import takewhile
from typing import TYPE_CHECKING

from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STORE_MARK = "  # was the credsStore"
RULE_MARK = "  # added by configure: "

IDENTITY_FIELDS = ("profile", "role_arn")
"""The fields of a rule that ``configure`` writes."""


def with_fallback(text: str, suffix: str) -> str:
    """Add a fallback as the first line of the settings: at the end, it would belong to the last table."""
    return f"fallback = {_quoted(suffix)}{STORE_MARK}\n{text}"


def without_fallback(text: str, suffix: str) -> str:
    """Remove the line that ``with_fallback`` adds for this suffix, if the settings file contains it."""
    return f"\n{text}".replace(f"\n{with_fallback('', suffix)}", "\n", 1)[1:]


def host_of(host: str) -> str:
    """Return the pattern of a rule for one host only."""
    registry = parse(host)
    return registry.host if registry else host


def pattern_of(host: str) -> str:
    """Return the pattern of a host's rule: its account, ``public``, or the host if it is a custom one."""
    registry = parse(host)
    if registry is None:
        return host
    return PUBLIC if registry.public else registry.account


def with_rule(text: str, pattern: str, fields: "Mapping[str, str]") -> str:
    """Add fields to the table of a pattern, or a new table at the end; raise ValueError if this fails."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if number := line_of(text, pattern):
        lines = text.split("\n")
        head = lines[number - 1].removesuffix("\r")
        added = "".join(newline + line for line in _marked_lines(fields))
        lines[number - 1] = head + added + lines[number - 1].removeprefix(head)
        result = "\n".join(lines)
    else:
        table = newline.join(_table(pattern, fields))
        # A file that does not end in a newline keeps that, so that it can be restored.
        result = f"{text}{newline}{newline}{table}"
        if not text or text.endswith("\n"):
            result = f"{text}{newline if text else ''}{table}{newline}"
    rule = _rules(result).get(pattern, {})
    if not fields.items() <= rule.items():
        raise ValueError(f'cannot add to registry."{pattern}"')
    return result


def without_rules(text: str, patterns: "Collection[str] | None" = None) -> str:
    """Remove what ``with_rule`` added for these patterns, or for all, unless the user has edited it.

    Raises:
        ValueError: the text is not TOML.

    """
    rules = _rules(text)
    for pattern, rule in rules.items():
        if patterns is None or pattern in patterns:
            text = _without_rule(text, pattern, rule)
    return text


def edited_rules(text: str, patterns: "Collection[str]") -> list[str]:
    """Return those of the patterns whose rule still has a mark of ``with_rule`` after ``without_rules``."""
    found = []
    for pattern in patterns:
        if number := line_of(text, pattern):
            header, *rest = text.split("\n")[number - 1 :]
            body = takewhile(lambda line: not line.lstrip().startswith("["), rest)
            if any(RULE_MARK in line for line in (header, *body)):
                found.append(pattern)
    return sorted(found)


def _rules(text: str) -> dict[str, dict[str, object]]:
    """Return the tables of the rules by their patterns."""
    rules = tomllib.loads(text).get("registry")
    tables = rules if isinstance(rules, dict) else {}
    return {pattern: table for pattern, table in tables.items() if isinstance(table, dict)}


def _without_rule(text: str, pattern: str, rule: "Mapping[str, object]") -> str:
    begin = (line_of(text, pattern) or 0) - 1
    if begin < 0:
        return text
    lines = text.split("\n")
    plain = [line.removesuffix("\r") for line in lines]
    fields = {name: str(rule[name]) for name in IDENTITY_FIELDS if name in rule}
    first = end = begin + 1
    marked = _marked_lines(fields)
    while end < len(plain) and plain[end] in marked:
        end += 1
    inserted = {name for name, line in zip(fields, marked, strict=True) if line in plain[first:end]}
    appended = {name: value for name, value in fields.items() if name not in inserted}
    table = _table(pattern, appended)
    has_only_ours = len(rule) == len(fields) and len(table) > 1
    if has_only_ours and [plain[begin], *plain[end : end + len(table) - 1]] == table:
        first, end = begin, end + len(table) - 1
        if begin and not plain[begin - 1]:
            first -= 1  # the empty line before the table
    if end == len(lines) and first:
        lines[first - 1] = plain[first - 1]
    return "\n".join(lines[:first] + lines[end:])


def line_of(text: str, pattern: str) -> int | None:
    """Return the number of the line with the header of a pattern's table, or None."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("[") and _is_header(line, pattern):
            return number
    return None


def _is_header(line: str, pattern: str) -> bool:
    try:
        return tomllib.loads(line.removesuffix("\r")) == {"registry": {pattern: {}}}
    except tomllib.TOMLDecodeError:
        return False


def _table(pattern: str, fields: "Mapping[str, str]") -> list[str]:
    """Return the lines of the table that ``with_rule`` appends."""
    key = pattern if pattern.isalnum() else _quoted(pattern)
    head = f"[registry.{key}]{RULE_MARK}{', '.join(fields.values())}"
    return [head, *(f"{name} = {_quoted(value)}" for name, value in fields.items())]


def _marked_lines(fields: "Mapping[str, str]") -> list[str]:
    """Return the lines that ``with_rule`` adds to an existing table."""
    return [f"{name} = {_quoted(value)}{RULE_MARK}{value}" for name, value in fields.items()]


def _quoted(value: str) -> str:
    """Return a TOML string. Without control characters, JSON is TOML, except for its surrogate pairs."""
    return json.dumps(value, ensure_ascii=False)
