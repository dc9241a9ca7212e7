"""Writes what is told of the commands twice: the man page and the reference page, from the command table.

    python -m tests.man_page

A test compares both files with the table. They are made of what the parser knows, not of its formatted
help, which differs between Python's versions.
"""

# ruff: noqa: SLF001 - argparse has no other way to tell what it knows

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from ecr_credhelper import __version__
from ecr_credhelper.cli import COMMANDS, INTRODUCTION, parser
from ecr_credhelper.errors import PROG

ROOT = Path(__file__).parents[1]
MAN_PAGE = ROOT / "docs/man/docker-credential-ecr-py.1"
REFERENCE = ROOT / "docs/reference/commands.md"

VERBS = (
    ("get", "a server string on standard input; the login as JSON on standard output"),
    ("store", "a login as JSON on standard input; kept until it ends"),
    ("erase", "a server string on standard input; its login and tokens are forgotten"),
    ("list", "the registries that can be served from the cache, as JSON"),
)
FILES = (
    ("~/.config/ecr-credhelper/config.toml", "settings: which profile, role or region for which registry"),
    ("~/.cache/ecr-credhelper", "cached tokens"),
    ("~/.docker/config.json", "Docker's configuration"),
)


class Argument(NamedTuple):
    """What a command takes: how it is written, and what it means."""

    form: str
    meaning: str


class Page(NamedTuple):
    """One command, as its pages tell of it."""

    name: str
    summary: str
    example: str
    arguments: list[Argument]

    @property
    def example_line(self) -> str:
        return f"{self.name} {self.example}".rstrip()

    @property
    def synopsis(self) -> str:
        return " ".join(
            [self.name, *(f"[{form}]" if form.startswith("-") else form for form, _ in self.arguments)]
        )


def pages() -> list[Page]:
    """Return all commands with their arguments."""
    table = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return [
        Page(
            *command,
            [argument(action) for action in table.choices[command.name]._actions if action.dest != "help"],
        )
        for command in COMMANDS
    ]


def argument(action: argparse.Action) -> Argument:
    """Return how an argument is written: ``--profile PROFILE``, ``HOST…``, ``[HOST]``."""
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    value = choices or str(action.metavar or action.dest.upper())
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {value}"
        return Argument(f"{', '.join(action.option_strings)}{value}", action.help or "")
    form = {"?": f"[{value}]", "*": f"[{value}…]", "+": f"{value}…"}.get(str(action.nargs), value)
    return Argument(form, action.help or "")


def man_page() -> str:
    """Return the man page: https://man7.org/linux/man-pages/man7/man-pages.7.html tells its sections."""
    lines = [
        f'.TH {PROG.upper()} 1 "" "{PROG} {__version__}" "User Commands"',
        ".SH NAME",
        f"{PROG} \\- logs Docker in to Amazon ECR",
        ".SH SYNOPSIS",
        f".B {PROG}",
        "COMMAND ...",
        ".SH DESCRIPTION",
        *map(paragraph, INTRODUCTION.rstrip().splitlines()),
        ".SH COMMANDS",
    ]
    for page in pages():
        lines += [f".SS {roff(page.synopsis)}", f"{roff(page.summary[0].upper() + page.summary[1:])}."]
        for form, meaning in page.arguments:
            lines += [".TP", f".B {roff(form)}", roff(meaning)]
        lines += [".PP", ".EX", roff(f"{PROG} {page.example_line}"), ".EE"]
    for title, rows in (("CREDENTIAL HELPER PROTOCOL", VERBS), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for form, meaning in rows:
            lines += [".TP", f".B {roff(form)}", roff(meaning)]
    lines += [
        ".SH EXIT STATUS",
        "0, or 1 when something failed, or 2 when the command line is wrong.",
        "An unknown command is 1, and told on standard output.",
        "",
    ]
    return "\n".join(lines)


def reference() -> str:
    """Return the reference page."""
    parts = [
        "# Commands\n",
        "What people run; Docker itself calls the verbs of the [protocol](protocol.md). Each tells the same",
        "with `--help`. Results go to standard output, all else to standard error; the exit status is 0, or",
        "1 when something failed, or 2 when the command line is wrong. An unknown command is 1, and told on",
        "standard output, as clients of the protocol expect it.\n",
    ]
    for page in pages():
        parts += [f"## {page.name}\n", f"{page.summary[0].upper()}{page.summary[1:]}.\n", "```text"]
        parts += [f"{PROG} {page.synopsis}", "```\n"]
        if page.arguments:
            parts += ["| | |", "|---|---|"]
            parts += [
                f"| `{form.replace('|', chr(92) + '|')}` | {meaning} |" for form, meaning in page.arguments
            ]
            parts += [""]
        parts += [f"Example: `{PROG} {page.example_line}`\n"]
    return "\n".join(parts)


def paragraph(line: str) -> str:
    """Return a line of a description: blank ones part paragraphs, indented ones are commands."""
    if line.startswith("  "):
        return f".EX\n{roff(line)}\n.EE"
    return roff(line) if line else ".PP"


def roff(text: str) -> str:
    """Escape what roff would take for its own."""
    text = text.replace("\\", "\\\\").replace("-", "\\-").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    MAN_PAGE.write_text(man_page(), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
