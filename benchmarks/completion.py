"""One TAB: the shell starts the helper at each, so its time is that of a process."""

from dataclasses import replace
from pathlib import Path

from benchmarks.homes import HELPER, Home
from benchmarks.processes import Command
from benchmarks.report import Section
from benchmarks.surroundings import Surroundings


def measure(surroundings: Surroundings) -> Section:
    """Compare a TAB after the start of a command and of an AWS profile with the interpreter's own start."""
    section = Section("One TAB")
    home = surroundings.home()
    for what, line, suggestion in (
        ("a command", "sta", "status"),
        ("an AWS profile", "password --profile proc", "process"),
    ):
        commands = _tab(home, line, suggestion), home.bare()
        section.add(surroundings.compare(f"a TAB for {what}", "python -c pass", commands, 40))
    return section


def _tab(home: Home, line: str, suggestion: str) -> Command:
    """Return what a shell runs at a TAB at the end of a line, with the suggestions on standard output."""
    typed = f"{Path(HELPER).name} {line}"
    variables = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout",
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }
    return replace(home.command(HELPER, says=suggestion), variables=variables)
