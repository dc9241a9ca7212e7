"""Which installer wrote the executable: their wrapper scripts differ in what they import."""

import sys
from pathlib import Path

from benchmarks import environments
from benchmarks.processes import run
from benchmarks.report import Section, say
from benchmarks.surroundings import Surroundings

OLD_PIP = "24.2"
"""One of the pips before 25.2, whose wrappers import ``re``."""

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


def prepare(folder: Path) -> None:
    """Make the environments, from a package index; where one cannot be made, leave the reason there."""
    places = {"python": sys.executable, "uv": environments.UV, "wheel": environments.own_wheel(folder)}
    for number, (name, commands) in enumerate(INSTALLERS.items()):
        say(f"an environment by {name}")
        environment = _environment(folder, number)
        filled = [
            [word.format(environment=environment, **places) for word in line.split()] for line in commands
        ]
        environments.try_all(environment, *filled)


def measure(surroundings: Surroundings) -> Section:
    """Compare each installer's executable with the interpreter of its own environment."""
    section = Section("Which installer wrote the executable: warm get")
    home = surroundings.home()
    run(home.get())
    heads = []
    for number, name in enumerate(INSTALLERS):
        environment = _environment(surroundings.directory, number)
        if reason := environments.failure(environment):
            section.skip(name, reason)
            continue
        helper = Path(environments.helper(environment))
        get, bare = home.get(helper=str(helper)), home.bare(str(environment / "bin/python"))
        section.add(surroundings.compare(name, "python -c pass", (get, bare), 60))
        heads += [f"# {name}", *helper.read_text().replace(str(environment), "...").splitlines()[:3]]
    section.note = "\n".join(
        (
            "Which one wrote yours: `head -3 $(command -v docker-credential-ecr-py)`. A line `import re` is "
            "what an old pip wrote.\n",
            *("```text", *heads, "```"),
        )
    )
    return section


def _environment(folder: Path, number: int) -> Path:
    return folder / f"installer{number}"
