"""The Python library: a cold ``get_credentials``, and gets from the memory of a ``CredentialProvider``."""

from pathlib import Path

from benchmarks.fixture import Fixture
from benchmarks.homes import PYTHON, REGION
from benchmarks.processes import Command
from benchmarks.report import Section

COLD, MEMORY, MINIMAL = (
    str(Path(__file__).with_name(name)) for name in ("cold_library.py", "memory_gets.py", "minimal.py")
)
THREADS = (8, 64)


def measure(fixture: Fixture) -> Section:
    """Compare a cold call with boto3 and the executable, and gets from memory with parsing a host."""
    section = Section("The Python library")
    section.note = (
        "Gets from memory: 256,000 in one process, with the start of Python and of the library. Parsing the "
        "host of a registry is one part of the work that a provider does only once for each string."
    )
    home, executable = fixture.home(), fixture.home()  # with separate caches
    password = fixture.api.password(REGION)

    def script(*argv: str) -> Command:
        return home.command(PYTHON, *argv, expected=password)

    def forget() -> None:
        home.forget()
        executable.forget()

    for baseline, other in (("minimal.py", script(MINIMAL)), ("cold get", executable.get())):
        commands = script(COLD), other
        section.add(fixture.compare("cold get_credentials", baseline, commands, 20, forget))
    one = script(MEMORY, "1")
    what = "gets from memory"
    section.add(fixture.compare(what, "parsing the host as often", (one, script(MEMORY, "parse")), 10))
    for number in THREADS:
        many = script(MEMORY, str(number))
        section.add(fixture.compare(f"{what}, {number} threads", "1 thread", (many, one), 10))
    return section
