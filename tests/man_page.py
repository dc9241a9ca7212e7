"""Generate the man page and the reference page of the commands from the command table.

    python -m tests.man_page

A test checks that both files are up to date. They contain the parser's data but not its formatted help, which
differs between Python versions.
"""

# ruff: noqa: SLF001 - argparse has no public way to list its arguments

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from ecr_credhelper import __version__
from ecr_credhelper.cli import COMMANDS, DESCRIPTION, Command
from ecr_credhelper.cli.arguments import parser
from ecr_credhelper.errors import PROG

ROOT = Path(__file__).parents[1]
MAN_PAGE = ROOT / "docs/man/docker-credential-ecr-py.1"
REFERENCE = ROOT / "docs/reference/commands.md"

VERBS = (
    ("get", "reads a server string from standard input; writes the login as JSON to standard output"),
    ("store", "reads a login as JSON from standard input; stores it until it expires"),
    ("erase", "reads a server string from standard input; removes its login and tokens"),
    ("list", "writes the registries for which a login is available now, as JSON"),
)
FILES = (
    ("~/.config/ecr-credhelper/config.toml", "settings: the profile, role or region for each registry"),
    ("~/.cache/ecr-credhelper", "cached tokens"),
    ("~/.docker/config.json", "Docker's configuration"),
)


class Argument(NamedTuple):
    """An argument of a command: its syntax, and its help text."""

    form: str
    help: str


class Page(NamedTuple):
    """A command and its arguments."""

    command: Command
    arguments: list[Argument]

    @property
    def example(self) -> str:
        return f"{PROG} {self.command.name} {self.command.example}".rstrip()

    @property
    def synopsis(self) -> str:
        forms = [f"[{form}]" if form.startswith("-") else form for form, _ in self.arguments]
        return " ".join([self.command.name, *forms])


def pages() -> list[Page]:
    """Return all commands with their arguments."""
    table = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    actions = {command: table.choices[command.name]._actions for command in COMMANDS}
    return [
        Page(command, [argument(action) for action in actions[command] if action.dest != "help"])
        for command in COMMANDS
    ]


def argument(action: argparse.Action) -> Argument:
    """Return the syntax and help of an argument, such as ``--profile PROFILE``, ``HOST…`` or ``[HOST]``."""
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    value = choices or str(action.metavar or action.dest.upper())
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {value}"
        return Argument(f"{', '.join(action.option_strings)}{value}", action.help or "")
    form = {"?": f"[{value}]", "*": f"[{value}…]", "+": f"{value}…"}.get(str(action.nargs), value)
    return Argument(form, action.help or "")


def man_page() -> str:
    """Return the man page, with the sections from https://man7.org/linux/man-pages/man7/man-pages.7.html."""
    lines = [
        f'.TH {PROG.upper()} 1 "" "{PROG} {__version__}" "User Commands"',
        ".SH NAME",
        f"{PROG} \\- Docker credential helper for Amazon ECR",
        ".SH SYNOPSIS",
        f".B {PROG}",
        "COMMAND [OPTIONS]",
        ".SH DESCRIPTION",
        DESCRIPTION,
        "Get started:",
        ".PP",
        ".EX",
        roff(f"  {PROG} configure {COMMANDS[0].example}"),
        ".EE",
        ".SH COMMANDS",
    ]
    for page in pages():
        lines += [f".SS {roff(page.synopsis)}", roff(page.command.description)]
        lines += definitions(page.arguments)
        lines += [".PP", ".EX", roff(page.example), ".EE"]
    for title, rows in (("CREDENTIAL HELPER PROTOCOL", VERBS), ("FILES", FILES)):
        lines += [f".SH {title}", *definitions(rows)]
    lines += [
        ".SH EXIT STATUS",
        "0 on success, 1 on failure, and 2 for an invalid command line.",
        "An unknown command is reported on standard output with exit status 1.",
        "",
    ]
    return "\n".join(lines)


def reference() -> str:
    """Return the reference page."""
    parts = [
        "# Commands\n",
        "The commands for users. Docker itself calls the verbs of the [protocol](protocol.md). `--help`",
        "shows the same information. Results go to standard output, everything else goes to standard error.",
        "The exit status is 0 on success, 1 on failure, and 2 for an invalid command line. An unknown",
        "command is reported on standard output with exit status 1, because clients of the protocol expect",
        "that.\n",
    ]
    for page in pages():
        parts += [f"## {page.command.name}\n", f"{page.command.description}\n", "```text"]
        parts += [f"{PROG} {page.synopsis}", "```\n"]
        if page.arguments:
            parts += ["| | |", "|---|---|"]
            parts += [f"| `{form.replace('|', chr(92) + '|')}` | {text} |" for form, text in page.arguments]
            parts += [""]
        parts += [f"Example: `{page.example}`\n"]
    return "\n".join(parts)


def definitions(rows: list[Argument] | tuple[tuple[str, str], ...]) -> list[str]:
    """Return roff lines that define terms."""
    return [line for term, text in rows for line in (".TP", f".B {roff(term)}", roff(text))]


def roff(text: str) -> str:
    """Escape the special characters of roff."""
    text = text.replace("\\", "\\\\").replace("-", "\\-").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    MAN_PAGE.write_text(man_page(), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
