"""Environments beside the present one, made before the measurements since they need a package index.

uv installs the same wheels in each: that takes a moment, and it writes byte code only where it is told. The
``venv`` module makes them, since uv's have a ``.pth`` file that runs at every start.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.homes import HELPER
from benchmarks.report import say
from tests.commands import checked

DISTRIBUTION = "docker-credential-ecr-py"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
UV = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv") or "uv"
ABOUT = "import ensurepip, platform; print(platform.python_implementation(), platform.python_version())"
SECONDS = 300
"""For a step of an installation; the whole takes a few seconds where the wheels are cached."""


def wheels(folder: Path) -> Path:
    """Return where the wheels of the helper and of all that it needs are."""
    return folder / "wheels"


def own_wheel(folder: Path) -> Path:
    """Return the helper's own wheel."""
    return next(wheels(folder).glob("docker_credential_ecr_py-*.whl"))


def plain(folder: Path) -> Path:
    """Return the environment without byte code of the helper and its dependencies."""
    return folder / "plain"


def compiled(folder: Path) -> Path:
    """Return the environment that differs from ``plain`` by its byte code alone."""
    return folder / "compiled"


def of_python(folder: Path, version: str) -> Path:
    """Return the environment of a version of Python, with the helper alone."""
    return folder / f"python{version}"


def helper(environment: Path) -> str:
    """Return an environment's helper."""
    return str(environment / "bin" / Path(HELPER).name)


def failure(environment: Path) -> str:
    """Return why there is no such environment, or nothing."""
    file = _failure_file(environment)
    return file.read_text() if file.exists() else ""


def prepare(folder: Path) -> None:
    """Collect the wheels and make the environments; where one cannot be made, leave the reason there."""
    say("the wheels of the helper and its dependencies")
    checked((sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels(folder)), "."))
    everything = ("--no-index", "--find-links", str(wheels(folder)), DISTRIBUTION)
    alone = ("--compile-bytecode", "--no-deps", str(own_wheel(folder)))
    make(plain(folder), sys.executable, *everything)
    make(compiled(folder), sys.executable, "--compile-bytecode", *everything)
    for version in VERSIONS:
        environment = of_python(folder, version)
        if python := next(_interpreters(version), ""):
            make(environment, python, *alone)
        else:
            _failure_file(environment).write_text("no such Python with ensurepip here")


def make(environment: Path, python: str, *packages: str) -> None:
    """Make an environment and install packages there, or leave the reason why it cannot be."""
    say(f"an environment of {python}: {environment.name}")
    install = (UV, "pip", "install", "--quiet", "--offline", "--python", str(environment / "bin/python"))
    try_all(environment, (python, "-m", "venv", "--without-pip", str(environment)), (*install, *packages))


def try_all(environment: Path, *commands: Sequence[str]) -> None:
    """Run the commands that make an environment; leave the reason there if one fails."""
    for command in commands:
        try:
            _run(*command)
        except (OSError, subprocess.SubprocessError) as error:
            reason = f"{type(error).__name__} of {Path(command[0]).name} {command[1]}"
            _failure_file(environment).write_text(reason)
            say(f"{reason}\n{getattr(error, 'stderr', '')}")
            return


def _interpreters(version: str) -> Iterator[str]:
    """Find a version of CPython: the newest patch that pyenv keeps, then the one on PATH."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = root.glob(f"versions/{version}.*/bin/python")
    newest = sorted(kept, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parts[-3])], reverse=True)
    for candidate in (*map(str, newest), shutil.which(f"python{version}")):
        try:
            if candidate and _run(candidate, "-c", ABOUT).startswith(f"CPython {version}."):
                yield candidate
        except (OSError, subprocess.SubprocessError):  # pyenv's stand-in for a version that is switched off
            continue


def _failure_file(environment: Path) -> Path:
    return environment.with_suffix(f"{environment.suffix}.failure")


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
    return done.stdout
