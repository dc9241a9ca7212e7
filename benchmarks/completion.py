"""Completion: the shell starts the helper each time the user presses TAB."""

from dataclasses import replace
from pathlib import Path

from benchmarks.fixture import Fixture
from benchmarks.homes import HELPER, Home
from benchmarks.processes import Command
from benchmarks.report import Section


def measure(fixture: Fixture) -> Section:
    """Compare the completion of a command and of an AWS profile with the start of the interpreter."""
    section = Section("One TAB")
    home = fixture.home()
    for what, line, suggestion in (
        ("a command", "sta", "status"),
        ("an AWS profile", "password --profile proc", "process"),
    ):
        commands = _tab(home, line, suggestion), home.bare()
        section.add(fixture.compare(f"a TAB for {what}", "python -c pass", commands, 40))
    return section


def _tab(home: Home, line: str, suggestion: str) -> Command:
    """Return the command that a shell runs to complete a line, with the suggestions on standard output."""
    typed = f"{Path(HELPER).name} {line}"
    variables = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout",
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }
    return replace(home.command(HELPER, expected=suggestion), variables=variables)
