"""Generate the man page and the reference page of the commands.

    python -m tests.man_page

The commands, their arguments, examples and exit statuses come from the code, the variables and files from the
reference pages. A test checks that both pages are up to date. They contain the parser's data but not its
formatted help, which differs between Python versions.
"""

# ruff: noqa: SLF001 - argparse has no public way to list its arguments

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ecr_credhelper import __version__
from ecr_credhelper.cli import COMMANDS, DESCRIPTION, EXAMPLES, EXIT_STATUSES, OPTIONS, Command, examples
from ecr_credhelper.cli.arguments import parser
from ecr_credhelper.cli.verbs import VERBS
from ecr_credhelper.errors import PROG

ROOT = Path(__file__).parents[1]
MAN_PAGE = ROOT / "docs/man/docker-credential-ecr-py.1"
REFERENCE = ROOT / "docs/reference/commands.md"
VARIABLES = ROOT / "docs/reference/environment-and-files.md"
SETTINGS = ROOT / "docs/reference/settings.md"

DOCKER_FILES = (
    ("~/.docker/config.json", "Docker's configuration, or config.json in the directory DOCKER_CONFIG"),
    ("~/.docker/config.json.before-ecr-py", "its content before configure, until unconfigure"),
)
SEE_ALSO = (("docker", 1), ("docker-login", 1), ("aws", 1), ("containers-auth.json", 5))


class Argument(NamedTuple):
    """An argument of a command: its syntax, and its help text."""

    form: str
    help: str


class Page(NamedTuple):
    """A command and its arguments."""

    command: Command
    arguments: list[Argument]

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
    value = str(action.metavar or choices or action.dest.upper())
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {value}"
        return Argument(f"{', '.join(action.option_strings)}{value}", action.help or "")
    form = {"?": f"[{value}]", "*": f"[{value}…]", "+": f"{value}…"}.get(str(action.nargs), value)
    return Argument(form, action.help or "")


def table(path: Path, *head: str) -> list[list[str]]:
    """Return the rows of the table of a page with this head, as plain text."""
    _, found, rest = path.read_text(encoding="utf-8").partition(f"| {' | '.join(head)} |\n")
    assert found, f"{path}: no table {head}"
    rows = rest.partition("\n\n")[0].splitlines()[1:]
    return [[plain(cell) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def plain(text: str) -> str:
    """Return Markdown as plain text."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    return re.sub(r"[`*]", "", text).replace("\\|", "|").strip()


def files() -> list[tuple[str, str]]:
    """Return the files of every system, and what each of them is."""
    found = [
        (path, f"{what} ({system})")
        for what, rows in (
            ("settings file", table(SETTINGS, "system", "file")),
            ("cache directory", table(VARIABLES, "system", "cache directory")),
        )
        for system, path in rows
        if system != "any"
    ]
    return [*found, *DOCKER_FILES]


def man_page() -> str:
    """Return the man page, with the sections from https://man7.org/linux/man-pages/man7/man-pages.7.html."""
    lines = [
        f'.TH {PROG.upper()} 1 "" "{PROG} {__version__}" "User Commands"',
        ".nh",  # hyphens would change paths and options
        ".SH NAME",
        f"{roff(PROG)} \\- Docker credential helper for Amazon ECR",
        ".SH SYNOPSIS",
        *(f".B {roff(PROG)}\n{roff(form)}\n.br" for form in ("COMMAND [OPTIONS]", "help [COMMAND]")),
        f".B {roff(PROG)}",
        "get|store|erase|list",
        ".SH DESCRIPTION",
        DESCRIPTION,
        "Configure it once, and docker pull and docker push work in every account and region that your AWS",
        "credentials can reach.",
        ".SH OPTIONS",
        *definitions(OPTIONS),
        ".SH COMMANDS",
    ]
    for page in pages():
        lines += [f".SS {roff(page.synopsis)}", roff(page.command.description)]
        lines += definitions(page.arguments)
    lines += [
        ".SH CREDENTIAL HELPER PROTOCOL",
        "Docker and other clients call these commands.",
        *definitions((verb.name, verb.description) for verb in VERBS),
        ".SH EXIT STATUS",
        *definitions((str(status), meaning) for status, meaning in EXIT_STATUSES),
        ".SH ENVIRONMENT",
        *definitions((name, meaning) for name, meaning in table(VARIABLES, "variable", "meaning")),
        ".SH FILES",
        *definitions(files()),
        ".SH EXAMPLES",
    ]
    for command in dict.fromkeys(command for _, command, _ in EXAMPLES):
        for label, line in examples(command):
            lines += [".TP", f"{roff(label)}:", ".EX", roff(line), ".EE"]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {roff(name)} ({section})" for name, section in SEE_ALSO), ""]
    return "\n".join(lines)


def reference() -> str:
    """Return the reference page."""
    parts = [
        "# Commands\n",
        "The commands for users. Docker itself calls the verbs of the [protocol](protocol.md). Run",
        "`help COMMAND` or `COMMAND --help` to see the same information. Results go to standard output,",
        "and everything else goes to standard error. An unknown command or a verb with arguments is reported",
        "on both, because clients of the protocol read standard output.\n",
        *markdown_table("exit status", "meaning", ((str(code), text) for code, text in EXIT_STATUSES)),
    ]
    for page in pages():
        parts += [f"## {page.command.name}\n", f"{page.command.description}\n", "```text"]
        parts += [f"{PROG} {page.synopsis}", "```\n"]
        if page.arguments:
            parts += markdown_table("", "", page.arguments)
        for label, line in examples(page.command.name):
            parts += [f"{label}:\n", "```text", line, "```\n"]
    return "\n".join(parts)


def markdown_table(first: str, second: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines of a table of terms and texts, and an empty line."""
    head = [f"| {first} | {second} |", "|---|---|"]
    return [*head, *(f"| `{term.replace('|', chr(92) + '|')}` | {text} |" for term, text in rows), ""]


def definitions(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return roff lines that define terms."""
    return [line for term, text in rows for line in (".TP", f".B {roff(term)}", roff(text))]


def roff(text: str) -> str:
    """Escape the special characters of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    MAN_PAGE.write_text(man_page(), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
