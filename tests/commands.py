"""Run other programs in tests. On failure, the test shows their standard error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUFFIX = ".exe" if sys.platform == "win32" else ""
EXECUTABLE = str(Path(sys.executable).with_name(f"docker-credential-ecr-py{SUFFIX}"))


def link_to_executable(directory: Path) -> Path:
    """Put a link to the executable into a directory. On Windows, symbolic links require a privilege."""
    link = directory / Path(EXECUTABLE).name
    if sys.platform == "win32":
        link.hardlink_to(EXECUTABLE)
    else:
        link.symlink_to(EXECUTABLE)
    return link


WITH_LIMIT = """
import importlib, sys
module, name, seconds, *sys.argv = sys.argv[1:]
setattr(importlib.import_module(f"ecr_credhelper.{module}"), name, float(seconds))
from ecr_credhelper.__main__ import run
run()
"""


def with_limit(module: str, name: str, seconds: float) -> list[str]:
    """Return the command that runs the program as a process with another time limit.

    A busy machine exceeds the real limits, and a quiet one should not have to wait for them.
    """
    return [sys.executable, "-P", "-c", WITH_LIMIT, module, name, str(seconds), EXECUTABLE]


def checked(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed, and return its output on both streams.

    ``subprocess.run(check=True, capture_output=True)`` raises an error that hides the reason.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    shown = " ".join(map(str, command))
    assert done.returncode == 0, f"exit status {done.returncode} of {shown}:\n{done.stderr}{done.stdout}"
    return done


def output_of(command: Sequence[str | Path], **options: Any) -> str:
    """Run a command that must succeed, and return its standard output."""
    return checked(command, **options).stdout
