"""``config``: show the settings in force and where each comes from; ``config check``: find all problems."""

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.cli import settings_file
from ecr_credhelper.console.log import VARIABLE as LOG_VARIABLE
from ecr_credhelper.console.log import redacted
from ecr_credhelper.console.wording import counted
from ecr_credhelper.errors import PROG
from ecr_credhelper.fetch.deadline import DEADLINE
from ecr_credhelper.paths import cache_directory
from ecr_credhelper.registry import ACCOUNT_DIGITS
from ecr_credhelper.settings.loader import ACCOUNT_VARIABLES, account_variables
from ecr_credhelper.settings.rules import Rule
from ecr_credhelper.settings.validation import NUMBER_FIELDS, RULE_KEYS, dotted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ecr_credhelper.cli.settings_file import SettingsFile
    from ecr_credhelper.console.terminal import Terminal

VERSION = 1
"""Version of the ``--json`` output. It changes only if programs that read the output must change."""

HIDDEN = "external_id"
"""The setting whose value is not shown."""

IGNORE_VARIABLE = "AWS_ECR_IGNORE_CREDS_STORAGE"
"""If this is ``true``, logins of ``docker login`` are not stored, as with Amazon's helper."""

NAME_WIDTH = max(map(len, RULE_KEYS))


class Value(NamedTuple):
    """The value of a setting, and its origin: a line of the file, a variable, or neither for a default."""

    value: object
    line: int = 0
    variable: str = ""
    shown: str = ""

    @property
    def origin(self) -> str:
        """The origin in words."""
        return self.variable or (f"line {self.line}" if self.line else "default")

    def as_json(self) -> dict[str, object]:
        """Return the value and its origin for ``--json``."""
        source = "environment" if self.variable else "file" if self.line else "default"
        return {
            "value": self.value,
            "source": source,
            "line": self.line or None,
            "variable": self.variable or None,
        }


class RuleValues(NamedTuple):
    """A rule: its pattern, the line of its table or 0, and its fields."""

    pattern: str
    line: int
    fields: dict[str, Value]


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the settings or their problems; return 1 if there is a problem."""
    file = settings_file.read(os.environ)
    (_check if options.action == "check" else _show)(file, terminal, as_json=options.json)
    return 1 if file.problems else 0


def _check(file: "SettingsFile", terminal: "Terminal", *, as_json: bool) -> None:
    if as_json:
        problems = [
            {"line": problem.line or None, "setting": problem.setting or None, "text": problem.text}
            for problem in file.problems
        ]
        _print_json(terminal, file, {"problems": problems})
        return
    if file.exists or file.problems:
        terminal.print(terminal.short_path(file.path))
    width = max((len(str(problem.line)) for problem in file.problems), default=0)
    for line, setting, text in file.problems:
        name = f"  line {line:<{width}}" if line else ""
        terminal.field(name, f"{setting}: {text}" if setting else text)
    none = "no problems" if file.exists else "no settings file"
    terminal.print(counted(len(file.problems), "problem") if file.problems else none)


def _show(file: "SettingsFile", terminal: "Terminal", *, as_json: bool) -> None:
    """Show the valid settings; warn if there are problems."""
    values, rules = _values(file, os.environ), _rules(file, os.environ)
    if as_json:
        shown = [
            {"pattern": pattern, "line": line or None, "settings": _as_json(fields)}
            for pattern, line, fields in rules
        ]
        _print_json(terminal, file, {"settings": _as_json(values), "rules": shown})
    else:
        note = "" if file.exists else ", not found"
        variable = "ECR_CREDHELPER_CONFIG" if os.environ.get("ECR_CREDHELPER_CONFIG") else "default"
        _print_field(terminal, "file", f"{file.path or 'none'} ({variable}{note})")
        _print_fields(terminal, values)
        for pattern, _, fields in rules:
            terminal.print()
            terminal.print(f"[{dotted(('registry', pattern))}]")
            _print_fields(terminal, fields)
    if file.problems:
        count = counted(len(file.problems), "problem")
        terminal.warn(f"{PROG}: {file.path} has {count}; run: {PROG} config check")


def _print_fields(terminal: "Terminal", fields: dict[str, Value]) -> None:
    for name, value in fields.items():
        _print_field(terminal, name, f"{value.shown or value.value} ({value.origin})")


def _print_field(terminal: "Terminal", name: str, text: str) -> None:
    terminal.field(f"{name:{NAME_WIDTH}}", text)


def _print_json(terminal: "Terminal", file: "SettingsFile", more: dict[str, object]) -> None:
    result = {"version": VERSION, "file": file.path or None, "exists": file.exists, **more}
    terminal.write_raw(json.dumps(result, indent=2))


def _as_json(fields: dict[str, Value]) -> dict[str, object]:
    return {name: value.as_json() for name, value in fields.items()}


def _values(file: "SettingsFile", environ: "Mapping[str, str]") -> dict[str, Value]:
    """Return the settings that concern all registries."""
    values = {
        "fallback": Value(None, shown="none"),
        "on_error": Value(None, shown="error, but not-found for the public registry"),
        "deadline": Value(DEADLINE, shown=f"{DEADLINE} s"),
        "list": Value("fetch"),
        "log": Value(None, shown="none"),
    }
    for name, value in file.content.items():
        if name in values:
            values[name] = _file_value(name, value, file.lines[name,])
    if log := environ.get(LOG_VARIABLE):
        values["log"] = Value(redacted(log), variable=LOG_VARIABLE)
    disabled = _variable("AWS_ECR_DISABLE_CACHE", environ)
    directory = None if disabled else cache_directory(environ)
    values["cache"] = Value(
        directory,
        variable=disabled or _variable("AWS_ECR_CACHE_DIR", environ),
        shown=directory or ("disabled" if disabled else "none"),
    )
    ignores_logins = environ.get(IGNORE_VARIABLE) == "true"
    reason = disabled or (IGNORE_VARIABLE if ignores_logins else "")
    values["docker_login"] = Value("not stored" if reason else "stored", variable=reason)
    return values


def _variable(name: str, environ: "Mapping[str, str]") -> str:
    """Return the name of a variable if it is set, otherwise an empty string."""
    return name if environ.get(name) else ""


def _rules(file: "SettingsFile", environ: "Mapping[str, str]") -> list[RuleValues]:
    """Return the rules of the file, with the variables that replace their fields, and those of variables."""
    found = []
    for pattern, table in file.content.get("registry", {}).items():
        key = ("registry", pattern)
        fields = {name: _file_value(name, value, file.lines[*key, name]) for name, value in table.items()}
        account = settings_file.account_of(Rule(pattern, **table)) or ""
        found.append(RuleValues(pattern, file.lines[key], fields | _variable_values(account, environ)))
    accounts = _accounts_of_variables(environ) - {rule.pattern for rule in found}
    return [
        *found,
        *(RuleValues(account, 0, _variable_values(account, environ)) for account in sorted(accounts)),
    ]


def _file_value(name: str, value: object, line: int) -> Value:
    """Return the value of a setting in the file."""
    if name == HIDDEN:
        return Value(None, line, shown="(hidden)")
    if isinstance(value, bool):
        return Value(value, line, shown=str(value).lower())
    return Value(value, line, shown=f"{value} s" if name in NUMBER_FIELDS else "")


def _variable_values(account: str, environ: "Mapping[str, str]") -> dict[str, Value]:
    variables = account_variables(account, environ)
    return {field: Value(environ[name], variable=name) for field, name in variables.items()}


def _accounts_of_variables(environ: "Mapping[str, str]") -> set[str]:
    """Return the accounts that have a variable with a profile or a role."""
    starts = tuple(ACCOUNT_VARIABLES.values())
    ends = {name[-ACCOUNT_DIGITS:] for name in environ if name[:-ACCOUNT_DIGITS] in starts}
    return {account for account in ends if account.isdecimal() and account_variables(account, environ)}
