"""Which installer wrote the executable: their wrapper scripts differ in what they import."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.homes import HELPER, PYTHON
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
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def prepare(folder: Path) -> None:
    """Make the environments, from a package index; where one cannot be made, leave the reason there."""
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    subprocess.run(build, check=True)
    places = {
        "python": sys.executable,
        "uv": shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv") or "uv",
        "wheel": next(folder.glob("*.whl")),
    }
    for number, (name, commands) in enumerate(INSTALLERS.items()):
        say(f"an environment by {name}")
        environment = folder / str(number)
        for command in commands:
            words = [word.format(environment=environment, **places) for word in command.split()]
            try:
                subprocess.run(words, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                _failure(environment).write_text(f"{type(error).__name__} of {Path(words[0]).name}")
                break


def measure(surroundings: Surroundings) -> Section:
    """Compare each installer's executable with the interpreter of its own environment."""
    section = Section("Which installer wrote the executable: warm get")
    home = surroundings.home()
    run(home.get())
    heads = []
    for number, name in enumerate(INSTALLERS):
        environment = surroundings.directory / str(number)
        if _failure(environment).exists():
            section.skip(name, _failure(environment).read_text())
            continue
        helper = environment / "bin" / Path(HELPER).name
        get, bare = home.get(helper=str(helper)), home.bare(str(environment / "bin" / Path(PYTHON).name))
        if not any(environment.glob("lib/*/site-packages/ecr_credhelper/__pycache__")):
            # The next row's warm-up writes it.
            uncompiled = replace(get, variables={**get.variables, **NO_BYTECODE})
            what = f"{name}, where Python may not write byte code"
            section.add(surroundings.compare(what, "python -c pass", (uncompiled, bare), 60))
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


def _failure(environment: Path) -> Path:
    return environment.with_suffix(".failure")
