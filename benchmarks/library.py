"""The Python library: a cold ``get_credentials``, and gets from the memory of a ``CredentialProvider``."""

from pathlib import Path

from benchmarks.homes import PYTHON, REGION
from benchmarks.processes import Command
from benchmarks.report import Section
from benchmarks.surroundings import Surroundings

COLD, MEMORY, MINIMAL = (
    str(Path(__file__).with_name(name)) for name in ("cold_library.py", "memory_gets.py", "minimal.py")
)
THREADS = (8, 64)


def measure(surroundings: Surroundings) -> Section:
    """Compare a cold call with boto3 and the executable, and gets from memory with parsing a host."""
    section = Section("The Python library")
    section.note = (
        "Gets from memory: 256,000 in one process, with the start of Python and of the library. Parsing the "
        "host of a registry is one part of the work that a provider does only once for each string."
    )
    home, executable = surroundings.home(), surroundings.home()  # each with a cache of its own
    password = surroundings.api.password(REGION)

    def script(*argv: str) -> Command:
        return home.command(PYTHON, *argv, says=password)

    def forget() -> None:
        home.forget()
        executable.forget()

    for beside, other in (("minimal.py", script(MINIMAL)), ("cold get", executable.get())):
        commands = script(COLD), other
        section.add(surroundings.compare("cold get_credentials", beside, commands, 20, forget))
    one = script(MEMORY, "1")
    what = "gets from memory"
    section.add(surroundings.compare(what, "parsing the host as often", (one, script(MEMORY, "parse")), 10))
    for number in THREADS:
        many = script(MEMORY, str(number))
        section.add(surroundings.compare(f"{what}, {number} threads", "1 thread", (many, one), 10))
    return section
