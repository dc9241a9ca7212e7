"""Find programs on PATH, and the executable of this helper."""

import os
import sys
from typing import TYPE_CHECKING

from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    from collections.abc import Mapping


PREFIX = "docker-credential-"
"""The start of the name of every credential helper's program."""


def which(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the path of a program, or None. Relative directories in PATH are not searched."""
    directories = filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep))
    suffixes = (".exe", ".cmd", ".bat") if os.name == "nt" else ("",)
    paths = (os.path.join(directory, name + suffix) for directory in directories for suffix in suffixes)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def is_this_helper(suffix: str, environ: "Mapping[str, str]") -> bool:
    """Return whether the suffix of a credential helper names this program, possibly through a symbolic link.

    For example, ``docker-credential-ecr-login`` on PATH can be a link to this program.
    """
    if f"{PREFIX}{suffix}" == PROG:
        return True
    program = which(f"{PREFIX}{suffix}", environ) if suffix else None
    return program is not None and os.path.basename(os.path.realpath(program)).startswith(PROG)


def running_executable() -> str:
    """Return the path of the running executable; with ``python -m``, the one beside the interpreter."""
    program = os.path.abspath(sys.argv[0])
    if not os.path.basename(program).startswith(PROG):
        program = os.path.join(os.path.dirname(sys.executable), PROG)
    # On Windows, the launchers of pip remove the suffix.
    return f"{program.removesuffix('.exe')}.exe" if os.name == "nt" else program
