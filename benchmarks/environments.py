"""Create virtual environments before the measurements, because this needs a package index.

uv installs the same wheels in each of them: it is fast, and it writes byte code only on request. The module
``venv`` creates them, because those of uv have a ``.pth`` file that runs at every start.
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
TIMEOUT_SECONDS = 300
"""Time limit for a step of an installation, in seconds. With cached wheels, all steps take a few seconds."""


def wheels(directory: Path) -> Path:
    """Return the directory with the wheels of the helper and of its dependencies."""
    return directory / "wheels"


def own_wheel(directory: Path) -> Path:
    """Return the helper's own wheel."""
    return next(wheels(directory).glob("docker_credential_ecr_py-*.whl"))


def plain(directory: Path) -> Path:
    """Return the environment without byte code of the helper and its dependencies."""
    return directory / "plain"


def compiled(directory: Path) -> Path:
    """Return the environment that differs from ``plain`` only in its byte code."""
    return directory / "compiled"


def of_python(directory: Path, version: str) -> Path:
    """Return the environment of a version of Python, with the helper but without its dependencies."""
    return directory / f"python{version}"


def helper(environment: Path) -> str:
    """Return the path of the helper in an environment."""
    return str(environment / "bin" / Path(HELPER).name)


def failure(environment: Path) -> str:
    """Return why an environment cannot be created, or an empty string."""
    file = _failure_file(environment)
    return file.read_text() if file.exists() else ""


def prepare(directory: Path) -> None:
    """Build the wheels and create the environments; on failure, write the reason to a file."""
    say("the wheels of the helper and its dependencies")
    checked((sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels(directory)), "."))
    everything = ("--no-index", "--find-links", str(wheels(directory)), DISTRIBUTION)
    alone = ("--compile-bytecode", "--no-deps", str(own_wheel(directory)))
    make(plain(directory), sys.executable, *everything)
    make(compiled(directory), sys.executable, "--compile-bytecode", *everything)
    for version in VERSIONS:
        environment = of_python(directory, version)
        if python := next(_interpreters(version), ""):
            make(environment, python, *alone)
        else:
            _failure_file(environment).write_text("this Python with ensurepip is not installed")


def make(environment: Path, python: str, *packages: str) -> None:
    """Create an environment and install packages in it; on failure, write the reason to a file."""
    say(f"an environment of {python}: {environment.name}")
    install = (UV, "pip", "install", "--quiet", "--offline", "--python", str(environment / "bin/python"))
    try_all(environment, (python, "-m", "venv", "--without-pip", str(environment)), (*install, *packages))


def try_all(environment: Path, *commands: Sequence[str]) -> None:
    """Run the commands that create an environment; if one fails, write the reason to a file."""
    for command in commands:
        try:
            _run(*command)
        except (OSError, subprocess.SubprocessError) as error:
            reason = f"{type(error).__name__} of {Path(command[0]).name} {command[1]}"
            _failure_file(environment).write_text(reason)
            say(f"{reason}\n{getattr(error, 'stderr', '')}")
            return


def _interpreters(version: str) -> Iterator[str]:
    """Yield interpreters of a version of CPython: of pyenv, the newest first, then the one on PATH."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = root.glob(f"versions/{version}.*/bin/python")
    newest = sorted(
        installed, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parts[-3])], reverse=True
    )
    for candidate in (*map(str, newest), shutil.which(f"python{version}")):
        try:
            if candidate and _run(candidate, "-c", ABOUT).startswith(f"CPython {version}."):
                yield candidate
        except (
            OSError,
            subprocess.SubprocessError,
        ):  # a shim of pyenv for an inactive version
            continue


def _failure_file(environment: Path) -> Path:
    return environment.with_suffix(f"{environment.suffix}.failure")


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return done.stdout
