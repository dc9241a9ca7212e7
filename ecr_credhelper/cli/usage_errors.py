"""Errors for command lines that no command can parse: unknown commands and global options."""

import re
from typing import TYPE_CHECKING

from ecr_credhelper.cli import NAMES
from ecr_credhelper.cli.verbs import VERB_NAMES
from ecr_credhelper.console.wording import did_you_mean, similar
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.registry import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HINTS = {
    "logout": f"to remove a login, run: {PROG} cache clear HOST; to undo configure, run: {PROG} unconfigure",
    **dict.fromkeys(("setup", "init", "install", "discover"), "did you mean configure?"),
    **dict.fromkeys(("uninstall", "undo", "restore", "remove", "rm", "delete"), "did you mean unconfigure?"),
    **dict.fromkeys(("ls", "show", "info"), "did you mean status?"),
    **dict.fromkeys(("check", "diagnose"), "did you mean doctor?"),
    **dict.fromkeys(("clear", "clean", "prune"), "did you mean cache clear?"),
    **dict.fromkeys(("log-in", "signin"), "did you mean login?"),
    **dict.fromkeys(("get-login-password", "get-login", "token"), "did you mean password?"),
}
"""Hints for commands that other programs have."""

OPTION_HINTS = {
    "--registry-ids": "did you mean several ACCOUNT arguments? They need no option",
    "--username": "the user name is always AWS",
    "--password-stdin": "the password comes from AWS",
}
"""Hints for options that other programs have."""

OPTION_LIKENESS = 0.7
"""Minimum similarity of a misspelt option: "--yse" has 0.8 to "--yes", "--bogus" 0.62 to "--push"."""

PRINTABLE = re.compile(r"--[\w-]{0,30}|-\w?|(?!-)[\w.-]{0,20}|\?", re.ASCII)
"""Words that an error repeats. Anything else, such as text with ``:`` or ``@``, can be a secret."""


def usage_error(argv: "Sequence[str]") -> CredentialHelperError:
    """Return the error for a command line that does not begin with a command."""
    name = argv[0]
    if name.startswith("-"):
        if command := next((word for word in argv if word in NAMES), ""):
            reason = f"the options of {command} must follow it"
            return CredentialHelperError(PROG, reason, f"run: {PROG} {command} --help")
        return CredentialHelperError(PROG, f"unknown option {redacted_words([name])}", f"run: {PROG} --help")
    if name in VERB_NAMES or name == "version":
        return CredentialHelperError(PROG, f"{name} takes no arguments", f"run: {PROG} {name} --help")
    if registry := parse(name):
        return CredentialHelperError(PROG, "a command is missing", f"run: {PROG} configure {registry.host}")
    reason = f"unknown command {redacted_words([name])!r}"
    return CredentialHelperError(PROG, reason, _suggestion(name.lower()))


def _suggestion(name: str) -> str:
    """Return a hint to the command that the user probably meant."""
    known = (*NAMES, *VERB_NAMES, "help", "version")
    return HINTS.get(name) or did_you_mean(name, known, f"run: {PROG} --help")


def unrecognized(command: str, words: "Sequence[str]", usage: str) -> str:
    """Return the error for arguments that a command does not know, given the usage line of the command."""
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    if not options and "[HOST]" in usage:
        return f"{command} accepts one registry"
    # The arguments that follow an unknown option can be its values, for example a password.
    text = f"unrecognized arguments: {redacted_words(options or words)}"
    known = re.findall(r"--[a-z-]+", usage)
    for option in options:
        near = ""
        if option.startswith("--"):
            begun = (name for name in known if name.startswith(option))
            near = next(begun, "") or similar(option, known, OPTION_LIKENESS)
        if hint := OPTION_HINTS.get(option) or (near and f"did you mean {near}?"):
            return f"{text}; {hint}"
    return text


def redacted_words(words: "Iterable[str]") -> str:
    """Return words of the command line for an error, with ``…`` for each word that can be a secret.

    Of an option with a value, only the option is shown.
    """
    words = (word.partition("=")[0] if word.startswith("-") else word for word in words)
    return " ".join(word if PRINTABLE.fullmatch(word) else "…" for word in words)
