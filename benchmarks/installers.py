"""Executables of different installers, whose wrapper scripts have different imports."""

import sys
from pathlib import Path

from benchmarks import environments
from benchmarks.fixture import Fixture
from benchmarks.processes import run
from benchmarks.report import Section, say

OLD_PIP = "25.1.1"
"""The last version of pip whose wrappers import ``re``. It is the pip of Debian 13."""

PIP_INSTALL = "{environment}/bin/python -m pip install --quiet --no-deps {wheel}"
INSTALLERS = {
    "recent pip": (
        "{python} -m venv {environment}",
        "{environment}/bin/python -m pip install --quiet --upgrade pip",
        PIP_INSTALL,
    ),
    "uv": (
        "{uv} venv --quiet --python {python} {environment}",
        "{uv} pip install --quiet --no-deps --python {environment}/bin/python {wheel}",
    ),
    f"pip {OLD_PIP}": (
        "{python} -m venv {environment}",
        f"{{environment}}/bin/python -m pip install --quiet pip=={OLD_PIP}",
        PIP_INSTALL,
    ),
}


def prepare(directory: Path) -> None:
    """Create the environments from a package index; on failure, write the reason to a file."""
    places = {"python": sys.executable, "uv": environments.UV, "wheel": environments.own_wheel(directory)}
    for number, (name, commands) in enumerate(INSTALLERS.items()):
        say(f"an environment by {name}")
        environment = _environment(directory, number)
        filled = [
            [word.format(environment=environment, **places) for word in line.split()] for line in commands
        ]
        environments.try_all(environment, *filled)


def measure(fixture: Fixture) -> Section:
    """Compare each installer's executable with the interpreter of its own environment."""
    section = Section("Which installer wrote the executable: warm get")
    home = fixture.home()
    run(home.get())
    heads = []
    for number, name in enumerate(INSTALLERS):
        environment = _environment(fixture.directory, number)
        if reason := environments.failure(environment):
            section.skip(name, reason)
            continue
        helper = Path(environments.helper(environment))
        get, bare = home.get(helper=str(helper)), home.bare(str(environment / "bin/python"))
        section.add(fixture.compare(name, "python -c pass", (get, bare), 60))
        heads += [f"# {name}", *helper.read_text().replace(str(environment), "...").splitlines()[:3]]
    section.note = "\n".join(
        (
            "Which one wrote yours: `head -3 $(command -v docker-credential-ecr-py)`. A line `import re` is "
            "what an old pip wrote.\n",
            *("```text", *heads, "```"),
        )
    )
    return section


def _environment(directory: Path, number: int) -> Path:
    return directory / f"installer{number}"
